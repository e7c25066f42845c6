"""GPU programs are asked for results that do not depend on the order of threads."""

import os

import pytest

from xai_jax.runtime import deterministic


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "--xla_gpu_deterministic_ops=true"),
        ("--xla_a=1", "--xla_a=1 --xla_gpu_deterministic_ops=true"),
        ("--xla_gpu_deterministic_ops=false", "--xla_gpu_deterministic_ops=false"),
    ],
)
def test_what_the_user_has_set_stays(monkeypatch, before, after):
    monkeypatch.setenv("XLA_FLAGS", before)
    deterministic.ask()
    deterministic.ask()
    assert os.environ["XLA_FLAGS"] == after
