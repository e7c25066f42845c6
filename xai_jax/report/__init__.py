"""What users look at: panels for notebooks and the self-contained page of a run."""

from xai_jax.report.page import write

__all__ = ["write"]
