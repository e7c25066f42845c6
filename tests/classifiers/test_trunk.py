"""A network begins with its trunk's published weights, and with its own decoder."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import safetensors.numpy

from xai_jax.classifiers import entries, torch_file
from xai_jax.classifiers.trunk import Trunk
from xai_jax.nn import learner, lite0
from xai_jax.nn.segmenter import Architecture, Segmenter


@pytest.fixture
def fresh():
    """A state of ones, for initialising the network would only take time."""
    network = Segmenter(num_classes=2, architecture=Architecture.LIGHT).build()
    begin = lambda key: learner.init(network, optax.sgd(0.1), key, jnp.zeros((1, 32, 32, 3)))  # noqa: E731
    shapes = jax.eval_shape(begin, jax.random.key(0))
    return jax.tree.map(lambda x: jnp.ones(x.shape, x.dtype), shapes)


def test_the_trunk_is_the_published_one_and_the_rest_stays(fresh):
    state = Trunk(architecture=Architecture.LIGHT)(fresh)
    published = lite0.trunk_variables(torch_file.read(entries.weights_file("efficientnet_lite0")))
    jax.tree.map(np.testing.assert_array_equal, state.params["trunk"], published["params"])
    jax.tree.map(np.testing.assert_array_equal, state.statistics["trunk"], published["batch_stats"])
    decoder = {name: leaf for name, leaf in state.params.items() if name != "trunk"}
    assert decoder and all((leaf == 1).all() for leaf in jax.tree.leaves(decoder))
    assert jax.tree.structure(state) == jax.tree.structure(fresh)


def test_a_trunk_without_a_file_says_where_its_weights_come_from(fresh):
    with pytest.raises(ValueError, match="weights of resnet50 come from a torchvision file"):
        Trunk(architecture=Architecture.DEEPLAB)(fresh)


def test_weights_of_another_network_are_refused(fresh, tmp_path):
    safetensors.numpy.save_file({"x": np.zeros(3, np.float32)}, tmp_path / "x.safetensors")
    with pytest.raises(ValueError, match="is missing"):
        Trunk(architecture=Architecture.LIGHT, weights=str(tmp_path / "x.safetensors"))(fresh)
