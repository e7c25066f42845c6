"""The losses of RTIS, term by term, each ``[b]``; the network and the single mask share them.

Dabkowski, Gal, "Real Time Image Saliency for Black Box Classifiers", NIPS 2017. m is the keep mask,
r the alternative image: x+ = m x + (1 - m) r shows what is kept, x- = (1 - m) x + m r the rest.
"""

import dataclasses
import enum

import jax

from xai_jax.core.classifier import Classifier
from xai_jax.core.domains import NotNegative, Positive
from xai_jax.core.settings import Settings
from xai_jax.core.targets import Head
from xai_jax.core.types import Classes, Images, Maps, PerExample
from xai_jax.losses import evidence, masks
from xai_jax.losses.class_masks import Labels

Terms = dict[str, PerExample]


class Form(enum.Enum):
    """What the classifier's answers are measured by."""

    PROBABILITIES = "probabilities"  # of the classes in the picture: the paper's formula
    MARGINS = "margins"  # of the class's logit over the best other one: the authors' code


@dataclasses.dataclass(slots=True, kw_only=True)
class Loss(Settings):
    """The loss; the defaults are the formula as NN-Explainer's authors adapted it.

    Attributes:
        form: what the classifier's answers are measured by.
        preservation_weight: of what x+ lacks to show the class.
        destruction_weight: of what x- still shows of it.
        destruction_power: the probability left in x- is raised to it; of the probabilities.
        confidence: by how many nats x- shall put another class before it; of the margins.
        area_weight: of the mean of the mask, raised to `area_power`.
        area_power: below 1, small values are pressed to 0; of the margins.
        area_offset: added to the mask before that.
        variation_weight: of the mask's squared steps: their mean, or of the margins half their sum.
        border_weight: of the border's own squares in that sum.
    """

    form: Form = Form.PROBABILITIES
    preservation_weight: NotNegative = 1.0
    destruction_weight: NotNegative = 5.0
    destruction_power: Positive = 0.3
    confidence: NotNegative = 5.0
    area_weight: NotNegative = 1.0
    area_power: Positive = 0.3
    area_offset: NotNegative = 0.0005
    variation_weight: NotNegative = 10.0
    border_weight: NotNegative = 0.3

    @classmethod
    def released_code(cls) -> "Loss":
        """As the authors' code trains its network."""
        return cls(
            form=Form.MARGINS,
            preservation_weight=0.3,
            destruction_weight=1.0,
            area_weight=8.0,
            variation_weight=0.005,
        )

    @classmethod
    def iterative(cls) -> "Loss":
        """As the authors' code optimises the mask of one picture, without a network."""
        return cls(
            form=Form.MARGINS,
            preservation_weight=0.2,
            destruction_weight=1.0,
            area_weight=11.0,
            variation_weight=0.5,
        )


def weighted(cfg: Loss, terms: Terms) -> PerExample:
    """The sum of the terms of either form."""
    return (
        cfg.preservation_weight * terms["preservation"]
        + cfg.destruction_weight * terms["destruction"]
        + cfg.area_weight * terms["area"]
        + cfg.variation_weight * terms["variation"]
    )


def by_probabilities(
    cfg: Loss,
    classifier: Classifier,
    keep: Maps,
    images: Images,
    alternative: Images,
    labels: Labels,
) -> Terms:
    """``10 TV2(m) + mean(m) - log f(x+) + 5 f(x-)^0.3`` (eq. 3; weights of the adaptation).

    Args:
        cfg: the powers.
        classifier: f is its softmax, or of many labels each class's sigmoid.
        keep: m.
        images: x, ``[b h w c]`` unit pixels.
        alternative: r.
        labels: ``[b k]``, above 0 for the classes that the mask is of.
    """
    on_kept, on_removed = evidence.of_both_parts(classifier, images, keep, alternative)
    log = jax.nn.log_softmax if classifier.head is Head.SOFTMAX else jax.nn.log_sigmoid
    left = evidence.remaining_evidence(log(on_removed), labels, power=cfg.destruction_power)
    return {
        "preservation": evidence.lacking_evidence(log(on_kept), labels),
        "destruction": left,
        "area": masks.area(keep),
        "variation": masks.mean_squared_variation(keep),
    }


def by_margins(
    cfg: Loss,
    classifier: Classifier,
    keep: Maps,
    images: Images,
    alternative: Images,
    target: Classes,
    is_fake: PerExample,
) -> Terms:
    """The terms of the authors' code, on logits.

    Args:
        cfg: margins, powers and offsets.
        classifier: of two classes or more.
        keep: m.
        images: x, ``[b h w c]`` unit pixels.
        alternative: r.
        target: the class that the mask is of.
        is_fake: 1 where that class is not in the picture, so that x+ shall not show it.

    Raises:
        ValueError: there is no other class to compare with.
    """
    on_kept, on_removed = evidence.of_both_parts(classifier, images, keep, alternative)
    if on_kept.shape[1] < 2:
        raise ValueError(
            "Margins compare a class with the others, of which this classifier has none; "
            "set loss.form to probabilities."
        )
    return {
        "preservation": evidence.preservation_margin(on_kept, target, is_fake),
        "destruction": evidence.destruction_margin(
            on_removed, target, is_fake, confidence=cfg.confidence
        ),
        "area": masks.rooted_area(keep, cfg.area_power, cfg.area_offset),
        "variation": masks.bordered_squared_variation(keep, cfg.border_weight),
    }
