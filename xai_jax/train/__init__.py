"""Training: one loop for everything that learns across images."""
