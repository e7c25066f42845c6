"""A program that a launcher started several times joins the others; one that is alone does not."""

import jax
import pytest

from xai_jax.runtime import distributed

LAUNCHERS = (
    "SLURM_NTASKS",
    "OMPI_COMM_WORLD_SIZE",
    "TPU_WORKER_HOSTNAMES",
    "TPU_PROCESS_ADDRESSES",
)


@pytest.fixture
def joined(monkeypatch):
    """What is called, in order, in place of the calls that fork and that wait for others."""
    for name in LAUNCHERS:
        monkeypatch.delenv(name, raising=False)
    calls = []

    def initialize(*addresses, **settings):
        # All addresses are for JAX to find in the launcher's environment.
        assert not addresses and "cluster_detection_method" not in settings
        calls.append("initialize")

    monkeypatch.setattr(distributed, "_supervise", lambda: calls.append("supervise"))
    monkeypatch.setattr(jax.distributed, "initialize", initialize)
    monkeypatch.setattr(jax.distributed, "shutdown", lambda: calls.append("shutdown"))
    return calls


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SLURM_NTASKS", "2"),
        ("OMPI_COMM_WORLD_SIZE", "16"),
        ("TPU_WORKER_HOSTNAMES", "10.0.0.1,10.0.0.2"),
        ("TPU_PROCESS_ADDRESSES", "10.0.0.1:8476,10.0.0.2:8476"),
    ],
)
def test_a_program_that_was_launched_several_times_joins_before_it_works(
    monkeypatch, joined, name, value
):
    monkeypatch.setenv(name, value)
    with distributed.program(None, None, None):
        joined.append("work")
    assert joined == ["supervise", "initialize", "work", "shutdown"]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"SLURM_NTASKS": "1"},
        {"SLURM_NTASKS": ""},
        {"OMPI_COMM_WORLD_SIZE": "1"},
        {"TPU_WORKER_HOSTNAMES": "localhost"},
        {"TPU_PROCESS_ADDRESSES": "local"},
    ],
)
def test_a_program_that_is_alone_waits_for_nobody(monkeypatch, joined, environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with distributed.program(None, None, None):
        joined.append("work")
    assert joined == ["work"]
