"""Maps that know nothing of the classifier: what any explanation must be better than."""

from xai_jax.methods.controls.method import CentredBlob, Edges, Random

__all__ = ["CentredBlob", "Edges", "Random"]
