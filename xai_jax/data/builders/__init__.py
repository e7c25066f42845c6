"""Builders of TFDS data sets from the original archives, without TensorFlow."""
