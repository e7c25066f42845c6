"""Where nobody says how many pictures a call takes, it is as many as the devices have room for."""

import dataclasses
import functools

import jax
import numpy as np
import planted
import pytest
import tiny_cli
import tiny_run

import xai_jax
from xai_jax.infills.constant import Constant
from xai_jax.methods import gradients
from xai_jax.runs import batch as batches
from xai_jax.runs import room
from xai_jax.runs.sources import Arrays
from xai_jax.runtime import manifest, mesh

METHOD = gradients.Gradient()
IMAGES = np.asarray(planted.quadrant_batch(40, tiny_run.SIZE, jax.random.key(0)).images)
SOURCE = Arrays(IMAGES)
RUN = tiny_run.how(dict.fromkeys(SOURCE.names), method=METHOD, target=0, metrics=())


@pytest.fixture
def limit(monkeypatch):
    """Sets how many bytes every device says it has."""
    return lambda limit: monkeypatch.setattr(room, "memory_of", lambda device: limit)


@functools.cache
def taken(num: int) -> int:
    """Bytes that the compiler counts for so many pictures, the few of the weights included."""
    batch = batches.batch_of([SOURCE.read(i) for i in range(num)], range(num), num)
    found = batches.compiled(RUN.inspector, batch, RUN.key).memory_analysis()
    return found.temp_size_in_bytes + found.output_size_in_bytes + found.argument_size_in_bytes


def test_a_call_takes_as_many_as_the_compiler_finds_room_for(limit):
    for wanted in (1, 4, 16):
        share = 1.2 * wanted * taken(8) / 8  # room for 1.2 times as many
        limit(int(share / 0.8))
        assert room.for_pictures(RUN, SOURCE) == wanted
    assert taken(16) < share < 2 * taken(16)


def test_a_large_device_takes_no_more_than_is_of_use_and_each_device_its_share(limit):
    limit(10**12)
    assert room.for_pictures(RUN, SOURCE) == room.MOST
    both = dataclasses.replace(RUN, mesh=mesh.data_mesh(jax.devices()[:2]))
    assert room.for_pictures(both, SOURCE) == 2 * room.MOST


def test_nothing_is_compiled_where_nothing_can_be_gained(monkeypatch, limit):
    monkeypatch.setattr(room, "_taken", {})
    monkeypatch.setattr(batches, "compiled", None)
    assert room.for_pictures(RUN, SOURCE) == tiny_run.BATCH  # this device says nothing
    limit(10**12)
    assert room.for_pictures(RUN, Arrays(IMAGES[:2])) == tiny_run.BATCH


def test_a_picture_gets_the_same_result_and_the_second_call_compiles_nothing(monkeypatch, limit):
    def explain(**settings):
        classifier, infill = planted.quadrant(), Constant(value=planted.DARK)
        return xai_jax.explain(classifier, IMAGES, method=METHOD, infill=infill, **settings)

    limit(int(1.25 * 1.5 * 16 * taken(8) / 8))  # 16 in a call
    found = explain()
    monkeypatch.setattr(batches, "compiled", None)
    assert np.array_equal(explain().saliency, found.saliency)
    np.testing.assert_allclose(found.saliency, explain(batch_size=8).saliency, atol=1e-6)


def test_the_command_says_in_the_manifest_what_it_took_and_goes_on_with_it(
    monkeypatch, capsys, limit, tmp_path
):
    pictures = tiny_run.make_pictures(tmp_path / "in", 10)
    run = tiny_cli.caller(monkeypatch, capsys)
    command = ("explain", pictures, *tiny_cli.PLANTED, "--method", "gradient")
    command = (*command, "--out", tmp_path / "out")
    limit(10**12)
    assert run(*command)[0] == 0
    assert manifest.read(tmp_path / "out").batch_size == 10  # in one call
    limit(1)
    before = tiny_run.hashes(tmp_path / "out")
    assert run(*command)[0] == 0
    assert tiny_run.hashes(tmp_path / "out") == before
