"""One FIDO step against the classifier's own forward and image gradient at the same batch.

The limit is that gradient alone, as often, within one scan: there XLA reuses the memory of the step
before, which separate calls do not.
"""

import dataclasses

import jax
import jax.numpy as jnp

from benchmarks import subject, timing
from xai_jax.methods import fido

STEPS = 10
MUST_REACH = 1.10


def rows():
    frozen = subject.frozen()
    published, fast = fido.Config(num_steps=STEPS), fido.Config.fast()
    fast = dataclasses.replace(fast, num_steps=STEPS)
    for name, cfg, num in (
        ("published", published, 1),
        ("published", published, 4),
        ("fast", fast, 1),
    ):
        batch = subject.batch_of(subject.noise_images(num))
        ours, limit, ratio = timing.paired(
            steps(cfg, frozen, batch),
            gradients(cfg, frozen.classifier, batch),
            repeats=11 if cfg.num_samples == 1 else 5,
        )
        yield {
            "case": f"{name}, {num} x {cfg.num_samples} masks",
            "value": round(1e3 * ours / STEPS, 1),
            "unit": "ms a step",
            "limit": round(1e3 * limit / STEPS, 1),
            "ratio": round(ratio, 3),
            "must_reach": MUST_REACH,
        }


def steps(cfg, frozen, batch):
    """A run of FIDO."""
    run, key = jax.jit(cfg.build().explain), jax.random.key(0)
    return lambda: run((), frozen, batch, key)


def gradients(cfg, classifier, batch):
    """As many gradients of as many pictures, each of what the one before left."""
    images = jnp.repeat(batch.images, cfg.num_samples, axis=0)
    target = jnp.repeat(batch.target, cfg.num_samples)

    @jax.jit
    def run(classifier, images, target):
        def step(images, _):
            (_, scores), gradient = subject.image_gradient(classifier, images, target)
            return images + 1e-6 * gradient, scores

        return jax.lax.scan(step, images, None, length=STEPS)

    return lambda: run(classifier, images, target)
