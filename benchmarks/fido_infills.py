"""FIDO's masks by the infill that they were optimised with, in both of its games.

Twenty photographs of Clothing Co-Parsing that no infill has learned from, explained for the class
that Lite0 sees (`fast`). `value` is the smallest share of the most salient pixels that keeps the
decision alone (SSR, `core.areas.smallest_sufficient`), or whose removal takes 5 nats of log-odds
away (SDR), under the row's own infill; 1 where none does. Of these pixels: the number of connected
parts, and the share that lies off the object, which is the person (chance: `off by chance`).
Infills that are trained here have rows where runs/ has them.
"""

import dataclasses
import json

import jax
import numpy as np
from scipy import ndimage

from benchmarks import subject, trained_infills
from xai_jax.classifiers import pretrained
from xai_jax.core.areas import AREAS, num_kept
from xai_jax.core.method import Frozen
from xai_jax.data.folder import Folder
from xai_jax.data.photographs import Photographs
from xai_jax.data.pipeline import Pipeline
from xai_jax.infills.blur import Blur
from xai_jax.infills.constant import Mean
from xai_jax.infills.denoiser import Denoiser
from xai_jax.infills.local_mean import LocalMean
from xai_jax.infills.mixed import Mixed
from xai_jax.infills.noise import RandomColour
from xai_jax.infills.pyramid import Pyramid
from xai_jax.methods import fido
from xai_jax.metrics.fidelity import fidelity

NUM, BATCH = 20, 5
TAKEN = 5.0  # nats
INFILLS = {
    "mean": Mean(),
    "blur": Blur(),
    "noise": RandomColour(),
    "local_mean": LocalMean(),
    "pyramid": Pyramid(),
    "denoiser": Denoiser(),
    "mixed": Mixed(),
}


def rows():
    classifier = subject.frozen().classifier
    images, person = _people(NUM)
    target = np.asarray(jax.jit(lambda x: classifier.logits(x).argmax(axis=1))(images))
    measure = jax.jit(fidelity().measure)
    for game in fido.Game:
        explain = jax.jit(dataclasses.replace(fido.Config.fast(), game=game).build().explain)
        for name, infill in (INFILLS | trained_infills.found()).items():
            frozen = Frozen(classifier, infill.build(classifier))
            found: list[tuple[float, int, float]] = []
            for start in range(0, NUM, BATCH):
                part = slice(start, start + BATCH)
                batch = subject.batch_of(images[part], target[part])
                explained = explain((), frozen, batch, jax.random.key(0))
                numbers = measure((), frozen, batch, explained, jax.random.key(1))
                shares = _shares(game, numbers)
                found += map(_judged, np.asarray(explained.saliency), shares, person[part])
            yield _row(f"{game.value}, {name}", found, person)


def _people(num: int) -> tuple[np.ndarray, np.ndarray]:
    """Photographs ``[n 224 224 3]``, and 1 on the person ``[n 224 224]``."""
    root = subject.data_folder("clothing")
    background, *clothes = json.loads((root / "classes.json").read_text())
    pipeline = Pipeline(
        source=Folder(root=str(root), classes={"person": tuple(clothes)}),
        resize=pretrained.load("efficientnet_lite0").preprocess,
        masks="union",
    )
    held_out = Photographs(paths=(str(root / "images"),), held_out=True).build().names
    seen = [pipeline.example(pipeline.names.index(name)) for name in held_out[:num]]
    masks = [one["masks"][..., 0] > 0.5 for one in seen]
    return np.stack([one["images"] for one in seen]), np.stack(masks)


def _shares(game: fido.Game, numbers) -> np.ndarray:
    """The smallest share that does what the game asks for, ``[b]``; 1 where none does."""
    if game is fido.Game.SSR:
        return np.nan_to_num(np.asarray(numbers["sufficient_area"]), nan=1.0)
    original, removed = (
        np.asarray(numbers[name]) for name in ("log_odds_original", "curve_removed")
    )
    taken = removed <= original[:, None] - TAKEN
    return np.where(taken, np.array(AREAS), 1.0).min(axis=1)


def _judged(saliency: np.ndarray, share: float, person: np.ndarray) -> tuple[float, int, float]:
    """The share, and of that share of the pixels: connected parts, and what is off the person."""
    order = np.argsort(-saliency.reshape(-1), kind="stable")
    inside = np.zeros(saliency.size, bool)
    inside[order[: num_kept(float(share), saliency.size)]] = True
    inside = inside.reshape(person.shape)
    return (
        float(share),
        int(ndimage.label(inside)[1]),
        float((inside & ~person).sum() / inside.sum()),
    )


def _row(case: str, found: list[tuple[float, int, float]], person: np.ndarray):
    shares, parts, off = np.array(found).T
    draws = np.random.default_rng(0).choice(shares, (2000, len(shares))).mean(axis=1)
    return {
        "case": case,
        "value": round(float(shares.mean()), 3),
        "unit": f"smallest share, mean of {len(shares)} pictures",
        "95 %": np.round(np.quantile(draws, [0.025, 0.975]), 3).tolist(),
        "parts": round(float(parts.mean()), 1),
        "off the person": round(float(off.mean()), 2),
        "off by chance": round(float(1 - person.mean()), 2),
    }
