"""Each infill against its formula; all: polarity, range, randomness that follows the key."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage, sparse

from xai_jax.core.classifier import Classifier
from xai_jax.infills import (
    blur,
    constant,
    denoiser,
    local_mean,
    mixed,
    noise,
    noisy_linear,
    oracle,
    pyramid,
)


def _logits(params, images):
    del params
    return images.mean(axis=(1, 2))


CLASSIFIER = Classifier.from_callable(_logits, mean=(0.25, 0.5, 0.75))
IMAGES = jax.random.uniform(jax.random.key(0), (3, 24, 20, 3))
KEEP = jax.random.bernoulli(jax.random.key(1), 0.4, (3, 24, 20, 1)).astype(jnp.float32)
KEYS = jax.random.split(jax.random.key(2), 3)
SETTINGS = [
    constant.Mean(),
    constant.Constant(value=0.3),
    constant.Constant(value=(0.1, 0.2, 0.3)),
    blur.Blur(sigma=2.0),
    blur.KernelBlur(),
    noise.RandomColour(),
    local_mean.LocalMean(side=5),
    pyramid.Pyramid(),
    noisy_linear.NoisyLinear(),
    mixed.Mixed(blur=blur.Blur(sigma=2.0)),
]


def filled(settings, images=IMAGES, keep=KEEP, keys=KEYS):
    infill = settings.build(CLASSIFIER)
    return infill(infill.prepare(images), keep, keys)


@pytest.mark.parametrize("settings", SETTINGS, ids=repr)
def test_an_infill_is_a_full_picture_of_unit_pixels(settings):
    found = filled(settings)
    assert found.shape == IMAGES.shape and found.dtype == jnp.float32
    assert (found >= 0).all() and (found <= 1).all()


@pytest.mark.parametrize("settings", SETTINGS, ids=repr)
def test_a_picture_is_filled_alike_alone_and_in_company(settings):
    alone = filled(settings, IMAGES[1:2], KEEP[1:2], KEYS[1:2])
    np.testing.assert_allclose(alone, filled(settings)[1:2], atol=1e-6)


@pytest.mark.parametrize("settings", SETTINGS, ids=repr)
def test_building_twice_compiles_once(settings):
    run = jax.jit(lambda infill, images: infill(infill.prepare(images), KEEP, KEYS))
    run(settings.build(CLASSIFIER), IMAGES)
    run(settings.build(CLASSIFIER), 1 - IMAGES)
    assert run._cache_size() == 1


@pytest.mark.parametrize("settings", SETTINGS, ids=repr)
def test_no_gradient_flows_through_an_infill(settings):
    infill = settings.build(CLASSIFIER)

    def total(images, keep):
        return infill(infill.prepare(images), keep, KEYS).sum()

    for gradient in jax.grad(total, argnums=(0, 1))(IMAGES, KEEP):
        np.testing.assert_array_equal(gradient, 0.0)


def test_the_mean_is_the_classifiers_and_the_constant_is_what_was_asked_for():
    np.testing.assert_allclose(filled(constant.Mean())[0, 3, 4], [0.25, 0.5, 0.75])
    np.testing.assert_allclose(filled(constant.Constant(value=0.3)), 0.3, rtol=1e-6)
    rgb = filled(constant.Constant(value=(0.1, 0.2, 0.3)))
    np.testing.assert_allclose(rgb[2, 5, 6], [0.1, 0.2, 0.3], rtol=1e-6)


def test_the_blur_is_scipys_with_the_border_mirrored_and_not_repeated():
    expected = ndimage.gaussian_filter(
        np.asarray(IMAGES, np.float64), (0, 2, 2, 0), mode="mirror", truncate=4.0
    )
    np.testing.assert_allclose(filled(blur.Blur(sigma=2.0)), expected, atol=1e-5)


def test_a_random_colour_is_uniform_with_the_noise_asked_for():
    keys = jax.random.split(jax.random.key(3), 400)
    images = jnp.zeros((400, 12, 12, 3))
    found = np.asarray(filled(noise.RandomColour(noise=0.0), images, images[..., :1], keys))
    np.testing.assert_array_equal(found, np.broadcast_to(found[:, :1, :1], found.shape))
    # The mean and the spread of 1,200 uniform draws, within 4 standard errors.
    np.testing.assert_allclose(found[:, 0, 0].mean(), 0.5, atol=4 * np.sqrt(1 / 12 / 1200))
    np.testing.assert_allclose(found[:, 0, 0].std(), np.sqrt(1 / 12), atol=0.02)
    noisy = np.asarray(filled(noise.RandomColour(noise=0.05), images, images[..., :1], keys))
    middle = noisy[(np.abs(found[:, 0, 0] - 0.5) < 0.2).all(axis=1)]  # nothing is clipped there
    np.testing.assert_allclose(middle.std(axis=(1, 2)).mean(), 0.05, rtol=0.03)
    assert (
        np.asarray(filled(noise.RandomColour(), images, images[..., :1], keys)) == 0
    ).mean() > 0.01


def test_the_local_mean_is_the_mean_of_the_kept_pixels_in_the_box():
    found = np.asarray(filled(local_mean.LocalMean(side=5)))
    images, keep = np.asarray(IMAGES), np.asarray(KEEP)
    for b, y, x in [(0, 0, 0), (1, 10, 10), (2, 23, 19), (0, 5, 19)]:
        rows, columns = slice(max(y - 2, 0), y + 3), slice(max(x - 2, 0), x + 3)
        near, pixels = keep[b, rows, columns, 0] == 1, images[b, rows, columns]
        expected = pixels[near].mean(axis=0) if near.any() else [0.25, 0.5, 0.75]
        np.testing.assert_allclose(found[b, y, x], expected, atol=1e-6)


def test_where_no_kept_pixel_is_near_the_local_mean_is_the_mean_colour():
    keep = jnp.zeros_like(KEEP).at[:, 0, 0].set(1.0)
    found = filled(local_mean.LocalMean(side=5), keep=keep)
    np.testing.assert_allclose(found[:, 10, 10], [[0.25, 0.5, 0.75]] * 3, rtol=1e-6)
    np.testing.assert_allclose(found[:, 2, 2], IMAGES[:, 0, 0], atol=1e-6)


def push_pull(image, keep):
    """``[h w c]``, pixel by pixel; `None` where nothing at all is kept."""
    height, width, _ = image.shape
    if height == width == 1:
        return image if keep[0, 0] else None
    half = -(-height // 2), -(-width // 2)
    small, there = np.zeros((*half, image.shape[2])), np.zeros(half, bool)
    for y, x in np.ndindex(*half):
        cell = slice(2 * y, 2 * y + 2), slice(2 * x, 2 * x + 2)
        near = image[cell][keep[cell]]
        if len(near):
            small[y, x], there[y, x] = near.mean(axis=0), True
    coarse, filled = push_pull(small, there), np.array(image)
    if coarse is None:
        return None
    for y, x in zip(*np.where(~keep), strict=True):
        at = np.array([[(y + 0.5) / 2 - 0.5], [(x + 0.5) / 2 - 0.5]])
        for channel in range(image.shape[2]):
            plane = coarse[..., channel]
            filled[y, x, channel] = ndimage.map_coordinates(plane, at, order=1, mode="nearest")[0]
    return filled


@pytest.mark.parametrize("share", [0.5, 0.02])
def test_the_pyramid_is_push_and_pull_pixel_by_pixel(share):
    keep = jax.random.bernoulli(jax.random.key(5), share, KEEP.shape).astype(jnp.float32)
    found = filled(pyramid.Pyramid(), keep=keep)
    for image, one, result in zip(IMAGES, keep, found, strict=True):
        wanted = push_pull(np.asarray(image, np.float64), np.asarray(one)[..., 0] == 1)
        np.testing.assert_allclose(result, wanted, atol=1e-5)


def test_the_pyramid_leaves_what_is_kept_and_invents_the_mean_colour_from_nothing_only():
    np.testing.assert_allclose(filled(pyramid.Pyramid()) * KEEP, IMAGES * KEEP, atol=1e-6)
    nothing = filled(pyramid.Pyramid(), keep=jnp.zeros_like(KEEP))
    np.testing.assert_allclose(nothing[1, 5, 5], [0.25, 0.5, 0.75], rtol=1e-6)
    one = filled(pyramid.Pyramid(), keep=jnp.zeros_like(KEEP).at[:, 3, 4].set(1.0))
    np.testing.assert_allclose(one[:, 20, 15], IMAGES[:, 3, 4], atol=1e-6)


def test_each_mask_draws_one_of_the_infills_as_often_as_the_others():
    parts = {"blur": blur.Blur(sigma=2.0), "mean": constant.Mean(), "noise": noise.RandomColour()}
    settings = mixed.Mixed(**parts, denoiser=None)
    keys = jax.random.split(jax.random.key(7), 300)
    images = jnp.broadcast_to(IMAGES[:1], (300, 24, 20, 3))
    found = filled(settings, images, images[..., :1], keys)
    is_blur, is_mean = (
        np.abs(found - filled(parts[name], images[:1], KEEP[:1], keys[:1])).max((1, 2, 3)) < 1e-6
        for name in ("blur", "mean")
    )
    drawn = np.stack([is_blur, is_mean, ~is_blur & ~is_mean]).sum(axis=1)
    # 100 each, within four standard deviations of 8.2; the rest is noise about a colour.
    assert (np.abs(drawn - 100) < 33).all(), drawn
    rest = np.asarray(found)[~is_blur & ~is_mean]
    assert len(np.unique(rest[:, 0, 0].round(6), axis=0)) == len(rest)


def test_a_mixture_is_the_same_mask_by_mask_and_all_at_once():
    parts = [blur.Blur(sigma=2.0), noise.RandomColour(), denoiser.Denoiser()]
    built = [part.build(CLASSIFIER) for part in parts]
    images = jnp.tile(IMAGES, (4, 1, 1, 1))
    keys, choice = jax.random.split(jax.random.key(3), len(images)), jnp.arange(len(images)) % 3
    each = [functools.partial(one.fill_fn, one.params) for one in built]
    context = tuple(one.prepare(images) for one in built)
    given = each, choice, context, jnp.tile(KEEP, (4, 1, 1, 1)), keys
    np.testing.assert_allclose(mixed._one_by_one(*given), mixed._all_at_once(*given), atol=1e-6)


def test_a_mask_pays_for_the_infill_that_it_has_drawn():
    """The compiler counts the body of a loop once, and of a choice what costs most."""
    infill = mixed.Mixed().build(CLASSIFIER)
    images = jnp.tile(IMAGES, (8, 1, 1, 1))
    keys = jax.random.split(jax.random.key(3), len(images))

    def flops(num):
        given = infill.prepare(images[:num]), images[:num, ..., :1], keys[:num]
        return (
            jax.jit(lambda *given: infill(*given)).lower(*given).compile().cost_analysis()["flops"]
        )

    assert flops(8) < 1.5 * flops(1)


def test_a_mixture_of_nothing_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="mixed.Mixed has no infill to draw from"):
        mixed.Mixed(blur=None, noise=None, denoiser=None).build(CLASSIFIER)


def test_an_even_box_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="side must be .* that is odd or None, not 4"):
        local_mean.LocalMean(side=4)


TINY = jnp.array([[0.9, 0.2, 0.6, 0.3], [0.1, 0.7, 0.5, 0.8], [0.5, 0.5, 0.05, 0.4]]).reshape(
    3, 2, 2, 1
)


@pytest.mark.parametrize("bits", list(itertools.product([0, 1], repeat=4))[1:-1], ids=str)
def test_the_oracle_knows_the_posterior_and_the_margins_of_every_mask(bits):
    """Bayes by enumeration: sum the joint over all pictures that agree with the kept pixels."""
    keep, picture = np.array(bits), np.array([1, 0, 1, 1])
    tiny = np.asarray(TINY, np.float64).reshape(3, 4)
    joint = {}
    for lit in itertools.product([0, 1], repeat=4):
        for k in range(3):
            joint[lit, k] = np.prod(np.where(np.array(lit) == 1, tiny[k], 1 - tiny[k])) / 3
    agreeing = {
        (lit, k): p for (lit, k), p in joint.items() if (np.array(lit) == picture)[keep == 1].all()
    }
    mass = sum(agreeing.values())
    posterior = [sum(p for (_, k), p in agreeing.items() if k == c) / mass for c in range(3)]
    margin = [sum(p for (lit, _), p in agreeing.items() if lit[u]) / mass for u in range(4)]
    images = jnp.asarray(picture, jnp.float32).reshape(1, 2, 2, 1)
    mask = jnp.asarray(keep, jnp.float32).reshape(1, 2, 2, 1)
    np.testing.assert_allclose(
        jnp.exp(oracle.log_posterior(TINY, images, mask))[0], posterior, rtol=1e-5
    )
    found = np.asarray(oracle.marginals(TINY, images, mask)).reshape(4)
    np.testing.assert_allclose(found[keep == 0], np.array(margin)[keep == 0], rtol=1e-5)


def test_the_oracle_draws_from_the_joint_conditional():
    num = 20_000
    images = jnp.tile(jnp.array([1.0, 0.0, 1.0, 1.0]).reshape(1, 2, 2, 1), (num, 1, 1, 1))
    keep = jnp.tile(jnp.array([1.0, 0.0, 0.0, 0.0]).reshape(1, 2, 2, 1), (num, 1, 1, 1))
    infill = oracle.Oracle(mixture=TINY).build(CLASSIFIER)
    drawn = infill(images, keep, jax.random.split(jax.random.key(0), num)).reshape(num, 4)
    posterior = jnp.exp(oracle.log_posterior(TINY, images[:1], keep[:1]))[0]
    lit = TINY.reshape(3, 4)
    np.testing.assert_allclose(drawn[:, 1:].mean(0), (posterior @ lit)[1:], atol=0.015)
    both = (drawn[:, 1] * drawn[:, 3]).mean()  # pixels are independent only given the class
    np.testing.assert_allclose(both, posterior @ (lit[:, 1] * lit[:, 3]), atol=0.015)


def test_blocks_and_dots_are_those_of_the_paper():
    blocks, dots = oracle.blocks() > 0.5, oracle.dots() > 0.5
    assert blocks.shape == (16, 28, 28, 1) and dots.shape == (4, 28, 28, 1)
    np.testing.assert_array_equal(blocks.sum((1, 2, 3)), 64)
    np.testing.assert_array_equal(dots.sum((1, 2, 3)), [2 * 16, 4 * 16, 6 * 16, 8 * 16])
    assert blocks[0, 4, 4] and blocks[15, 23, 23] and not blocks[15, 24, 24]


def test_the_kernel_of_rise_is_that_of_scipy():
    delta = np.zeros((11, 11))
    delta[5, 5] = 1
    kernel = ndimage.gaussian_filter(delta, 5)
    mean = np.array([0.25, 0.5, 0.75])
    centred = np.asarray(IMAGES, np.float64) - mean
    wanted = ndimage.correlate(centred, kernel[None, :, :, None], mode="constant") + mean
    np.testing.assert_allclose(filled(blur.KernelBlur()), wanted, atol=1e-6)


def exact_linear(image: np.ndarray, keep: np.ndarray) -> np.ndarray:
    """Rong et al. 2022: the sparse system of the removed pixels, solved by SciPy."""
    height, width, _ = image.shape
    place = {tuple(yx): n for n, yx in enumerate(np.argwhere(keep == 0))}
    system, wanted = sparse.lil_matrix((len(place), len(place))), np.zeros((len(place), 3))
    for (y, x), n in place.items():
        for dy, dx in itertools.product((-1, 0, 1), repeat=2):
            there = (y + dy, x + dx)
            if (dy, dx) == (0, 0) or not (0 <= there[0] < height and 0 <= there[1] < width):
                continue
            weight = 1 / 6 if 0 in (dy, dx) else 1 / 12
            system[n, n] += weight
            if there in place:
                system[n, place[there]] -= weight
            else:
                wanted[n] += weight * image[there]
    found = image.copy()
    found[keep == 0] = sparse.linalg.spsolve(system.tocsc(), wanted)
    return found


@pytest.mark.parametrize("hole", ["scattered", "one"])
def test_road_fills_by_the_linear_system_of_its_authors(hole):
    keep = np.asarray(KEEP).copy()
    if hole == "one":
        keep = np.ones_like(keep)
        keep[:, 4:20, 3:] = 0
    settings = noisy_linear.NoisyLinear(noise=0.0)
    found = filled(settings, keep=jnp.asarray(keep))
    for image, kept, one in zip(IMAGES, keep, found, strict=True):
        wanted = exact_linear(np.asarray(image, np.float64), kept[..., 0])
        np.testing.assert_allclose(one, wanted, atol=1e-3)
