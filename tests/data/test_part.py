"""Some rows, and some classes, of a source."""

import numpy as np
import pytest

from xai_jax.data.example import Example
from xai_jax.data.part import OfClasses, Rest, Spread


class Faces:
    """Five faces of three attributes; the masks of the even ones number regions."""

    class_names = ("hat", "smile", "young")
    names = tuple("abcde")

    def __len__(self):
        return 5

    def __getitem__(self, row):
        return Example(
            row=row,
            name=self.names[row],
            picture=np.zeros((4, 4, 3), np.uint8),
            labels=np.array([row == 0, row % 2, 1], np.float32),
            mask=np.full((4, 4), row, np.uint8),
            boxes=np.zeros((int(row < 4), 4)),
            regions=row % 2 == 0,
        )


def test_some_classes_in_another_order_and_the_masks_that_are_none_of_theirs():
    found = OfClasses(source=Faces(), names=("young", "smile")).build()
    assert found.class_names == ("young", "smile") and found.names == tuple("abcde")
    assert [example.labels.tolist() for example in found] == [[1, row % 2] for row in range(5)]
    assert found[2].regions and (found[2].mask == 2).all()
    assert found[3].mask is None and found[3].boxes is not None
    assert found[0].boxes is None  # they may be around its hat
    assert OfClasses(source=Faces(), names=("hat",)).build()[4].boxes.shape == (0, 4)


def test_a_class_that_is_not_there_is_refused():
    with pytest.raises(ValueError, match="There is no class 'smiles'; .*smile"):
        OfClasses(source=Faces(), names=("smiles",)).build()


def test_rows_are_spread_evenly():
    assert Spread(source=Faces(), num=2).build().names == ("a", "c")
    assert len(Spread(source=Faces(), num=9).build()) == 5


def test_the_first_rows_are_left_to_somebody_else():
    assert Rest(source=Faces(), behind=2).build().names == ("c", "d", "e")
    with pytest.raises(ValueError, match="There are 5 pictures and the first 5 are left out; leav"):
        Rest(source=Faces(), behind=5).build()


@pytest.mark.parametrize("source", ["pictures", None, Rest])
def test_what_has_no_pictures_is_refused(source):
    with pytest.raises(ValueError, match="which has no pictures and builds none; give settings"):
        Spread(source=source, num=2).build()
