"""The networks' sizes, their layers' promises, and what is refused of weights."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.classifiers import entries, torch_file
from xai_jax.classifiers.efficientnet_lite import LITE0
from xai_jax.core.rng import example_keys
from xai_jax.nn import convert, deeplab, layers, light, lite0, resnet


def num_params(module, image_shape=(1, 64, 64, 3)) -> int:
    shapes = convert.shapes_of(module, image_shape)["params"]
    return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(shapes))


@pytest.mark.parametrize(("classes", "published"), [(20, 39_638_612), (91, 39_656_859)])
def test_deeplab_has_the_published_number_of_parameters(classes, published):
    assert num_params(deeplab.DeepLab(classes)) == published


def test_deeplab_on_resnet_101_has_the_published_number_of_parameters():
    # 60,996,202 of torchvision's deeplabv3_resnet101, less 2,365,205 of its auxiliary head.
    assert num_params(deeplab.DeepLab(21, depth=101)) == 60_996_202 - 2_365_205


def test_the_light_network_has_the_number_of_parameters_that_the_manual_states():
    assert num_params(light.Light(9)) == 2_398_409


def test_the_dilated_trunk_keeps_an_eighth_of_the_resolution_and_the_plain_one_a_32nd():
    images = jax.ShapeDtypeStruct((1, 224, 160, 3), jnp.float32)
    for dilate, stride in [((False, True, True), 8), ((False, False, False), 32)]:
        net = resnet.ResNetTrunk(dilate=dilate)
        out, _ = jax.eval_shape(
            lambda key, x, net=net: net.init_with_output(key, x),
            jax.random.key(0),
            images,
        )
        assert out.shape == (1, 224 // stride, 160 // stride, 2048)


def test_weights_start_as_pytorchs_default_uniform_up_to_one_over_the_root_of_the_fan_in():
    conv = layers.Conv(64, kernel=3, use_bias=True)
    params = conv.init(jax.random.key(0), jnp.zeros((1, 8, 8, 24)))["params"]
    limit = 1 / np.sqrt(3 * 3 * 24)
    for leaf in (params["kernel"], params["bias"]):
        spread = np.asarray(leaf)
        assert limit * 0.95 < spread.max() <= limit and -limit <= spread.min() < -limit * 0.95
        assert abs(spread.std() - limit / np.sqrt(3)) < 0.15 * limit


@pytest.mark.parametrize("size", [(5, 9), (5, 3), (12, 12)])
def test_a_dilation_wider_than_the_picture_answers_as_the_full_kernel_does(size):
    conv = layers.Conv(4, kernel=3, dilation=5)
    x = jax.random.normal(jax.random.key(0), (2, *size, 3))
    variables = conv.init(jax.random.key(1), x)

    def plain(variables, x):
        return jax.lax.conv_general_dilated(
            x,
            variables["params"]["kernel"],
            (1, 1),
            [(5, 5), (5, 5)],
            rhs_dilation=(5, 5),
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
        )

    np.testing.assert_allclose(conv.apply(variables, x), plain(variables, x), atol=1e-6)
    ours, whole = (
        jax.grad(lambda v, f=f: (f(v, x) ** 2).sum())(variables)["params"]["kernel"]
        for f in (conv.apply, plain)
    )
    np.testing.assert_allclose(ours, whole, atol=1e-4)


def test_batch_norm_normalises_by_the_batch_and_remembers_a_tenth_of_its_unbiased_variance():
    x = np.random.default_rng(0).normal(3.0, 2.0, (4, 3, 5, 2)).astype(np.float32)
    norm = layers.BatchNorm()
    variables = norm.init(jax.random.key(0), jnp.asarray(x), layers.InTraining())
    out, new = norm.apply(variables, jnp.asarray(x), layers.InTraining(), mutable=["batch_stats"])
    flat = x.reshape(-1, 2).astype(np.float64)
    expected = (x - flat.mean(0)) / np.sqrt(flat.var(0) + 1e-5)
    np.testing.assert_allclose(out, expected, atol=1e-5)
    statistics = new["batch_stats"]
    np.testing.assert_allclose(statistics["mean"], 0.1 * flat.mean(0), rtol=1e-5)
    np.testing.assert_allclose(statistics["var"], 0.9 + 0.1 * flat.var(0, ddof=1), rtol=1e-5)
    np.testing.assert_array_equal(variables["batch_stats"]["mean"], [0.0, 0.0])  # not by init


def test_padding_rows_do_not_touch_the_statistics_or_the_other_rows():
    x = jax.random.normal(jax.random.key(0), (3, 4, 4, 2))
    padded = jnp.concatenate([x, jnp.full((2, 4, 4, 2), 1e3)])
    weight = jnp.array([1.0, 1.0, 1.0, 0.0, 0.0])
    norm = layers.BatchNorm()
    variables = norm.init(jax.random.key(0), x, layers.InTraining())
    bare, bare_new = norm.apply(variables, x, layers.InTraining(), mutable=["batch_stats"])
    out, new = norm.apply(
        variables, padded, layers.InTraining(weight=weight), mutable=["batch_stats"]
    )
    np.testing.assert_allclose(out[:3], bare, atol=1e-6)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, atol=1e-6), new, bare_new)


def test_a_single_value_a_channel_cannot_be_trained_on():
    norm = layers.BatchNorm()
    with pytest.raises(ValueError, match="use batches of at least 2 pictures"):
        norm.init(jax.random.key(0), jnp.zeros((1, 1, 1, 4)), layers.InTraining())


def test_bfloat16_computes_close_to_float32_from_float32_parameters():
    x = jax.random.normal(jax.random.key(0), (2, 9, 11, 8))
    full, half = (
        lite0.InvertedBottleneck(features=8, kernel=5, stride=1, expansion=6, dtype=dtype)
        for dtype in (jnp.float32, jnp.bfloat16)
    )
    variables = half.init(jax.random.key(1), x)
    assert {leaf.dtype for leaf in jax.tree.leaves(variables)} == {jnp.dtype(jnp.float32)}
    ours, theirs = (net.apply(variables, x) for net in (half, full))
    difference = np.abs(ours - theirs).max()
    assert 0 < difference < 0.05 * np.ptp(theirs)


@pytest.mark.parametrize("network", [light.Light, deeplab.DeepLab])
def test_logits_are_float32_and_as_large_as_the_picture_whatever_the_computation(network):
    half, images = network(3, dtype=jnp.bfloat16), jax.ShapeDtypeStruct((1, 50, 70, 3), jnp.float32)
    run = lambda key, x: half.init_with_output(key, x)  # noqa: E731
    logits, _ = jax.eval_shape(run, jax.random.key(1), images)
    assert logits.dtype == jnp.float32 and logits.shape == (1, 50, 70, 3)


def lite0_state_dict():
    entry = next(e for e in entries.CLASSIFIERS if e.name == "efficientnet_lite0")
    return torch_file.read(entries.package_file(entry))


def test_the_published_lite0_weights_give_the_trunk_what_the_folded_classifier_computes():
    state_dict = lite0_state_dict()
    trunk = lite0.trunk_variables(state_dict)
    x = jax.random.normal(jax.random.key(0), (1, 96, 176, 3))
    features = jax.jit(lambda v: lite0.Lite0Trunk().apply(v, x))(trunk)
    assert [f.shape[1:] for f in features] == [
        (48, 88, 16),
        (24, 44, 24),
        (12, 22, 40),
        (6, 11, 112),
        (3, 6, 192),
    ]
    # The classifier's last block and top, which the trunk leaves out, on the trunk's features:
    # all other blocks of the classifier are passed over by a network that begins there.
    params = LITE0.convert(state_dict)
    found = tail(params, features[-1])
    expected = jax.jit(LITE0.features)(params, x)
    np.testing.assert_allclose(found, expected, atol=1e-3)


def tail(params, x):
    """Block 15 and the top of the folded Lite0, written out with XLA's own convolutions."""
    block = params["blocks"][15]

    def conv(x, layer, groups=1):
        out = jax.lax.conv_general_dilated(
            x,
            layer["kernel"],
            (1, 1),
            "SAME",
            dimension_numbers=("NHWC", "HWIO", "NHWC"),
            feature_group_count=groups,
        )
        return out + layer["bias"]

    x = jax.nn.relu6(conv(x, block["expand"]))
    x = jax.nn.relu6(conv(x, block["depthwise"], groups=x.shape[-1]))
    return jax.nn.relu6(conv(conv(x, block["project"]), params["top"]))


