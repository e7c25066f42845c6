"""What others would write: the same computations, plainly, in torch (extra `peers`)."""
