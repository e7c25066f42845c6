"""The explained classifier: a pretrained trunk, frozen or not, under a new head for own classes."""

import dataclasses
import functools
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import optax

from xai_jax.core import classifier_training
from xai_jax.core.classifier import Classifier
from xai_jax.core.domains import Count, Natural, NotNegative, ShareBelowOne
from xai_jax.core.method import Frozen, Trainable
from xai_jax.core.rng import dropped, example_keys
from xai_jax.core.settings import Settings
from xai_jax.core.targets import Head
from xai_jax.core.types import Batch, Logits, PerExample, PRNGKey, PyTree
from xai_jax.losses import evidence
from xai_jax.metrics import labels
from xai_jax.nn import learner
from xai_jax.nn.learner import Learner

_HEAD = ("hidden", "classes")  # the dense layers of our networks; the rest is the trunk


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings; the defaults are the published classifiers' on VOC-2007 and COCO-2014 (ResNet-50).

    The trunk is that of the experiment's `classifier`, and the new head has its form: one dense
    layer on the mean of the features, or for VGG-16 and AlexNet three of them on 7 x 7 (6 x 6)
    cells. Batch norm is folded into the convolutions of all but those called ``..._batch_norm``,
    whose running statistics adapt to the pictures even under a frozen trunk, as the published ones
    did.

    Attributes:
        num_classes: of the new head.
        head: SIGMOID: each class by itself, the mean over classes of binary cross-entropies against
            `Batch.labels`. SOFTMAX: one class a picture, cross-entropy against `Batch.target`.
        learning_rate: of Adam, for the head.
        trunk_frozen: the trunk stays as it is.
        trunk_rate: of Adam, for the trunk where it is trained.
        decay_steps: steps over which both rates fall to 0 along a half cosine; 0: they stay.
        dropout: share that a step leaves out of what each hidden layer answers, or, in a head of
            one layer, of the means of the features. VGG-16 has 0.5.
        micro_batches: a batch goes through the network in so many parts; bounds memory.
    """

    num_classes: Count
    head: Head = Head.SIGMOID
    learning_rate: NotNegative = 1e-4
    trunk_frozen: bool = True
    trunk_rate: NotNegative = 1e-5
    decay_steps: Natural = 0
    dropout: ShareBelowOne = 0.0
    micro_batches: Count = 1

    def build(self) -> Trainable:
        """What a training loop needs; the state is a `nn.learner.Learner`."""
        return classifier(self)


def classifier(cfg: Config) -> Trainable:
    """Learns the head, and the trunk where it is not frozen.

    ``Learner.params`` is ``{"trunk", "head"}``: both together are the parameters of the network
    that the trunk was taken from, but for the running statistics of batch norm that is not folded:
    those are ``Learner.statistics``. A frozen trunk is in the state too, unchanged, so that the
    state is the whole classifier.
    """
    tx = _optimiser(cfg)

    def init(key: PRNGKey, frozen: Frozen, batch: Batch) -> Learner:
        _check_labels(cfg, batch)
        trunk, head = _parts(frozen.classifier)
        # Copies, for a loop may give the state's memory away.
        params = {"trunk": jax.tree.map(jnp.copy, trunk), "head": _fresh(head, cfg, key)}
        statistics = jax.tree.map(jnp.copy, classifier_training.statistics(frozen.classifier))
        opt_state = tx.init(_trained(cfg, params))
        return Learner(params=params, statistics=statistics, opt_state=opt_state)

    def step(state, frozen, batch, key, axis_name=None):
        part = dataclasses.replace(state, params=_trained(cfg, state.params))
        loss = functools.partial(_loss, cfg, axis_name=axis_name)
        part, metrics = learner.minimise(
            part,
            tx,
            loss,
            batch,
            frozen,
            state.params,
            key,
            axis_name=axis_name,
            micro_batches=cfg.micro_batches,
        )
        return dataclasses.replace(part, params={**state.params, **part.params}), metrics

    def measure(weights, state, frozen, batch, key):
        del state, key
        network = _network(frozen.classifier, weights.params, weights.statistics)
        logits = network.logits_of_features(network.features(batch.images))
        per_example, terms = _judged(cfg, logits, batch)
        return {"loss": per_example, **terms}

    return Trainable(init=init, step=step, measure=measure, weights=learner.weights)


def _loss(
    cfg: Config,
    params: Mapping[str, PyTree],
    statistics: PyTree,
    batch: Batch,
    frozen: Frozen,
    whole: Mapping[str, PyTree],
    key: PRNGKey,
    axis_name: str | None,
) -> tuple[PerExample, dict[str, PerExample], PyTree]:
    """For `core.gradient.mean_loss_and_grad`; `params` are the trained part of `whole`."""
    network = _network(frozen.classifier, {**whole, **params}, statistics)
    features, statistics = classifier_training.features(
        network, batch.images, weight=batch.weight, axis_name=axis_name
    )
    drop = functools.partial(dropped, cfg.dropout, example_keys(key, batch.image_id))
    assert network.head_fn is not None  # `_parts` has looked
    logits = network.head_fn(network.params, features, drop=drop)
    per_example, terms = _judged(cfg, logits, batch)
    return per_example, terms, statistics


def _optimiser(cfg: Config) -> optax.GradientTransformation:
    head = learner.adam(cfg.learning_rate, cfg.decay_steps)
    if cfg.trunk_frozen:
        return head
    rates = {"trunk": learner.adam(cfg.trunk_rate, cfg.decay_steps), "head": head}
    return optax.multi_transform(rates, {"trunk": "trunk", "head": "head"})


def _trained(cfg: Config, params: Mapping[str, PyTree]) -> dict[str, PyTree]:
    """What the optimiser changes."""
    return {"head": params["head"]} if cfg.trunk_frozen else dict(params)


def _parts(pretrained: Classifier) -> tuple[PyTree, PyTree]:
    """Trunk and head of one of our networks.

    Raises:
        ValueError: the classifier is none of them.
    """
    params = pretrained.params
    is_ours = isinstance(params, Mapping) and "classes" in params
    if not is_ours or pretrained.features_fn is None or pretrained.head_fn is None:
        raise ValueError(
            "A new head needs one of the networks of xai_jax.classifiers under it; set the "
            "experiment's classifier to pretrained.Named(name=...)."
        )
    head = {name: params[name] for name in _HEAD if name in params}
    moving = {"statistics"} if classifier_training.statistics(pretrained) else set()
    return {name: leaf for name, leaf in params.items() if name not in {*head, *moving}}, head


def _fresh(head: PyTree, cfg: Config, key: PRNGKey) -> PyTree:
    """Dense layers of the same inputs, uniform up to one over the root of their number (PyTorch's).

    Of the head's last layer, the outputs are the new classes.
    """
    keys = iter(jax.random.split(key, 2 * len(jax.tree.leaves(head))))

    def dense(layer, outputs):
        inputs = layer["kernel"].shape[0]
        draw = functools.partial(jax.random.uniform, minval=-(inputs**-0.5), maxval=inputs**-0.5)
        return {
            "kernel": draw(next(keys), (inputs, outputs)),
            "bias": draw(next(keys), (outputs,)),
        }

    fresh = {"classes": dense(head["classes"], cfg.num_classes)}
    if "hidden" in head:
        fresh["hidden"] = [dense(layer, layer["bias"].shape[0]) for layer in head["hidden"]]
    return fresh


def _network(
    pretrained: Classifier, params: Mapping[str, PyTree], statistics: PyTree
) -> Classifier:
    """The classifier with the parameters ``{"trunk", "head"}``."""
    whole = {**params["trunk"], **params["head"]}
    used = dataclasses.replace(pretrained, params=whole)
    return classifier_training.with_statistics(used, statistics)


def _judged(cfg: Config, logits: Logits, batch: Batch) -> tuple[PerExample, dict[str, PerExample]]:
    """The loss ``[b]`` in nats, and right and wrong decisions."""
    _check_labels(cfg, batch)
    if cfg.head is Head.SOFTMAX:
        right = jnp.argmax(logits, axis=1) == batch.target
        loss = evidence.cross_entropy(logits, batch.target)
        return loss, {"accuracy": right.astype(jnp.float32)}
    decisions = labels.decisions(logits, batch.labels, threshold=labels.CLASSIFIER_THRESHOLD)
    return evidence.binary_cross_entropy(logits, batch.labels), decisions


def _check_labels(cfg: Config, batch: Batch) -> None:
    found = None if batch.labels is None else batch.labels.shape[1]
    if found is None and cfg.head is Head.SOFTMAX:
        return  # the target says it all
    if found != cfg.num_classes:
        has = "no labels" if found is None else f"labels of {found} classes"
        raise ValueError(
            f"num_classes is {cfg.num_classes}, and the data has {has}; make the two agree."
        )
