"""FIDO optimised under one infill and judged under another: a table of every pair.

A row is an infill that FIDO (`fast`, a third of its steps) was optimised with, or the mixture; its
columns are infills that show what is removed. Each cell is the log-odds of the label, in nats, of
the most salient 9 % alone: equal area for all rows, higher is better. Beside it the smallest
sufficient share under the infills that a row was not optimised with, with its interval over the
pictures, and the number of connected parts of the 9 %. More rows say what `infill_every` costs.
Pictures of `imagenet_samples` that no infill has learned from, explained for their labels; infills
that are trained here have rows and columns where runs/ has them.
"""

import dataclasses

import jax
import numpy as np

from benchmarks import subject, trained_infills
from benchmarks.fido_calls import calls
from benchmarks.kept_parts import curve, interval, num_parts
from xai_jax.core.areas import AREAS, most_salient, ranks, smallest_sufficient
from xai_jax.core.method import Frozen
from xai_jax.infills.blur import Blur
from xai_jax.infills.constant import Mean
from xai_jax.infills.denoiser import Denoiser
from xai_jax.infills.local_mean import LocalMean
from xai_jax.infills.mixed import Mixed
from xai_jax.infills.noise import RandomColour
from xai_jax.infills.pyramid import Pyramid
from xai_jax.methods import fido

NUM, BATCH = 20, 5
LEVEL = 5  # of AREAS: 9 %
INFILLS = {
    "blur": Blur(),
    "mean": Mean(),
    "noise": RandomColour(),
    "local_mean": LocalMean(),
    "pyramid": Pyramid(),
    "denoiser": Denoiser(),
}
STEPS = 50
_FAST = dataclasses.replace(fido.Config.fast(), num_steps=STEPS)
_ROBUST = dataclasses.replace(fido.Config.robust(), num_steps=STEPS)
_IN_MIXED = {"blur", "noise", "denoiser"}
ROWS = {
    **{
        f"denoiser, filled every {every} steps": (
            dataclasses.replace(_FAST, infill_every=every),
            Denoiser(),
            {"denoiser"},
        )
        for every in (2, 4)
    },
    "mixed": (_FAST, Mixed(), _IN_MIXED),
    "mixed, two masks a step": (_ROBUST, Mixed(), _IN_MIXED),
}


def rows():
    classes = subject.held_out(NUM)
    classifier = subject.frozen().classifier
    infills = INFILLS | trained_infills.found()
    judges = {name: infill.build(classifier) for name, infill in infills.items()}
    single = {name: (_FAST, infill, {name}) for name, infill in infills.items()}
    for name, (cfg, infill, own) in (single | ROWS).items():
        frozen = Frozen(classifier, infill.build(classifier))
        explain = jax.jit(cfg.build().explain)
        kept, areas, parts = {of: [] for of in judges}, [], []
        for start in range(0, NUM, BATCH):
            some = classes[start : start + BATCH]
            batch = subject.batch_of(subject.imagenet_samples(some), np.array(some))
            saliency = explain((), frozen, batch, jax.random.key(0)).saliency
            rank = ranks(saliency)
            parts += map(num_parts, np.asarray(most_salient(rank, AREAS[LEVEL])))
            held_out = []
            for of, seen in judges.items():
                alone = curve(Frozen(classifier, seen), batch, rank)
                kept[of] += np.asarray(alone[:, LEVEL]).tolist()
                if of not in own:
                    enough = np.asarray(smallest_sufficient(alone, alone[:, -1]))
                    held_out.append(np.nan_to_num(enough, nan=1.0))
            areas += np.mean(held_out, axis=0).tolist()
        yield _row(name, calls(cfg), kept, np.array(areas), parts)


def _row(name: str, num_calls: int, kept, areas: np.ndarray, parts: list[int]):
    return {
        "case": name,
        "calls": num_calls,
        "value": round(float(areas.mean()), 3),
        "unit": f"smallest sufficient share under the other infills, {len(areas)} pictures",
        "95 %": interval(areas),
        **{f"{of}, nats": round(float(np.mean(values)), 2) for of, values in kept.items()},
        "parts": round(float(np.mean(parts)), 1),
    }
