"""NN-Explainer: one network, trained on one classifier, that draws the masks of all classes.

Stalder et al., "What You See is What You Classify: Black Box Attributions", NeurIPS 2022.
"""

import dataclasses
import enum
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp

from xai_jax.core.class_activation import evidence_map
from xai_jax.core.domains import Count, Natural, NotNegative, Share
from xai_jax.core.method import Frozen, Method
from xai_jax.core.settings import Settings
from xai_jax.core.types import Batch, Images, Logits, PerExample, PRNGKey
from xai_jax.losses.class_masks import ClassMaps
from xai_jax.methods.explainer import terms
from xai_jax.methods.mask_learner import check_labels, mask_learner
from xai_jax.nn.learner import adam
from xai_jax.nn.segmenter import Architecture, Segmenter


class ClassifierMode(enum.Enum):
    """How the classifier answers while the Explainer learns; its weights never change."""

    EVAL = "eval"  # as it explains: dropout off, the statistics of batch norm as they are
    TRAIN_LIKE_REFERENCE = "train_like_reference"  # as if it were trained: the authors' runs


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings; the defaults are the authors' run on VOC-2007 with VGG-16.

    Attributes:
        network: draws the masks.
        entropy_weight: of minus the entropy on the removed part, over the number of classes.
        presence_weight: of what the removed part still shows of the picture's classes; not
            published, and needed where there is one class.
        variation_weight: of the total variation of both merged masks.
        bound_weight: of what the area of each class's mask exceeds its bounds by.
        target_area_weight: of the area of the mask of the classes in the picture.
        other_area_weight: of the area of the mask of all others.
        min_area: lower bound of a class's mask, share of the picture; 0: none.
        max_area: upper bound; 1: none.
        max_targets: most classes of one picture; more of them make the loss NaN. 80 for the splits
            ``*_and_empty`` of COCO.
        learning_rate: of Adam, which is constant.
        trunk_rate: of the network's trunk, which begins with ImageNet's weights; ``None``:
            `learning_rate`, as published.
        decay_steps: steps over which the rate falls to 0 along a half cosine; 0: it stays constant.
        micro_batches: a batch goes through the networks in so many parts; bounds memory.
        from_evidence: the masks begin as the classifier's own evidence maps
            (`core.class_activation.evidence_map`), to which the network adds; not published, and
            for few pictures, of which a network does not learn anew what the classifier knows. The
            classifier must be in two halves, and is asked once more a picture.
        classifier_mode: how the classifier answers while the Explainer learns. In the authors' runs
            its dropout was on, drawn for the kept and the removed part apart, and its batch norm
            went by each part's own statistics, with which the running ones drifted; validations
            then use those, and explanations do not ask it. EVAL costs less.
        self_explaining: the network's own class scores (means of its mask logits) take the place of
            the classifier, which then only says how pictures are normalised.
        coherency_weight: of the difference of the two masks of the self-explaining network.
    """

    network: Segmenter = dataclasses.field(default_factory=lambda: Segmenter(num_classes=20))
    entropy_weight: NotNegative = 1.0
    presence_weight: NotNegative = 0.0
    variation_weight: NotNegative = 1.0
    bound_weight: NotNegative = 1.0
    target_area_weight: NotNegative = 0.1
    other_area_weight: NotNegative = 0.3
    min_area: Share = 0.05
    max_area: Share = 0.3
    max_targets: Count = 20
    learning_rate: NotNegative = 1e-5
    trunk_rate: NotNegative | None = None
    decay_steps: Natural = 0
    micro_batches: Count = 1
    from_evidence: bool = False
    classifier_mode: ClassifierMode = ClassifierMode.EVAL
    self_explaining: bool = False
    coherency_weight: NotNegative = 1.0

    @classmethod
    def voc_resnet50(cls) -> "Config":
        """The authors' run on VOC-2007 with ResNet-50."""
        return cls(
            entropy_weight=3.0,
            bound_weight=0.8,
            target_area_weight=0.01,
            learning_rate=1e-4,
        )

    @classmethod
    def coco_vgg16(cls) -> "Config":
        """The authors' run on COCO-2014 with VGG-16; channel k is category id k."""
        return cls(
            network=Segmenter(num_classes=91),
            variation_weight=0.3,
            bound_weight=0.3,
            target_area_weight=0.03,
            other_area_weight=0.1,
        )

    @classmethod
    def coco_resnet50(cls) -> "Config":
        """The authors' run on COCO-2014 with ResNet-50; channel k is category id k."""
        return cls(
            network=Segmenter(num_classes=91),
            entropy_weight=3.0,
            variation_weight=0.05,
            bound_weight=0.1,
            target_area_weight=0.01,
            other_area_weight=0.03,
        )

    @classmethod
    def smoke(cls) -> "Config":
        """The smallest honest run: a minute on one CPU core, on small pictures of four classes."""
        return cls(
            network=Segmenter(num_classes=4, architecture=Architecture.LIGHT),
            max_targets=4,
            learning_rate=3e-3,
        )

    @property
    def num_classes(self) -> int:
        """Of the network, which draws one mask a class."""
        return self.network.num_classes

    def build(self) -> Method:
        """The method with these settings."""
        return explainer(self)


