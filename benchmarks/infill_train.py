"""A training step of the denoiser and of the VAE against the passes of its network alone.

The passes: forward, and backward to the parameters, of the mean square of what the network answers,
for pictures of the sizes of configs/infill. What is left is drawing holes and noise, push-pull, the
losses, the optimiser and the moving average.
"""

import functools

import jax
import jax.numpy as jnp

from benchmarks import subject, timing
from benchmarks.explainer_train import Step
from configs.infill import denoiser, vae
from xai_jax.core.method import Method
from xai_jax.nn.layers import InTraining

MUST_REACH = 1.15


def _denoiser(network, batch, variables):
    return network.apply(variables, batch.images, jnp.full_like(batch.images[..., :1], 0.1))


def _vae(network, batch, variables):
    keep, training = jnp.ones_like(batch.images[..., :1]), InTraining(weight=batch.weight)
    (_, pixels), _ = network.apply(
        variables, batch.images, keep, None, training, mutable=["batch_stats"]
    )
    return pixels.mean


def _loss(answer, network, batch, variables):
    return jnp.square(answer(network, batch, variables)).mean()


def rows():
    for name, config, answer in (("denoiser", denoiser, _denoiser), ("vae", vae, _vae)):
        experiment = config.get_config()
        size, side = experiment.batch_size, config.SIDE
        batch = subject.batch_of(subject.noise_images(size)[:, :side, :side])
        network, trainable = experiment.method.network.build(), experiment.method.build()
        image = batch.images[:1]
        variables = jax.jit(network.init)(jax.random.key(0), image, image[..., :1])
        step = Step(Method(trainable=trainable, explain=None), None, batch, jax.random.key(0))
        gradient = jax.jit(jax.grad(functools.partial(_loss, answer, network, batch)))
        passes = functools.partial(gradient, variables)
        seconds, limit, ratio = timing.paired(step, passes, repeats=15)
        yield {
            "case": f"{name}, {size} crops of {side} pixels",
            "value": round(1e3 * seconds, 1),
            "unit": "ms a step",
            "limit": round(1e3 * limit, 1),
            "ratio": round(ratio, 3),
            "must_reach": MUST_REACH,
        }
