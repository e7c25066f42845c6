"""The networks answer, and train, as PyTorch did when scripts/record_segmenters.py recorded it."""

import functools
import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen, traverse_util

from tests.classifiers import random_weights
from xai_jax.nn import convert, deeplab, layers, light, lite0

GOLDEN = pathlib.Path(__file__).parent / "golden"
CLASSES, HEIGHT, WIDTH, EVERY = 5, 56, 88, 8
NETWORKS = {"deeplab": deeplab.DeepLab(CLASSES), "light": light.Light(CLASSES)}


def light_name(path):
    return f"trunk.{lite0.torch_name(path[1:])}" if path[0] == "trunk" else ".".join(path)


NAMES = {"deeplab": deeplab.torch_name, "light": light_name}


@functools.lru_cache(maxsize=2)
def case(name: str):
    """The recorded answers, the converted weights and the pictures that PyTorch's network ate."""
    golden = np.load(GOLDEN / f"{name}.npz")
    state_dict = random_weights.state_dict(json.loads(str(golden["shapes"])))
    if name == "deeplab":
        variables = deeplab.variables(state_dict)
    else:
        template = convert.shapes_of(NETWORKS[name], (1, HEIGHT, WIDTH, 3))
        variables = convert.variables(template, state_dict, light_name, name)
    return golden, variables, jnp.asarray(random_weights.pictures(WIDTH)[:, :HEIGHT])


def without_dropout(call, args, kwargs, context):
    return args[0] if isinstance(context.module, layers.Dropout) else call(*args, **kwargs)


@functools.lru_cache(maxsize=2)
def trained(name: str):
    """Of one pass in training: subsampled logits, new statistics, gradients of the recorded sum."""
    _, variables, pictures = case(name)
    net = NETWORKS[name]
    cotangent = random_weights.direction((2, HEIGHT, WIDTH, CLASSES), "cotangent")

    @jax.jit
    def run(variables, pictures):
        def total(params):
            with linen.intercept_methods(without_dropout):
                logits, new = net.apply(
                    {**variables, "params": params},
                    pictures,
                    layers.InTraining(),
                    mutable=["batch_stats"],
                )
            every = logits[:, ::EVERY, ::EVERY]
            return (logits * cotangent).sum(), (every, new["batch_stats"])

        gradients, (logits, statistics) = jax.grad(total, has_aux=True)(variables["params"])
        return logits, statistics, gradients

    return run(variables, pictures)


def projections(tree, name: str):
    """``{PyTorch's name: [projection, norm]}`` of arrays in our layout, as they were recorded."""
    found = {}
    for path, value in traverse_util.flatten_dict(tree).items():
        leaf = {"kernel": "weight", "scale": "weight", "bias": "bias"}.get(path[-1])
        key = f"{NAMES[name](path[:-1])}.{leaf or 'running_' + path[-1]}"
        array = np.asarray(value, np.float64)
        array = array.transpose(3, 2, 0, 1) if array.ndim == 4 else array
        way = random_weights.direction(array.shape, key).astype(np.float64)
        found[key] = np.array([(array * way).sum(), np.linalg.norm(array)])
    return found


@pytest.mark.parametrize("name", list(NETWORKS))
def test_logits_in_evaluation_are_those_of_pytorch(name):
    golden, variables, pictures = case(name)
    net = NETWORKS[name]
    logits = jax.jit(functools.partial(net.apply))(variables, pictures)
    assert logits.shape == (2, HEIGHT, WIDTH, CLASSES) and logits.dtype == jnp.float32
    errors = np.abs(logits[:, ::EVERY, ::EVERY] - golden["logits"])
    assert errors.max() <= 1e-4 * np.ptp(golden["logits"])


@pytest.mark.parametrize("name", list(NETWORKS))
def test_logits_and_running_statistics_of_a_training_pass_are_those_of_pytorch(name):
    golden, _, _ = case(name)
    logits, statistics, _ = trained(name)
    errors = np.abs(logits - golden["trained_logits"])
    assert errors.max() <= 1e-3 * np.ptp(golden["trained_logits"])
    recorded = json.loads(str(golden["running"]))
    found = projections(statistics, name)
    assert found.keys() == recorded.keys()
    for key, expected in recorded.items():
        np.testing.assert_allclose(found[key], expected, atol=1e-4 * expected[1], err_msg=key)


@pytest.mark.parametrize("name", list(NETWORKS))
def test_gradients_of_every_parameter_in_training_are_those_of_pytorch(name):
    golden, _, _ = case(name)
    recorded = json.loads(str(golden["gradients"]))
    found = projections(trained(name)[2], name)
    assert found.keys() == recorded.keys()
    # A shift before a batch norm has no gradient but rounding: norms below 0.1 count as 0.1.
    errors = [
        np.abs(found[key] - expected).max() / max(expected[1], 0.1)
        for key, expected in recorded.items()
    ]
    # An activation that rounding puts on the other side of a ReLU's kink moves all before it.
    assert np.median(errors) <= 2e-3 and max(errors) <= 2e-2
