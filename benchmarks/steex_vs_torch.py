"""STEEX at full width and 128 x 128 against the same optimisation written plainly in PyTorch.

The same random weights, the same picture and codes, EfficientNet-Lite0 explained. PyTorch (extra
`peers`) on two threads, in that form of its arrays that is fastest, and without the encoder's pass,
which ours makes. `ratio` is its time over ours; `off` is the largest difference of the log-odds
that both logged, as a share of their size.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import sean_subject, subject, timing
from benchmarks.peers import installed
from xai_jax.generators import sean
from xai_jax.methods import steex
from xai_jax.nn.learner import Weights

SIDE, STEPS, MUST_REACH = 128, 8, 4.0
NETWORK = sean_subject.FULL


def rows():
    torch = installed("torch")
    torch.set_num_threads(2)
    found = sean_subject.variables(NETWORK, SIDE)
    weights = Weights(params=found["params"], statistics=found["batch_stats"])
    of = dataclasses.replace(subject.frozen(), generator=sean.of_weights(NETWORK, weights))
    del found, weights
    images = 0.5 * (sean_subject.images(1, SIDE) + 1.0)
    one_hot = sean_subject.one_hot(NETWORK, 1, SIDE)
    batch = dataclasses.replace(
        subject.batch_of(images), regions=one_hot.argmax(axis=-1).astype(jnp.int32)
    )
    cfg = steex.Config(num_steps=STEPS)
    explain, key = jax.jit(cfg.build().explain), jax.random.key(0)
    context = jax.jit(lambda of, b: of.generator.prepare(b.images, b.regions))(of, batch)
    begun = jax.jit(lambda of, context: of.generator.encode(context))(of, context)
    last, theirs = _fastest(of, batch, np.asarray(one_hot), np.asarray(begun), cfg)
    gained, _ = theirs()
    ours = np.asarray(explain((), of, batch, key).numbers["gained"])
    off = np.abs(gained.numpy() - ours).max() / np.abs(ours).max()
    seconds, own, ratio = timing.paired(theirs, lambda: explain((), of, batch, key), repeats=3)
    yield {
        "case": f"one picture of {SIDE} x {SIDE}, full width, {STEPS} steps; PyTorch "
        f"{'channels-last' if last else 'contiguous'}",
        "value": round(own, 2),
        "unit": "s a counterfactual",
        "limit": round(seconds, 2),
        "ratio": round(ratio, 2),
        "off": float(off),
        "must_reach": MUST_REACH,
    }


def _fastest(of, batch, one_hot, begun, cfg):
    """The form, and the optimisation in it, of PyTorch's quicker try."""
    torch = installed("torch")
    from benchmarks.peers import lite0  # they need torch
    from benchmarks.peers import sean as peer

    host = jax.tree.map(np.array, of.generator.params)
    generator = peer.Generator(host["params"], host["batch_stats"], NETWORK.depth)
    network = lite0.network()
    toward = -1.0 if float(of.classifier.log_odds(batch.images, batch.target)[0]) >= 0 else 1.0
    target = int(batch.target[0])
    mean, std = 127 / 255, 128 / 255

    def log_odds(pictures):
        logits = network((pictures - mean) / std)
        others = torch.cat([logits[:, :target], logits[:, target + 1 :]], dim=1)
        return toward * (logits[:, target] - others.logsumexp(dim=1))

    def run(last: bool, steps: int):
        form = torch.channels_last if last else torch.contiguous_format
        maps = torch.from_numpy(one_hot.transpose(0, 3, 1, 2).copy()).contiguous(memory_format=form)
        return lambda: peer.counterfactual(
            generator,
            log_odds,
            maps,
            torch.from_numpy(begun.copy()),
            num_steps=steps,
            rate=cfg.learning_rate,
            weight=cfg.distance_weight,
        )

    tried = {last: timing.seconds(run(last, 1)) for last in (False, True)}
    last = min(tried, key=tried.__getitem__)
    return last, run(last, cfg.num_steps)
