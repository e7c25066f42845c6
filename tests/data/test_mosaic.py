"""Mosaics: what each tile shows is what labels and mask say, and any mosaic can be the next one."""

import dataclasses

import numpy as np
import pytest

from xai_jax.core.errors import BadPicture
from xai_jax.core.preprocess import Preprocess
from xai_jax.data.example import Example
from xai_jax.data.folder import Folder, Listed
from xai_jax.data.mosaic import Mosaics
from xai_jax.data.pipeline import Pipeline

NAMES = ("red", "green", "blue", "grey", "none")


@dataclasses.dataclass(frozen=True)
class Colours:
    """Ten pictures a class, 40 x 20: the class is its first channel, the picture its second."""

    class_names: tuple[str, ...] = NAMES
    several: bool = False

    @property
    def names(self):
        return tuple(map(str, range(len(self))))

    def __len__(self):
        return 10 * len(self.class_names)

    def __getitem__(self, index):
        k, n = index % len(self.class_names), index // len(self.class_names)
        picture = np.zeros((20, 40, 3), np.uint8)
        picture[...] = 50 * k, n, 200
        labels = np.eye(len(self.class_names), dtype=np.float32)[k]
        if self.several and index == 3:
            labels = np.ones_like(labels)
        return Example(row=index, name=f"picture {index}", picture=picture, labels=labels)


def mosaics(**settings):
    known = {"source": Colours(), "size": 16, "num": 60, "other": "none", "others": (1, 3)}
    return Mosaics(**known | settings).build()


def test_every_tile_shows_the_class_that_mask_and_labels_say():
    examples = mosaics()
    assert examples.class_names == NAMES[:4] and len(examples) == 60
    for index, example in enumerate(examples):
        assert (example.row, example.name) == (index, f"mosaic {index}")
        shown = example.picture[..., 0] // 50  # the class, 4 is none
        np.testing.assert_array_equal(example.mask, np.where(shown == 4, 0, 1 + shown))
        for y in (0, 8):
            for x in (0, 8):
                tile = example.picture[y : y + 8, x : x + 8]
                assert (tile == tile[0, 0]).all()
        in_mask = [(example.mask == 1 + k).any() for k in range(4)]
        np.testing.assert_array_equal(example.labels, in_mask)
        assert np.isin(example.mask[[0, 0, 8, 8], [0, 8, 0, 8]], [0]).sum() in (1, 2, 3)
        assert example.labels.sum() == 4 - (example.mask[::8, ::8] == 0).sum()  # each in one tile


def test_all_numbers_of_classes_all_classes_and_all_places_are_drawn():
    examples = mosaics(num=400)
    nums = np.bincount([int(e.labels.sum()) for e in examples], minlength=5)
    assert (nums[1:4] > 100).all() and nums[[0, 4]].sum() == 0  # 400 / 3 each
    corners = np.stack([e.mask[::8, ::8].ravel() for e in examples])
    for k in range(
        1, 5
    ):  # two of three mosaics a class's share: 800 tiles of 4 classes in 4 places
        assert ((corners == k).sum(0) > 25).all()


def test_a_mosaic_is_a_function_of_seed_and_number_alone():
    one, other = mosaics(), mosaics(num=1000)
    for index in (59, 3, 17):
        np.testing.assert_array_equal(one[index].picture, other[index].picture)
    assert any((one[i].mask != mosaics(seed=1)[i].mask).any() for i in range(5))
    with pytest.raises(IndexError):
        one[60]


def test_parts_have_no_picture_in_common_and_together_all():
    parts = [(0.0, 0.7), (0.7, 0.8), (0.8, 1.0)]
    of_class = [mosaics(part=part).of_class for part in parts]
    assert [[len(rows) for rows in part] for part in of_class] == [[7] * 4, [1] * 4, [2] * 4]
    for k in range(4):
        rows = [row for part in of_class for row in part[k]]
        assert sorted(rows) == list(range(k, 50, 5))
        assert rows != sorted(rows)  # not the first ones
    shown = {
        tuple(t) for e in mosaics(part=(0.8, 1.0)) for t in e.picture[::8, ::8, :2].reshape(-1, 2)
    }
    assert len(shown) <= 2 * 5


def test_classes_repeat_only_where_there_are_fewer_than_tiles():
    many = mosaics(side=3, size=18, other="", others=(0, 0))  # nine tiles of five classes
    for example in many:
        times = np.bincount(example.mask[::6, ::6].ravel(), minlength=6)[1:]
        assert sorted(times.tolist()) == [1, 2, 2, 2, 2] and example.labels.all()
    uneven = mosaics(side=3, size=16)[0]
    assert uneven.picture.shape == (16, 16, 3) and (uneven.picture[..., 2] == 200).all()


