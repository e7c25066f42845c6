"""Pictures without labels: found in folders, one in so many held out, read by the pipeline."""

import numpy as np
import pytest
from PIL import Image

from xai_jax.core.preprocess import Preprocess
from xai_jax.data.photographs import Photographs
from xai_jax.data.pipeline import Pipeline
from xai_jax.data.transforms import Crops


@pytest.fixture
def folder(tmp_path):
    for number in range(7):
        (tmp_path / "sub").mkdir(exist_ok=True)
        picture = np.full((20, 30, 3), 10 * number, np.uint8)
        Image.fromarray(picture).save(tmp_path / "sub" / f"{number}.png")
    return tmp_path


def test_pictures_are_held_out_by_their_names_under_their_own_number(folder):
    learned = Photographs(paths=(str(folder),), every=7).build()
    held_out = Photographs(paths=(str(folder),), every=7, held_out=True).build()
    assert held_out.names == ("4.png", "6.png")  # SHA-256 of the name, modulo 7
    assert learned.names == ("0.png", "1.png", "2.png", "3.png", "5.png")
    assert [held_out[i].row for i in range(len(held_out))] == [4, 6]
    assert learned[4].row == 5 and learned[4].name.endswith("5.png")
    assert set(learned.digests()) == set(learned.names)


def test_another_folder_moves_no_picture_to_the_other_side(folder):
    (folder / "first").mkdir()
    Image.new("RGB", (20, 30)).save(folder / "first" / "0.png")
    both = Photographs(paths=(str(folder),), every=7, held_out=True).build()
    alone = Photographs(paths=(str(folder / "sub"),), every=7, held_out=True).build()
    assert both.names == tuple(f"sub/{name}" for name in alone.names)


def test_crops_of_them_are_batches_for_training(folder):
    pipeline = Pipeline(
        source=Photographs(paths=(str(folder),), every=7),
        resize=Preprocess(height=8, width=8),
        augment=Crops(smallest=8, largest=16),
        num_threads=1,
    )
    batch = next(pipeline.batches(4))
    assert batch.images.shape == (4, 8, 8, 3)
    np.testing.assert_array_equal(batch.image_id, [0, 1, 2, 3])
    np.testing.assert_allclose(batch.images[:, 0, 0, 0] * 255, [0, 10, 20, 30], atol=1e-3)


def test_a_folder_of_which_nothing_is_left_is_refused_in_a_sentence(folder):
    one = (str(folder / "sub" / "4.png"),)
    with pytest.raises(ValueError, match="hold 1 pictures, of which none is left"):
        Photographs(paths=one, every=7).build()
    with pytest.raises(ValueError, match="does not exist"):
        Photographs(paths=(str(folder / "nowhere"),)).build()
