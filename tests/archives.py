"""Archives of known data sets in their original layout, with a few pictures of our own."""

import json

import numpy as np
from PIL import Image

SIZE = (8, 6)  # width, height


def save(path, pixels, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = pixels if isinstance(pixels, Image.Image) else Image.fromarray(np.uint8(pixels))
    image.save(path, **options)


def grey(value, size=SIZE):
    return np.full((size[1], size[0], 3), value, np.uint8)


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def save_regions(voc, name, ids):
    palette = Image.frombytes("P", SIZE, ids.tobytes())
    palette.putpalette([200, 100, 7] * 256)
    save(voc / "SegmentationClass" / f"{name}.png", palette)


def make_voc(root):
    voc = root / "VOCdevkit" / "VOC2007"
    xml = (
        "<annotation><size><width>8</width><height>6</height></size>{}</annotation>",
        "<object><name>{}</name><difficult>{}</difficult><bndbox><xmin>1</xmin><ymin>1</ymin>"
        "<xmax>4</xmax><ymax>3</ymax></bndbox></object>",
    )
    shown = {"1": [("person", 0), ("dog", 1), ("person", 0)], "2": [("car", 0)], "3": [("cat", 0)]}
    for name, objects in shown.items():
        save(voc / "JPEGImages" / f"{name}.jpg", grey(40 * int(name)), quality=100)
        text = xml[0].format("".join(xml[1].format(*o) for o in objects))
        write(voc / "Annotations" / f"{name}.xml", text)
    ids = np.zeros((6, 8), np.uint8)
    ids[:3, :4], ids[5] = 15, 255  # person, and a border
    save_regions(voc, "1", ids)
    for kind, lists in {"Main": ["1 2", "3", ""], "Segmentation": ["1", "", ""]}.items():
        for part, names in zip(("train", "val", "test"), lists, strict=True):
            write(voc / "ImageSets" / kind / f"{part}.txt", "\n".join(names.split()))


def square(left, top, side):
    right, bottom = left + side, top + side
    return [[left, top, right, top, right, bottom, left, bottom]]


def make_coco(root):
    def annotation(picture, category, segmentation, crowd=0):
        return {
            "image_id": picture,
            "category_id": category,
            "segmentation": segmentation,
            "bbox": [0, 0, 4, 3],
            "iscrowd": crowd,
        }

    counts = {"counts": [0, 6, 42], "size": [6, 8]}
    for part, ids in {"train2014": range(20, 40), "val2014": range(30, 32)}.items():
        for i in ids:
            save(root / part / f"{i}.jpg", grey(5 * i), quality=100)
        annotations = [annotation(i, 1 + i, square(0, 0, 2)) for i in ids if i != 31]
        annotations += [annotation(30, 90, square(0, 0, 4)), annotation(30, 5, counts, crowd=1)]
        images = [{"id": i, "file_name": f"{i}.jpg", "width": 8, "height": 6} for i in ids]
        categories = [{"id": 1, "name": "person"}, {"id": 90, "name": "toothbrush"}]
        content = {"images": images, "annotations": annotations, "categories": categories}
        write(root / "annotations" / f"instances_{part}.json", json.dumps(content))
