"""The networks of SyCE: the authors' numbers of parameters, and their answers computed plainly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.signal import correlate

from xai_jax.classifiers import entries, fresh
from xai_jax.classifiers.fresh import Fresh
from xai_jax.nn import unet
from xai_jax.nn.patch_discriminator import PatchDiscriminator
from xai_jax.nn.unet import UNet

RNG = np.random.default_rng(0)


def count(tree) -> int:
    return sum(np.size(leaf) for leaf in jax.tree.leaves(tree))


def drawn(network, *shape: int):
    """Its parameters, every one of them drawn, so that none is 0 or 1 by its beginning."""
    shapes = jax.eval_shape(network.init, jax.random.key(0), jnp.zeros(shape))["params"]
    one = lambda x: jnp.asarray(RNG.normal(0, 0.3, x.shape), jnp.float32)  # noqa: E731
    return jax.tree.map(one, shapes)


def test_the_networks_have_as_many_parameters_as_the_authors():
    digits = jnp.zeros((1, 28, 28, 1))
    generator = UNet().build().init(jax.random.key(0), digits)
    critic = PatchDiscriminator().build().init(jax.random.key(0), digits)
    assert count(generator) == 204_499  # without the statistics that they kept and never moved
    assert count(critic) == 204_961
    sagen = UNet(head_widths=(32, 16)).build(outputs=2).init(jax.random.key(0), digits)
    assert count(sagen) == 233_302 - 1_058  # likewise
    wide = jax.ShapeDtypeStruct((1, 32, 32, 1), jnp.float32)
    mgen = UNet(widths=(16, 32, 32, 64), finest=1).build(outputs=2)
    assert count(jax.eval_shape(mgen.init, jax.random.key(0), wide)) == 259_382 - 1_346
    assert count(Fresh().build().params) == 1_217_473


def convolved(x, params, stride=1):
    """3 x 3 with zeros beyond the border; TensorFlow's "SAME" at stride 2 of even sides."""
    kernel, bias = (np.asarray(params[name], np.float64) for name in ("kernel", "bias"))
    pads = (1, 1) if stride == 1 or x.shape[0] % 2 else (0, 1)
    padded = np.pad(x, (pads, pads, (0, 0)))
    out = [
        sum(
            correlate(padded[..., i], kernel[..., i, o], mode="valid")[::stride, ::stride]
            for i in range(x.shape[-1])
        )
        for o in range(kernel.shape[-1])
    ]
    return np.stack(out, -1) + bias


def blocks(x, params, name, num):
    for i in range(num):
        affine = {k: np.asarray(v, np.float64) for k, v in params[f"{name}_affine{i}"].items()}
        x = np.maximum(affine["scale"] * x / np.sqrt(1.001) + affine["bias"], 0.0)
        x = convolved(x, params[f"{name}_conv{i}"])
    return x


def test_the_unet_answers_as_its_description_says():
    network = UNet(widths=(2, 3)).build(outputs=2)
    params = drawn(network, 1, 6, 8, 1)
    picture = RNG.random((6, 8, 3))
    found = network.apply({"params": params}, jnp.asarray(picture, jnp.float32)[None])[0]
    fine = blocks(picture.mean(-1, keepdims=True), params, "down0", 2)
    x = blocks(fine, params, "into1", 1)
    pooled = x.reshape(3, 2, 4, 2, 3).max((1, 3))
    coarse = pooled + blocks(pooled, params, "down1", 3)
    up = blocks(coarse, params, "up0", 2).repeat(2, 0).repeat(2, 1)
    last = {k: np.asarray(v, np.float64) for k, v in params["pixels"].items()}
    wanted = np.concatenate([fine, up], -1) @ last["kernel"][0, 0] + last["bias"]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("side", [7, 8])
def test_the_discriminator_answers_as_its_description_says(side):
    network = PatchDiscriminator(widths=(2, 3)).build()
    params = drawn(network, 1, side, side, 1)
    x = picture = RNG.random((side, side, 1))
    for stage in range(2):
        for name, stride in ((f"near{stage}", 1), (f"half{stage}", 2)):
            x = convolved(np.where(x > 0, x, 0.3 * x), params[name], stride)
    dense = {k: np.asarray(v, np.float64) for k, v in params["logit"].items()}
    wanted = x.reshape(-1) @ dense["kernel"] + dense["bias"]
    found = network.apply({"params": params}, jnp.asarray(picture, jnp.float32)[None])
    np.testing.assert_allclose(found, wanted, rtol=1e-4)


def test_a_stem_sees_squares_and_draws_them_at_the_full_size():
    x = jnp.arange(2 * 4 * 6 * 3.0).reshape(2, 4, 6, 3)
    small = unet.squares_to_channels(x, 2)
    assert small.shape == (2, 2, 3, 12)
    np.testing.assert_array_equal(small[1, 1, 2], x[1, 2:4, 4:6].reshape(-1))
    np.testing.assert_array_equal(unet.channels_to_squares(small, 2), x)
    network = UNet(widths=(2, 2), stem=2, channels=3).build()
    answer = network.init_with_output(jax.random.key(0), jnp.zeros((1, 8, 12, 3)))[0]
    assert answer.shape == (1, 8, 12, 3)


