"""FIDO's masks by the infill that they were optimised with, in both of its games.

Twenty photographs of Clothing Co-Parsing that no infill has learned from, explained for the class
that Lite0 sees (`fast`, a third of its steps). `value` is the smallest share of the most salient
pixels that keeps the decision alone (SSR, `core.areas.smallest_sufficient`), or whose removal takes
5 nats of log-odds away (SDR), under the row's own infill; 1 where none does. Of these pixels: the
number of connected parts, and the share that lies off the object, which is the person (chance: `off
by chance`). Infills that are trained here have rows where runs/ has them.
"""

import dataclasses
import json

import jax
import numpy as np

from benchmarks import infill_table, subject, trained_infills
from benchmarks.kept_parts import curve, interval, num_parts
from xai_jax.classifiers import pretrained
from xai_jax.core.areas import AREAS, most_salient, ranks, smallest_sufficient
from xai_jax.core.method import Frozen
from xai_jax.data.folder import Folder
from xai_jax.data.photographs import Photographs
from xai_jax.data.pipeline import Pipeline
from xai_jax.infills.mixed import Mixed
from xai_jax.methods import fido

NUM, BATCH, STEPS = 20, 5, 50
TAKEN = 5.0  # nats
INFILLS = infill_table.INFILLS | {"mixed": Mixed()}


def rows():
    classifier = subject.frozen().classifier
    images, person = _people(NUM)
    target = np.asarray(jax.jit(lambda x: classifier.logits(x).argmax(axis=1))(images))
    for game in fido.Game:
        cfg = dataclasses.replace(fido.Config.fast(), game=game, num_steps=STEPS)
        explain = jax.jit(cfg.build().explain)
        for name, infill in (INFILLS | trained_infills.found()).items():
            frozen = Frozen(classifier, infill.build(classifier))
            found: list[tuple[float, int, float]] = []
            for start in range(0, NUM, BATCH):
                part = slice(start, start + BATCH)
                batch = subject.batch_of(images[part], target[part])
                saliency = explain((), frozen, batch, jax.random.key(0)).saliency
                rank = ranks(saliency)
                shares = _shares(game, frozen, batch, rank)
                found += map(_judged, rank, shares, person[part])
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


def _shares(game: fido.Game, frozen: Frozen, batch, rank) -> np.ndarray:
    """The smallest share that does what the game asks for, ``[b]``; 1 where none does."""
    original = frozen.classifier.log_odds(batch.images, batch.target)
    if game is fido.Game.SSR:
        found = smallest_sufficient(curve(frozen, batch, rank), original)
        return np.nan_to_num(np.asarray(found), nan=1.0)
    taken = curve(frozen, batch, rank, removed=True) <= original[:, None] - TAKEN
    return np.where(np.asarray(taken), np.array(AREAS), 1.0).min(axis=1)


def _judged(rank, share: float, person: np.ndarray) -> tuple[float, int, float]:
    """The share, and of that share of the pixels: connected parts, and what is off the person."""
    inside = np.asarray(most_salient(rank[None], float(share)))[0]
    off = (inside[..., 0] * ~person).sum() / inside.sum()
    return float(share), num_parts(inside), float(off)


def _row(case: str, found: list[tuple[float, int, float]], person: np.ndarray):
    shares, parts, off = np.array(found).T
    return {
        "case": case,
        "value": round(float(shares.mean()), 3),
        "unit": f"smallest share, mean of {len(shares)} pictures",
        "95 %": interval(shares),
        "parts": round(float(parts.mean()), 1),
        "off the person": round(float(off.mean()), 2),
        "off by chance": round(float(1 - person.mean()), 2),
    }
