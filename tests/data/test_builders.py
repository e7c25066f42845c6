"""Each builder reads the original archives' layout, here with a few pictures of our own."""

import dataclasses
import gzip
import io
import json
import struct
import subprocess
import sys

import numpy as np
import pytest
from archives import SIZE, grey, make_coco, make_voc, save, write
from PIL import Image

from configs.coco2014.objects import PICTURES
from configs.steex import published
from xai_jax.core.errors import BadPicture
from xai_jax.core.preprocess import Preprocess
from xai_jax.data import catalog
from xai_jax.data.builders import archive, faces, regions, voc2007_masks
from xai_jax.data.example import classes_of, picture_of
from xai_jax.data.idx import read as read_idx
from xai_jax.data.pipeline import Pipeline
from xai_jax.pretrain import label_maps


def built(spec, root):
    """The rows of every split that the archives in `root` hold, by split."""
    home = root / "prepared"
    catalog.prepare(spec, archives=str(root), data_dir=str(home))
    known = {path.name.split("-")[1].split(".")[0] for path in home.rglob("*.array_record-*")}
    return {
        name: catalog.Tfds(spec=spec, split=name, data_dir=str(home)).build()
        for name in spec.splits
        if name in known
    }


def grey_of(example):
    return round(float(np.asarray(picture_of(example)).mean()))


def test_voc_has_every_class_named_and_masks_where_people_drew_them(tmp_path):
    make_voc(tmp_path)
    for part in ("test", "val"):  # an empty split cannot be written
        lists = tmp_path / "VOCdevkit" / "VOC2007" / "ImageSets"
        write(lists / "Main" / f"{part}.txt", "3")
        write(lists / "Segmentation" / f"{part}.txt", "3")
    splits = built(catalog.VOC2007, tmp_path)
    train = splits["train"]
    assert train.class_names[:2] == ("aeroplane", "bicycle") and len(train.class_names) == 20
    assert [np.flatnonzero(e.labels).tolist() for e in train] == [[11, 14], [6]]  # dog: difficult
    assert [grey_of(e) for e in train] == [40, 80]
    expected = np.zeros((6, 8), np.uint8)
    expected[:3, :4], expected[5] = 15, 255  # person is class 14, written 15
    np.testing.assert_array_equal(classes_of(train[0], SIZE), expected)
    assert (classes_of(train[1], SIZE) == 255).all()  # not segmented: void, not background
    assert [e.row for e in splits["train_masks"]] == [0] and len(splits["test"]) == 1
    raw = train.rows[0]["objects"]
    np.testing.assert_allclose(raw["bbox"][0], [0, 0, 0.5, 0.5])  # pixels 1 to 4 of 8, 1 to 3 of 6
    assert [bool(d) for d in raw["is_difficult"]] == [False, True, False]


def test_a_split_without_pictures_is_refused_by_its_name(tmp_path):
    make_voc(tmp_path)
    with pytest.raises(ValueError, match="split 'test' of voc2007_masks has no pictures; are all"):
        built(catalog.VOC2007, tmp_path)


@pytest.mark.parametrize("lost", ["JPEGImages/2.jpg", "Annotations/2.xml"])
def test_one_file_that_an_archive_lacks_is_named_with_the_place_of_the_archive(tmp_path, lost):
    make_voc(tmp_path)
    file = tmp_path / "VOCdevkit" / "VOC2007" / lost
    file.unlink()
    with pytest.raises(ValueError, match="is missing") as found:
        built(catalog.VOC2007, tmp_path)
    wanted = f"{file} is missing; put {catalog.VOC2007.builder.ARCHIVES} into {tmp_path}."
    assert str(found.value) == wanted
    assert not list((tmp_path / "prepared").rglob("*.array_record*"))


def test_coco_has_the_raw_category_ids_and_the_smaller_object_on_top(tmp_path):
    make_coco(tmp_path)
    splits = built(catalog.COCO2014, tmp_path)
    (example,) = splits["test"]  # the other one has no annotation
    names = splits["test"].class_names
    assert (len(names), names[1], names[90], names[12]) == (91, "person", "toothbrush", "unused 12")
    assert np.flatnonzero(example.labels).tolist() == [5, 31, 90]
    expected = np.zeros((6, 8), np.uint8)
    expected[:4, :4] = 1 + 90
    expected[:, 0] = 1 + 5  # the crowd: the whole first column
    expected[:2, :2] = 1 + 31
    np.testing.assert_array_equal(classes_of(example, SIZE), expected)


