"""One FIDO step with each learned infill, at its defaults, against one with the blur.

Lite0 at 224 pixels, one mask a step. The preset `robust` fills every second step. What a network
answers does not change its time: the VAE and DeepFill (of the widths of configs/infill/vae.py and
ca.py) have random weights here.
"""

import dataclasses
import pathlib
import tempfile

import jax

from benchmarks import subject, timing
from benchmarks.fido_step import STEPS, steps
from configs.infill import ca as ca_config
from configs.infill import vae as vae_config
from xai_jax.core.method import Frozen
from xai_jax.infills.contextual_attention import ContextualAttention
from xai_jax.infills.denoiser import Denoiser
from xai_jax.infills.mixed import Mixed
from xai_jax.infills.vae import Vae
from xai_jax.methods import fido
from xai_jax.nn.learner import Weights

MUST_REACH = 2.0


def random_weights(config, folder: pathlib.Path) -> str:
    """The file that a training of `config` would leave, but untrained."""
    export = config.get_config().export
    image = jax.numpy.zeros((1, 32, 32, 3))
    found = jax.jit(export.config.build().init)(jax.random.key(0), image, image[..., :1])
    return str(export(Weights(found["params"], found.get("batch_stats", {})), folder))


def rows():
    with tempfile.TemporaryDirectory() as folder:
        infills = {
            "denoiser": Denoiser(),
            "denoiser, 4 steps": Denoiser(num_steps=4),
            "mixed": Mixed(),
            "vae": Vae(weights=random_weights(vae_config, pathlib.Path(folder))),
            "ca": ContextualAttention(weights=random_weights(ca_config, pathlib.Path(folder))),
        }
        yield from _rows(infills)


def _rows(infills):
    frozen = subject.frozen()
    batch = subject.batch_of(subject.noise_images(1))
    fast = dataclasses.replace(fido.Config.fast(), num_steps=STEPS)
    with_blur = steps(fast, frozen, batch)
    for name, infill in infills.items():
        for every in (1, 2, 4):
            learned = Frozen(frozen.classifier, infill.build(frozen.classifier))
            cfg = dataclasses.replace(fast, infill_every=every)
            ours, limit, ratio = timing.paired(steps(cfg, learned, batch), with_blur, repeats=5)
            yield {
                "case": f"{name}, filled every {every} steps",
                "value": round(1e3 * ours / STEPS, 1),
                "unit": "ms a step",
                "limit": round(1e3 * limit / STEPS, 1),
                "ratio": round(ratio, 2),
                "must_reach": MUST_REACH,
            }
