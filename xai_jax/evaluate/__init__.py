"""Scores of explanations against what people drew: one loop for every method."""
