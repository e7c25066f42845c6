"""SEAN: published numbers of parameters, the formula of its norm, what is folded and what not."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import scipy.signal

from xai_jax.generators.sean import abstract, of_weights
from xai_jax.nn import region_norm, sean, sean_encoder, spectral
from xai_jax.nn.learner import Weights
from xai_jax.nn.region_norm import RegionNorm
from xai_jax.nn.sean import Sean
from xai_jax.nn.sean_critic import Critics

SMALL = Sean(regions=("sky", "road", "car"), width=4, depth=2, style=6, hidden=5)
KEYS = jax.random.split(jax.random.key(7), 2)
MAP = jax.random.randint(jax.random.key(1), (2, 16, 24), 0, 2)  # no car
ONE_HOT = jax.nn.one_hot(MAP, 3)
PIXELS = jax.random.uniform(jax.random.key(2), (2, 16, 24, 3), minval=-1.0)


def drawn(shapes, seed=3):
    """Arrays of these shapes that are no small number, so that nothing drops out."""
    leaves, tree = jax.tree.flatten(shapes)
    rng = np.random.default_rng(seed)
    made = [jnp.asarray(0.3 * rng.normal(size=x.shape), jnp.float32) for x in leaves]
    return jax.tree.unflatten(tree, made)


def network(settings=SMALL, **how):
    net = settings.build(**how)
    shapes = jax.eval_shape(net.init, jax.random.key(0), PIXELS, ONE_HOT, KEYS)
    statistics = jax.tree.map(lambda x: jnp.full(x.shape, 0.5), shapes["batch_stats"])
    return net, {"params": drawn(shapes["params"]), "batch_stats": statistics}


@pytest.mark.parametrize(
    "num, generator, critics",
    [(19, 266_907_367, 1_364_098), (20, 270_877_159, 1_366_146)],  # specs: steex, sec. 1.4, 1.5
)
def test_the_published_networks_have_their_numbers_of_parameters(num, generator, critics):
    image = jax.ShapeDtypeStruct((1, 64, 64, 3), jnp.float32)
    one_hot = jax.ShapeDtypeStruct((1, 64, 64, num), jnp.float32)
    own = Sean(regions=tuple(f"part {i}" for i in range(num))).build()
    for net, args, wanted in (
        (own, (image, one_hot, KEYS[:1]), generator),
        (Critics(64), (image, one_hot), critics),
    ):
        shapes = jax.eval_shape(net.init, jax.random.key(0), *args)["params"]
        assert sum(leaf.size for leaf in jax.tree.leaves(shapes)) == wanted
        if net is own:
            encoder = jax.tree.leaves(shapes["encoder"])
            assert sum(leaf.size for leaf in encoder) == 1_568_576


def test_a_network_that_halves_more_often_has_its_shapes():
    deep = Sean(regions=("sky", "road"), width=2, depth=8, style=3, hidden=0)
    kernel = abstract(deep).params["blocks_9"]["spectral1"]["kernel"]
    assert kernel.shape == (3, 3, 2, 2)


def test_a_code_is_the_mean_over_its_region_and_0_where_there_is_none():
    net, variables = network()
    encode = jax.jit(lambda *args: net.apply(variables, *args, method="encode"))
    codes = np.asarray(encode(PIXELS, ONE_HOT))
    assert codes.shape == (2, 3, 6) and (abs(codes) < 1).all()
    np.testing.assert_array_equal(codes[:, 2], 0.0)
    mean = np.asarray(encode(PIXELS, jnp.ones_like(ONE_HOT)))[:, 0]
    share = np.asarray(ONE_HOT[:, ::2, ::2].mean((1, 2)))
    np.testing.assert_allclose(np.einsum("bn,bnd->bd", share, codes), mean, atol=1e-5)


def test_a_region_that_the_generator_does_not_see_has_no_code_and_no_effect():
    settings = Sean(regions=SMALL.regions, width=4, depth=2, style=6, hidden=0)
    shapes = abstract(settings)
    weights = Weights(params=drawn(shapes.params), statistics=drawn(shapes.statistics))
    positive = jax.tree.map(abs, weights.statistics)
    generator = of_weights(settings, dataclasses.replace(weights, statistics=positive))
    labels = MAP.at[0, 3, 5].set(2).at[1, 2, 4].set(2)  # a car of one pixel each
    np.testing.assert_array_equal(generator.seen(labels), [[1, 1, 0], [1, 1, 1]])

    @jax.jit
    def both(images, labels):
        context = generator.prepare(images, labels)
        codes = generator.encode(context)
        moved = generator.decode(context, codes.at[:, 2].add(1.0), KEYS)
        return codes, moved - generator.decode(context, codes, KEYS)

    codes, change = both(0.5 * PIXELS + 0.5, labels)
    assert (abs(codes).max(-1) > 0).tolist() == generator.seen(labels).tolist()
    assert abs(change[0]).max() == 0.0 < abs(change[1]).max()


def test_the_doubling_convolution_is_the_transposed_one():
    layer = sean_encoder._Doubled(5, 1.0)
    x = jax.random.normal(jax.random.key(0), (2, 4, 6, 3))
    params = drawn(jax.eval_shape(layer.init, jax.random.key(0), x)["params"])
    wanted = np.zeros((2, 10, 14, 5))  # pixel (y, x) goes to 2 y - 1 + tap; a border around that
    for tap_y, tap_x in np.ndindex(3, 3):
        kernel = np.asarray(params["kernel"])[2 - tap_y, 2 - tap_x]
        wanted[:, tap_y : tap_y + 8 : 2, tap_x : tap_x + 12 : 2] += x @ kernel
    found = layer.apply({"params": params}, x)
    np.testing.assert_allclose(found, wanted[:, 1:9, 1:13] + params["bias"], atol=1e-5)


def test_the_norm_is_the_formula_of_the_specification():
    norm = RegionNorm(4, num_regions=3, style=6, hidden=5, place=2)
    grid = region_norm.grid(ONE_HOT, 4)
    x = jax.random.normal(jax.random.key(3), (2, 4, 6, 4))
    codes = jnp.tanh(jax.random.normal(jax.random.key(4), (2, 3, 6)))

    def both(module, x, grid, codes, keys):
        return module(x, module.prepare(grid), grid, codes, keys)

    init = functools.partial(norm.init, method=both)
    shapes = jax.eval_shape(init, jax.random.key(0), x, grid, codes, KEYS)
    params = drawn(shapes["params"])
    p = jax.tree.map(np.asarray, params)
    statistics = {"norm": {"mean": jnp.full(4, 0.5), "var": jnp.full(4, 2.0)}}
    variables = {"params": params, "batch_stats": statistics}
    found = norm.apply(variables, x, grid, codes, KEYS, method=both)
    for row in range(2):
        noise = jax.random.normal(jax.random.fold_in(KEYS[row], 2), (4, 6, 1)) * p["noise"]
        normed = (np.asarray(x[row] + noise) - 0.5) / np.sqrt(2.0 + 1e-5)
        small = np.asarray(ONE_HOT[row, ::4, ::4])
        own = np.stack([codes[row, n] @ p["own_kernel"][n] + p["own_bias"][n] for n in range(3)])
        style = conv(small @ np.maximum(own, 0), p["kernel"]) + p["bias"]
        hidden = conv(small, p["around"]["kernel"]) + p["around"]["bias"]
        of_map = conv(np.maximum(hidden, 0), p["of_map"]["kernel"]) + p["of_map"]["bias"]
        share = (1 / (1 + np.exp(-p["blend"]))).repeat(4)
        scale, shift = np.split(share * style + (1 - share) * of_map, 2, axis=-1)
        np.testing.assert_allclose(found[row], normed * (1 + scale) + shift, atol=1e-4)


@pytest.mark.parametrize("hidden", [0, 24])
def test_fresh_kernels_are_as_wide_as_xaviers_of_one_convolution_each(hidden):
    """sqrt(2 / (inputs + outputs)) over the taps of both, where scale and shift are two layers."""
    gain, channels, num, style = 0.5, 64, 30, 32
    norm = RegionNorm(channels, num_regions=num, style=style, hidden=hidden, place=0, gain=gain)
    codes, x = jnp.zeros((1, num, style)), jnp.zeros((1, 4, 4, channels))
    grid = region_norm.grid(jnp.zeros((1, 4, 4, num)), 1)

    def both(module):
        return module(x, module.prepare(grid), grid, codes, KEYS[:1])

    params = norm.init(jax.random.key(0), method=both)["params"]
    fans = {"kernel": (params["kernel"], 9 * (style + channels), 2)}
    fans["own_kernel"] = params["own_kernel"], 2 * style, 1
    if hidden:
        fans["around"] = params["around"]["kernel"], 9 * (num + hidden), 1
        fans["of_map"] = params["of_map"]["kernel"], 9 * (hidden + channels), 2
    else:
        fans["of_region"] = params["of_region"], num + channels, 2
    for name, (kernel, fan, parts) in fans.items():
        for part in jnp.split(kernel, parts, axis=-1):
            wanted = gain * np.sqrt(2 / fan)
            assert part.std() == pytest.approx(wanted, rel=0.06), name
        assert parts == 1 or not np.array_equal(*jnp.split(kernel, 2, axis=-1))


def conv(x, kernel):
    """Zero-padded, by SciPy."""
    flipped = kernel[::-1, ::-1]
    return np.stack(
        [
            sum(
                scipy.signal.convolve2d(x[..., i], flipped[..., i, o], mode="same")
                for i in range(x.shape[-1])
            )
            for o in range(kernel.shape[-1])
        ],
        axis=-1,
    )


@pytest.mark.parametrize("hidden", [0, 5])
def test_folded_and_plain_give_the_same_picture_and_gradients(hidden):
    """Also where SPADE's convolutions say what the map alone asks for."""
    settings = Sean(regions=SMALL.regions, width=4, depth=2, style=6, hidden=hidden)
    _, variables = network(settings)
    found = []
    for folded in (True, False):
        net = settings.build(folded=folded)

        def total(params, codes, net=net):
            own = {**variables, "params": params}
            context = net.apply(own, ONE_HOT, method="prepare")
            picture = net.apply(own, context, codes, KEYS, method="decode")
            return (picture * jnp.cos(jnp.arange(24.0))[None, None, :, None]).sum(), picture

        codes = jnp.tanh(jax.random.normal(jax.random.key(4), (2, 3, 6)))
        run = jax.jit(jax.value_and_grad(total, argnums=(0, 1), has_aux=True))
        (loss, picture), grads = run(variables["params"], codes)
        assert picture.shape == (2, 16, 24, 3) and (abs(picture) <= 1).all()
        assert picture.std() > 0.01
        np.testing.assert_array_equal(grads[1][:, 2], 0.0)  # no pixel, no gradient
        assert abs(grads[1][:, :2]).max() > 0
        found.append((loss, picture, grads))
    (loss, picture, grads), (plain_loss, plain_picture, plain) = found
    np.testing.assert_allclose(loss, plain_loss, rtol=1e-4)
    np.testing.assert_allclose(picture, plain_picture, rtol=1e-4, atol=1e-3)
    for one, other in zip(grads, plain, strict=True):  # of all parameters, and of the codes
        difference = jax.tree.map(jnp.subtract, one, other)
        assert optax.tree.norm(difference) < 1e-4 * optax.tree.norm(other)


