"""Scores of explanations: every method is explained once, and scored as often as is asked."""
