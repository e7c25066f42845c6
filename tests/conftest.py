"""Eight simulated devices, checked array shapes; where the shared pictures lie."""

import os
import pathlib
import signal
import sys

ROOT = pathlib.Path(__file__).parents[1]

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"
# Compiled programs outlive the run, and serve all workers and all programs that tests start.
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(CACHE / "xai_jax_tests"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

import jax  # noqa: E402
import pytest  # noqa: E402
from jaxtyping import install_import_hook  # noqa: E402

jax.config.update("jax_numpy_rank_promotion", "allow")

# Wrong shapes fail at trace time, with the name of the argument.
install_import_hook("xai_jax", "beartype.beartype")

import small_networks  # noqa: E402

from xai_jax.core.classifier import Classifier  # noqa: E402
from xai_jax.core.settings import Settings  # noqa: E402
from xai_jax.runtime import ending  # noqa: E402


def unchecked(cls, *args, **kwargs):
    """Settings without a look at the arguments: their own check coerces them first."""
    cls.__init__.__no_type_check__ = True
    return object.__new__(cls)


Settings.__new__ = staticmethod(unchecked)
Classifier.__init__.__no_type_check__ = True


LONG = (  # what takes longest, the longest of all first
    "test_cli.py",
    "train/test_explainer_program",
    "runtime/test_objects",
    "train/test_classifier_program",
    "methods/test_conformance",
    "train/test_processes",
    "methods/test_sharding",
    "test_onnx_parity",
    "scoring/",
    "pretrain/",
    "test_notebooks",
    "train/",
    "methods/",
    "classifiers/",
    "test_cli",
    "runs/",
)


def pytest_collection_modifyitems(items):
    """The long files first, so that no worker is left with one when the others are done."""
    ranks = {part: rank for rank, part in enumerate(LONG)}

    def rank(item) -> int:
        return min((r for part, r in ranks.items() if part in item.nodeid), default=len(LONG))

    items.sort(key=rank)


@pytest.fixture(scope="module", autouse=True)
def forgotten_programs():
    """What a module has compiled goes with it: a worker's memory holds the programs of one."""
    yield
    jax.clear_caches()


@pytest.fixture(scope="module")
def small_masks():
    """A network that compiles in a second draws the masks of whatever learns them."""
    with pytest.MonkeyPatch.context() as patch:
        small_networks.draw_the_masks(patch)
        yield


@pytest.fixture(scope="session")
def shared_data() -> pathlib.Path:
    """The folder with real pictures: XAI_JAX_DATA, or ``../shared/data`` beside the checkout."""
    folder = pathlib.Path(os.environ.get("XAI_JAX_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"the real pictures are not at {folder}; set XAI_JAX_DATA to their folder")
    return folder


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test on the real pictures that is skipped although they are there is a failure under CI."""
    outcome = yield
    report = outcome.get_result()
    wants_pictures = "shared_data" in getattr(item, "fixturenames", ())
    there = (ROOT.parent / "shared" / "data").is_dir()
    if report.skipped and wants_pictures and there and os.environ.get("CI"):
        report.outcome = "failed"
        report.longrepr = f"skipped although the pictures are there: {report.longrepr}"


@pytest.fixture
def listening(monkeypatch):
    """This process listens to signals as a program does, until the test is over."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.setattr(ending, "_listener", None)
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    ending.listen("some.py")
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
