"""One step of SyCE: the generators' updates, domain after domain, and one of each critic."""

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import struct

from xai_jax.core import decision
from xai_jax.core.gradient import mean_loss_and_grad
from xai_jax.core.method import Frozen
from xai_jax.core.rng import example_keys, split_each
from xai_jax.core.types import AnyArray, Batch, Images, PerExample, PRNGKey, PRNGKeys, PyTree
from xai_jax.losses.adversarial import gradient_penalty, says
from xai_jax.methods.syce import domains, terms
from xai_jax.methods.syce.domains import BOTH, EITHER, NAMES
from xai_jax.methods.syce.settings import Generators
from xai_jax.nn import learner
from xai_jax.nn.learner import Learner

_SLOWER, _SLOWEST = 0.3, 0.1  # of the rate at a plateau, and the least share of it


@struct.dataclass
class State:
    """Generators and critics while they learn.

    Fields:
        generators: their parameters by domain, under one optimiser.
        critics: by domain; empty where nothing has to look real.
        num_steps: int32, made so far.
        share: of the learning rate, less than 1 after a plateau.
        best: the lowest validation loss so far.
        stale: int32, validations since then, or since the rate has fallen.
    """

    generators: Learner
    critics: Mapping[str, Learner]
    num_steps: Any
    share: Any
    best: Any
    stale: Any


def init(cfg: Generators, key: PRNGKey, frozen: Frozen, batch: Batch) -> State:
    """Fresh networks.

    Raises:
        ValueError: pictures or classifier do not fit.
    """
    cfg.check(batch.images.shape)
    decision.class_of(frozen.classifier, cfg.decided_class, batch.images.shape)
    one, tx = batch.images[:1], _optimiser(cfg)
    keys = jax.random.split(key, 4)
    network, critic = cfg.generator(), cfg.critic.build()
    names = (EITHER if cfg.told else BOTH,) if cfg.shared else NAMES
    shown = (one, jnp.zeros(1)) if cfg.told else (one,)
    params = {
        name: network.init(own, *shown)["params"] for name, own in zip(names, keys, strict=False)
    }
    critics = {}
    for name, own in zip(NAMES if cfg.loss.realism else (), keys[2:], strict=False):
        fresh = critic.init(own, seen(cfg, one))["params"]
        critics[name] = Learner(params=fresh, statistics={}, opt_state=tx.init(fresh))
    return State(
        generators=Learner(params=params, statistics={}, opt_state=tx.init(params)),
        critics=critics,
        num_steps=jnp.int32(0),
        share=jnp.float32(1.0),
        best=jnp.float32(jnp.finfo(jnp.float32).max),
        stale=jnp.int32(0),
    )


def step(
    cfg: Generators,
    state: State,
    frozen: Frozen,
    batch: Batch,
    key: PRNGKey,
    axis_name: str | None = None,
) -> tuple[State, dict[str, Any]]:
    """The generators on the pictures of domain zero, then on those of domain one, then the critics.

    Each looks at the others as the updates before have left them.
    """
    classifier = frozen.classifier
    decided = decision.class_of(classifier, cfg.decided_class, batch.images.shape)
    ask = functools.partial(decision.log_odds, classifier, decided)
    parts, odds = domains.halves(batch, ask(batch.images))
    critics = {name: one.params for name, one in state.critics.items()}
    tx, keys = _optimiser(cfg, state), jax.random.split(key, 3)
    tasks = []
    for domain in (0, 1):
        target = target_of(cfg, odds[domain])
        shifts = example_keys(keys[0], parts[domain].image_id)
        tasks.append((_of_generators(cfg, domain), parts[domain], ask, critics, target, shifts))
    generators, said = _minimised(cfg, state.generators, tx, tasks, axis_name)
    metrics = {f"{name}_{NAMES[c]}": x for c in (0, 1) for name, x in said[c].items()}
    metrics["loss"] = metrics["loss_zero"] + metrics["loss_one"]
    after = {}
    for domain, name in enumerate(NAMES if critics else ()):  # a pytree sorts its own names
        real, fake = parts[domain], parts[1 - domain]
        both = dataclasses.replace(real, weight=real.weight * fake.weight)
        own = example_keys(keys[1 + domain], real.image_id)
        given = generators.params, fake.images, own
        after[name], heard = learner.minimise(
            state.critics[name], tx, _of_critic(cfg, domain), both, *given, axis_name=axis_name
        )
        metrics |= {f"critic_{name}": heard["loss"], f"fooled_{name}": heard["fooled"]}
    state = dataclasses.replace(
        state, generators=generators, critics=after, num_steps=state.num_steps + 1
    )
    return state, metrics


