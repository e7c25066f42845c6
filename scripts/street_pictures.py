"""Writes planted streets as files: ``python scripts/street_pictures.py FOLDER [NUM]``.

``FOLDER/pictures`` gets the pictures of the test, ``FOLDER/label_maps`` their label maps under the
same names, for ``xai-jax explain --method steex --regions FOLDER/label_maps FOLDER/pictures``.
"""

import pathlib
import sys

from PIL import Image

from configs.steex.streets import PICTURES


def main(folder: str, num: str = "8") -> None:
    """Writes them."""
    places = [pathlib.Path(folder) / name for name in ("pictures", "label_maps")]
    for place in places:
        place.mkdir(parents=True, exist_ok=True)
    source = PICTURES.once("test").examples
    for n in range(int(num)):
        example = source[n]
        for place, array in zip(places, (example.picture, example.mask), strict=True):
            Image.fromarray(array).save(place / f"street_{n:03}.png")


if __name__ == "__main__":
    main(*sys.argv[1:])