@pytest.mark.parametrize(
    ("outputs", "how"),
    [
        (1, {}),
        (2, {}),
        (1, {"channels": 3}),
        (2, {"stem": 2}),
        (1, {"told": 1}),
        (2, {"head_widths": (8, 4)}),
        (2, {"head_widths": (4,), "channels": 3, "stem": 2}),
        (1, {"widths": (4,)}),
        (1, {"widths": (4, 4, 4, 4)}),
    ],
)
def test_a_fresh_network_draws_what_it_is_shown_and_can_learn_all_else(outputs, how):
    """A network and its own inverse is the picture again: negatives, too, where it begins near."""
    told = [jnp.ones(3)] if how.pop("told", 0) else []
    network = UNet(**{"widths": (8, 8), **how}).build(outputs)
    images = jax.random.uniform(jax.random.key(1), (3, 8, 8, 3))
    images = images.mean(-1, keepdims=True) if network.channels == 1 else images
    params = network.init(jax.random.key(0), images, *told)["params"]
    answer = network.apply({"params": params}, images, *told)
    np.testing.assert_allclose(answer, jnp.tile(images, outputs), atol=1e-5)
    far = lambda p: jnp.square(network.apply({"params": p}, images, *told) - 0.3).mean()  # noqa: E731
    moved = jax.tree.map(lambda p, g: p - 0.1 * g, params, jax.grad(far)(params))
    slopes = jax.grad(far)(moved)
    still = [path for path, x in jax.tree_util.tree_leaves_with_path(slopes) if not x.any()]
    assert not still  # nothing is cut off from the second step on


@pytest.mark.parametrize("how", [{"finest": 1}, {"channels": 3, "widths": (2, 2)}, {}])
def test_masks_and_what_is_too_narrow_begin_at_random(how):
    network = UNet(**{"widths": (8, 8), **how}).build(2, as_shown=bool(how))
    images = jnp.zeros((1, 8, 8, network.channels))
    kernel = network.init(jax.random.key(0), images)["params"]["pixels"]["kernel"]
    assert np.unique(kernel).size == kernel.size


def test_behind_a_stem_a_pixel_still_sees_those_of_the_next_square():
    network = UNet(widths=(2, 2), stem=2, channels=3).build()
    x = jax.random.uniform(jax.random.key(1), (1, 8, 8, 3))
    params = network.init(jax.random.key(0), x)["params"]
    np.testing.assert_array_equal(network.apply({"params": params}, x), x)  # as it begins
    params["pixels"] = jax.tree.map(jnp.ones_like, params["pixels"])
    params["squares"] = jax.tree.map(jnp.zeros_like, params["squares"])  # all that squares draw

    def pixel(x):  # the last of a square
        return network.apply({"params": params}, x)[0, 3, 3].sum()

    seen = jnp.abs(jax.grad(pixel)(x)).sum((0, 3)) > 0
    assert seen[3:6, 3:6].any(axis=1).all() and not seen[:, 6:].any()


def test_pictures_that_do_not_fit_are_refused_with_what_to_set():
    with pytest.raises(ValueError, match="are 30 x 28; set data.resize to multiples of 4, or"):
        UNet().check((1, 30, 28, 3))
    with pytest.raises(ValueError, match="channels is 3 and the pictures have 1; set it to 1"):
        UNet(channels=3).check((1, 28, 28, 1))
    UNet(stem=7).check((1, 28, 28, 3))
    with pytest.raises(ValueError, match="are 64 x 63; set data.resize to multiples of 4, or"):
        PatchDiscriminator(stem=4).check((1, 64, 63, 3))


def test_lenet_answers_as_its_description_says():
    classifier = Fresh(seed=3, num_classes=2).build()
    picture = RNG.random((28, 28, 3)).astype(np.float32)
    x = picture.mean(-1, keepdims=True).astype(np.float64)
    for layer in classifier.params["layers"]:
        x = np.maximum(convolved(x, layer)[1:-1, 1:-1], 0.0)  # without padding
    pooled = x.reshape(12, 2, 12, 2, 64).max((1, 3)).transpose(2, 0, 1).reshape(-1)
    (hidden,), last = classifier.params["hidden"], classifier.params["classes"]
    hidden = np.maximum(pooled @ np.asarray(hidden["kernel"]) + hidden["bias"], 0.0)
    wanted = hidden @ np.asarray(last["kernel"]) + last["bias"]
    found = classifier.logits(jnp.asarray(picture)[None])[0]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_fresh_weights_follow_their_seed_and_have_glorots_spread():
    one, same, other = (Fresh(seed=seed).build().params for seed in (0, 0, 1))
    kernel = np.asarray(one["hidden"][0]["kernel"])
    bound = np.sqrt(6 / (64 * 144 + 128))
    assert np.abs(kernel).max() <= bound and np.std(kernel) == pytest.approx(bound / 3**0.5, 0.01)
    assert (kernel == same["hidden"][0]["kernel"]).all()
    assert (kernel != other["hidden"][0]["kernel"]).any()
    assert not np.any(one["classes"]["bias"])


def test_what_the_norms_of_a_fresh_network_scale_by_is_one():
    """Or all of its activations would be 0; drawing all of DenseNet takes half a minute."""
    leaves, _ = jax.tree.flatten_with_path(entries.architecture_of("densenet121").network.shapes(1))
    norms = [(path[-1], leaf.shape) for path, leaf in leaves if path[-1].key in ("scale", "shift")]
    assert len(norms) == 2 * 62
    for name, shape in norms:
        values = np.asarray(fresh._drawn(jax.random.key(0), name, shape))
        assert (values == (name.key == "scale")).all(), name
