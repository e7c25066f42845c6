"""A training step of SyCE at MNIST's size against the sum of its networks' passes.

The passes are those that the losses need, each network by itself on as many pictures: forward and
backward passes with the gradients that are asked for, the critics' penalty as it is computed. The
limit is their sum, one call after the other. The second row has all of them in one program, as no
step can have them: they wait for nothing of each other, so that the cores share them out, while a
step's pictures go from network to network.
"""

import functools

import jax
import jax.numpy as jnp

from benchmarks import syce_subject, timing
from xai_jax.losses.adversarial import gradient_penalty
from xai_jax.methods import syce

BATCH, MUST_REACH = 128, 1.15


def passes(cfg, frozen, state, half, key):
    """Each kind of pass, ``arguments -> anything``, how often a domain needs it, and arguments."""
    network, critic = cfg.network.build(), cfg.critic.build()
    images, keys = half.images, jax.random.split(key, len(half.images))

    def draw(params, x):
        return network.apply({"params": params}, x).repeat(3, axis=-1)

    def say(params, x):
        return critic.apply({"params": params}, x[..., :1])

    def gradient(function, *args, argnums):
        return jax.grad(lambda *a: function(*a).sum(), argnums=argnums)(*args)

    def penalty(params):
        critic_of = functools.partial(say, params)
        return gradient_penalty(critic_of, images, 0.5 * images, 1.0, keys).sum()

    kinds = [
        (lambda g, j, c, x: gradient(draw, g, x, argnums=(0,)), 1),  # of a fixed input
        (lambda g, j, c, x: gradient(draw, g, x, argnums=(0, 1)), 2),
        (
            lambda g, j, c, x: gradient(
                c.logits, jnp.concatenate([x, 0.9 * x, 0.8 * x]), argnums=0
            ),
            1,
        ),
        (lambda g, j, c, x: gradient(say, j, x, argnums=1), 1),
        (lambda g, j, c, x: c.logits(0.7 * x), 1),
        (lambda g, j, c, x: draw(g, 0.7 * x), 1),
        (lambda g, j, c, x: gradient(say, j, x, argnums=0), 2),
        (lambda g, j, c, x: jax.grad(penalty)(j), 1),
    ]
    generator = state.learning.generators.params["zero"]
    judge = state.learning.critics["zero"].params
    return kinds, (generator, judge, frozen.classifier, images)


def one_by_one(kinds, given):
    """A function that makes every pass of both domains, one after the other."""
    compiled = [(jax.jit(kind), 2 * times) for kind, times in kinds]

    def run():
        for kind, times in compiled:
            for _ in range(times):
                jax.block_until_ready(kind(*given))

    return run


def at_once(kinds, given):
    """A function that makes them in one program, in which none waits for another."""

    @jax.jit
    def run(generator, judge, classifier, images):
        parts = []
        for kind, times in kinds:
            for n in range(2 * times):  # other pictures, so that none is made once for all
                parts.append(kind(generator, judge, classifier, images * (1.0 - 0.01 * n)))
        return jax.tree.map(jnp.sum, parts)

    return lambda: run(*given)


def rows():
    cfg, frozen, batch = syce.Config(), syce_subject.frozen(), syce_subject.batch(BATCH)
    trainable, key = cfg.build().trainable, jax.random.key(0)
    state = jax.jit(trainable.init)(key, frozen, batch)
    step = jax.jit(trainable.step)
    half = jax.tree.map(lambda x: x[: BATCH // 2], batch)

    def ours():
        return step(state, frozen, batch, key)

    kinds, given = passes(cfg, frozen, state, half, key)
    case = f"28 x 28, {BATCH // 2} pictures a domain"
    for name, limit, wanted in (
        (case, one_by_one(kinds, given), MUST_REACH),
        (f"{case}; all passes in one program", at_once(kinds, given), None),
    ):
        seconds, sum_of_passes, ratio = timing.paired(ours, limit, repeats=7)
        yield {
            "case": name,
            "value": round(1e3 * seconds),
            "unit": "ms a step",
            "limit": round(1e3 * sum_of_passes),
            "ratio": round(ratio, 3),
            "must_reach": wanted,
        }