def test_of_a_heavy_kernel_of_styles_no_copy_is_made():
    codes, kernel = jnp.ones((1, 3, 128)), jnp.ones((3, 3, 128, 1024))
    run = jax.jit(jax.value_and_grad(lambda c, k: region_norm._of_picture(c, k).sum()))
    program = run.lower(codes, kernel).compile()
    assert program.memory_analysis().temp_size_in_bytes < kernel.nbytes / 4


def test_it_is_folded_where_a_kernel_a_picture_is_cheaper():
    assert region_norm.is_folded(19, 512, 64 * 64)
    assert not region_norm.is_folded(19, 512, 4 * 4)


def test_kernels_normed_for_good_draw_the_same_picture():
    net, variables = network()
    fixed = {**variables, "params": sean.normed_for_good(variables["params"])}
    kernel = fixed["params"]["blocks_0"]["spectral0"]["kernel"]
    assert spectral.spectral_norm(kernel) == pytest.approx(1.0, rel=1e-5)
    want = jax.jit(net.apply)(variables, PIXELS, ONE_HOT, KEYS)
    found = jax.jit(SMALL.build(spectral=False).apply)(fixed, PIXELS, ONE_HOT, KEYS)
    np.testing.assert_allclose(found, want, atol=1e-5)


def test_the_critics_see_the_sizes_of_the_specification():
    image, one_hot = jnp.zeros((1, 256, 256, 3)), jnp.zeros((1, 256, 256, 19))
    shapes = jax.eval_shape(
        lambda: Critics(64).init_with_output(jax.random.key(0), image, one_hot)[0]
    )
    assert [x.shape[1] for x in shapes[0]] == [129, 65, 33, 34]
    assert shapes[1][0].shape == (1, 65, 65, 64) and shapes[0][-1].shape[-1] == 1


