"""What removed pixels are replaced by. Each is a dataclass of settings with ``build(classifier) -> Infill``."""