def _minimised(
    cfg: Generators,
    generators: Learner,
    tx: optax.GradientTransformation,
    tasks: list[tuple],
    axis_name: str | None,
) -> tuple[Learner, list[dict[str, Any]]]:
    """The generators after an update for each domain's loss, or one for the sum of both."""
    said = []
    if not cfg.together:
        for loss, part, *given in tasks:
            generators, metrics = learner.minimise(
                generators, tx, loss, part, *given, axis_name=axis_name
            )
            said.append(metrics)
        return generators, said
    grads = []
    for loss, part, *given in tasks:
        metrics, grad, _ = mean_loss_and_grad(
            loss, generators.params, {}, part, *given, axis_name=axis_name
        )
        grads.append(grad)
        said.append(metrics)
    return learner.update(generators, tx, jax.tree.map(jnp.add, *grads), {}), said


def _of_generators(cfg: Generators, domain: int) -> Callable:
    """The loss of the pictures of a domain, for `core.gradient.mean_loss_and_grad`."""
    draw = terms.drawing(cfg)

    def loss(params, statistics, batch, ask, critics, target, shifts):
        own, other = (domains.network_of(params, c) for c in (domain, 1 - domain))
        pictures = terms.made(cfg, draw, own, other, batch.images)
        said = terms.asked(ask, terms.judged(cfg.loss, pictures))
        real = None
        if critics:
            adversarial = pictures[terms.ADVERSARIAL]
            real = logits_of(cfg, critics[NAMES[1 - domain]], adversarial, shifts)
        found = terms.terms(cfg.loss, batch.images, target, pictures, said, real)
        return terms.weighted(cfg.loss, found), found, statistics

    return loss


def _of_critic(cfg: Generators, domain: int) -> Callable:
    """The loss of a domain's critic, on its pictures and the other domain's adversarial ones."""
    draw = terms.drawing(cfg)

    def loss(params, statistics, batch, generators, sources, keys):
        made = draw(domains.network_of(generators, 1 - domain), sources)[terms.ADVERSARIAL]
        of_penalty, *shifts = jnp.moveaxis(split_each(keys, 3), 1, 0)
        real, fake = (
            shifted(cfg.critic_shift, seen(cfg, x), own)
            for x, own in zip((batch.images, made), shifts, strict=True)
        )
        say = functools.partial(cfg.critic.build().apply, {"params": params})
        logits = say(fake)
        lost = says(say(real), 1.0) + says(logits, 0.0)
        if cfg.loss.penalty:
            lost += cfg.loss.penalty * gradient_penalty(say, real, fake, 1.0, of_penalty)
        return lost, {"fooled": (logits > 0).astype(jnp.float32)}, statistics

    return loss


def logits_of(cfg: Generators, critic: PyTree, images: Images, keys: PRNGKeys) -> PerExample:
    """What a critic says of pictures, the higher the more real."""
    shown = shifted(cfg.critic_shift, seen(cfg, images), keys)
    logits: PerExample = cfg.critic.build().apply({"params": critic}, shown)
    return logits


def seen(cfg: Generators, images: Images) -> AnyArray:
    """Pictures as critics see them: in grey where the generators draw in grey."""
    return images.mean(axis=-1, keepdims=True) if cfg.network.channels == 1 else images


def shifted(most: int, images: AnyArray, keys: PRNGKeys) -> AnyArray:
    """Each picture moved by up to so many pixels along both axes; what comes in is black."""
    if not most:
        return images
    padded = jnp.pad(images, ((0, 0), (most, most), (most, most), (0, 0)))

    def one(key, picture):
        start = jax.random.randint(key, (2,), 0, 2 * most + 1)
        return jax.lax.dynamic_slice(picture, (start[0], start[1], 0), images.shape[1:])

    return jax.vmap(one)(keys, padded)


def target_of(cfg: Generators, odds: PerExample) -> PerExample:
    """The probability of the decided class that is to be kept: a decision, or as it is."""
    return jax.nn.sigmoid(odds) if cfg.soft_targets else (odds >= 0).astype(jnp.float32)


def validated(cfg: Generators, state: State, values: Mapping[str, float]) -> State:
    """The state after a validation: at a plateau the rate falls."""
    loss = jnp.float32(values["loss"])
    if loss < state.best:
        return dataclasses.replace(state, best=loss, stale=jnp.int32(0))
    stale = state.stale + 1
    if not cfg.plateau or stale < cfg.plateau or state.share <= _SLOWEST:
        return dataclasses.replace(state, stale=stale)
    share = jnp.maximum(_SLOWER * state.share, _SLOWEST)
    return dataclasses.replace(state, share=share, stale=jnp.int32(0))


def finished(cfg: Generators, state: State) -> bool:
    """Whether one more plateau has come at the least rate."""
    return bool(cfg.plateau and state.share <= _SLOWEST and state.stale >= cfg.plateau)


def _optimiser(cfg: Generators, state: State | None = None) -> optax.GradientTransformation:
    """Adam at the rate of the state's next step, with Keras' epsilon."""
    rate: Any = cfg.learning_rate
    if state is not None:
        rate = rate * state.share
        if cfg.decay_steps:
            rate = rate * optax.cosine_decay_schedule(1.0, cfg.decay_steps)(state.num_steps)
    return optax.adam(rate, eps=1e-7)
