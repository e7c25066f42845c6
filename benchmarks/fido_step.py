"""One FIDO step against the classifier's own forward and image gradient at the same batch."""

import jax
import jax.numpy as jnp

from benchmarks import subject, timing
from xai_jax.methods import fido

STEPS = 10
MUST_REACH = 1.10


def rows():
    frozen = subject.frozen()
    cfg = fido.Config(num_steps=STEPS)
    run = jax.jit(cfg.build().explain)
    bare = jax.jit(subject.image_gradient)
    for num in (1, 4):
        batch = subject.batch_of(subject.noise_images(num))
        repeated = jnp.repeat(batch.images, cfg.num_samples, axis=0)
        target = jnp.repeat(batch.target, cfg.num_samples)

        def steps(batch=batch):
            return run((), frozen, batch, jax.random.key(0))

        def gradients(images=repeated, target=target):
            return [
                jax.block_until_ready(bare(frozen.classifier, images, target)) for _ in range(STEPS)
            ]

        ours, limit, ratio = timing.paired(steps, gradients, repeats=7 if num == 1 else 5)
        yield {
            "case": f"{num} image{'s' * (num > 1)} x {cfg.num_samples} samples",
            "value": round(1e3 * ours / STEPS, 1),
            "unit": "ms a step",
            "limit": round(1e3 * limit / STEPS, 1),
            "ratio": round(ratio, 3),
            "must_reach": MUST_REACH,
        }
