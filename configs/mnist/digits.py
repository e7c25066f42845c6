"""MNIST's digits 3 and 8 for all configs of this folder: one class, "digit 8", and one logit."""

from configs import data_folder
from configs.recipes import Pictures
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.digits import Digits


def _digits(split: str) -> Digits:
    return Digits(root=data_folder.path("mnist"), split=split)  # type: ignore[arg-type]


PICTURES = Pictures(  # "train" 9,586, "validation" 2,396, "test" 1,984
    of_split=_digits,
    size=Preprocess(height=28, width=28),
    class_names=("digit 8",),
    num_threads=2,
)
