"""Started with JAX_ENABLE_X64=1: every method and every step of a training, as users start them.

All are traced, which shows a number of the wrong type and compiles nothing; a few are run. It says
what fails, and leaves in OUT what `test_x64.py` compares with the same in single precision.
"""

import dataclasses
import sys

import jax
import jax.numpy as jnp
import numpy as np
import planted
import small_networks
from flat_regions import flat
from methods import test_conformance

import xai_jax
from xai_jax.core.method import Explained, Frozen, Method
from xai_jax.core.precision import single
from xai_jax.infills.blur import Blur
from xai_jax.methods import fido
from xai_jax.nn import deepfill, denoiser, vae
from xai_jax.nn.judging_vae import JudgingVae
from xai_jax.pretrain import autoencoder, ca_inpainter, ca_light, classifier, judge, vae_inpainter
from xai_jax.pretrain import denoiser as denoisers

SIDE, TOLD = 32, 160  # pixels; letters of an error
PRETRAINED = {
    "vae": vae_inpainter.Config(network=vae.Network(width=4)),
    "digits": vae_inpainter.Config(network=vae.Network(width=4, pictures="digits")),
    "light": ca_light.Config(
        network=deepfill.Network(width=4, coarse=False), feature_weight=0.0, critic_width=2
    ),
    "published": ca_inpainter.Config(network=deepfill.Network(width=4), critic_steps=2),
    "denoiser": denoisers.Config(network=denoiser.Network(width=4)),
    "judge": judge.Config(network=JudgingVae(widths=(2, 3), code=4), decided_class=0),
    "classifier": classifier.Config(num_classes=4),
    "trunk": classifier.Config(num_classes=4, trunk_frozen=False, dropout=0.5),
    "autoencoder": autoencoder.Config(),
}
METHODS = {name: kind.smoke() for name, kind in test_conformance.CONFIGS.items()}
SETTINGS = {"method": fido.Config.smoke(), "key": 3, "batch_size": 2}


def images() -> np.ndarray:
    """The same numbers in either precision."""
    return np.random.default_rng(0).random((2, 16, 16, 3), dtype=np.float32)


def traced(config, explained) -> list[str]:
    """Where double precision comes out of a method or a training step."""
    key, given = jax.random.key(1), Explained(classifier=explained, infill=Blur()).build()
    given = Frozen(classifier=given.classifier, infill=given.infill, generator=flat())
    batch = planted.quadrant_batch(4, SIDE, key)
    batch = dataclasses.replace(batch, labels=jax.nn.one_hot(batch.target, planted.NUM_CLASSES))
    built, weights, found = config.build(), (), {}
    trainable = built.trainable if isinstance(built, Method) else built
    if trainable is not None:
        state = jax.eval_shape(trainable.init, key, given, batch)
        after, found["metrics"] = jax.eval_shape(trainable.step, state, given, batch, key)
        kinds = [[(x.shape, x.dtype) for x in jax.tree.leaves(one)] for one in (state, after)]
        assert kinds[0] == kinds[1], "a step changes the state"
        weights, found["state"] = jax.eval_shape(trainable.weights, state), state
    if isinstance(built, Method):
        found["explanation"] = jax.eval_shape(built.explain, weights, given, batch, key)
    leaves = jax.tree_util.tree_leaves_with_path(found)
    return [jax.tree_util.keystr(path) for path, leaf in leaves if leaf.dtype == jnp.float64]


def main(out: str) -> None:
    """Prints what is wrong, a line each."""
    assert jnp.zeros(1).dtype == jnp.float64, "start it with JAX_ENABLE_X64=1"
    for name, config in (METHODS | PRETRAINED).items():
        explained = planted.quadrant() if name in METHODS else small_networks.classifier(4)
        try:
            double = single(traced)(config, explained)
        except Exception as error:
            print(f"{name} fails: {str(error)[:TOLD]}")
        else:
            if double:
                print(f"{name} has doubles: {double[:3]}")
    doubled = planted.quadrant().replace(params={"gain": jnp.float64(20.0)})  # a user's own
    found = [xai_jax.explain(x, images(), **SETTINGS).keep for x in (planted.quadrant(), doubled)]
    np.save(out, np.stack(found))
    if jnp.zeros(1).dtype != jnp.float64:
        print("double precision is not what it was before")


if __name__ == "__main__":
    main(sys.argv[1])