def test_variation_mirrors_and_moves_but_changes_no_label():
    ramp = np.broadcast_to(np.arange(40, dtype=np.uint8)[:, None], (20, 40, 3))

    class Ramps(Colours):
        def __getitem__(self, index):
            return dataclasses.replace(super().__getitem__(index), picture=ramp)

    plain, varied = (mosaics(source=Ramps(), vary=vary) for vary in (0.0, 0.5))
    starts = []
    for one, other in zip(plain, varied, strict=True):
        np.testing.assert_array_equal(one.labels, other.labels)
        np.testing.assert_array_equal(one.mask, other.mask)
        # The middle square of 40 x 20 is from 10 to 30: eight pixels of 2.5 each.
        np.testing.assert_allclose(one.picture[0, :8, 0], 10.75 + 2.5 * np.arange(8), atol=1.0)
        starts += [other.picture[0, 0, 0], other.picture[0, 7, 0]]
    rising = np.array(starts[::2]) < np.array(starts[1::2])
    assert 10 < rising.sum() < 50 and len(set(starts)) > 15


def test_a_pipeline_goes_on_where_it_stopped_and_knows_the_tiles():
    resize = Preprocess(height=16, width=16)
    source = Mosaics(source=Colours(), size=16, other="none", others=(1, 3))
    data = Pipeline(source=source, resize=resize, masks="soft", num_epochs=0, num_threads=1)
    stream = data.batches(4)
    next(stream)
    after = next(data.batches(4, start=stream.state))
    expected = next(stream)
    np.testing.assert_array_equal(after.images, expected.images)
    np.testing.assert_array_equal(after.image_id, [4, 5, 6, 7])
    tiles = after.masks.sum(axis=(1, 2))  # pixels of each class: one tile of 64, or none
    np.testing.assert_array_equal(tiles, 64 * after.labels)


def test_the_pictures_of_a_folder_become_mosaics(tmp_path, write_pictures):
    write_pictures(tmp_path)
    source = Folder(root=str(tmp_path), labels=Listed(column="kind"))
    examples = Mosaics(source=source, size=16, num=4).build()
    assert examples.class_names == ("bird", "cat")
    assert (examples[0].mask > 0).all() and examples[0].labels.all()
    assert set(examples.digests()) == {"labels.csv", *(f"images/{n}.png" for n in range(4))}


@pytest.fixture
def write_pictures():
    from PIL import Image

    def write(root):
        (root / "images").mkdir()
        for n in range(4):
            Image.new("RGB", (20, 20), (50 * n, 0, 0)).save(root / "images" / f"{n}.png")
        rows = "".join(f"{n}.png,{('bird', 'cat')[n % 2]}\n" for n in range(4))
        (root / "labels.csv").write_text("file,kind\n" + rows)

    return write


def test_a_broken_picture_is_named(tmp_path, write_pictures):
    write_pictures(tmp_path)
    examples = Mosaics(
        source=Folder(root=str(tmp_path), labels=Listed(column="kind")), size=16
    ).build()
    whole = (tmp_path / "images" / "2.png").read_bytes()
    (tmp_path / "images" / "2.png").write_bytes(whole[:60])
    with pytest.raises(BadPicture, match=r"2\.png: .*; replace it, or take its row out"):
        for n in range(50):
            examples[n]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"others": (1, 4)}, r"^others is \(1, 4\) of 4 tiles; set it to \(least, most\)"),
        ({"others": (2, 1)}, r"^others is \(2, 1\) of 4 tiles"),
        ({"other": ""}, "^others wants tiles that show no class; name in other"),
        ({"other": "pink"}, "^The pictures have no class 'pink'; theirs are "),
        ({"part": (0.5, 0.5)}, r"^part is \(0\.5, 0\.5\); set it to \(from, up to\)"),
        ({"part": (0.0, 0.01)}, r"^The part \(0\.0, 0\.01\) has none of the 10 pictures of 'red'"),
        ({"source": Colours(several=True)}, "^picture 3 shows 5 classes, and a tile shows one"),
    ],
)
def test_what_cannot_be_a_mosaic_is_refused_with_what_to_do(settings, sentence):
    with pytest.raises(ValueError, match=sentence):
        mosaics(**settings)
