"""xai_jax explains frozen image classifiers: which pixels would change the decision?"""

from typing import TYPE_CHECKING

from xai_jax.core.version import VERSION

__version__ = VERSION
__all__ = [
    "Classifier",
    "Explanation",
    "Head",
    "Infill",
    "compare",
    "evaluate",
    "explain",
    "load",
    "load_trained",
]

if TYPE_CHECKING:
    from xai_jax.api import explain, load_trained
    from xai_jax.core.classifier import Classifier
    from xai_jax.core.infill import Infill
    from xai_jax.core.targets import Head
    from xai_jax.core.types import Explanation
    from xai_jax.report.notebook import compare
    from xai_jax.runtime.results import load
    from xai_jax.scoring.evaluate import evaluate


def __getattr__(name: str):
    """The public names, imported when first used: importing the package starts no device."""
    if name in {"explain", "load_trained"}:
        from xai_jax import api

        return {"explain": api.explain, "load_trained": api.load_trained}[name]
    if name == "compare":
        from xai_jax.report.notebook import compare

        return compare
    if name == "load":
        from xai_jax.runtime.results import load

        return load
    if name == "evaluate":
        from xai_jax.scoring.evaluate import evaluate

        return evaluate
    if name in {"Classifier", "Explanation", "Head", "Infill"}:
        from xai_jax.core import classifier, infill, targets, types

        return {
            "Classifier": classifier.Classifier,
            "Explanation": types.Explanation,
            "Head": targets.Head,
            "Infill": infill.Infill,
        }[name]
    if name in {"infills", "methods"}:  # xai_jax.methods.gradcam, without an import of its own
        import xai_jax.choices  # noqa: F401 - which imports every one
        from xai_jax import infills, methods

        return {"infills": infills, "methods": methods}[name]
    raise AttributeError(f"module 'xai_jax' has no attribute '{name}'")


def __dir__() -> list[str]:
    """What a notebook completes."""
    return sorted([*__all__, "__version__", "infills", "methods"])
