"""RSNA pneumonia challenge: chest X-rays, normal or with opacities, and the boxes of these."""

import struct
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import tensorflow_datasets as tfds

from xai_jax.data.builders import archive

CLASSES = ("Normal", "Lung Opacity")  # the third, "No Lung Opacity / Not Normal", is left out
_SHARES = {"train": 0.8, "validation": 0.9, "test": 1.0}  # up to which chance, by patient
_LONG = (b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"UC", b"UN", b"UR", b"UT")
_PIXELS, _ITEM = (0x7FE0, 0x0010), (0xFFFE, 0xE000)
_UNKNOWN = 0xFFFFFFFF  # a length


class RsnaPneumonia(archive.ArchiveBuilder):
    """Splits are made by us, by the patient's id: 80, 10 and 10 per cent."""

    ARCHIVES = (
        "stage_2_train_labels.csv, stage_2_detailed_class_info.csv and the folder "
        "stage_2_train_images of rsna-pneumonia-detection-challenge.zip"
    )

    def features(self) -> archive.Row:
        """The picture, its class, its boxes."""
        return {
            "image": archive.picture(1),
            "file": tfds.features.Text(),
            "label": tfds.features.ClassLabel(names=list(CLASSES)),
            "boxes": tfds.features.Sequence(tfds.features.BBoxFeature()),
        }

    def splits(self, folder: Path) -> Mapping[str, Iterator[archive.Row]]:
        """Train, validation, test."""
        root = self.needed(folder, "stage_2_train_images")
        info = archive.table(self.needed(folder, "stage_2_detailed_class_info.csv"))
        class_of = {line["patientId"]: line["class"] for line in info}
        boxes = defaultdict(list)
        for line in archive.table(self.needed(folder, "stage_2_train_labels.csv")):
            if line["Target"] == "1":
                left, top = float(line["x"]), float(line["y"])
                right, bottom = left + float(line["width"]), top + float(line["height"])
                boxes[line["patientId"]].append((left, top, right, bottom))
        patients: dict[str, list[str]] = {name: [] for name in _SHARES}
        for patient in sorted(p for p, name in class_of.items() if name in CLASSES):
            chance = archive.chance(patient)
            patients[next(n for n, share in _SHARES.items() if chance < share)].append(patient)
        return {
            name: (_row(root, p, class_of[p], boxes[p]) for p in chosen)
            for name, chosen in patients.items()
        }


def _row(
    root: Path, patient: str, label: str, boxes: list[tuple[float, float, float, float]]
) -> archive.Row:
    path = root / f"{patient}.dcm"
    picture = jpeg_of_dicom(path)
    size = archive.size_of(path, picture)
    return {
        "image": picture,
        "file": f"{patient}.dcm",
        "label": label,
        "boxes": [archive.box(edges, size) for edges in boxes],
    }


def jpeg_of_dicom(path: Path) -> bytes:
    """The JPEG file that a DICOM file with compressed pixels wraps (DICOM PS3.5, A.4).

    Raises:
        ValueError: it is no DICOM file, or its pixels are not a JPEG of eight bits.
    """
    content = path.read_bytes()
    at = 132 if content[128:132] == b"DICM" else len(content)
    while at + 8 <= len(content):
        tag = struct.unpack_from("<HH", content, at)
        if tag[0] == _ITEM[0]:  # what a sequence holds: only a mark, and a length
            at += 8
            continue
        if content[at + 4 : at + 6] in _LONG:
            (length,), at = struct.unpack_from("<I", content, at + 8), at + 12
        else:
            (length,), at = struct.unpack_from("<H", content, at + 6), at + 8
        if tag == _PIXELS:
            picture = _fragments(content, at) if length == _UNKNOWN else b""
            if picture.startswith(b"\xff\xd8"):
                return picture
            break
        if length != _UNKNOWN:  # else a sequence that ends with a mark: walk through it
            at += length
    raise ValueError(
        f"{path} is no DICOM file with a JPEG inside; take the challenge's own files, unchanged."
    )


def _fragments(content: bytes, at: int) -> bytes:
    """The pieces after the first one, which is a table of offsets."""
    pieces = []
    while at + 8 <= len(content) and struct.unpack_from("<HH", content, at) == _ITEM:
        (length,) = struct.unpack_from("<I", content, at + 4)
        pieces.append(content[at + 8 : at + 8 + length])
        at += 8 + length
    return b"".join(pieces[1:])
