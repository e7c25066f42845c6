"""A training step of SyCE at MNIST's size against the sum of its networks' passes.

The passes are those that the losses need, each network by itself on as many pictures: forward and
backward passes with the gradients that are asked for, the critics' penalty as it is computed.
"""

import functools

import jax
import jax.numpy as jnp

from benchmarks import syce_subject, timing
from xai_jax.losses.adversarial import gradient_penalty
from xai_jax.methods import syce

BATCH, MUST_REACH = 128, 1.15


def passes(cfg, frozen, state, half, key):
    """One function of the networks' passes, one after the other, whose answers are all used."""
    network, critic, classifier = cfg.network.build(), cfg.critic.build(), frozen.classifier
    images, keys = half.images, jax.random.split(key, len(half.images))
    generator = state.learning.generators.params["zero"]
    judge = state.learning.critics["zero"].params

    def draw(params, x):
        return network.apply({"params": params}, x).repeat(3, axis=-1)

    def say(params, x):
        return critic.apply({"params": params}, x[..., :1])

    def total(function, *args, argnums):
        return jax.grad(lambda *a: function(*a).sum(), argnums=argnums)(*args)

    def penalty(params):
        critic_of = functools.partial(say, params)
        return gradient_penalty(critic_of, images, 0.5 * images, 1.0, keys)

    @jax.jit
    def run(generator, judge, classifier, images):
        parts = []
        for n in range(2):  # domains
            x = images * (1.0 - 0.01 * n)
            for m in range(3):  # generated pictures, of which the first has a fixed input
                argnums = (0,) if m == 0 else (0, 1)
                parts.append(total(draw, generator, x * (1.0 - 0.01 * m), argnums=argnums))
            several = jnp.concatenate([x, 0.9 * x, 0.8 * x])
            parts.append(total(lambda x: classifier.logits(x), several, argnums=0))
            parts.append(total(say, judge, x, argnums=1))
            parts.append(classifier.logits(0.7 * x))
            parts.append(draw(generator, 0.7 * x))
            parts += [total(say, judge, share * x, argnums=0) for share in (0.6, 0.5)]
            parts.append(jax.grad(lambda p: penalty(p).sum())(judge))
        return jax.tree.map(jnp.sum, parts)

    return lambda: run(generator, judge, classifier, images)


def rows():
    cfg, frozen, batch = syce.Config(), syce_subject.frozen(), syce_subject.batch(BATCH)
    trainable, key = cfg.build().trainable, jax.random.key(0)
    state = jax.jit(trainable.init)(key, frozen, batch)
    step = jax.jit(trainable.step)
    half = jax.tree.map(lambda x: x[: BATCH // 2], batch)

    def ours():
        return step(state, frozen, batch, key)

    limit = passes(cfg, frozen, state, half, key)
    seconds, sum_of_passes, ratio = timing.paired(ours, limit, repeats=7)
    yield {
        "case": f"28 x 28, {BATCH // 2} pictures a domain",
        "value": round(1e3 * seconds),
        "unit": "ms a step",
        "limit": round(1e3 * sum_of_passes),
        "ratio": round(ratio, 3),
        "must_reach": MUST_REACH,
    }
