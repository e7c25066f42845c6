"""What stands in for removed pixels: settings with ``build(classifier) -> Infill``."""
