"""VGG-16 and ResNet-50, forward and image gradient, against PyTorch eager in channels-last layout.

Batch norm is folded into the convolutions on both sides, and the weights are random, the same.
"""

import jax
import numpy as np

from benchmarks import subject, timing
from xai_jax.classifiers.resnet import RESNET50
from xai_jax.classifiers.vgg import VGG16

BATCH, CLASSES = 8, 1000
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
MUST_REACH = {"vgg16": 0.95, "resnet50": 1.0}


def rows():
    try:
        import torch
    except ImportError as error:
        raise SystemExit('torch is missing; pip install "xai-jax[peers]".') from error
    images = subject.noise_images(BATCH)
    for network, peer in ((VGG16, _vgg), (RESNET50, _resnet)):
        params = random_params(network)
        ours, theirs = _our_gradient(network, params, images), _their_gradient(peer, params, images)
        # The two must compute the same thing before their times are compared.
        difference = np.linalg.norm(ours() - theirs()) / np.linalg.norm(theirs())
        assert difference < 1e-2, difference
        value, limit, ratio = timing.paired(ours, theirs, repeats=7)
        threads = torch.get_num_threads()
        yield {
            "case": f"{network.name}, batch {BATCH}, torch {torch.__version__}, {threads} threads",
            "value": round(1e3 * value / BATCH, 1),
            "unit": "ms an image",
            "limit": round(1e3 * limit / BATCH, 1),
            "ratio": round(ratio, 3),
            "must_reach": MUST_REACH[network.name],
        }


def random_params(network):
    """Normal weights by which activations keep their size; biases are 0, scales of norms 1."""
    generator = np.random.default_rng(0)

    def draw(path, leaf):
        if len(leaf.shape) == 1:
            is_scale = getattr(path[-1], "key", "") == "scale"
            return np.full(leaf.shape, float(is_scale), np.float32)
        residual = 0.3 if any(getattr(part, "key", "") == "expand" for part in path) else 1.0
        scale = residual * np.sqrt(2 / np.prod(leaf.shape[:-1]))
        return (scale * generator.standard_normal(leaf.shape)).astype(np.float32)

    return jax.tree_util.tree_map_with_path(draw, network.shapes(CLASSES))


def _our_gradient(network, params, images):
    classifier = network.classifier(jax.device_put(params), mean=MEAN, std=STD)
    bare, target = jax.jit(subject.image_gradient), np.zeros(BATCH, np.int32)
    return lambda: np.asarray(bare(classifier, images, target)[1])


def _their_gradient(peer, params, images):
    import torch

    def tensor(leaf):
        if leaf.ndim == 4:  # [h w i o] -> [o i h w]
            made = torch.from_numpy(leaf.transpose(3, 2, 0, 1).copy())
            return made.to(memory_format=torch.channels_last)
        return torch.from_numpy(leaf.T.copy())  # [i o] -> [o i]

    params = jax.tree.map(tensor, params)
    pixels = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    pixels = pixels.to(memory_format=torch.channels_last).requires_grad_()
    mean, std = (torch.tensor(x)[:, None, None] for x in (MEAN, STD))

    def gradient():
        logits = peer(params, (pixels - mean) / std)
        total = (logits[:, 0] - logits[:, 1:].logsumexp(dim=1)).sum()
        return torch.autograd.grad(total, pixels)[0].permute(0, 2, 3, 1).numpy()

    return gradient


def _conv(layer, x, **shape):
    import torch

    return torch.nn.functional.conv2d(x, layer["kernel"], layer["bias"], **shape)


def _vgg(params, x):
    from torch.nn import functional

    for stage in params["stages"]:
        for layer in stage:
            x = functional.relu(_conv(layer, x, padding=1), inplace=True)
        x = functional.max_pool2d(x, 2, 2)
    x = x.flatten(1)
    for layer in params["hidden"]:
        x = functional.relu(functional.linear(x, layer["kernel"], layer["bias"]), inplace=True)
    return functional.linear(x, params["classes"]["kernel"], params["classes"]["bias"])


def _resnet(params, x):
    from torch.nn import functional

    def block(layers, x, stride):
        short = _conv(layers["shortcut"], x, stride=stride) if "shortcut" in layers else x
        x = functional.relu(_conv(layers["reduce"], x), inplace=True)
        x = functional.relu(_conv(layers["window"], x, stride=stride, padding=1), inplace=True)
        return functional.relu(_conv(layers["expand"], x) + short, inplace=True)

    x = functional.relu(_conv(params["stem"], x, stride=2, padding=3), inplace=True)
    x = functional.max_pool2d(x, 3, 2, padding=1)
    for stage, blocks in enumerate(params["stages"]):
        for index, layers in enumerate(blocks):
            x = block(layers, x, 2 if stage > 0 and index == 0 else 1)
    return functional.linear(x.mean((2, 3)), params["classes"]["kernel"], params["classes"]["bias"])
