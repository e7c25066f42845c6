"""The command ``xai-jax`` with one more classifier, "quadrant": small enough for tests."""

import planted

from xai_jax import cli
from xai_jax.classifiers import pretrained
from xai_jax.core.preprocess import Preprocess

SIZE = 16
NAMES = ("tabby, tabby cat", "Egyptian cat", "grey fox", "crane")
SMALL = (
    *("--classifier", "quadrant", "--no-compilation-cache"),
    *("--infill", "constant", "--grids", "4", "--num-steps", "4", "--num-samples", "2"),
)
_load = pretrained.load


def load(name, weights=None):
    if name != "quadrant":
        return _load(name, weights)
    return pretrained.Pretrained(
        name="quadrant",
        classifier=planted.quadrant(),
        class_names=NAMES,
        preprocess=Preprocess(height=SIZE, width=SIZE, crop=1.0),
        weights_sha256="0" * 64,
        source="the tests",
    )


if __name__ == "__main__":
    pretrained.load = load
    cli.entry()
