"""Whether what FIDO keeps suffices under infills that it was not optimised with.

The smallest share of the most salient pixels that keeps the decision
(`core.areas.smallest_sufficient`) where what is removed shows the mean colour, the local mean or
push-pull, which take part in no optimisation: that of `fast` with the blur, or with the mixture of
blur, noise and denoiser. Lower is better. Beside it the same under the denoiser; the connected
parts of the most salient 9 %; and the mean probability of the label by Lite2, which no map has
seen, of the most salient 0.25 to 30 % (11 shares) on its mean colour. Two rows make maps smoother:
by a price of squared variation, and by shifts of every composite by up to 8 pixels and mirror
images. Pictures of `imagenet_samples` that no infill has learned from, explained for their labels.
"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks import subject
from benchmarks.fido_calls import calls
from benchmarks.kept_parts import curve, interval, num_parts
from xai_jax.classifiers import pretrained
from xai_jax.core.areas import AREAS, most_salient, ranks, smallest_sufficient
from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Frozen
from xai_jax.infills.blur import Blur
from xai_jax.infills.constant import Mean
from xai_jax.infills.denoiser import Denoiser
from xai_jax.infills.local_mean import LocalMean
from xai_jax.infills.mixed import Mixed
from xai_jax.infills.pyramid import Pyramid
from xai_jax.methods import fido

BATCH, SHIFT = 5, 8
LEVEL = 5  # of AREAS: 9 %
HELD_OUT = {"mean": Mean(), "local_mean": LocalMean(), "pyramid": Pyramid()}
_FAST, _ROBUST = fido.Config.fast(), fido.Config.robust()
CONTESTANTS = {
    "fast, blur": (_FAST, Blur()),
    "robust, mixed": (_ROBUST, Mixed()),
    "fast, mixed": (_FAST, Mixed()),
    "fast, denoiser": (_FAST, Denoiser()),
    "robust, mixed, filled every step": (dataclasses.replace(_ROBUST, infill_every=1), Mixed()),
    "robust, mixed, smoothness 0.003": (
        dataclasses.replace(_ROBUST, smoothness_weight=3e-3),
        Mixed(),
    ),
    "robust, mixed, shifted": (_ROBUST, Mixed()),
}


def shifted(classifier: Classifier) -> Classifier:
    """It sees every picture shifted and perhaps mirrored, as a hash of its pixels says."""

    def apply_fn(params, images, *rest):
        numbers = jax.lax.bitcast_convert_type(images.sum((1, 2, 3)), jnp.int32)
        moved = jax.vmap(_moved)(images, jax.vmap(jax.random.key)(numbers))
        return classifier.apply_fn(params, moved, *rest)

    return dataclasses.replace(classifier, apply_fn=apply_fn)


def _moved(image, key):
    at, mirrored = jax.random.randint(key, (3,), 0, 2 * SHIFT + 1), jax.random.bernoulli(key)
    around = jnp.pad(image, ((SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0)), mode="edge")
    moved = jax.lax.dynamic_slice(around, (at[0], at[1], 0), image.shape)
    return jnp.where(mirrored, moved[:, ::-1], moved)


def rows(num: int = 50):
    classes = subject.held_out(num)
    classifier, other = (
        pretrained.load(f"efficientnet_{name}").classifier for name in ("lite0", "lite2")
    )
    every = HELD_OUT | {"denoiser": Denoiser()}
    judges = {name: Frozen(classifier, own.build(classifier)) for name, own in every.items()}
    unseen = Frozen(other, Mean().build(other))
    found: dict[str, list[dict[str, np.ndarray]]] = {}
    for name, (cfg, infill) in CONTESTANTS.items():
        seen = shifted(classifier) if name.endswith("shifted") else classifier
        frozen, explain = Frozen(seen, infill.build(classifier)), jax.jit(cfg.build().explain)
        for start in range(0, num, BATCH):
            some = classes[start : start + BATCH]
            batch = subject.batch_of(subject.imagenet_samples(some), np.array(some))
            saliency = explain((), frozen, batch, jax.random.key(0)).saliency
            found.setdefault(name, []).append(_judged(saliency, batch, judges, unseen))
        yield _compared(name, calls(cfg), found)


def _judged(saliency, batch, judges, unseen: Frozen) -> dict[str, np.ndarray]:
    rank = ranks(saliency)
    kept = jax.nn.sigmoid(curve(unseen, batch, rank, AREAS[:11]))
    parts = [num_parts(one) for one in np.asarray(most_salient(rank, AREAS[LEVEL]))]
    measured = {"lite2": np.asarray(kept.mean(axis=1)), "parts": np.array(parts)}
    for name, frozen in judges.items():
        alone = curve(frozen, batch, rank)
        measured[name] = np.asarray(smallest_sufficient(alone, alone[:, -1]))
    return measured


def _compared(name: str, num_calls: int, found):
    """Means over the pictures, and the paired difference from the first contestant."""
    every = {
        case: {of: np.concatenate([batch[of] for batch in batches]) for of in batches[0]}
        for case, batches in found.items()
    }
    own = np.mean([every[name][of] for of in HELD_OUT], axis=0)
    less = own - np.mean([every["fast, blur"][of] for of in HELD_OUT], axis=0)
    return {
        "case": name,
        "calls": num_calls,
        "value": round(float(own.mean()), 3),
        "unit": f"smallest sufficient share, mean of {len(own)} pictures",
        **{of: round(float(values.mean()), 3) for of, values in every[name].items()},
        "against fast": round(float(less.mean()), 3),
        "95 %": interval(less),
    }
