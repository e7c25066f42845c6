"""ONNX files of torchvision's networks: forward against ONNX Runtime, gradient against PyTorch.

The weights are random; PyTorch runs eagerly in channels-last layout. The first row is ResNet-50
read from its file against the port that is written by hand: what the graph itself costs, and so
what of the distance to ONNX Runtime is that of XLA's convolutions.
"""

import pathlib
import tempfile

import jax
import numpy as np

from benchmarks import peers, subject, timing
from xai_jax.classifiers import from_onnx
from xai_jax.classifiers.resnet import RESNET50

BATCH = 8
NETWORKS = ("resnet50", "vit_b_16")
FORWARD, GRADIENT, PORT = 1.2, 1.0, 1.05  # must reach


def rows():
    torch, models = peers.installed("torch"), peers.installed("torchvision.models")
    runtime = peers.installed("onnxruntime")
    images = subject.noise_images(BATCH)
    for name in NETWORKS:
        torch.manual_seed(0)
        net = getattr(models, name)(weights=None).eval()
        for weight in (weight for weight in net.parameters() if not weight.any()):
            torch.nn.init.normal_(weight, std=0.02)  # a ViT's head begins with zeros
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "model.onnx")
            _export(torch, net, path)
            classifier = from_onnx(path, mean=0, std=1).classifier
            session = runtime.InferenceSession(path)
        if name == RESNET50.name:
            yield _row(f"{name}: file and port", *_of_file_and_port(classifier, net, images), PORT)
        yield _row(f"{name}: forward", *_forward(classifier, session, images), FORWARD)
        yield _row(f"{name}: gradient", *_gradients(torch, classifier, net, images), GRADIENT)


def _export(torch, net, path):
    batch = {0: torch.export.Dim("batch")}
    pictures = (torch.zeros(2, 3, 224, 224),)
    torch.onnx.export(net, pictures, path, dynamo=True, dynamic_shapes=(batch,), verbose=False)


def _forward(classifier, session, images):
    ours = lambda: np.asarray(classifier.logits(images))  # noqa: E731
    first = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    (given,) = session.get_inputs()
    return ours, lambda: session.run(None, {given.name: first})[0]


def _of_file_and_port(classifier, net, images):
    weights = {name: value.numpy() for name, value in net.state_dict().items()}
    port = RESNET50.classifier(RESNET50.convert(weights), mean=(0.0,) * 3, std=(1.0,) * 3)
    return tuple(lambda one=one: np.asarray(one.logits(images)) for one in (classifier, port))


def _gradients(torch, classifier, net, images):
    cotangent = np.random.default_rng(0).standard_normal((BATCH, 1000)).astype(np.float32)
    bare = jax.jit(jax.grad(lambda x, classifier: (classifier.logits(x) * cotangent).sum()))
    net = net.to(memory_format=torch.channels_last).requires_grad_(False)
    pixels = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    pixels = pixels.to(memory_format=torch.channels_last).requires_grad_()

    def theirs():
        total = (net(pixels) * torch.from_numpy(cotangent)).sum()
        return torch.autograd.grad(total, pixels)[0].permute(0, 2, 3, 1).numpy()

    return lambda: np.asarray(bare(images, classifier)), theirs


def _row(case, ours, theirs, must_reach):
    # The two must compute the same thing before their times are compared.
    difference = np.linalg.norm(ours() - theirs()) / np.linalg.norm(theirs())
    assert difference < 2e-2, difference
    value, limit, ratio = timing.paired(ours, theirs, repeats=5)
    return {
        "case": f"{case}, batch {BATCH}",
        "value": round(1e3 * value / BATCH, 1),
        "unit": "ms an image",
        "limit": round(1e3 * limit / BATCH, 1),
        "difference": float(f"{difference:.2g}"),
        "ratio": round(ratio, 3),
        "must_reach": must_reach,
    }
