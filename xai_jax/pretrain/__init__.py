"""Networks that are trained before there is anything to explain: classifiers."""
