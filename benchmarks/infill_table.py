"""FIDO optimised under one infill and judged under another: a table of every pair.

A row is an infill that FIDO (`fast`) was optimised with, or `robust` with the mixture; its columns
are infills that show what is removed. Each cell is the log-odds of the label, in nats, of the most
salient 9 % alone: equal area for all rows, higher is better. Beside it the smallest sufficient
share under the infills that a row was not optimised with, with its interval over the pictures, and
the number of connected parts of the 9 %. More rows say what `infill_every` costs. Pictures of
`imagenet_samples` that no infill has learned from, explained for their labels; infills that are
trained here have rows and columns where runs/ has them.
"""

import dataclasses

import jax
import numpy as np
from scipy import ndimage

from benchmarks import subject, trained_infills
from benchmarks.fido_calls import calls
from xai_jax.core.areas import AREAS, num_kept
from xai_jax.core.method import Frozen
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
LEVEL = 5  # of AREAS: 9 %
INFILLS = {
    "blur": Blur(),
    "mean": Mean(),
    "noise": RandomColour(),
    "local_mean": LocalMean(),
    "pyramid": Pyramid(),
    "denoiser": Denoiser(),
}
_FAST = fido.Config.fast()
_SELDOM = dataclasses.replace(_FAST, infill_every=4)
_IN_MIXED = {"blur", "mean", "noise"}
ROWS = {
    "denoiser, filled every 4 steps": (_SELDOM, Denoiser(), {"denoiser"}),
    "mixed": (_FAST, Mixed(), _IN_MIXED),
    "mixed, robust()": (fido.Config.robust(), Mixed(), _IN_MIXED),
}


def rows():
    classes = subject.held_out(NUM)
    classifier = subject.frozen().classifier
    judge = jax.jit(fidelity().measure)
    infills = INFILLS | trained_infills.found()
    judges = {name: infill.build(classifier) for name, infill in infills.items()}
    alone = {name: (_FAST, infill, {name}) for name, infill in infills.items()}
    for name, (cfg, infill, own) in (alone | ROWS).items():
        frozen = Frozen(classifier, infill.build(classifier))
        explain = jax.jit(cfg.build().explain)
        kept, areas, parts = {of: [] for of in judges}, [], []
        for start in range(0, NUM, BATCH):
            some = classes[start : start + BATCH]
            batch = subject.batch_of(subject.imagenet_samples(some), np.array(some))
            found = explain((), frozen, batch, jax.random.key(0))
            parts += [num_parts(np.asarray(one)) for one in found.saliency[..., 0]]
            held_out = []
            for of, seen in judges.items():
                seen = Frozen(classifier, seen)
                numbers = judge((), seen, batch, found, jax.random.key(1))
                kept[of] += np.asarray(numbers["curve_kept"])[:, LEVEL].tolist()
                if of not in own:
                    held_out.append(np.nan_to_num(np.asarray(numbers["sufficient_area"]), nan=1.0))
            areas += np.mean(held_out, axis=0).tolist()
        yield _row(name, calls(cfg), kept, np.array(areas), parts)


def num_parts(saliency: np.ndarray) -> int:
    """Connected parts (four neighbours) of the most salient pixels of one picture."""
    order = np.argsort(-saliency.reshape(-1), kind="stable")
    inside = np.zeros(saliency.size, bool)
    inside[order[: num_kept(AREAS[LEVEL], saliency.size)]] = True
    return int(ndimage.label(inside.reshape(saliency.shape))[1])


def _row(name: str, num_calls: int, kept, areas: np.ndarray, parts: list[int]):
    draws = np.random.default_rng(0).choice(areas, (2000, len(areas))).mean(axis=1)
    return {
        "case": name,
        "calls": num_calls,
        "value": round(float(areas.mean()), 3),
        "unit": f"smallest sufficient share under the other infills, {len(areas)} pictures",
        "95 %": np.round(np.quantile(draws, [0.025, 0.975]), 3).tolist(),
        **{f"{of}, nats": round(float(np.mean(values)), 2) for of, values in kept.items()},
        "parts": round(float(np.mean(parts)), 1),
    }
