"""Weights and pictures that are made again from nothing but a name and a shape."""

import zlib

import numpy as np


def of(name: str) -> str:
    """The network whose weights a classifier reads: two classifiers are one network."""
    return name.removesuffix("_batch_norm")


def weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Random numbers for one array of a state dict, scaled so that activations stay near 1.

    Statistics and scales of batch norms differ from channel to channel, so that folding them
    wrongly shows.
    """
    uniform = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode()))).random(
        shape, dtype=np.float32
    )
    if name.endswith("num_batches_tracked"):
        return np.zeros(shape, np.int64)
    if name.endswith("running_var"):
        return uniform + np.float32(0.5)  # 0.5 .. 1.5
    if len(shape) == 1 and name.endswith(".weight"):
        residual = np.float32(
            0.3 if "bn3" in name or "increase_bn" in name else 1.0
        )  # or each shortcut would double the sum
        return (uniform * np.float32(0.6) + np.float32(0.8)) * residual
    if len(shape) == 1:
        return uniform * np.float32(0.4) - np.float32(0.2)
    spread = np.sqrt(2 * 12 / np.prod(shape[1:]))  # variance 2 / fan-in, as ReLU halves it
    return (uniform - np.float32(0.5)) * np.float32(spread)


def state_dict(shapes: dict[str, tuple[int, ...]]) -> dict[str, np.ndarray]:
    return {name: weight(name, tuple(shape)) for name, shape in shapes.items()}


def pictures(size: int, count: int = 2) -> np.ndarray:
    """``[count size size 3]`` float32 in -2 .. 2, what a network eats: waves, no two alike."""
    y, x = np.mgrid[:size, :size] / 10
    waves = [
        np.sin((1 + 4 * picture) * x + (1.3 + 0.4 * channel) * y) + (1 - picture) * np.cos(x - y)
        for picture in range(count)
        for channel in range(3)
    ]
    stacked = np.stack(waves).reshape(count, 3, size, size)
    return np.ascontiguousarray(stacked.transpose(0, 2, 3, 1), np.float32)


def direction(shape: tuple[int, ...], name: str) -> np.ndarray:
    """Random numbers in -1 .. 1: which way a derivative is taken, or how logits are summed."""
    generator = np.random.Generator(np.random.PCG64(zlib.crc32(name.encode())))
    return generator.random(shape, dtype=np.float32) * 2 - 1


def vgg19_shapes() -> dict[str, tuple[int, ...]]:
    """Torchvision's names and shapes of VGG-19, of which no answers are recorded."""
    found: dict[str, tuple[int, ...]] = {}
    inputs = 3
    for index in (0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34):
        width = (64, 128, 256, 512, 512)[sum(index > pool for pool in (4, 9, 18, 27))]
        found |= {f"features.{index}.weight": (width, inputs, 3, 3)}
        found |= {f"features.{index}.bias": (width,)}
        inputs = width
    for index, (outputs, inputs) in {0: (4096, 25088), 3: (4096, 4096), 6: (1000, 4096)}.items():
        found |= {f"classifier.{index}.weight": (outputs, inputs)}
        found |= {f"classifier.{index}.bias": (outputs,)}
    return found
