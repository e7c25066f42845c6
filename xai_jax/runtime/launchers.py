"""Whether somebody has started several processes that are to work as one, and how they join.

JAX finds out by itself where the others are (`jax.distributed.initialize`). Whether there are any
is said here, by the signs that JAX looks for: a program that is alone must wait for nobody.
"""

import contextlib
import importlib.util
import os
import urllib.request
from collections.abc import Callable

import jax

_TPU_HOSTS = ("TPU_WORKER_HOSTNAMES", "TPU_PROCESS_ADDRESSES")
# Of a TPU machine of Compute Engine, whose environment says nothing: the hosts of its slice.
_METADATA = "computeMetadata/v1/instance/attributes/worker-network-endpoints"
_PATIENCE = 5  # seconds for the answer of a server on the same machine


def are_there() -> bool:
    """Whether a launcher has started others beside this process.

    Slurm (by srun), Open MPI, an indexed job of Kubernetes where the package kubernetes is
    installed, and TPU slices, on GKE and on machines of their own.
    """
    return any(sign() for sign in (_slurm, _open_mpi, _kubernetes, _tpu_by_name, _tpu_by_metadata))


def join(initialize: Callable[[], None]) -> None:
    """Joins the others that a launcher has started.

    Args:
        initialize: `jax.distributed.initialize`, which looks for them.

    Raises:
        ValueError: it does not find them.
    """
    try:
        initialize()
    except (ValueError, RuntimeError) as error:
        said = str(error).splitlines()
        raise ValueError(
            "The launcher started several processes, but JAX cannot tell where they are "
            f"({said[0][:200] if said else error!r}); name them with --coordinator host:port, "
            "--process-index and --process-count."
        ) from None
    if _alone_on_its_machine():
        # Under Slurm and Open MPI JAX gives each process one GPU, also where it is to have all.
        for kind in ("cuda", "rocm"):
            jax.config.update(f"jax_{kind}_visible_devices", "all")


def _count(name: str) -> int:
    """What the environment says of a number; 1 where it says nothing of use."""
    with contextlib.suppress(ValueError):
        return int(os.environ.get(name, "1"))
    return 1


def _slurm() -> bool:
    # The number alone says that an allocation has room for several, in which srun started none.
    return _count("SLURM_NTASKS") > 1 and "SLURM_STEP_NODELIST" in os.environ


def _open_mpi() -> bool:
    return _count("OMPI_COMM_WORLD_SIZE") > 1


def _kubernetes() -> bool:
    names = {"KUBERNETES_SERVICE_HOST", "JOB_COMPLETION_INDEX"}
    return names <= os.environ.keys() and importlib.util.find_spec("kubernetes") is not None


def _tpu_by_name() -> bool:
    several = any("," in os.environ.get(name, "") for name in _TPU_HOSTS)
    return several or _count("MEGASCALE_NUM_SLICES") > 1


def _tpu_by_metadata() -> bool:
    # JAX sets TPU_SKIP_MDS_QUERY where it is imported and no TPU is attached.
    if "TPU_SKIP_MDS_QUERY" in os.environ or importlib.util.find_spec("libtpu") is None:
        return False
    if any(name in os.environ for name in _TPU_HOSTS):
        return False
    server = os.environ.get("GCE_METADATA_IP", "metadata.google.internal")
    asked = urllib.request.Request(
        f"http://{server}/{_METADATA}", headers={"Metadata-Flavor": "Google"}
    )
    try:
        with urllib.request.urlopen(asked, timeout=_PATIENCE) as answer:
            return b"," in answer.read()
    except OSError:  # there is no such server, or it knows of no slice
        return False


def _alone_on_its_machine() -> bool:
    if _slurm():
        return _count("SLURM_NTASKS") == _count("SLURM_STEP_NUM_NODES")
    return _open_mpi() and os.environ.get("OMPI_COMM_WORLD_LOCAL_SIZE") == "1"
