"""What every other part stands on: types, the optimisation loop, image operations."""
