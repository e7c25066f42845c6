"""What papers give in pixels of 224: exact there, and in proportion on other pictures."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import planted
import pytest

from xai_jax.core import lengths
from xai_jax.core.method import Frozen
from xai_jax.core.types import Batch
from xai_jax.infills.blur import Blur
from xai_jax.infills.constant import Constant
from xai_jax.infills.local_mean import LocalMean
from xai_jax.infills.mixed import Mixed
from xai_jax.methods import bbmp, extremal, fido, igos, occlusion, rtis

COMPARED, RELEASED = rtis.Alternative(), rtis.Alternative.released_code()
PIXELS = 224 * 224
SIDES = [(0, 224), (1, 28), (2, 96)]

# What the settings leave open -> the numbers that it stands for at 224, at 28 and at 96 pixels,
# worked by hand: in proportion, whole numbers to the nearest, halves up.
METHODS = {
    "fido": (fido.Config(), "area_weight", (1e-3, 1e-3 * 64, 1e-3 * (PIXELS / 9216))),
    "fido.fast": (fido.Config.fast(), "area_weight", (1e-3, 1e-3 * 64, 1e-3 * (PIXELS / 9216))),
    "bbmp": (bbmp.Config(), "mask_blur", (5.0, 0.625, 5.0 * (96 / 224))),
    "bbmp, a cell": (bbmp.Config(), "area_weight", (1e-4, 1e-4, 1e-4)),
    "bbmp, jitter": (bbmp.Config(), "jitter", (4, 2, 2)),
    "bbmp.fido": (bbmp.Config.fido(), "area_weight", (5e-3, 5e-3 * 64, 5e-3 * (PIXELS / 9216))),
    "extremal": (extremal.Config(), "max_blur", (20.0, 2.5, 20.0 * (96 / 224))),
    "extremal, step": (extremal.Config(), "step", (7, 1, 3)),
    "extremal, sigma": (extremal.Config(), "sigma", (21.0, 2.625, 21.0 * (96 / 224))),
    "igos": (igos.Config(), "blur", (50.0, 6.25, 50.0 * (96 / 224))),
    "igos, radius": (igos.Config(), "blur_radius", (25, 3, 11)),
    "igos.newer": (igos.Config.newer(), "grid", (224, 28, 96)),
    "occlusion": (occlusion.Config(), "window", (35, 4, 15)),
    "occlusion, stride": (occlusion.Config(), "stride", (7, 1, 3)),
    "difference": (occlusion.PredictionDifference(), "window", (10, 1, 4)),
    "difference, stride": (occlusion.PredictionDifference(), "stride", (1, 1, 1)),
}
BLURS = {
    "compared": (COMPARED, "blur", (10.0, 1.25, 10.0 * (96 / 224))),
    "compared, radius": (COMPARED, "blur_radius", (40, 5, 17)),
    "released": (RELEASED, "blur", (11.0, 1.375, 11.0 * (96 / 224))),
    "released, radius": (RELEASED, "blur_radius", (27, 3, 12)),
}
INFILLS = {
    "blur": (Blur(), "sigma", (10.0, 1.25, 10.0 * (96 / 224))),
    "local_mean": (LocalMean(), "side", (15, 3, 7)),
}


def program(config, infill, side: int):
    """What is computed for a picture, and the numbers in it; nothing is compiled."""
    classifier = planted.quadrant()
    frozen = Frozen(classifier=classifier, infill=infill.build(classifier))
    images = jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)
    ones = {name: jnp.zeros(1, jnp.int32) for name in ("target", "weight")}
    batch = Batch(images=images, image_id=jax.ShapeDtypeStruct((1,), jnp.uint32), **ones)
    return same(jax.make_jaxpr(config.build().explain)((), frozen, batch, jax.random.key(0)))


def same(closed):
    return str(closed.jaxpr), [np.asarray(x).tobytes() for x in closed.consts if x.size]


@pytest.mark.parametrize(("which", "side"), SIDES)
@pytest.mark.parametrize("name", METHODS)
def test_a_method_does_what_it_does_with_the_numbers(name, which, side):
    config, field, numbers = METHODS[name]
    given = dataclasses.replace(config, **{field: numbers[which]})
    assert getattr(config, field) is None or field == "grid"
    infill = Constant(value=0.5)
    found = program(config, infill, side)
    assert found == program(given, infill, side)
    if side != 28:
        return
    other = numbers[which] + 1 if field != "grid" else numbers[which] // 2
    assert found != program(dataclasses.replace(config, **{field: other}), infill, side)


def prepared(make, side: int) -> np.ndarray:
    images = jax.random.uniform(jax.random.key(0), (1, side, side, 3))
    keep = jax.random.bernoulli(jax.random.key(1), 0.5, (1, side, side, 1)).astype(jnp.float32)
    infill = make.build(planted.quadrant())
    return np.asarray(infill(infill.prepare(images), keep, jax.random.split(jax.random.key(2), 1)))


@pytest.mark.parametrize(("which", "side"), SIDES)
@pytest.mark.parametrize("name", INFILLS)
def test_an_infill_does_too(name, which, side):
    config, field, numbers = INFILLS[name]
    given = dataclasses.replace(config, **{field: numbers[which]})
    np.testing.assert_array_equal(prepared(config, side), prepared(given, side))
    own = {"denoiser": None, "noise": None, name: config}
    mixed = Mixed(**{"blur": None} | own)
    np.testing.assert_array_equal(prepared(mixed, side), prepared(config, side))


@pytest.mark.parametrize(("which", "side"), SIDES)
@pytest.mark.parametrize("name", BLURS)
def test_so_does_the_blur_of_rtis(name, which, side):
    config, field, numbers = BLURS[name]
    classifier = planted.quadrant()
    images = jax.random.uniform(jax.random.key(0), (1, side, side, 3))
    given = dataclasses.replace(config, **{field: numbers[which]})
    found = [rtis.alternative.blurred(cfg, classifier, images) for cfg in (config, given)]
    np.testing.assert_array_equal(*found)


def test_the_blur_of_an_enlarged_picture_is_that_of_the_picture():
    """BBMP enlarges pictures by its jitter, and blurs them by the published 10 pixels."""
    images = jax.random.uniform(jax.random.key(0), (1, 228, 228, 3))
    classifier = planted.quadrant()
    own, given = (blur.build(classifier) for blur in (Blur(), Blur(sigma=10.0)))
    np.testing.assert_array_equal(own.prepare(images, (224, 224)), given.prepare(images))
    assert (own.prepare(images) != given.prepare(images)).any()


def test_pixels_of_a_picture_that_is_not_square_cost_in_all_what_the_published_ones_do():
    assert lengths.price(None, 2.0, (112, 56)) * 112 * 56 == 2.0 * PIXELS
    assert lengths.length(None, 10.0, (112, 56)) == 2.5  # by the short side
    assert lengths.price(0.3, 2.0, (7, 9)) == lengths.length(0.3, 2.0, (7, 9)) == 0.3
    assert lengths.whole(0, 4, (8, 8)) == 0 and lengths.odd(1, 15, (8, 8)) == 1
    assert lengths.cells(56, (224, 60)) == 56 and lengths.cells(56, (28, 60)) == 28


def test_the_cells_of_extremal_cover_a_picture_of_any_side():
    for side in range(2, 600):
        extremal.method.geometry_of(extremal.Config(), (side, side + 1))  # raises where not


def test_noise_is_not_kept_on_small_pictures():
    """A pixel of 0.001 nats is too cheap at 28 pixels: what says nothing is kept."""
    batch = planted.quadrant_batch(4, 28, jax.random.key(0))
    classifier = planted.quadrant()
    frozen = Frozen(classifier=classifier, infill=Constant(value=planted.DARK).build(classifier))

    def kept_outside(config):
        keep = np.asarray(
            jax.jit(config.build().explain)((), frozen, batch, jax.random.key(1)).keep
        )
        return keep[np.asarray(planted.quadrant_maps(batch.target, 28)) == 0].mean()

    fast = fido.Config.fast()
    assert kept_outside(fast) < 0.05
    assert kept_outside(dataclasses.replace(fast, area_weight=1e-3)) > 0.2
