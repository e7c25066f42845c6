"""What every method promises; a new folder under `methods` is found by itself."""

import dataclasses
import importlib
import pathlib
import pkgutil

import flat_regions
import gradient_map
import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest
import small_networks
from jax.sharding import AxisType, NamedSharding, PartitionSpec

from xai_jax import methods
from xai_jax.core import outputs
from xai_jax.core.method import Frozen, Method, Trainable
from xai_jax.infills.constant import Constant

SIZE, STEPS = 32, 40
FOLDERS = [module.name for module in pkgutil.iter_modules(methods.__path__) if module.ispkg]


def configs() -> dict[str, type]:
    """The settings of every method: all that a method's folder names and that have a smoke test."""
    found = {}
    for folder in FOLDERS:
        named = vars(importlib.import_module(f"xai_jax.methods.{folder}"))
        ours = {name: kind for name, kind in named.items() if hasattr(kind, "smoke")}
        assert ours, folder
        found |= {f"{folder}.{name}": kind for name, kind in ours.items()}
    return found


# Beside the methods of the package, the least that one may be.
CONFIGS = configs() | {"gradient_map.Config": gradient_map.Config}


@pytest.fixture(params=CONFIGS, scope="module")
def config(request):
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "explainer.Config":  # RTIS's loss needs more steps with that network
            small_networks.draw_the_masks(patch)
        yield CONFIGS[request.param].smoke()


@pytest.fixture(scope="module")
def frozen() -> Frozen:
    classifier = planted.quadrant()
    infill = Constant(value=planted.DARK).build(classifier)
    return Frozen(classifier=classifier, infill=infill, generator=flat_regions.flat())


@pytest.fixture(scope="module")
def weights(config, frozen):
    """What `explain` explains with: of a method that learns, after some steps on other pictures."""
    trainable = config.build().trainable
    if trainable is None:
        return ()

    def labelled(key):
        batch = planted.quadrant_batch(8, SIZE, key)
        return dataclasses.replace(batch, labels=jax.nn.one_hot(batch.target, planted.NUM_CLASSES))

    @jax.jit
    def learned(frozen, key):
        begun = trainable.init(key, frozen, labelled(key))
        keys = jax.random.split(key, STEPS)
        return jax.lax.scan(lambda s, k: trainable.step(s, frozen, labelled(k), k), begun, keys)

    state, metrics = learned(frozen, jax.random.key(5))
    for name, values in metrics.items():
        assert np.isfinite(values).all(), name
    return trainable.weights(state)


@pytest.fixture(scope="module")
def explain(config):
    return jax.jit(config.build().explain)


@pytest.fixture(scope="module")
def batch():
    return planted.quadrant_batch(8, SIZE, jax.random.key(0))


@pytest.fixture(scope="module")
def explained(explain, weights, frozen, batch):
    return explain(weights, frozen, batch, jax.random.key(1))


def test_a_config_builds_a_method(config):
    method = config.build()
    assert isinstance(method, Method) and callable(method.explain)
    assert method.trainable is None or isinstance(method.trainable, Trainable)


def test_every_name_is_declared_with_the_axes_that_it_has(config, explained):
    method = config.build()
    declared = outputs.by_name(method.outputs)
    said = {"map": explained.maps, "picture": explained.pictures, "number": explained.numbers}
    assert set(declared) == set(explained.named()) - {"target", "saliency"}
    for kind, values in said.items():
        for name, value in values.items():
            assert declared[name].kind == kind, name
            assert value.ndim == 1 + len(declared[name].axes) and value.shape[0] == 8, name
            assert declared[name].unit and declared[name].meaning.endswith("."), name


def test_what_is_measured_is_of_each_picture_by_itself(config, weights, frozen):
    trainable = config.build().trainable
    if trainable is None:
        pytest.skip("learns nothing across images")
    batch = planted.quadrant_batch(8, SIZE, jax.random.key(3))
    batch = dataclasses.replace(batch, labels=jax.nn.one_hot(batch.target, planted.NUM_CLASSES))
    state = jax.jit(trainable.init)(jax.random.key(4), frozen, batch)
    measure = jax.jit(trainable.measure)
    together = measure(weights, state, frozen, batch, jax.random.key(1))
    alone = measure(weights, state, frozen, planted.take(batch, slice(3, 4)), jax.random.key(1))
    for name, values in together.items():
        assert values.shape == (8,), name
        np.testing.assert_allclose(values[3:4], alone[name], rtol=1e-3, atol=1e-4, err_msg=name)


