"""Records what PyTorch answers for the networks that draw masks, for the tests of `tests/nn`.

    pip install "xai-jax[parity]"
    PYTHONPATH=. python scripts/record_segmenters.py

Random weights and pictures are made again by the tests; only the answers are recorded.
"""

import json
import pathlib

import numpy as np
import torch

from scripts import torch_segmenters
from tests.classifiers import random_weights

GOLDEN = pathlib.Path(__file__).parents[1] / "tests" / "nn" / "golden"
CLASSES, HEIGHT, WIDTH = 5, 56, 88
EVERY = 8  # of the logits, every 8th row and column is recorded
NETWORKS = {"deeplab": torch_segmenters.DeepLab, "light": torch_segmenters.Light}


def answers(net: torch.nn.Module) -> dict[str, np.ndarray]:
    """Of evaluation: logits. Of a training pass: the new statistics and a sum's gradients.

    Statistics and gradients are recorded by one random projection each. Without dropout.
    """
    pictures = random_weights.pictures(WIDTH)[:, :HEIGHT].astype(np.float64)
    x = torch.from_numpy(pictures.transpose(0, 3, 1, 2).copy())
    logits = net.eval().double()(x).detach().numpy().transpose(0, 2, 3, 1)
    for module in net.train().modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    trained = net(x)
    cotangent = random_weights.direction((2, HEIGHT, WIDTH, CLASSES), "cotangent")
    (trained * torch.from_numpy(cotangent.transpose(0, 3, 1, 2).copy())).sum().backward()
    running = {
        name: projected(name, value)
        for name, value in net.state_dict().items()
        if name.endswith(("running_mean", "running_var"))
    }
    gradients = {name: projected(name, value.grad) for name, value in net.named_parameters()}
    return {
        "logits": logits[:, ::EVERY, ::EVERY].astype(np.float32),
        "trained_logits": trained.detach().numpy()[:, :, ::EVERY, ::EVERY].transpose(0, 2, 3, 1),
        "running": np.array(json.dumps(running)),
        "gradients": np.array(json.dumps(gradients)),
    }


def projected(name: str, value: torch.Tensor) -> list[float]:
    """Product with random numbers in -1 .. 1, and the norm."""
    array = value.numpy()
    way = random_weights.direction(array.shape, name).astype(np.float64)
    return [float((array * way).sum()), float(np.linalg.norm(array))]


def main() -> None:
    """Writes one file a network."""
    GOLDEN.mkdir(exist_ok=True)
    for name, build in NETWORKS.items():
        net = build(CLASSES)
        shapes = {key: tuple(value.shape) for key, value in net.state_dict().items()}
        arrays = random_weights.state_dict(shapes)
        net.load_state_dict({key: torch.from_numpy(np.array(v)) for key, v in arrays.items()})
        recorded = {**answers(net), "shapes": np.array(json.dumps(shapes))}
        np.savez_compressed(GOLDEN / f"{name}.npz", **recorded)
        print(name, "logits", recorded["logits"].std(), "trained", recorded["trained_logits"].std())


if __name__ == "__main__":
    main()
