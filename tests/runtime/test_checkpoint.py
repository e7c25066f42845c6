"""Checkpoints: the last two and the best, damaged ones set aside, other architectures refused."""

import logging
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.runtime import mesh
from xai_jax.runtime.checkpoint import Checkpoints, read_best

ROW = mesh.data_mesh(jax.devices()[:2])


def state(value: float):
    def make():
        return {
            "w": jnp.full((2, 3), value, jnp.float32),
            "n": jnp.int32(value),
            "key": jax.random.key(7),
        }

    return jax.jit(make, out_shardings=mesh.replicated(ROW))()


def abstract(row=ROW):
    return jax.tree.map(
        lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=mesh.replicated(row)), state(0.0)
    )


def save(folder, steps, best=None):
    with Checkpoints(folder) as checkpoints:
        for step in steps:
            checkpoints.save(step, state(step), {"position": {"taken": step}}, best)


def steps_in(folder):
    return sorted(int(path.name) for path in folder.iterdir() if path.name.isdigit())


def test_what_was_saved_is_read_back_on_other_devices(tmp_path):
    save(tmp_path / "c", [3])
    row = mesh.data_mesh(jax.devices()[4:8])
    with Checkpoints(tmp_path / "c") as checkpoints:
        restored = checkpoints.restore(abstract(row))
    assert (restored.step, restored.record) == (3, {"position": {"taken": 3}})
    np.testing.assert_array_equal(restored.state["w"], np.full((2, 3), 3.0))
    assert restored.state["w"].sharding.device_set == set(jax.devices()[4:8])
    assert jax.random.key_data(restored.state["key"]).tolist() == [0, 7]


def test_the_last_two_and_the_best_are_kept(tmp_path):
    save(tmp_path / "c", [1, 2, 3, 4, 5], best=2)
    assert steps_in(tmp_path / "c") == [2, 4, 5]
    best = read_best(tmp_path / "c", abstract())
    assert best.step == 2
    np.testing.assert_array_equal(best.state["w"], np.full((2, 3), 2.0))


def test_the_best_stays_when_a_second_start_saves_more(tmp_path):
    save(tmp_path / "c", [1, 2, 3], best=1)
    with Checkpoints(tmp_path / "c") as checkpoints:
        checkpoints.restore(abstract())
        checkpoints.save(4, state(4), {}, 1)
    assert steps_in(tmp_path / "c") == [1, 3, 4]


def test_without_validation_the_best_is_the_last(tmp_path):
    save(tmp_path / "c", [1, 2])
    assert read_best(tmp_path / "c", abstract()).step == 2


def _truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize(
    "damage",
    [
        lambda step: [_truncate(p) for p in (step / "state").rglob("*") if p.is_file()],
        lambda step: [p.unlink() for p in (step / "state" / "d").iterdir()],
        lambda step: (step / "run" / "metadata").unlink(),
        lambda step: _truncate(step / "run" / "metadata"),
    ],
    ids=["state truncated", "state without data", "no record", "half a record"],
)
def test_a_damaged_checkpoint_is_set_aside_and_the_one_before_is_taken(tmp_path, damage, caplog):
    save(tmp_path / "c", [1, 2])
    damage(tmp_path / "c" / "2")
    with caplog.at_level(logging.WARNING), Checkpoints(tmp_path / "c") as checkpoints:
        restored = checkpoints.restore(abstract())
        assert restored.step == 1
        assert "c/2 is damaged" in caplog.text
        checkpoints.save(2, state(20.0), {}, None)  # and its place is free
    assert (tmp_path / "damaged" / "2").is_dir()
    np.testing.assert_array_equal(read_best(tmp_path / "c", abstract()).state["n"], 20)


@pytest.mark.parametrize("is_cut", [True, False], ids=["cut", "gone"])
def test_a_damaged_state_of_many_arrays_is_refused_without_a_noise(tmp_path, is_cut, monkeypatch):
    noise = []
    monkeypatch.setattr(sys, "unraisablehook", noise.append)
    many = {f"w{i}": jnp.full((50, 50), float(i)) for i in range(60)}
    like = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding), many)
    for attempt in range(4):
        folder = tmp_path / str(attempt) / "c"
        with Checkpoints(folder) as checkpoints:
            checkpoints.save(1, many, {}, None)
        for path in (folder / "1" / "state" / "d").iterdir():
            _truncate(path) if is_cut else path.unlink()
        with pytest.raises(ValueError, match=r"d/.*"):
            read_best(folder, like)
        with Checkpoints(folder) as checkpoints, pytest.raises(ValueError, match="None of the"):
            checkpoints.restore(like)
    time.sleep(0.5)  # a thread that still reads would be late
    assert not noise


def test_what_a_kill_left_of_a_save_is_no_checkpoint(tmp_path):
    save(tmp_path / "c", [1, 2])
    (tmp_path / "c" / "2").rename(tmp_path / "c" / "2.orbax-checkpoint-tmp")
    with Checkpoints(tmp_path / "c") as checkpoints:
        assert checkpoints.restore(abstract()).step == 1
    assert steps_in(tmp_path / "c") == [1]


def test_when_none_can_be_read_that_is_said_and_nothing_is_begun_anew(tmp_path):
    save(tmp_path / "c", [1])
    (tmp_path / "c" / "1" / "run" / "metadata").unlink()
    with (
        Checkpoints(tmp_path / "c") as checkpoints,
        pytest.raises(ValueError, match="None of the checkpoints in .* can be read"),
    ):
        checkpoints.restore(abstract())


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"w": ((2, 4), jnp.float32)}, r"w is float32 of shape \[2, 3\] there and is .*\[2, 4\]"),
        ({"w": ((2, 3), jnp.bfloat16)}, r"w is float32 .* there and is bfloat16"),
        ({"b": ((1,), jnp.float32)}, "b is missing there and is float32"),
    ],
)
def test_another_architecture_is_refused_with_the_first_leaf_that_differs(tmp_path, other, words):
    save(tmp_path / "c", [1])
    changed = abstract() | {
        name: jax.ShapeDtypeStruct(shape, dtype, sharding=mesh.replicated(ROW))
        for name, (shape, dtype) in other.items()
    }
    with Checkpoints(tmp_path / "c") as checkpoints, pytest.raises(ValueError, match=words):
        checkpoints.restore(changed)
    with pytest.raises(ValueError, match=words):
        read_best(tmp_path / "c", changed)
    assert steps_in(tmp_path / "c") == [1]


def test_a_folder_without_checkpoints_is_told(tmp_path):
    with pytest.raises(ValueError, match="holds no checkpoint; train first"):
        read_best(tmp_path, abstract())


def test_a_save_is_of_the_state_when_it_was_called_although_the_next_step_reuses_its_memory(
    tmp_path,
):
    big = jax.jit(lambda: jnp.zeros((1000, 1000)), out_shardings=mesh.replicated(ROW))()
    add = jax.jit(lambda x: x + 1.0, donate_argnums=0)
    with Checkpoints(tmp_path / "c") as checkpoints:
        for step in range(1, 4):
            big = add(big)
            checkpoints.save(step, {"x": big}, {}, None)
            for _ in range(5):
                big = add(big)
        target = jax.ShapeDtypeStruct(big.shape, big.dtype, sharding=mesh.replicated(ROW))
    for step, value in [(2, 7.0), (3, 13.0)]:
        with Checkpoints(tmp_path / "c") as checkpoints:
            x = checkpoints._read(step, {"x": target}).state["x"]
        np.testing.assert_array_equal(x, np.full((1000, 1000), value))
