"""Pairs: a picture without the class and one with it, each kind in its own order, resumed."""

import dataclasses

import numpy as np
import pytest

from xai_jax.core.preprocess import Preprocess
from xai_jax.data.pairs import Pairs
from xai_jax.data.part import Part
from xai_jax.data.pipeline import Pipeline
from xai_jax.data.planted import Planted


def pairs(num: int = 40, **fields) -> Pairs:
    source = Planted(size=48, num_classes=4, num=num, two=0.0)
    pipeline = Pipeline(
        source=source, resize=Preprocess(height=8, width=8), shuffle=True, num_epochs=0
    )
    return Pairs(pictures=pipeline, **fields)


def taken(data, num, size=4, **how):
    stream = data.batches(size, **how)
    batches = [next(stream) for _ in range(num)]
    state = stream.state
    stream.close()
    return batches, state


def test_even_rows_lack_the_class_and_odd_ones_have_it_each_kind_once_an_epoch():
    data = pairs()
    name = data.class_names[2]
    data = dataclasses.replace(data, of=name)
    rare = len(data.halves[1])
    assert data.steps_per_epoch(4) == rare // 2
    batches, _ = taken(data, rare // 2)
    labels = np.concatenate([batch.labels[:, 2] for batch in batches])
    assert labels.tolist() == [0.0, 1.0] * (len(labels) // 2)
    ids = np.concatenate([batch.image_id for batch in batches])
    assert len(set(ids[1::2].tolist())) == len(ids) // 2  # none twice
    assert all(data.pictures.example(int(i))["labels"][2] == 1 for i in ids[1::2])


def test_no_batch_is_padded_and_what_is_left_over_changes_from_epoch_to_epoch():
    data = pairs()
    sizes = [len(half) for half in data.halves]
    size = 2 * (min(sizes) // 2 + 1)  # an epoch of the rarer kind has one whole batch, and some
    batches, _ = taken(data, 6, size=size)
    assert data.steps_per_epoch(size) == 1
    assert all((batch.weight == 1).all() for batch in batches)
    rare = np.argmin(sizes)
    shown = [frozenset(batch.image_id[rare::2].tolist()) for batch in batches]
    assert all(len(ids) == size // 2 for ids in shown)  # none twice in a batch
    assert len(frozenset.union(*shown)) == min(sizes)


def test_a_kind_with_fewer_pictures_than_half_a_batch_is_refused():
    data = pairs()
    most = 2 * min(map(len, data.halves))
    taken(data, 1, size=most)
    words = (
        rf"There are {most // 2} pictures with(out)? the class '0 degrees.*', and a batch takes "
        rf"{most // 2 + 1} of them; set batch_size to {most} or less, or add pictures\."
    )
    with pytest.raises(ValueError, match=words):
        data.batches(most + 2)


def test_a_stream_goes_on_where_another_stopped_and_processes_share_the_same_batches():
    data = pairs()
    whole, _ = taken(data, 6)
    first, state = taken(data, 2)
    rest, _ = taken(data, 4, start=state)
    for one, other in zip(whole, [*first, *rest], strict=True):
        np.testing.assert_array_equal(one.images, other.images)
    parts = [taken(data, 1, process_index=i, process_count=2)[0][0] for i in range(2)]
    together = np.concatenate([part.image_id for part in parts])
    assert sorted(together.tolist()) == sorted(whole[0].image_id.tolist())


def test_what_has_no_pairs_is_refused():
    with pytest.raises(ValueError, match="A batch of 3 holds no pairs; set an even batch_size"):
        pairs().batches(3)
    with pytest.raises(ValueError, match="There is no class 'cat'; take one of 0 degrees"):
        pairs(of="cat").batches(4)
    with pytest.raises(ValueError, match="There is no picture with(out)? the class"):
        pairs(num=1).batches(4)


def test_a_picture_has_another_partner_in_each_epoch():
    """Also where there are as many of both kinds, so that their orders are of as many places."""
    data = pairs(num=64)
    source = data.pictures.source
    has = np.array([source[row].labels[0] for row in range(64)]) > 0
    least = min(has.sum(), (~has).sum())
    rows = sorted((*np.flatnonzero(has)[:least], *np.flatnonzero(~has)[:least]))
    even = Part(whole=source, rows=tuple(map(int, rows)))
    data = Pairs(pictures=dataclasses.replace(data.pictures, source=even))
    assert len(set(map(len, data.halves))) == 1
    batches, _ = taken(data, 3, size=2 * int(least))
    partners = [dict(zip(b.image_id[::2], b.image_id[1::2], strict=True)) for b in batches]
    for one, other in zip(partners, partners[1:], strict=False):
        assert np.mean([one[i] == other[i] for i in one]) < 0.5
