"""A training step of the denoiser, the VAE and contextual attention against their passes alone.

The passes: forward, and backward to the parameters, of the mean square of what the network answers,
for pictures of the sizes of configs/infill; of contextual attention, once its critic has joined in,
also Lite1's features of the picture and of the filled one, backward to that, and the critic of
both, backward to its parameters and, of the filled one, to the picture. What is left is drawing
holes and noise, push-pull, the losses, the optimisers and the moving average.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp

from benchmarks import subject, timing
from benchmarks.explainer_train import Step
from configs.infill import ca, denoiser, vae
from xai_jax.classifiers import pretrained
from xai_jax.core.method import Frozen, Method
from xai_jax.infills.constant import Mean
from xai_jax.nn.deepfill import PatchCritic
from xai_jax.nn.layers import InTraining
from xai_jax.pretrain import perceptual

MUST_REACH = 1.15
KEY = jax.random.key(0)


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
        experiment, batch = _subject(config)
        network = experiment.method.network.build()
        image = batch.images[:1]
        variables = jax.jit(network.init)(KEY, image, image[..., :1])
        gradient = jax.jit(jax.grad(functools.partial(_loss, answer, network, batch)))
        passes = functools.partial(gradient, variables)
        yield _row(name, experiment.method, None, batch, passes)
    experiment, batch = _subject(ca)
    classifier = pretrained.load("efficientnet_lite1").classifier
    frozen = Frozen(classifier, Mean().build(classifier))
    method = dataclasses.replace(experiment.method, critic_from=0)
    yield _row("ca, with its critic", method, frozen, batch, _ca_passes(method, classifier, batch))


def _subject(config):
    """The experiment of a config, and a batch as large as its own."""
    experiment, side = config.get_config(), config.SIDE
    images = subject.noise_images(experiment.batch_size)[:, :side, :side]
    return experiment, subject.batch_of(images)


def _row(name: str, method, frozen, batch, passes):
    trainable = method.build()
    step = Step(Method(trainable=trainable, explain=None), frozen, batch, KEY)
    seconds, limit, ratio = timing.paired(step, passes, repeats=15)
    num, side = batch.images.shape[:2]
    return {
        "case": f"{name}, {num} crops of {side} pixels",
        "value": round(1e3 * seconds, 1),
        "unit": "ms a step",
        "limit": round(1e3 * limit, 1),
        "ratio": round(ratio, 3),
        "must_reach": MUST_REACH,
    }


def _ca_passes(method, classifier, batch):
    """All passes, one compiled call each."""
    images, keep = batch.images, batch.images[..., :1].round()
    network, critic = method.network.build(), PatchCritic(method.critic_width)
    drawn = jax.jit(network.init)(KEY, images[:1], keep[:1])
    judged = jax.jit(critic.init)(KEY, images[:1], keep[:1])

    def of_generator(variables):
        return jnp.square(network.apply(variables, images, keep).fine).mean()

    def of_features(shown):
        return perceptual.difference(classifier, shown, images).sum()

    def of_critic(variables, shown):
        return jnp.square(critic.apply(variables, shown, 1.0 - keep)).mean()

    generator, features = jax.jit(jax.grad(of_generator)), jax.jit(jax.grad(of_features))
    to_weights, to_picture = (jax.jit(jax.grad(of_critic, argnums)) for argnums in (0, 1))

    def passes():
        both = to_weights(judged, images), to_weights(judged, 0.5 * images)
        return generator(drawn), features(0.5 * images), to_picture(judged, images), both

    return passes
