"""What every method promises; a new folder under `methods` is found by itself."""

import importlib
import pathlib
import pkgutil

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from xai_jax import methods
from xai_jax.core.method import Frozen, Method
from xai_jax.infills.constant import Constant

SIZE = 32
FOLDERS = [module.name for module in pkgutil.iter_modules(methods.__path__) if module.ispkg]


@pytest.fixture(params=FOLDERS, scope="module")
def config(request):
    return importlib.import_module(f"xai_jax.methods.{request.param}").Config.smoke()


@pytest.fixture(scope="module")
def frozen() -> Frozen:
    classifier = planted.quadrant()
    return Frozen(classifier=classifier, infill=Constant(value=planted.DARK).build(classifier))


@pytest.fixture(scope="module")
def run(config):
    """`explain` as users call it: compiled, the state from `init`."""
    method = config.build()

    @jax.jit
    def explain(frozen, batch, key):
        return method.explain(method.init(key, frozen, batch), frozen, batch, key)

    return explain


@pytest.fixture(scope="module")
def batch():
    return planted.quadrant_batch(8, SIZE, jax.random.key(0))


@pytest.fixture(scope="module")
def explained(run, frozen, batch):
    return run(frozen, batch, jax.random.key(1))


def test_a_config_builds_three_pure_functions(config):
    method = config.build()
    assert isinstance(method, Method) and callable(method.init) and callable(method.explain)


def test_maps_have_one_number_a_pixel_in_range_and_finite(explained, batch):
    assert explained.keep.shape == explained.saliency.shape == (8, SIZE, SIZE, 1)
    assert explained.keep.dtype == explained.saliency.dtype == jnp.float32
    assert (explained.keep >= 0).all() and (explained.keep <= 1).all()
    assert np.isfinite(explained.saliency).all()
    assert np.ptp(np.asarray(explained.saliency), axis=(1, 2, 3)).min() > 0  # no map is flat
    np.testing.assert_array_equal(explained.target, batch.target)


def test_the_trace_has_one_number_an_image_and_step(explained):
    assert "objective" in explained.trace
    for name, values in explained.trace.items():
        assert values.ndim == 2 and values.shape[0] == 8, name
        assert np.isfinite(values).all(), name


def test_the_evidence_is_more_salient_than_the_rest(explained, batch):
    truth = np.asarray(planted.quadrant_maps(batch.target, SIZE)) == 1
    for saliency, inside in zip(np.asarray(explained.saliency), truth, strict=True):
        assert saliency[inside].mean() > saliency[~inside].mean()


def test_alone_and_in_company_give_the_same_explanation(run, frozen, batch, explained):
    alone = run(frozen, planted.take(batch, slice(3, 4)), jax.random.key(1))
    np.testing.assert_allclose(alone.keep, explained.keep[3:4], atol=1e-4)
    np.testing.assert_allclose(alone.saliency, explained.saliency[3:4], atol=1e-4)


def test_eight_devices_agree_with_one_and_with_pmap(config, run, frozen, batch, explained):
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    spread = jax.device_put(batch, NamedSharding(mesh, PartitionSpec("data")))
    eight = run(frozen, spread, jax.random.key(1))
    assert len(eight.keep.sharding.device_set) == 8
    np.testing.assert_allclose(eight.keep, explained.keep, atol=1e-4)
    split = jax.tree.map(lambda x: x.reshape(8, 1, *x.shape[1:]), batch)
    explain = jax.pmap(config.build().explain, in_axes=(None, None, 0, None))
    mapped = explain((), frozen, split, jax.random.key(1))
    np.testing.assert_allclose(mapped.keep.reshape(explained.keep.shape), explained.keep, atol=1e-4)


def test_the_second_call_does_not_compile(run, frozen, batch, explained):
    before = run._cache_size()
    other = planted.quadrant_batch(8, SIZE, jax.random.key(9))
    run(frozen, other, jax.random.key(2))
    assert run._cache_size() == before


def test_the_method_has_a_page_and_a_line_in_the_readme(config):
    name = type(config).__module__.split(".")[2]
    root = pathlib.Path(__file__).parents[2]
    assert (root / "docs" / f"{name}.md").is_file()
    assert f"docs/{name}.md" in (root / "README.md").read_text()
