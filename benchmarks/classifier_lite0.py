"""EfficientNet-Lite0, forward and image gradient, against PyTorch eager in channels-last layout."""

import jax
import numpy as np

from benchmarks import subject, timing
from benchmarks.peers import lite0

BATCH = 8
MUST_REACH = 0.95


def rows():
    peer = lite0.network()
    import torch

    frozen, images = subject.frozen(), subject.noise_images(BATCH)
    target = np.zeros(BATCH, np.int32)
    bare = jax.jit(subject.image_gradient)
    pixels = lite0.normalised(images).requires_grad_()

    def torch_gradient():
        logits = peer(pixels)
        others = logits[:, 1:].logsumexp(dim=1)
        return torch.autograd.grad((logits[:, 0] - others).sum(), pixels)[0].numpy()

    def our_gradient():
        return bare(frozen.classifier, images, target)

    # The two must compute the same thing before their times are compared; where an activation lies
    # on a kink of ReLU6, rounding may choose the other side, so the whole gradient is compared.
    ours, theirs = np.asarray(our_gradient()[1]) * 128 / 255, torch_gradient()
    difference = np.linalg.norm(ours.transpose(0, 3, 1, 2) - theirs) / np.linalg.norm(theirs)
    assert difference < 1e-2, difference
    value, limit, ratio = timing.paired(our_gradient, torch_gradient, repeats=15)
    yield {
        "case": f"batch {BATCH}, torch {torch.__version__}, {torch.get_num_threads()} threads",
        "value": round(1e3 * value / BATCH, 1),
        "unit": "ms an image",
        "limit": round(1e3 * limit / BATCH, 1),
        "ratio": round(ratio, 3),
        "must_reach": MUST_REACH,
    }
