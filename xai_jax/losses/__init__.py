"""Losses and penalties, per example: ``[b]`` out; averaging happens in `core.gradient` only."""
