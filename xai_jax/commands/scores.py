"""What ``xai-jax explain`` measures of each picture, by the explained classifier and an oracle."""

import dataclasses

from xai_jax.classifiers import pretrained
from xai_jax.classifiers.onnx.about import About
from xai_jax.classifiers.pretrained import Pretrained
from xai_jax.core.method import Inspector
from xai_jax.core.metric import Metric
from xai_jax.core.outputs import COUNTERFACTUAL, KEEP
from xai_jax.core.precision import Precision
from xai_jax.metrics.counterfactuals import flips
from xai_jax.metrics.fidelity import fidelity

_ONNX = ".onnx"


def metrics(inspector: Inspector, oracle: Pretrained | None) -> tuple[Metric, ...]:
    """The parts are scored of methods that cut one out, the flips of those that make pictures.

    Raises:
        ValueError: there is an oracle and no counterfactual for it to decide.
    """
    own = inspector.method
    declared = own.build().outputs
    if COUNTERFACTUAL in declared:
        decided = (own.decided_class or 0) if hasattr(own, "decided_class") else None
        return (flips(None if oracle is None else oracle.classifier, decided),)
    if oracle is not None:
        raise ValueError(
            "An oracle decides counterfactual pictures and this method makes none; leave out "
            "--oracle, or choose a method that does: syce, steex or latent_shift, say."
        )
    return (fidelity(),) if KEEP in declared else ()


def load_oracle(
    name: str | None, about: About, model: Pretrained, precision: Precision
) -> Pretrained | None:
    """The classifier that is asked beside the explained one; ``None``: nobody is.

    Args:
        name: as `pretrained.load` takes it.
        about: of an ONNX file.
        model: the explained classifier.
        precision: of what it computes in.

    Raises:
        ValueError: there is no such classifier, or it is none of the same classes and pictures
            (`pretrained.check_oracle`).
    """
    if name is None:
        return None
    found = pretrained.load(name, None, about if name.endswith(_ONNX) else None)
    pretrained.check_oracle(name, found, model)
    return dataclasses.replace(found, classifier=found.classifier.in_precision(precision))
