"""RISE, Grad-CAM, integrated gradients, insertion and deletion against the packages that have them.

The same weights (Lite0), pictures, targets and cores, in one run: ours by `xai_jax.explain` or, of
the curves, by a metric as a scoring calls it; theirs by `peers.attributions` (extra `peers`),
on as many threads as are fastest.
`ratio` is ours over theirs; `correlation` is of both maps, the least of the pictures, where nothing
is random. The curves are compared by the largest difference of an area, and the time of quantus is
divided by the three calls that it makes where one would do.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

import xai_jax
from benchmarks import subject, timing
from benchmarks.peers import attributions as peers
from benchmarks.peers import lite0
from xai_jax.core.targets import Score
from xai_jax.core.types import Explanation
from xai_jax.infills.constant import Mean
from xai_jax.methods import gradcam, gradients, rise
from xai_jax.metrics import curves

CLASSES = (207, 281, 340, 504)
NUM_MASKS = 200  # of RISE, a picture
MUST_REACH = 1.0


def rows():
    model = peers.halves()
    images, target = subject.imagenet_samples(CLASSES), np.array(CLASSES)
    pictures = lite0.normalised(images)
    black = lite0.normalised(np.zeros_like(images[:1]))
    threads = peers.choose_threads(model, pictures)
    given = model, pictures, target
    classifier = subject.frozen().classifier

    def ours(method):
        return functools.partial(_explained, classifier, images, target, method)

    def theirs(peer, *more):
        return functools.partial(peer, *given, *more)

    cam = ours(gradcam.Config())
    yield _maps(f"Grad-CAM, captum on {threads} threads", cam, theirs(peers.captum_gradcam))
    yield _maps("Grad-CAM, pytorch-grad-cam", cam, theirs(peers.grad_cam_gradcam))
    yield _maps("Grad-CAM, TorchRay", cam, theirs(peers.torchray_gradcam))
    integrated = ours(gradients.IntegratedGradients(score=Score.LOGIT, inner_batch_size=16))
    yield _maps(
        "integrated gradients, captum", integrated, theirs(peers.captum_integrated, black), 2
    )
    masked = ours(rise.Config(num_masks=NUM_MASKS, form=rise.Form.TORCHRAY, score=Score.SIGMOID))
    peer = theirs(peers.torchray_rise, NUM_MASKS)
    yield _row(f"RISE, {NUM_MASKS} masks, TorchRay", masked, peer, 1)
    yield _removal(images, target, theirs)


def _explained(classifier, images, target, method) -> np.ndarray:
    return xai_jax.explain(classifier, images, target, method=method).saliency[..., 0]


def _maps(case, ours, theirs, repeats=5):
    pairs = zip(ours(), theirs(), strict=True)
    least = min(np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in pairs)
    return {**_row(case, ours, theirs, repeats), "correlation": round(float(least), 4)}


def _removal(images, target, theirs):
    """Both curves of one map, whose values are all different."""
    frozen, batch = subject.frozen(), subject.batch_of(images, target)
    metric = curves.curves(Mean())
    measure = jax.jit(metric.measure)
    order = jax.random.permutation(jax.random.key(0), images[..., 0].size)
    maps = np.asarray(order, np.float32).reshape(images.shape[:3])
    explanation = Explanation(target=batch.target, saliency=jnp.asarray(maps[..., None]))

    def ours():
        found = measure(metric.params, frozen, batch, explanation, jax.random.key(0))
        return np.asarray(found["deletion"]), np.asarray(found["insertion"])

    peer = theirs(peers.quantus_curves, maps, curves.STEPS)
    gaps = [abs(one - other).max() for one, other in zip(ours(), peer(), strict=True)]
    case = f"deletion and insertion, {curves.STEPS} steps, quantus"
    row = _row(case, ours, peer, 2, calls=peers.QUANTUS_CALLS)
    return {**row, "largest_difference": round(float(max(gaps)), 6)}


def _row(case, ours, theirs, repeats, calls=1):
    seconds, limit, ratio = timing.paired(ours, theirs, repeats=repeats)
    return {
        "case": case,
        "value": round(1e3 * seconds / len(CLASSES), 1),
        "unit": "ms a picture",
        "limit": round(1e3 * limit / len(CLASSES) / calls, 1),
        "ratio": round(ratio * calls, 3),
        "must_reach": MUST_REACH,
    }
