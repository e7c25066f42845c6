"""How good an explanation is, per image."""
