"""Contextual attention in chunks of queries against a plain form, a picture after the other.

The plain form makes the image of all scores and convolves it with the identity, as it was written
down. Features of 64 x 64 x 128, a batch of 4: DeepFill's at 256 pixels.
"""

import jax
import jax.numpy as jnp

from benchmarks import timing
from xai_jax.nn import contextual_attention as attention

SHAPE = (4, 64, 64, 128)
AT_ONCE = 2**16  # scores, two rows of places
MUST_REACH = {"time": 1.0, "memory": 0.125}


def patches(x, side, stride):
    """``side x side x c`` numbers around each `stride`-th place: ``[y x c] -> [n side side c]``."""
    first = (side - stride) // 2
    pads = first, side - stride - first
    padded = jnp.pad(x, (pads, pads, (0, 0)))
    height, width, _ = x.shape
    taps = [
        padded[i : i + height : stride, j : j + width : stride]
        for i in range(side)
        for j in range(side)
    ]
    return jnp.stack(taps, axis=2).reshape(-1, side, side, x.shape[2])


def overlaid(found, rows, columns):
    """The sum of patches of 4 x 4 numbers, each around its place, which lie 2 apart."""
    canvas = jnp.zeros((2 * rows + 2, 2 * columns + 2, found.shape[-1]))
    for i in range(4):
        for j in range(4):
            taps = found[:, i, j].reshape(rows, columns, -1)
            canvas = canvas.at[i : i + 2 * rows : 2, j : j + 2 * columns : 2].add(taps)
    return canvas[1:-1, 1:-1]


def plain(features, holes):
    """One picture: ``[y x c]`` and ``[y x 1]``."""
    height, width, _ = features.shape
    rows, columns = height // 2, width // 2
    small = attention.resized(features[None], rows, columns)
    near = patches(small[0], 3, 1).reshape(rows * columns, -1)
    length = jnp.linalg.norm(near, axis=-1, keepdims=True)
    scores = near @ (near / jnp.maximum(length, 1e-4)).T

    def fused(image):
        identity = jnp.eye(3)[:, :, None, None]
        layout = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(
            image[None, ..., None], identity, (1, 1), "SAME", dimension_numbers=layout
        )[0, ..., 0]

    def turned(image, rows, columns):
        split = image.reshape(rows, columns, rows, columns)
        return split.transpose(1, 0, 3, 2).reshape(rows * columns, -1)

    scores = turned(fused(turned(fused(scores), rows, columns)), columns, rows)
    unknown = attention.resized(holes[None], rows, columns)[0]
    valid = (patches(unknown, 3, 1).max(axis=(1, 2, 3)) == 0).astype(features.dtype)
    weights = jax.nn.softmax(10.0 * scores * valid, axis=-1) * valid
    values = patches(features, 4, 2)
    found = (weights @ values.reshape(rows * columns, -1)).reshape(values.shape)
    return overlaid(found, rows, columns) / 4.0


def rows():
    features = jax.random.normal(jax.random.key(0), SHAPE)
    holes = jnp.zeros((*SHAPE[:3], 1)).at[:, 20:44, 20:44].set(1.0)
    forms = {
        "chunks": lambda f, h: attention.contextual_attention(f, h, at_once=AT_ONCE),
        "whole": attention.contextual_attention,
        "plain": jax.vmap(plain),
    }
    compiled = {
        name: jax.jit(form).lower(features, holes).compile() for name, form in forms.items()
    }
    memory = {
        name: program.memory_analysis().temp_size_in_bytes for name, program in compiled.items()
    }
    wanted = compiled["plain"](features, holes)
    for name in ("chunks", "whole"):
        ours, limit, ratio = timing.paired(
            lambda name=name: compiled[name](features, holes),
            lambda: compiled["plain"](features, holes),
            repeats=5,
        )
        yield {
            "case": f"{name}, 4 pictures of 256 pixels",
            "value": round(1e3 * ours, 1),
            "unit": "ms",
            "limit": round(1e3 * limit, 1),
            "ratio": round(ratio, 2),
            "memory": round(memory[name] / 2**20, 1),
            "memory of the plain form": round(memory["plain"] / 2**20, 1),
            "memory ratio": round(memory[name] / memory["plain"], 3),
            "largest difference": float(jnp.abs(compiled[name](features, holes) - wanted).max()),
            "must_reach": MUST_REACH,
        }
