"""A picture from pixels to map and scores, against the published setting written in torch.

Ours is the public call with `fast()` and its scores (`fidelity()`, 42 classifier calls more) on a
batch of four pictures, compiled before; torch explains one of them and scores nothing. Both
objectives of that picture, in nats, are estimated alike (benchmark `fido_calls`).
"""

import dataclasses
import time

import jax
import numpy as np

import xai_jax
from benchmarks import fido_calls, subject
from benchmarks.peers import fido as peer
from benchmarks.peers import lite0
from xai_jax.methods import fido
from xai_jax.metrics.fidelity import fidelity

CLASSES = (207, 281, 340, 504)
MUST_REACH = 20.0


def rows():
    frozen, network = subject.frozen(), lite0.network()
    images = subject.imagenet_samples(CLASSES)
    batch = subject.batch_of(images, np.array(CLASSES))
    method = dataclasses.replace(fido.Config.fast(), display=fido.Display.PROBABILITIES)

    def ours():
        return xai_jax.explain(
            frozen.classifier,
            images,
            CLASSES,
            method=method,
            infill=frozen.infill,
            metrics=[fidelity()],
            batch_size=len(CLASSES),
        )

    ours()
    filled = frozen.infill(frozen.infill.prepare(batch.images), None, None)
    torch_input = lite0.normalised(images[:1]), lite0.normalised(np.asarray(filled)[:1])
    peer.explain(network, *torch_input, CLASSES[0], steps=2)
    before, found = _timed(ours)
    seconds, keep = _timed(lambda: peer.explain(network, *torch_input, CLASSES[0]))
    after, found = _timed(ours)
    value = (before + after) / 2 / len(CLASSES)
    one = jax.tree.map(lambda x: x[:1], batch)
    yield {
        "case": "one picture of a batch of four, SSR, blur infill",
        "value": round(value, 2),
        "unit": "s a picture",
        "limit": round(seconds, 2),
        "ratio": round(seconds / value, 1),
        "must_reach": MUST_REACH,
        "objective": _objective(one, frozen, found.keep[:1]),
        "objective_of_torch": _objective(one, frozen, keep[None, ..., None]),
    }


def _objective(batch, frozen, keep: np.ndarray) -> float:
    return round(float(fido_calls.objective(fido.Config(), frozen, batch, keep)[0]), 2)


def _timed(run):
    start = time.perf_counter()
    found = run()
    return time.perf_counter() - start, found
