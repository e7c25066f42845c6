"""Whether what FIDO keeps suffices under infills that it was not optimised with.

The smallest share of the most salient pixels that keeps the decision (`metrics.fidelity`) where
what is removed shows the local mean, push-pull or the denoiser: none of them takes part in the
optimisation, of `fast` with the blur or of `robust` with the mixture of blur, mean colour and
noise. Lower is better. Pictures of `imagenet_samples`, explained for their labels.
"""

import jax
import numpy as np

from benchmarks import subject
from benchmarks.fido_calls import calls
from xai_jax.core.method import Frozen
from xai_jax.infills.blur import Blur
from xai_jax.infills.denoiser import Denoiser
from xai_jax.infills.local_mean import LocalMean
from xai_jax.infills.mixed import Mixed
from xai_jax.infills.pyramid import Pyramid
from xai_jax.methods import fido
from xai_jax.metrics.fidelity import fidelity

CLASSES = tuple(range(4, 1000, 20))  # 50
BATCH = 5
HELD_OUT = {"local_mean": LocalMean(), "pyramid": Pyramid(), "denoiser": Denoiser()}
CONTESTANTS = {
    "fast, blur": (fido.Config.fast(), Blur()),
    "fast, mixed": (fido.Config.fast(), Mixed()),
    "robust, mixed": (fido.Config.robust(), Mixed()),
}


def rows():
    classifier = subject.frozen().classifier
    judge = jax.jit(fidelity().measure)
    judges = {name: infill.build(classifier) for name, infill in HELD_OUT.items()}
    found = {name: {judge: [] for judge in HELD_OUT} for name in CONTESTANTS}
    for start in range(0, len(CLASSES), BATCH):
        classes = CLASSES[start : start + BATCH]
        batch = subject.batch_of(subject.imagenet_samples(classes), np.array(classes))
        for name, (cfg, infill) in CONTESTANTS.items():
            frozen = Frozen(classifier, infill.build(classifier))
            explained = jax.jit(cfg.build().explain)((), frozen, batch, jax.random.key(0))
            for of, held_out in judges.items():
                seen = Frozen(classifier, held_out)
                numbers = judge((), seen, batch, explained, jax.random.key(1))
                found[name][of] += np.asarray(numbers["sufficient_area"]).tolist()
    yield from _compared(found)


def _compared(found: dict[str, dict[str, list[float]]]):
    """A row a contestant: means over the pictures, and the paired difference from the first."""
    first = np.mean([found["fast, blur"][of] for of in HELD_OUT], axis=0)
    draw = np.random.default_rng(0)
    for name, (cfg, _) in CONTESTANTS.items():
        mean = np.mean([found[name][of] for of in HELD_OUT], axis=0)
        less = draw.choice(mean - first, (2000, len(mean))).mean(axis=1)
        yield {
            "case": name,
            "calls": calls(cfg),
            "value": round(float(mean.mean()), 3),
            "unit": f"smallest sufficient share, mean of {len(mean)} pictures",
            **{of: round(float(np.mean(values)), 3) for of, values in found[name].items()},
            "against fast": round(float((mean - first).mean()), 3),
            "95 %": np.round(np.quantile(less, [0.025, 0.975]), 3).tolist(),
        }