def test_maps_have_one_number_a_pixel_in_range_and_finite(explained, batch):
    assert explained.saliency.shape == (8, SIZE, SIZE, 1)
    assert explained.saliency.dtype == jnp.float32
    if explained.keep is not None:
        assert explained.keep.shape == (8, SIZE, SIZE, 1) and explained.keep.dtype == jnp.float32
        assert (explained.keep >= 0).all() and (explained.keep <= 1).all()
    assert np.isfinite(explained.saliency).all()
    assert np.ptp(np.asarray(explained.saliency), axis=(1, 2, 3)).min() > 0  # no map is flat
    np.testing.assert_array_equal(explained.target, batch.target)


def test_the_masks_of_all_classes_hold_that_of_the_target(explained, batch):
    if explained.class_keep is None:
        return
    assert explained.class_keep.shape == (8, SIZE, SIZE, planted.NUM_CLASSES)
    assert (explained.class_keep >= 0).all() and (explained.class_keep <= 1).all()
    for row, target in enumerate(batch.target):
        own = explained.class_keep[row, ..., int(target)]
        np.testing.assert_array_equal(own, explained.keep[row, ..., 0])


def test_what_is_optimised_is_logged_and_every_number_is_finite(config, explained):
    declared = outputs.by_name(config.build().outputs).values()
    if any(outputs.STEP in output.axes for output in declared):
        assert "objective" in explained.numbers
    for name, values in explained.numbers.items():
        assert np.isfinite(values).all(), name


def test_the_evidence_is_more_salient_than_the_rest(config, explained, batch):
    if config.__module__.startswith("xai_jax.methods.controls"):
        pytest.skip("does not look for it")
    if hasattr(config, "decided_class"):
        pytest.skip("explains one decision, whatever the target; its own tests plant evidence")
    truth = np.asarray(planted.quadrant_maps(batch.target, SIZE)) == 1
    for saliency, inside in zip(np.asarray(explained.saliency), truth, strict=True):
        assert saliency[inside].mean() > saliency[~inside].mean()


def same_maps(found, wanted):
    for name in ("saliency", "keep"):
        one, other = getattr(found, name), getattr(wanted, name)
        if other is not None:
            np.testing.assert_allclose(one, other, atol=1e-4, err_msg=name)


def test_alone_and_in_company_give_the_same_explanation(explain, weights, frozen, batch, explained):
    alone = explain(weights, frozen, planted.take(batch, slice(3, 4)), jax.random.key(1))
    same_maps(alone, planted.take(explained, slice(3, 4)))


def test_eight_devices_agree_with_one_and_with_pmap(
    config, explain, weights, frozen, batch, explained
):
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    spread = jax.device_put(batch, NamedSharding(mesh, PartitionSpec("data")))
    eight = explain(weights, frozen, spread, jax.random.key(1))
    assert len(eight.saliency.sharding.device_set) == 8
    same_maps(eight, explained)
    split = jax.tree.map(lambda x: x.reshape(8, 1, *x.shape[1:]), batch)
    pmapped = jax.pmap(config.build().explain, in_axes=(None, None, 0, None))
    mapped = pmapped(weights, frozen, split, jax.random.key(1))
    same_maps(jax.tree.map(lambda x: x.reshape(8, *x.shape[2:]), mapped), explained)


def test_the_second_call_does_not_compile(explain, weights, frozen, batch, explained):
    before = explain._cache_size()
    other = planted.quadrant_batch(8, SIZE, jax.random.key(9))
    explain(weights, frozen, other, jax.random.key(2))
    assert explain._cache_size() == before


@pytest.mark.parametrize("name", FOLDERS)
def test_the_method_has_a_page_and_a_line_in_the_readme(name):
    root = pathlib.Path(__file__).parents[2]
    own = f"docs/{name}.md"
    page = own if (root / own).is_file() else "docs/attributions.md"
    assert name in (root / page).read_text()
    assert page in (root / "README.md").read_text()