def test_coco_keeps_the_whole_mask_of_each_object(tmp_path):
    make_coco(tmp_path)
    objects = built(catalog.COCO2014, tmp_path)["test"].rows[0]["objects"]
    runs = [[int(n) for n in text.split()] for text in map(as_text, objects["runs"])]
    assert [int(regions.from_runs(r, 6, 8).sum()) for r in runs] == [4, 16, 6]
    assert [bool(c) for c in objects["is_crowd"]] == [False, False, True]
    np.testing.assert_allclose(objects["bbox"][0], [0, 0, 0.5, 0.5])


def test_coco_pictures_without_annotations_show_all_80_categories_where_that_is_asked_for(tmp_path):
    make_coco(tmp_path)
    plain = built(catalog.COCO2014, tmp_path)
    home = str(tmp_path / "prepared")
    test = catalog.Tfds(spec=catalog.COCO2014, split="test_and_empty", data_dir=home).build()
    example, empty = test
    np.testing.assert_array_equal(example.labels, plain["test"][0].labels)
    assert (grey_of(example), grey_of(empty)) == (5 * 30, 5 * 31)
    named = [k for k, name in enumerate(PICTURES.class_names) if not name.startswith("unused")]
    assert np.flatnonzero(empty.labels).tolist() == named and len(named) == 80
    assert not classes_of(empty, SIZE).any()
    # Picture 31 of train2014 has none either, and is in one of the two parts of it.
    held_out = archive.chance("31.jpg") < 0.1
    part, other = ("validation", "train") if held_out else ("train", "validation")
    more = catalog.Tfds(spec=catalog.COCO2014, split=f"{part}_and_empty", data_dir=home).build()
    assert [e.row for e in more] == list(range(len(plain[part]) + 1))
    assert grey_of(more[-1]) == 5 * 31 and more[-1].labels.sum() == 80
    with pytest.raises(ValueError, match=f"has no {other}_and_empty, which its archives did not"):
        catalog.Tfds(spec=catalog.COCO2014, split=f"{other}_and_empty", data_dir=home).build()


