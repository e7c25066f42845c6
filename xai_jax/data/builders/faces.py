"""CelebA and CelebAMask-HQ: forty attributes of each face, and of the latter its parts."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from xai_jax.data import pictures
from xai_jax.data.builders import archive

ATTRIBUTES = tuple(
    "5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose "
    "Black_Hair Blond_Hair Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee "
    "Gray_Hair Heavy_Makeup High_Cheekbones Male Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard "
    "Oval_Face Pale_Skin Pointy_Nose Receding_Hairline Rosy_Cheeks Sideburns Smiling Straight_Hair "
    "Wavy_Hair Wearing_Earrings Wearing_Hat Wearing_Lipstick Wearing_Necklace Wearing_Necktie "
    "Young".split()
)
PARTS = tuple(  # numbers 1 to 18 of a mask; a later part lies on top of an earlier one
    "skin nose eye_g l_eye r_eye l_brow r_brow l_ear r_ear mouth u_lip l_lip hair hat ear_r neck_l "
    "neck cloth".split()
)
MASK_SIDE = 512
_FIRST_OF_VALIDATION, _FIRST_OF_TEST = 162_771, 182_638  # of CelebA, counted from 0


class CelebaFaces(archive.ArchiveBuilder):
    """The aligned and cropped faces, in the splits of list_eval_partition.txt."""

    ARCHIVES = "the folder img_align_celeba, list_attr_celeba.txt and list_eval_partition.txt"

    def features(self) -> archive.Row:
        """The picture and its attributes, 0 / 1."""
        return {
            "image": archive.picture(),
            "file": tfds.features.Text(),
            "attributes": tfds.features.Tensor(shape=(len(ATTRIBUTES),), dtype=np.uint8),
        }

    def splits(self, folder: Path) -> Mapping[str, Iterator[archive.Row]]:
        """Train, validation, test."""
        root = self.needed(folder, "img_align_celeba")
        attributes = _attributes(self.needed(folder, "list_attr_celeba.txt"))
        lines = self.needed(folder, "list_eval_partition.txt").read_text().splitlines()
        part_of = dict(line.split() for line in lines if line.strip())
        files: dict[str, list[str]] = {"0": [], "1": [], "2": []}
        for file in sorted(attributes):
            files[part_of[file]].append(file)
        return {
            name: (
                {"image": root / file, "file": file, "attributes": attributes[file]}
                for file in files[part]
            )
            for name, part in (("train", "0"), ("validation", "1"), ("test", "2"))
        }


class CelebamaskHq(archive.ArchiveBuilder):
    """30,000 faces of 1024 x 1024, the masks of their parts at 512 x 512, the names of the files.

    The mask holds 0 background and 1 to 18 the `PARTS`. Splits go by the number of the original
    picture in CelebA.
    """

    ARCHIVES = "the folder CelebAMask-HQ of CelebAMask-HQ.zip"

    def features(self) -> archive.Row:
        """The picture, its attributes, 0 / 1, its mask."""
        return {
            "image": archive.picture(),
            "file": tfds.features.Text(),
            "attributes": tfds.features.Tensor(shape=(len(ATTRIBUTES),), dtype=np.uint8),
            "mask": archive.class_ids(),
        }

    def splits(self, folder: Path) -> Mapping[str, Iterator[archive.Row]]:
        """Train, validation, test."""
        root = self.needed(folder, "CelebAMask-HQ")
        for part in ("CelebA-HQ-img", "CelebAMask-HQ-mask-anno"):
            self.needed(folder, f"CelebAMask-HQ/{part}")
        named = "CelebAMask-HQ/CelebAMask-HQ-attribute-anno.txt"
        attributes = _attributes(self.needed(folder, named))
        mapping = self.needed(folder, "CelebAMask-HQ/CelebA-HQ-to-CelebA-mapping.txt")
        numbers: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
        for line in mapping.read_text().splitlines()[1:]:
            number, original = (int(word) for word in line.split()[:2])
            numbers[_split_of(original)].append(number)
        return {
            name: (_face(root, n, attributes) for n in chosen) for name, chosen in numbers.items()
        }


def _split_of(original: int) -> str:
    if original < _FIRST_OF_VALIDATION:
        return "train"
    return "validation" if original < _FIRST_OF_TEST else "test"


def _face(root: Path, number: int, attributes: Mapping[str, np.ndarray]) -> archive.Row:
    file = f"{number}.jpg"
    return {
        "image": root / "CelebA-HQ-img" / file,
        "file": file,
        "attributes": attributes[file],
        "mask": archive.png(_parts(root / "CelebAMask-HQ-mask-anno" / str(number // 2000), number)),
    }


def _parts(folder: Path, number: int) -> np.ndarray:
    """``[512 512]`` uint8, 0 background and 1 to 18 the parts."""
    ids = np.zeros((MASK_SIDE, MASK_SIDE), np.uint8)
    for value, part in enumerate(PARTS, 1):
        path = folder / f"{number:05d}_{part}.png"
        if path.exists():  # not every face has every part
            ids[_drawn(path)] = value
    return ids


def _drawn(path: Path) -> np.ndarray:
    """Where a part's picture, grey or of three equal channels, is white."""
    with archive.named(path):
        return np.asarray(pictures.whole(path))[..., 0] > 127


def _attributes(path: Path) -> dict[str, np.ndarray]:
    """``{file: [40] uint8, 0 / 1}``; the file has a count, a line of names, then -1 and 1.

    Raises:
        ValueError: the names are others.
    """
    _, names, *lines = path.read_text().splitlines()
    if tuple(names.split()) != ATTRIBUTES:
        raise ValueError(f"{path} does not list the 40 attributes of CelebA in its second line.")
    words = (line.split() for line in lines if line.strip())
    return {file: (np.array(values, np.int8) > 0).astype(np.uint8) for file, *values in words}