def test_pictures_that_do_not_halve_so_often_are_refused():
    SMALL.check(16, 24)
    with pytest.raises(ValueError, match="30 x 32; set data.resize to multiples of 4"):
        SMALL.check(30, 32)


@pytest.mark.parametrize("hidden, folded", [(5, True), (0, False)])
def test_pieces_with_the_code_of_their_region_are_drawn_as_the_region(hidden, folded):
    """The road's right half is a piece of its own: number 3, with the road's linear map."""
    settings = Sean(regions=SMALL.regions, width=4, depth=2, style=6, hidden=hidden)
    _, variables = network(settings)
    pieces = jax.nn.one_hot(jnp.where((MAP == 1) & (jnp.arange(24) > 11), 3, MAP), 4)
    codes = jnp.tanh(jax.random.normal(jax.random.key(4), (2, 3, 6)))

    def draw(one_hot, codes, **how):
        net = settings.build(folded=folded, **how)
        context = net.apply(variables, one_hot, method="prepare")
        return net.apply(variables, context, codes, KEYS, method="decode")

    whole = draw(ONE_HOT, codes)
    alike = jnp.concatenate([codes, codes[:, 1:2]], axis=1)
    found = draw(pieces, alike, origins=(0, 1, 2, 1))
    np.testing.assert_allclose(found, whole, atol=1e-5)
    other = draw(pieces, alike.at[:, 3].add(0.5), origins=(0, 1, 2, 1))
    off = abs(other - whole).max((0, 1, 3))
    assert off[12:].mean() > 4 * off[:6].mean()  # around it, too: styles blend at coarse sizes
