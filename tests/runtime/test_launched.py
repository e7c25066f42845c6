"""A program that a launcher started several times joins the others; one that is alone does not."""

import importlib.util
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import jax
import pytest

from xai_jax.runtime import distributed

SIGNS = (
    "SLURM_NTASKS",
    "SLURM_STEP_NODELIST",
    "SLURM_STEP_NUM_NODES",
    "OMPI_COMM_WORLD_SIZE",
    "OMPI_COMM_WORLD_LOCAL_SIZE",
    "KUBERNETES_SERVICE_HOST",
    "JOB_COMPLETION_INDEX",
    "MEGASCALE_NUM_SLICES",
    "TPU_WORKER_HOSTNAMES",
    "TPU_PROCESS_ADDRESSES",
)
SRUN = {"SLURM_STEP_NODELIST": "node[1-2]", "SLURM_STEP_NUM_NODES": "2"}
INDEXED = {"KUBERNETES_SERVICE_HOST": "10.0.0.1", "JOB_COMPLETION_INDEX": "0"}


@pytest.fixture
def joined(monkeypatch):
    """What is called, in order, in place of the calls that fork and that wait for others."""
    for name in SIGNS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TPU_SKIP_MDS_QUERY", "1")  # as JAX does where there is no TPU
    calls = []

    def initialize(*addresses, **settings):
        # All addresses are for JAX to find in the launcher's environment.
        assert not addresses and "cluster_detection_method" not in settings
        calls.append("initialize")
        jax.config.update("jax_cuda_visible_devices", "0")  # as under Slurm and Open MPI

    monkeypatch.setattr(distributed, "_supervise", lambda: calls.append("supervise"))
    monkeypatch.setattr(jax.distributed, "initialize", initialize)
    monkeypatch.setattr(jax.distributed, "shutdown", lambda: calls.append("shutdown"))
    yield calls
    jax.config.update("jax_cuda_visible_devices", "all")


def install(monkeypatch, *names):
    """Makes packages seem to be there; all that is asked is whether they can be found."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: name if name in names else find(name)
    )


def work(joined, environment, monkeypatch):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with distributed.program(None, None, None):
        joined.append("work")
    return joined


@pytest.mark.parametrize(
    "environment",
    [
        {"SLURM_NTASKS": "2", **SRUN},
        {"OMPI_COMM_WORLD_SIZE": "16"},
        {"TPU_WORKER_HOSTNAMES": "10.0.0.1,10.0.0.2"},  # GKE
        {"TPU_PROCESS_ADDRESSES": "10.0.0.1:8476,10.0.0.2:8476"},
        {"TPU_WORKER_HOSTNAMES": "localhost", "MEGASCALE_NUM_SLICES": "2"},
        INDEXED,
    ],
)
def test_a_program_that_was_launched_several_times_joins_before_it_works(
    monkeypatch, joined, environment
):
    install(monkeypatch, "kubernetes")
    done = work(joined, environment, monkeypatch)
    assert done == ["supervise", "initialize", "work", "shutdown"]


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"SLURM_NTASKS": "1", **SRUN},
        {"SLURM_NTASKS": "", **SRUN},
        {"SLURM_NTASKS": "4"},  # in an allocation, and not by srun
        {"OMPI_COMM_WORLD_SIZE": "1"},
        {"TPU_WORKER_HOSTNAMES": "localhost"},
        {"TPU_PROCESS_ADDRESSES": "local"},
        INDEXED,  # an array of jobs that know nothing of each other
    ],
)
def test_a_program_that_is_alone_waits_for_nobody(monkeypatch, joined, environment):
    assert work(joined, environment, monkeypatch) == ["work"]


@pytest.mark.parametrize(
    ("environment", "devices"),
    [
        ({"SLURM_NTASKS": "2", **SRUN}, "all"),
        ({"SLURM_NTASKS": "16", **SRUN}, "0"),
        ({"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_LOCAL_SIZE": "1"}, "all"),
        ({"OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_LOCAL_SIZE": "2"}, "0"),
    ],
)
def test_the_only_process_of_a_machine_has_all_its_gpus(monkeypatch, joined, environment, devices):
    work(joined, environment, monkeypatch)
    assert jax.config.values["jax_cuda_visible_devices"] == devices


def test_a_launcher_that_says_too_little_is_one_sentence(monkeypatch, joined):
    def initialize(**settings):
        raise ValueError("coordinator_address should be defined.")  # JAX of Open MPI 5

    monkeypatch.setattr(jax.distributed, "initialize", initialize)
    with pytest.raises(ValueError, match=r"cannot tell where they are .*name them with --coord"):
        work(joined, {"OMPI_COMM_WORLD_SIZE": "2"}, monkeypatch)


class Metadata(BaseHTTPRequestHandler):
    """What Compute Engine tells a machine of a slice; `hosts` are its hosts."""

    hosts = ""

    def do_GET(self):  # noqa: N802
        is_known = self.path.endswith("/attributes/worker-network-endpoints")
        is_asked_well = self.headers["Metadata-Flavor"] == "Google"
        self.send_response(200 if is_known and is_asked_well and self.hosts else 404)
        self.end_headers()
        self.wfile.write(self.hosts.encode())

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    ("hosts", "several"),
    [("a:0:10.0.0.1,b:1:10.0.0.2", True), ("a:0:10.0.0.1", False), ("", False)],
)
def test_a_tpu_machine_asks_for_the_hosts_of_its_slice(monkeypatch, joined, hosts, several):
    install(monkeypatch, "libtpu")
    monkeypatch.delenv("TPU_SKIP_MDS_QUERY")
    monkeypatch.setattr(Metadata, "hosts", hosts)
    with HTTPServer(("127.0.0.1", 0), Metadata) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        environment = {"GCE_METADATA_IP": f"127.0.0.1:{server.server_address[1]}"}
        assert ("initialize" in work(joined, environment, monkeypatch)) is several
        server.shutdown()
