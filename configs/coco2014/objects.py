"""COCO 2014 for all configs of this folder: the categories of the objects in each picture.

Prepare it once, by ``catalog.prepare(catalog.COCO2014, archives=FOLDER)`` (docs/data.md). Class k
is the category with the id k, so that eleven of the 91 are never there.
"""

from configs.recipes import Pictures
from xai_jax.core.preprocess import Preprocess
from xai_jax.data import catalog

_USED = {
    1: "person, bicycle, car, motorcycle, airplane, bus, train, truck, boat, traffic light, "
    "fire hydrant",
    13: "stop sign, parking meter, bench, bird, cat, dog, horse, sheep, cow, elephant, bear, "
    "zebra, giraffe",
    27: "backpack, umbrella",
    31: "handbag, tie, suitcase, frisbee, skis, snowboard, sports ball, kite, baseball bat, "
    "baseball glove, skateboard, surfboard, tennis racket, bottle",
    46: "wine glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, orange, broccoli, "
    "carrot, hot dog, pizza, donut, cake, chair, couch, potted plant, bed",
    67: "dining table",
    70: "toilet",
    72: "tv, laptop, mouse, remote, keyboard, cell phone, microwave, oven, toaster, sink, "
    "refrigerator",
    84: "book, clock, vase, scissors, teddy bear, hair drier, toothbrush",
}
_NAMES = {
    first + place: name
    for first, names in _USED.items()
    for place, name in enumerate(names.split(", "))
}


def _tfds(split: str) -> catalog.Tfds:
    return catalog.Tfds(spec=catalog.COCO2014, split=split)


PICTURES = Pictures(  # "train" nine tenths of train2014, "validation" the rest, "test" val2014
    of_split=_tfds,
    size=Preprocess(height=224, width=224),  # whole pictures, their sides not in proportion
    class_names=tuple(_NAMES.get(k, f"unused {k}") for k in range(91)),
)
