"""Frozen image classifiers in pure JAX: plain functions over a dict of arrays."""
