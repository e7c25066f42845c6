"""What every other part stands on: types, classifiers, infills, the optimisation loop, image operations."""
