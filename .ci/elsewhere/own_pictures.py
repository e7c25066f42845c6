"""A module of one's own that the two configs beside it import: drawn pictures of two classes."""

from xai_jax.core.preprocess import Preprocess
from xai_jax.data.pipeline import Masks, Pipeline
from xai_jax.data.planted import TEXTURES, Planted

SIZE = Preprocess(height=28, width=28)
CLASS_NAMES = TEXTURES[:2]


def pictures(split: str, num: int, masks: Masks = "none", *, endless: bool = False) -> Pipeline:
    """Some pictures of a split."""
    source = Planted(size=56, num_classes=len(CLASS_NAMES), num=num, split=split)
    return Pipeline(
        source=source, resize=SIZE, masks=masks, shuffle=endless, num_epochs=0 if endless else 1
    )
