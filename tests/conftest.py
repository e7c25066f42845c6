"""Eight simulated devices, checked array shapes; where the shared pictures lie."""

import os
import pathlib

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = "--xla_force_host_platform_device_count=8"

import jax
import pytest
from jaxtyping import install_import_hook

jax.config.update("jax_numpy_rank_promotion", "allow")

# Wrong shapes fail at trace time, with the name of the argument.
install_import_hook("xai_jax", "beartype.beartype")

from xai_jax.core.classifier import Classifier  # noqa: E402
from xai_jax.core.settings import Settings  # noqa: E402


def unchecked(cls, *args, **kwargs):
    """Settings without a look at the arguments: their own check coerces them first."""
    cls.__init__.__no_type_check__ = True
    return object.__new__(cls)


Settings.__new__ = staticmethod(unchecked)
Classifier.__init__.__no_type_check__ = True

ROOT = pathlib.Path(__file__).parents[1]


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
