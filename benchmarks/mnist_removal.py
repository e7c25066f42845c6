"""How fast an 8 of MNIST stops being one while the pixels that FIDO names are taken away.

A hundred test pictures of an 8, explained by SDR (`fast`) under each infill; then the most salient
pixels are removed, 28 at a time, and what is removed shows draws of the VAE of
configs/mnist/infill.py, or black (specs: FIDO, sec. 8.7). `value` is the mean of the log-odds of
"8 rather than 3" over the curve, in nats, shown by the VAE (eight draws a mask): lower is better.
Needs what configs/mnist/classifier.py and configs/mnist/infill.py leave in runs/.
"""

import dataclasses
import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import subject, trained_infills
from benchmarks.infill_table import INFILLS
from benchmarks.kept_parts import interval
from configs.mnist.digits import PICTURES
from xai_jax.classifiers.pretrained import Named
from xai_jax.core.areas import ranks
from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen
from xai_jax.core.rng import fold_each
from xai_jax.infills.constant import Constant
from xai_jax.infills.vae import Vae
from xai_jax.methods import fido

NUM, DRAWS = 100, 8
COUNTS = tuple(range(0, 785, 28))
SHOWN = (56, 112, 196)  # pixels
UNDER = ("black", "blur", "noise", "local_mean", "pyramid", "vae")


@functools.partial(jax.jit, static_argnames="draws")
def _curve(frozen: Frozen, batch, rank, draws: int):
    """Mean log-odds over the draws, with each of COUNTS removed: ``[b n]``."""
    context = frozen.infill.prepare(batch.images)
    keys = jax.random.split(jax.random.key(1), len(batch.images))

    def log_odds(count):
        keep = (rank >= count).astype(jnp.float32)

        def drawn(draw):
            filled = frozen.infill(context, keep, fold_each(keys, draw))
            shown = compose(batch.images, keep, filled)
            return frozen.classifier.log_odds(shown, batch.target)

        return jax.lax.map(drawn, jnp.arange(draws)).mean(axis=0)

    return jax.lax.map(log_odds, jnp.array(COUNTS)).T


def rows():
    runs = trained_infills.RUNS
    classifier = Named(name=str(runs / "mnist_classifier" / "classifier.safetensors")).build()
    vae = Vae(weights=str(runs / "mnist_infill"))
    infills = INFILLS | {"black": Constant(value=0.0), "vae": vae}
    judges = {
        name: Frozen(classifier, infills[name].build(classifier)) for name in ("vae", "black")
    }
    batch = subject.batch_of(_eights(NUM))
    cfg = dataclasses.replace(fido.Config.fast(), game=fido.Game.SDR)
    explain = jax.jit(cfg.build().explain)
    maps = {}
    for name in UNDER:
        frozen = Frozen(classifier, infills[name].build(classifier))
        maps[f"optimised under {name}"] = explain((), frozen, batch, jax.random.key(0)).saliency
    shape = (*batch.images.shape[:3], 1)
    maps["random order"] = jax.random.uniform(jax.random.key(2), shape)
    for name, saliency in maps.items():
        curves = {
            of: np.asarray(_curve(judge, batch, ranks(saliency), DRAWS if of == "vae" else 1))
            for of, judge in judges.items()
        }
        yield _row(name, curves)


def _eights(num: int) -> np.ndarray:
    """``[num 28 28 3]``, the first of the test."""
    pictures = PICTURES.once("test")
    every = (pictures.example(row) for row in range(len(pictures)))
    eights = (one["images"] for one in every if one["labels"][0] > 0)
    return np.stack(list(itertools.islice(eights, num)))


def _row(case: str, curves: dict[str, np.ndarray]):
    """Means over the pictures."""
    areas = curves["vae"].mean(axis=1)
    after = {
        f"{of}, {count} px": round(float(curve[:, COUNTS.index(count)].mean()), 2)
        for of, curve in curves.items()
        for count in (0, *SHOWN)
    }
    return {
        "case": case,
        "value": round(float(areas.mean()), 2),
        "unit": f"nats, mean of {len(areas)} pictures",
        "95 %": interval(areas),
        "black": round(float(curves["black"].mean()), 2),
        **after,
    }
