"""Maps that know nothing of the classifier: what any explanation must be better than."""

from xai_jax.methods.controls.method import CentredBlob, Edges, NotDark, Random

__all__ = ["CentredBlob", "Edges", "NotDark", "Random"]