def as_text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def test_coco_trains_on_what_it_does_not_validate_on(tmp_path):
    make_coco(tmp_path)
    splits = built(catalog.COCO2014, tmp_path)
    shown = {n: {grey_of(e) // 5 for e in rows} for n, rows in splits.items()}
    assert shown["train"] | shown["validation"] == set(range(20, 40)) - {31}  # of no annotation
    assert not shown["train"] & shown["validation"] and shown["validation"]


def test_imagenet_has_boxes_and_the_order_of_the_challenge(tmp_path):
    lines = [f"n{i:08d} thing {i}" for i in range(1000)]
    write(tmp_path / "LOC_synset_mapping.txt", "\n".join(lines))
    folder = tmp_path / "ILSVRC" / "Data" / "CLS-LOC"
    save(folder / "val" / "a_1.JPEG", grey(50), format="JPEG")
    save(folder / "val" / "a_2.JPEG", grey(90), format="JPEG")
    save(folder / "train" / "n00000007" / "n00000007_5.JPEG", grey(10), format="JPEG")
    head = "ImageId,PredictionString\n"
    write(
        tmp_path / "LOC_val_solution.csv",
        f"{head}a_2,n00000003 0 0 4 6 \na_1,n00000999 2 0 4 3 n00000999 4 3 8 6 \n",
    )
    write(tmp_path / "LOC_train_solution.csv", f"{head}n00000007_5,n00000007 0 0 8 6 \n")
    splits = built(catalog.IMAGENET_BOXES, tmp_path)
    first, second = splits["validation"]
    assert splits["validation"].class_names[999] == "n00000999 thing 999"
    assert (first.target, second.target, splits["train"][0].target) == (999, 3, 7)
    expected = np.zeros((6, 8))
    expected[0:3, 2:4] = expected[3:6, 4:8] = 1000
    np.testing.assert_array_equal(classes_of(first, SIZE), expected)
    p = Pipeline(source=splits["validation"], resize=Preprocess(height=6, width=8), masks="union")
    np.testing.assert_array_equal(next(p.batches(1)).masks[0, ..., 0], expected > 0)


def attributes(names, value):
    rows = "".join(f"{name}  {' '.join(value(name))}\n" for name in names)
    return f"{len(names)}\n{' '.join(faces.ATTRIBUTES)}\n{rows}"


def smiling(on):
    return ["1" if name == "Smiling" and on else "-1" for name in faces.ATTRIBUTES]


def test_celeba_has_forty_attributes_and_its_own_splits(tmp_path):
    files = [f"00000{i}.jpg" for i in (1, 2, 3)]
    for i, name in enumerate(files):
        save(tmp_path / "img_align_celeba" / name, grey(50 * i), quality=100)
    text = attributes(files, lambda name: smiling(name == files[2]))
    write(tmp_path / "list_attr_celeba.txt", text)
    write(tmp_path / "list_eval_partition.txt", "".join(f"{n} {i}\n" for i, n in enumerate(files)))
    splits = built(catalog.CELEBA, tmp_path)
    assert {n: [grey_of(e) for e in rows] for n, rows in splits.items()} == {
        "train": [0],
        "validation": [50],
        "test": [100],
    }
    assert splits["test"].class_names[31] == "Smiling"
    assert np.flatnonzero(splits["test"][0].labels).tolist() == [31]
    assert not splits["train"][0].labels.any()


FACE_PARTS = (  # in the order in which CelebAMask-HQ's own script merges them, from 1 on
    "skin nose eye_g l_eye r_eye l_brow r_brow l_ear r_ear mouth u_lip l_lip hair hat ear_r neck_l "
    "neck cloth".split()
)


def test_celebamask_merges_all_parts_in_order_and_splits_by_the_original_number(tmp_path):
    root = tmp_path / "CelebAMask-HQ"
    originals = {0: 182_637, 1: 182_638, 2: 162_770, 3: 162_771}
    lines = "".join(f"{n} {o} {o + 1:06d}.jpg\n" for n, o in originals.items())
    write(root / "CelebA-HQ-to-CelebA-mapping.txt", "idx orig_idx orig_file\n" + lines)
    names = [f"{n}.jpg" for n in originals]
    text = attributes(names, lambda name: smiling(name == "1.jpg"))
    write(root / "CelebAMask-HQ-attribute-anno.txt", text)
    for n in originals:
        save(root / "CelebA-HQ-img" / f"{n}.jpg", grey(20 * n, (1024, 1024)), quality=90)
    for i, part in enumerate(FACE_PARTS):
        drawn = np.zeros((512, 512, 3), np.uint8)
        drawn[: 20 * (18 - i)] = 255
        save(root / "CelebAMask-HQ-mask-anno" / "0" / f"00001_{part}.png", drawn)
    splits = built(catalog.CELEBAMASK_HQ, tmp_path)
    shown = {n: [round(grey_of(e) / 20) for e in rows] for n, rows in splits.items()}
    assert shown == {"train": [2], "validation": [0, 3], "test": [1]}
    example = splits["test"][0]
    assert np.flatnonzero(example.labels).tolist() == [31]
    # Each part reaches 20 rows less far down than the one before it, which it lies on.
    column = classes_of(example, (512, 512))[:, 0]
    expected = np.repeat(np.arange(18, -1, -1), [20] * 18 + [512 - 18 * 20])
    np.testing.assert_array_equal(column, expected)
    p = Pipeline(source=splits["test"], resize=Preprocess(height=64, width=64), masks="ids")
    assert np.unique(next(p.batches(1)).masks).tolist() == list(range(19))


def test_regions_that_are_no_classes_are_given_as_numbers_only(tmp_path):
    make_bdd(tmp_path)
    train = built(catalog.BDD10K, tmp_path)["train"]
    p = Pipeline(source=train, resize=Preprocess(height=6, width=8), masks="soft")
    with pytest.raises(ValueError, match="are regions and not its classes; ask for masks='ids'"):
        next(p.batches(1))


def make_bdd(root):
    ids = np.full((6, 8), 255, np.uint8)
    ids[0], ids[1] = 0, 18
    for part in ("train", "val"):
        save(root / "bdd100k" / "seg" / "images" / part / f"{part}.jpg", grey(60), quality=100)
        save(root / "bdd100k" / "seg" / "labels" / part / f"{part}_train_id.png", ids)


def test_bdd_scenes_have_the_train_ids_of_each_pixel(tmp_path):
    make_bdd(tmp_path)
    splits = built(catalog.BDD10K, tmp_path)
    assert set(splits) == {"train", "validation"}
    np.testing.assert_array_equal(
        classes_of(splits["validation"][0], SIZE)[:, 0], [0, 18, 255, 255, 255, 255]
    )
    assert splits["train"].class_names[18] == "bicycle"


def test_void_of_bdd_is_the_region_that_one_says_it_is(tmp_path):
    make_bdd(tmp_path)
    train = built(catalog.BDD10K, tmp_path)["train"]
    plain = Pipeline(source=train, resize=Preprocess(height=6, width=8), regions=True)
    void = dataclasses.replace(plain, void_region=19)
    assert next(plain.batches(1)).regions[0, :, 0].tolist() == [0, 18, 255, 255, 255, 255]
    found = next(void.batches(1)).regions
    assert found[0, :, 0].tolist() == [0, 18, 19, 19, 19, 19] and found.dtype == np.int32
    learns = label_maps.admitted(len(published.ROADS))
    learns({"regions": found[0]})
    with pytest.raises(BadPicture, match="number 255, .*; if it is void, set void_region"):
        learns({"regions": next(plain.batches(1)).regions[0]})
    for segmenter in (None, _Labeller()):
        with pytest.raises(
            ValueError, match="void_region is of label maps that come with the data"
        ):
            dataclasses.replace(void, regions=False, segmenter=segmenter).check()
    with pytest.raises(ValueError, match="and a segmenter predicts them; leave one of the two out"):
        dataclasses.replace(plain, segmenter=_Labeller()).check()


class _Labeller:
    def build(self):
        return lambda image: np.zeros(image.shape[:2], np.int32)


def test_bdd_oia_keeps_the_first_four_actions_of_frames_without_the_fifth(tmp_path):
    categories = [[1, 0, 0, 1], [0, 1, 0, 0, 0], [0, 0, 0, 0, 1]]
    images = [{"id": 7 - i, "file_name": f"{i}.jpg"} for i in range(3)]
    annotations = [{"id": 7 - i, "category": c} for i, c in enumerate(categories)][::-1]
    content = json.dumps({"images": images, "annotations": annotations})
    for i in range(3):
        save(tmp_path / "data" / f"{i}.jpg", grey(30 * i), quality=100)
    for part in ("train", "val"):
        write(tmp_path / f"{part}_25k_images_actions.json", content)
    splits = built(catalog.BDD_OIA, tmp_path)
    assert set(splits) == {"train", "validation"}  # no table of the test: no test
    with pytest.raises(
        ValueError,
        match="has no test, which its archives did not hold or an older version left out",
    ):
        catalog.Tfds(
            spec=catalog.BDD_OIA, split="test", data_dir=str(tmp_path / "prepared")
        ).build()
    assert [(grey_of(e), e.labels.tolist()) for e in splits["train"]] == [
        (0, [1, 0, 0, 1]),
        (30, [0, 1, 0, 0]),
    ]


def dicom(picture):
    """A DICOM file with a JPEG of one fragment, behind a sequence without a length."""

    def short(group, element, kind, value):
        return struct.pack("<HH2sH", group, element, kind, len(value)) + value

    def long(group, element, kind, value, length=None):
        length = len(value) if length is None else length
        return struct.pack("<HH2sHI", group, element, kind, 0, length) + value

    def item(value, element=0xE000, length=None):
        return struct.pack("<HHI", 0xFFFE, element, len(value)) + value

    inside = item(b"") + short(8, 0x1150, b"UI", b"1.2 ") + item(b"", 0xE00D) + item(b"", 0xE0DD)
    pixels = item(bytes(4)) + item(picture + b"\0" * (len(picture) % 2)) + item(b"", 0xE0DD)
    return (
        bytes(128)
        + b"DICM"
        + long(2, 1, b"OB", b"\0\1")
        + short(8, 0x60, b"CS", b"CR")
        + long(8, 0x1140, b"SQ", inside, 0xFFFFFFFF)
        + long(0x7FE0, 0x10, b"OB", pixels, 0xFFFFFFFF)
    )


def make_rsna(root, num=40):
    info, boxes = ["patientId,class"], ["patientId,x,y,width,height,Target"]
    for i in range(num):
        kind = ("Normal", "Lung Opacity", "No Lung Opacity / Not Normal")[i % 3]
        info += [f"p{i},{kind}"] * (2 if i % 3 == 1 else 1)
        opaque = [f"p{i},0.0,0.0,4.0,3.0,1", f"p{i},4.0,3.0,4.0,3.0,1"]
        boxes += opaque if i % 3 == 1 else [f"p{i},,,,,0"]
        file = io.BytesIO()
        Image.new("L", SIZE, 6 * i).save(file, "JPEG", quality=100)
        path = root / "stage_2_train_images" / f"p{i}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(dicom(file.getvalue()))
    write(root / "stage_2_detailed_class_info.csv", "\n".join(info))
    write(root / "stage_2_train_labels.csv", "\n".join(boxes))


def test_rsna_reads_the_jpeg_in_the_dicom_and_leaves_the_third_class_out(tmp_path):
    make_rsna(tmp_path)
    splits = built(catalog.RSNA, tmp_path)
    rows = [e for part in splits.values() for e in part]
    shown = {round(grey_of(e) / 6): e for e in rows}
    assert sorted(shown) == [i for i in range(40) if i % 3 < 2] and len(rows) == len(shown)
    assert all(e.target == i % 3 for i, e in shown.items())
    assert set(splits) == {"train", "validation", "test"}
    assert len(splits["train"]) > len(splits["validation"]) > 0
    expected = np.zeros((6, 8))
    expected[:3, :4] = expected[3:, 4:] = 2
    np.testing.assert_array_equal(classes_of(shown[1], SIZE), expected)
    assert not classes_of(shown[0], SIZE).any()


def test_a_file_that_is_no_dicom_stops_the_preparation_by_its_name(tmp_path):
    make_rsna(tmp_path)
    (tmp_path / "stage_2_train_images" / "p0.dcm").write_bytes(b"\xff\xd8 a bare JPEG")
    with pytest.raises(ValueError, match=r"p0\.dcm is no DICOM file with a JPEG inside"):
        built(catalog.RSNA, tmp_path)


def idx(array):
    head = struct.pack(f">4B{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(head + array.tobytes())


def make_mnist(root):
    digits = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    for part, num in (("train", 5), ("t10k", 2)):
        (root / f"{part}-images-idx3-ubyte.gz").write_bytes(idx(digits[:num]))
        labels = np.arange(num, dtype=np.uint8)[::-1].copy()
        (root / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx(labels))
    return digits


def test_mnist_reads_the_four_files(tmp_path):
    digits = make_mnist(tmp_path)
    splits = built(catalog.MNIST, tmp_path)
    assert [e.target for e in splits["train"]] == [4, 3, 2, 1, 0] and len(splits["test"]) == 2
    np.testing.assert_array_equal(np.asarray(picture_of(splits["train"][2]))[..., 1], digits[2])
    assert splits["train"].class_names == tuple("0123456789")


def test_a_copy_that_tfds_made_is_read_by_its_name_alone(tmp_path):
    make_mnist(tmp_path)
    built(catalog.MNIST, tmp_path)
    spec = catalog.DatasetSpec(tfds_name="mnist_digits:1.0.0", splits={"few": "train[1:3]"})
    rows = catalog.Tfds(spec=spec, split="few", data_dir=str(tmp_path / "prepared")).build()
    assert [e.target for e in rows] == [3, 2]
    with pytest.raises(ValueError, match=r"not prepared in .*; let TFDS do it: tfds build imagen"):
        catalog.Tfds(spec=catalog.IMAGENET, data_dir=str(tmp_path)).build()


def test_a_file_of_mnist_that_is_cut_off_is_refused(tmp_path):
    make_mnist(tmp_path)
    path = tmp_path / "t10k-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match=r"t10k-images-idx3-ubyte\.gz is no file of MNIST, or is"):
        built(catalog.MNIST, tmp_path)


def test_a_flipped_byte_anywhere_in_a_file_of_mnist_is_refused_by_name_or_harmless(tmp_path):
    digits = np.random.default_rng(0).integers(0, 256, (1, 5, 5), np.uint8)
    content, path = idx(digits), tmp_path / "train-images-idx3-ubyte.gz"
    refused = 0
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 0xFF
        path.write_bytes(damaged)
        try:
            np.testing.assert_array_equal(read_idx(path, 2051), digits)
        except ValueError as error:
            assert str(error).startswith(f"{path} is no file of MNIST, or is cut off; ")
            refused += 1
    assert refused > len(content) - 20  # all but gzip's time and flags


def test_a_picture_that_a_builder_must_look_into_is_refused_by_its_name(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 6\n")
    sentence = (
        r"a\.png: It cannot be read as a picture: its content is of no known picture format\."
    )
    for read in (archive.size_of, faces._drawn, lambda file: voc2007_masks._mask(file, SIZE)):
        with pytest.raises(ValueError, match=sentence):
            read(path)
    save(path, grey(9))
    assert archive.size_of(path) == SIZE
    with pytest.raises(ValueError, match=r"a\.png: It is no mask"):
        voc2007_masks._mask(path, SIZE)


OURS = {
    name: spec
    for name, spec in vars(catalog).items()
    if isinstance(spec, catalog.DatasetSpec) and spec.builder
}


@pytest.mark.parametrize("name", OURS)
def test_a_missing_archive_is_named_with_the_place_where_it_belongs(tmp_path, name):
    (tmp_path / "elsewhere.txt").write_text("")
    with pytest.raises(ValueError) as error:
        built(OURS[name], tmp_path)
    text = str(error.value)
    assert f"{tmp_path}/" in text and " is missing; put " in text
    assert text.endswith(f" into {tmp_path}.") and "\n" not in text
    with pytest.raises(ValueError, match="is not prepared in"):
        catalog.Tfds(spec=OURS[name], data_dir=str(tmp_path / "prepared")).build()


@pytest.mark.parametrize("name", OURS)
def test_a_split_that_does_not_exist_is_refused_by_those_that_do(tmp_path, name):
    with pytest.raises(ValueError, match="has no split 'tset'; choose one of train"):
        catalog.Tfds(spec=OURS[name], split="tset", data_dir=str(tmp_path)).build()


def test_the_names_of_the_catalog_are_those_of_the_builders(tmp_path):
    assert len(OURS) == 9
    for spec in OURS.values():
        builder = spec.builder(data_dir=str(tmp_path))
        assert spec.tfds_name == f"{builder.name}:{builder.version}"


def test_archives_in_no_folder_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"gone is no folder; put the four files"):
        catalog.prepare(catalog.MNIST, archives=str(tmp_path / "gone"), data_dir=str(tmp_path))
    with pytest.raises(
        ValueError, match="none of our own; let TFDS do it: tfds build imagenet2012 -"
    ):
        catalog.prepare(catalog.IMAGENET, archives=str(tmp_path), data_dir=str(tmp_path))


_WITHOUT_TENSORFLOW = """
import sys
from xai_jax.data import catalog
from xai_jax.data.pipeline import Pipeline
from xai_jax.core.preprocess import Preprocess
catalog.prepare(catalog.MNIST, archives=sys.argv[1], data_dir=sys.argv[2])
rows = catalog.Tfds(spec=catalog.MNIST, data_dir=sys.argv[2]).build()
batch = next(Pipeline(source=rows, resize=Preprocess(height=28, width=28)).batches(4))
print(batch.images.shape, batch.target.tolist(), "tensorflow" in sys.modules)
"""


def test_a_data_set_is_made_and_read_without_tensorflow(tmp_path):
    make_mnist(tmp_path)
    command = [sys.executable, "-c", _WITHOUT_TENSORFLOW, str(tmp_path), str(tmp_path / "out")]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert out.splitlines()[-1] == "(4, 28, 28, 3) [4, 3, 2, 1] False"


def test_the_real_digits_are_those_that_everybody_counts(shared_data, tmp_path):
    for name in ("images-idx3", "labels-idx1"):  # the test digits stand for both: it is quicker
        file = (shared_data / "mnist" / f"t10k-{name}-ubyte.gz").read_bytes()
        for part in ("train", "t10k"):
            (tmp_path / f"{part}-{name}-ubyte.gz").write_bytes(file)
    builder = catalog.MNIST.builder(data_dir=str(tmp_path / "out"))
    labels = [row["label"] for row in builder.splits(tmp_path)["test"]]
    counts = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]  # the digits 0 to 9
    assert np.bincount(labels).tolist() == counts
