"""Latent spaces for methods that move codes: settings with ``build(classifier) -> Generator``."""