def explainer(cfg: Config) -> Method:
    """Learns to draw the masks of all classes; a Batch needs labels while it learns, only then."""
    _check(cfg)
    tx = adam(cfg.learning_rate, cfg.decay_steps, trunk_rate=cfg.trunk_rate)
    judge = functools.partial(_judged, cfg)
    return mask_learner(
        cfg.network.build(),
        tx,
        judge,
        begin=evidence_map if cfg.from_evidence else None,
        micro_batches=cfg.micro_batches,
        classifier_trains=cfg.classifier_mode is ClassifierMode.TRAIN_LIKE_REFERENCE,
    )


def _check(cfg: Config) -> None:
    """Refuses settings that do not go together."""
    if cfg.min_area > cfg.max_area:
        raise ValueError(
            f"min_area {cfg.min_area} is larger than max_area {cfg.max_area}; exchange the two."
        )
    if cfg.self_explaining and cfg.presence_weight:
        raise ValueError(
            "self_explaining never asks the classifier about the removed part; set "
            "presence_weight to 0."
        )
    if cfg.self_explaining and cfg.classifier_mode is not ClassifierMode.EVAL:
        raise ValueError(
            "self_explaining never asks the classifier, whose mode then decides nothing; "
            "set classifier_mode to EVAL."
        )
    if cfg.self_explaining and cfg.from_evidence:
        raise ValueError(
            "self_explaining draws masks of which the class scores are the means, and the "
            "classifier has no part in them; set from_evidence to False."
        )


def _judged(
    cfg: Config,
    frozen: Frozen,
    batch: Batch,
    draw: Callable[[Images], ClassMaps],
    key: PRNGKey,
    ask: Callable[[Images], Logits] | None = None,
) -> tuple[PerExample, terms.Terms]:
    """The loss of each picture, and its terms before they are weighted; see `methods.mask_learner`.

    Beside the terms, how many classes the classifier finds rightly and wrongly in the kept part.

    Raises:
        ValueError: the labels are missing, or of another number of classes than the masks.
    """
    check_labels(batch, cfg.network.num_classes)
    area = cfg.min_area, cfg.max_area
    if cfg.self_explaining:
        found, decisions = terms.self_explained(
            frozen, batch, draw, key, max_targets=cfg.max_targets, area=area
        )
    else:
        drawn = draw(batch.images)
        found, decisions = terms.explained(
            frozen, batch, drawn, key, max_targets=cfg.max_targets, area=area, ask=ask
        )
    weights = _weights(cfg)
    total = jax.tree.reduce(jnp.add, [weights[name] * found[name] for name in found])
    return total, found | decisions


def _weights(cfg: Config) -> dict[str, float]:
    """Of each term in the sum."""
    return {
        "classification": 1.0,
        "similarity": 1.0,
        "coherency": cfg.coherency_weight,
        "entropy": cfg.entropy_weight,
        "presence": cfg.presence_weight,
        "variation": cfg.variation_weight,
        "area_bound": cfg.bound_weight,
        "target_area": cfg.target_area_weight,
        "other_area": cfg.other_area_weight,
    }