def test_a_trunk_takes_its_place_in_a_network():
    own = {"params": {"trunk": {"a": 1}, "head": 2}, "batch_stats": {"trunk": {"a": 3}}}
    merged = convert.with_trunk(own, {"params": {"a": 7}, "batch_stats": {"a": 8}})
    assert merged == {"params": {"trunk": {"a": 7}, "head": 2}, "batch_stats": {"trunk": {"a": 8}}}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop("_conv_stem.weight"), "'_conv_stem.weight' is missing"),
        (lambda s: s.update(extra=np.zeros(1)), "1 arrays are left over, 'extra' among them"),
        (lambda s: s.update({"_bn0.bias": np.zeros(3)}), r"has shape \(3,\) instead of \(32,\)"),
        (lambda s: s.update({"_bn0.bias": np.full(32, np.nan)}), "NaN or infinity in '_bn0.bias'"),
    ],
)
def test_weights_of_something_else_are_refused_by_name(change, message):
    state_dict = dict(lite0_state_dict())
    change(state_dict)
    with pytest.raises(ValueError, match=message):
        lite0.trunk_variables(state_dict)


def test_another_networks_weights_are_refused_as_a_resnet():
    with pytest.raises(ValueError, match="not weights of resnet50: '.*' is missing"):
        resnet.trunk_variables(lite0_state_dict())


def test_dropout_draws_by_picture_and_not_by_place_in_the_batch():
    x = jnp.ones((6, 5, 4, 8))
    ids = jnp.array([7, 8, 9, 10, 11, 12], jnp.uint32)
    drop = lambda ids: layers.Dropout(0.25).apply(  # noqa: E731
        {}, x, layers.InTraining(keys=example_keys(jax.random.key(0), ids))
    )
    found = np.asarray(drop(ids))
    np.testing.assert_array_equal(found[::-1], drop(ids[::-1]))
    np.testing.assert_array_equal(np.unique(found), np.float32([0.0, 1 / 0.75]))
    assert abs(found.mean() - 1.0) < 4 * np.sqrt(0.25 / 0.75 / found.size)
    assert (found[0] != found[1]).any()
    np.testing.assert_array_equal(layers.Dropout(0.25).apply({}, x), x)
    with pytest.raises(ValueError, match="give the training step keys"):
        layers.Dropout(0.25).apply({}, x, layers.InTraining())


def test_a_batch_of_padding_moves_no_running_statistics():
    norm = layers.BatchNorm()
    x = jnp.asarray(np.random.default_rng(0).normal(3.0, 2.0, (2, 3, 5, 2)), jnp.float32)
    variables = norm.init(jax.random.key(0), x, layers.InTraining())
    padding = layers.InTraining(weight=jnp.zeros(2))
    out, new = norm.apply(variables, x, padding, mutable=["batch_stats"])
    jax.tree.map(np.testing.assert_array_equal, new["batch_stats"], variables["batch_stats"])
    assert np.isfinite(out).all()
