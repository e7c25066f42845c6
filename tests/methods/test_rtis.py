"""RTIS: both losses against sums worked by hand, its alternative images, and what it finds."""

import dataclasses
import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
import planted
import pytest
import scipy.ndimage
from flax import linen

from xai_jax.core.classifier import Classifier
from xai_jax.core.content import to_json
from xai_jax.core.method import Frozen
from xai_jax.core.settings import changed
from xai_jax.core.targets import Head
from xai_jax.core.types import Batch
from xai_jax.infills.constant import Constant
from xai_jax.methods import rtis
from xai_jax.methods.mask_learner import mask_learner
from xai_jax.methods.rtis import alternative, method, per_image
from xai_jax.nn.segmenter import Segmenter

SIDE, MEAN = 8, 0.25
BLACK = rtis.Alternative(blurred_share=0.0, colour=0.0, noise=0.0, noise_mean=-MEAN)


def brightness(params, normalised):
    """Logit k is ``params[k]`` times the mean of what the network eats."""
    return normalised.mean(axis=(1, 2, 3))[:, None] * params[None]


def frozen(*slopes: float, head: Head = Head.SIGMOID) -> Frozen:
    classifier = Classifier.from_callable(brightness, jnp.array(slopes), mean=MEAN, head=head)
    return Frozen(classifier=classifier, infill=Constant(value=0.9).build(classifier))


def batch(labels) -> Batch:
    num = len(labels)
    return Batch(
        images=jnp.full((num, SIDE, SIDE, 3), 0.75),
        target=jnp.argmax(jnp.array(labels), axis=1),
        image_id=jnp.arange(num, dtype=jnp.uint32),
        weight=jnp.ones(num),
        labels=jnp.array(labels),
    )


def config(num_classes: int, **changes) -> rtis.Config:
    base = rtis.Config(network=Segmenter(num_classes=num_classes), alternative=BLACK)
    return dataclasses.replace(base, **changes)


def logit(share):
    return jnp.log(share / (1 - share))


def flat(*shares: float):
    """Masks that are one number everywhere, by class; a network that draws them."""

    def draw(images):
        return jnp.broadcast_to(logit(jnp.array(shares)), (*images.shape[:3], len(shares)))

    return draw


def shown(share: float) -> float:
    """What the network eats, on average, of a picture of which `share` is left on black."""
    return 0.75 * share - MEAN


def sigmoid(z: float) -> float:
    return 1 / (1 + math.exp(-z))


LABELS = [[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]


def test_the_adapted_loss_of_flat_masks_is_the_one_worked_by_hand():
    loss, found = method._judged(
        config(3),
        frozen(1.0, -2.0, 3.0),
        batch(LABELS),
        flat(0.5, 0.75, 0.25),
        jax.random.key(0),
    )
    kept, left = shown(0.5), shown(0.5)  # the first picture has the classes 0 and 2
    lacking = -(math.log(sigmoid(kept)) + math.log(sigmoid(3 * kept))) / 2
    remaining = ((sigmoid(left) + sigmoid(3 * left)) / 2) ** 0.3
    lacking_1 = -math.log(sigmoid(-2 * shown(0.75)))
    remaining_1 = sigmoid(-2 * shown(0.25)) ** 0.3
    np.testing.assert_allclose(found["preservation"], [lacking, lacking_1, 0.0], rtol=1e-5)
    np.testing.assert_allclose(found["destruction"], [remaining, remaining_1, 0.0], rtol=1e-5)
    np.testing.assert_allclose(found["area"], [0.5, 0.75, 0.0], rtol=1e-6)
    np.testing.assert_allclose(found["variation"], 0.0, atol=1e-9)
    by_hand = [lacking + 5 * remaining + 0.5, lacking_1 + 5 * remaining_1 + 0.75, 0.0]
    np.testing.assert_allclose(loss, by_hand, rtol=1e-5)


def test_a_step_in_the_mask_costs_ten_times_its_square_over_the_width():
    def draw(images):
        left = jnp.arange(SIDE) < SIDE // 2
        share = jnp.where(left, 0.2, 0.6)[None, None, :, None]
        return jnp.broadcast_to(logit(share), (*images.shape[:3], 3))

    everything = (config(3), frozen(1.0, -2.0, 3.0), batch(LABELS))
    loss, found = method._judged(*everything, draw, jax.random.key(0))
    even, _ = method._judged(*everything, flat(0.4, 0.4, 0.4), jax.random.key(0))
    np.testing.assert_allclose(found["variation"], [0.16 / SIDE, 0.16 / SIDE, 0.0], rtol=1e-5)
    # The answers know the mean only, so that the step is all that differs.
    np.testing.assert_allclose(loss[:2] - even[:2], 10 * 0.16 / SIDE, rtol=1e-4)


def test_a_softmax_head_is_asked_for_the_probability_among_all_classes():
    slopes = np.array([1.0, -2.0, 3.0])
    _, found = method._judged(
        config(3),
        frozen(*slopes, head=Head.SOFTMAX),
        batch([[0.0, 1.0, 0.0]]),
        flat(0.5, 0.75, 0.25),
        jax.random.key(0),
    )
    share = lambda z: np.exp(z[1]) / np.exp(z).sum()  # noqa: E731
    lacking = -np.log(share(slopes * shown(0.75)))
    np.testing.assert_allclose(found["preservation"], [lacking], rtol=1e-5)
    remaining = share(slopes * shown(0.25)) ** 0.3
    np.testing.assert_allclose(found["destruction"], [remaining], rtol=1e-5)


@pytest.mark.parametrize("fake_share", [0.0, 1.0])
def test_the_loss_of_the_released_code_is_the_one_worked_by_hand(fake_share):
    cfg = config(2, loss=rtis.Loss.released_code(), fake_share=fake_share)
    loss, found = method._judged(
        cfg, frozen(1.0, -2.0), batch([[1.0, 0.0]]), flat(0.5, 0.25), jax.random.key(0)
    )
    asked_for = 1 if fake_share else 0  # the other class, or the picture's own
    share = (0.5, 0.25)[asked_for]
    lead = (1.0 - -2.0) * (-1 if fake_share else 1)  # of the asked class, times the brightness
    on_kept, on_removed = lead * shown(share), lead * shown(1 - share)
    if fake_share:
        preservation, destruction = max(1 + on_kept, 0), max(1 - on_removed, 0)
    else:
        preservation, destruction = max(1 - on_kept, 0), max(5 + on_removed, 0)
    area = (share + 0.0005) ** 0.3
    variation = 0.5 * 0.3 * 4 * SIDE * share**2  # no steps; four borders
    np.testing.assert_allclose(found["preservation"], [preservation], rtol=1e-5)
    np.testing.assert_allclose(found["destruction"], [destruction], rtol=1e-5)
    np.testing.assert_allclose(found["area"], [area], rtol=1e-5)
    np.testing.assert_allclose(found["variation"], [variation], rtol=1e-5)
    total = destruction + 8 * area + 0.005 * variation + 0.3 * preservation
    np.testing.assert_allclose(loss, [total], rtol=1e-5)


def test_area_and_smoothness_of_the_margins_are_those_of_the_mask_of_the_picture():
    ramp = np.linspace(0.1, 0.9, SIDE * SIDE).reshape(SIDE, SIDE) ** 2  # no quarter of it is alike

    def draw(images):
        return jnp.broadcast_to(logit(jnp.array(ramp))[None, :, :, None], (len(images), 8, 8, 2))

    cfg = config(2, loss=rtis.Loss.released_code())
    _, found = method._judged(cfg, frozen(1.0, -2.0), batch([[1.0, 0.0]]), draw, jax.random.key(0))
    steps = (np.diff(ramp, axis=0) ** 2).sum() + (np.diff(ramp, axis=1) ** 2).sum()
    border = sum((edge**2).sum() for edge in (ramp[0], ramp[-1], ramp[:, 0], ramp[:, -1]))
    np.testing.assert_allclose(found["variation"], [(steps + 0.3 * border) / 2], rtol=1e-5)
    np.testing.assert_allclose(found["area"], [((ramp + 0.0005) ** 0.3).mean()], rtol=1e-5)


def test_the_mask_of_one_picture_is_upsampled_with_its_corners_on_the_corners():
    channels = jax.random.uniform(jax.random.key(0), (1, 3, 3, 2)) - 0.5
    keep = per_image._mask(channels, batch([[1.0, 0.0]]))
    own, other = np.abs(np.asarray(channels[0], np.float64)).transpose(2, 0, 1)
    expected = scipy.ndimage.zoom(own / (own + other + 0.001), SIDE / 3, order=1)
    np.testing.assert_allclose(keep[0, :, :, 0], expected, atol=1e-6)


def test_the_infill_plays_no_part():
    one, other = frozen(1.0, -2.0, 3.0), frozen(1.0, -2.0, 3.0)
    other = dataclasses.replace(other, infill=Constant(value=0.1).build(other.classifier))
    key = jax.random.key(0)
    first, second = (
        method._judged(config(3), f, batch(LABELS), flat(0.5, 0.75, 0.25), key)[0]
        for f in (one, other)
    )
    np.testing.assert_array_equal(first, second)


def test_a_class_is_asked_for_that_is_there_or_for_a_fake_one_that_is_not():
    labels = jnp.tile(jnp.array([[1, 0, 1, 0], [0, 0, 0, 0], [1, 1, 1, 1]]), (1000, 1))
    keys = jax.random.split(jax.random.key(0), len(labels))
    target, is_fake = method.asked(labels, 0.3, keys)
    is_true = np.take_along_axis(np.asarray(labels), np.asarray(target)[:, None], 1)[:, 0]
    np.testing.assert_array_equal(is_true, 1 - is_fake)
    ordinary, without, with_all = (np.asarray(is_fake)[i::3] for i in range(3))
    assert without.all() and not with_all.any()
    assert abs(ordinary.mean() - 0.3) < 5 * math.sqrt(0.3 * 0.7 / 1000)
    for kind, classes in ((0, (0, 2)), (1, (1, 3))):
        drawn = np.asarray(target)[::3][ordinary == kind]
        assert set(drawn) == set(classes)
        assert abs((drawn == classes[0]).mean() - 0.5) < 5 * math.sqrt(0.25 / len(drawn))


@pytest.fixture
def pictures():
    return jax.random.uniform(jax.random.key(5), (4, 24, 20, 3))


@pytest.fixture
def classifier() -> Classifier:
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)
    return Classifier.from_callable(brightness, jnp.ones(2), mean=mean, std=std)


@pytest.mark.parametrize("scale", list(rtis.Scale))
def test_the_blur_is_scipys_with_the_scales_zero_beyond_the_border(pictures, classifier, scale):
    zero = np.array([0.4, 0.5, 0.6]) if scale is rtis.Scale.CLASSIFIER else np.full(3, 0.5)
    cfg = rtis.Alternative(blur=3.0, blur_radius=7, scale=scale)
    found = alternative.blurred(cfg, classifier, pictures)
    wanted = zero + scipy.ndimage.gaussian_filter(
        np.asarray(pictures, np.float64) - zero, (0, 3, 3, 0), mode="constant", radius=(0, 7, 7, 0)
    )
    np.testing.assert_allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("cfg", "noise_mean", "noise", "units"),
    [
        (rtis.Alternative(blurred_share=0.0), 0.0, 0.11, (0.2, 0.25, 0.3)),
        (rtis.Config.as_compared().alternative, 0.11, 1.0, (0.2, 0.25, 0.3)),
        (rtis.Alternative.released_code(), 0.0, 0.11, (0.5, 0.5, 0.5)),
    ],
)
def test_a_colour_and_its_noise_have_the_published_spread(
    classifier, cfg, noise_mean, noise, units
):
    cfg = dataclasses.replace(cfg, blurred_share=0.0)
    images = jnp.zeros((200, 32, 32, 3))
    ids = jnp.arange(200, dtype=jnp.uint32)
    found = alternative.drawn(cfg, classifier, images, jax.random.key(0), ids)
    zero = classifier.mean if units[0] == 0.2 else jnp.full(3, 0.5)
    scaled = np.asarray((found - zero) / jnp.array(units))
    colours = scaled.mean(axis=(1, 2)) - noise_mean  # [b c], with noise / 32 in the mean
    assert np.abs(colours).max() < 0.33 + 5 * noise / 32
    # Uniform over the range: variance (2 * 0.33)^2 / 12, to 5 deviations of 600 draws.
    spread = 0.33**2 / 3 + (noise / 32) ** 2
    assert abs(colours.var() / spread - 1) < 5 * math.sqrt(0.8 / 600)
    np.testing.assert_allclose(scaled.std(axis=(1, 2)).mean(), noise, rtol=1e-2)


def test_an_alternative_follows_its_picture_and_the_step(pictures, classifier):
    cfg = rtis.Alternative.released_code()
    draw = functools.partial(alternative.drawn, cfg, classifier, pictures)
    ids = jnp.array([7, 8, 9, 10], jnp.uint32)
    first, again = draw(jax.random.key(1), ids), draw(jax.random.key(1), ids)
    np.testing.assert_array_equal(first, again)
    backwards = alternative.drawn(cfg, classifier, pictures[::-1], jax.random.key(1), ids[::-1])
    np.testing.assert_array_equal(backwards[::-1], first)
    coloured = dataclasses.replace(cfg, blurred_share=0.0)
    draw = functools.partial(alternative.drawn, coloured, classifier, pictures)
    steps = [draw(jax.random.key(seed), ids) for seed in (1, 2)]
    assert (np.abs(steps[0] - steps[1]).max(axis=(1, 2, 3)) > 0.01).all()
    assert np.abs(steps[0][0] - steps[0][1]).max() > 0.01


@pytest.mark.parametrize("per_batch", [True, False])
def test_blur_or_colour_is_one_choice_a_step_or_one_a_picture(pictures, classifier, per_batch):
    cfg = rtis.Alternative(per_batch=per_batch)
    ids = jnp.arange(4, dtype=jnp.uint32)

    def is_blurred(key):
        found = alternative.drawn(cfg, classifier, pictures, key, ids)
        return (found == pictures).all(axis=(1, 2, 3))

    chosen = np.asarray(jax.vmap(is_blurred)(jax.random.split(jax.random.key(3), 400)))
    assert (np.ptp(chosen.astype(int), axis=1) == 0).all() == per_batch
    draws = chosen[:, 0] if per_batch else chosen
    assert abs(draws.mean() - 0.5) < 5 * math.sqrt(0.25 / draws.size)


def test_the_picture_itself_is_shown_with_noise_where_the_authors_do(pictures, classifier):
    ids = jnp.arange(4, dtype=jnp.uint32)
    key = jax.random.key(0)
    assert alternative.noisy(rtis.Alternative(), classifier, pictures, key, ids) is pictures
    cfg = rtis.Alternative.released_code()
    noise = alternative.noisy(cfg, classifier, pictures, key, ids) - pictures
    np.testing.assert_allclose(np.std(noise), 0.5 * 0.03, rtol=0.05)


def test_the_presets_are_the_published_settings():
    loss, alone = rtis.Loss, rtis.PerImage()
    assert rtis.Config().loss == loss(
        form=rtis.Form.PROBABILITIES,
        variation_weight=10.0,
        area_weight=1.0,
        preservation_weight=1.0,
        destruction_weight=5.0,
        destruction_power=0.3,
    )
    assert (rtis.Config().network.num_classes, rtis.Config().learning_rate) == (20, 1e-5)
    drawn = rtis.Config().alternative
    assert (drawn.blur, drawn.blur_radius) == (None, None)  # tests/core/test_lengths.py
    assert (drawn.colour, drawn.noise) == (0.33, 0.11)
    assert (drawn.blurred_share, drawn.noise_mean, drawn.picture_noise) == (0.5, 0.0, 0.0)
    assert drawn.per_batch and drawn.scale is rtis.Scale.CLASSIFIER
    slip = rtis.Config.as_compared().alternative
    assert slip == dataclasses.replace(drawn, noise_mean=0.11, noise=1.0)
    code = rtis.Config.released_code()
    margins = loss(
        form=rtis.Form.MARGINS,
        destruction_weight=1.0,
        confidence=5.0,
        area_power=0.3,
        area_offset=0.0005,
        border_weight=0.3,
    )
    assert code.loss == dataclasses.replace(
        margins, area_weight=8.0, variation_weight=0.005, preservation_weight=0.3
    )
    assert (code.fake_share, code.learning_rate, code.weight_decay) == (0.3, 1e-3, 1e-4)
    drawn = code.alternative
    assert (drawn.blur, drawn.blur_radius, drawn.picture_noise) == (None, None, 0.03)
    assert not drawn.per_batch and drawn.scale is rtis.Scale.SYMMETRIC
    assert alone.loss == dataclasses.replace(
        margins, area_weight=11.0, variation_weight=0.5, preservation_weight=0.2
    )
    assert (alone.grid, alone.num_steps, alone.learning_rate, alone.momentum) == (32, 200, 0.1, 0.9)


def test_settings_come_back_from_the_file_of_a_training():
    for cfg in (rtis.Config.smoke(), rtis.Config.released_code()):
        assert changed(rtis.Config(), to_json(cfg), "file") == cfg


@pytest.mark.parametrize(
    ("cfg", "words"),
    [
        (rtis.Config(fake_share=0.3), "fake_share 0.3 is of the margins; set it to 0"),
        (config(1, loss=rtis.Loss.released_code()), "num_classes must be at least 2 for MARGINS"),
    ],
)
def test_settings_without_sense_are_refused(cfg, words):
    with pytest.raises(ValueError, match=words):
        cfg.build()


def test_margins_of_a_classifier_with_one_class_are_refused_before_anything_is_compiled():
    explain = rtis.PerImage.smoke().build().explain
    with pytest.raises(ValueError, match="of which this classifier has none; set loss.form"):
        jax.eval_shape(explain, (), frozen(1.0), batch([[1.0]]), jax.random.key(0))


def test_labels_of_another_number_of_classes_are_refused():
    with pytest.raises(ValueError, match=r"shape \[3, 5\], which are \[3, 3\]"):
        method._judged(config(5), frozen(1.0), batch(LABELS), flat(0.5), jax.random.key(0))


class Points(linen.Module):
    """The smallest network of its kind: each pixel by its colour and its place."""

    num_classes: int

    @linen.compact
    def __call__(self, normalised, training=None):
        shape = (*normalised.shape[1:3], self.num_classes)
        place = self.param("place", linen.initializers.zeros, shape)
        return linen.Conv(self.num_classes, (1, 1))(normalised) + place


def learning(cfg: rtis.Config, rate: float = 0.1, **changes):
    judge = functools.partial(method._judged, cfg)
    return mask_learner(Points(planted.NUM_CLASSES), optax.adam(rate), judge, **changes)


def quadrants(num: int, first_id: int = 0) -> Batch:
    found = planted.quadrant_batch(num, 16, jax.random.key(0), first_id=first_id)
    labels = jax.nn.one_hot(found.target, planted.NUM_CLASSES)
    return dataclasses.replace(found, labels=labels)


@pytest.fixture(scope="module")
def quadrant() -> Frozen:
    classifier = planted.quadrant()
    return Frozen(classifier=classifier, infill=Constant(value=0.2).build(classifier))


FORMS = {
    "probabilities": rtis.Config.smoke(),
    "margins": dataclasses.replace(
        rtis.Config.released_code(), network=Segmenter(num_classes=4), fake_share=0.3
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_padding_micro_batches_and_devices_change_nothing(quadrant, form):
    whole = quadrants(16)
    made = learning(FORMS[form])
    state = made.trainable.init(jax.random.key(1), quadrant, whole)
    key = jax.random.key(2)
    after, metrics = jax.jit(made.trainable.step)(state, quadrant, whole, key)
    padding = jax.tree.map(lambda x: jnp.zeros_like(x[:8]), whole)
    padded = jax.tree.map(lambda x, y: jnp.concatenate([x, y]), whole, padding)
    parts = learning(FORMS[form], micro_batches=2)
    split = jax.tree.map(lambda x: x.reshape(8, 2, *x.shape[1:]), whole)
    mapped = jax.pmap(
        functools.partial(made.trainable.step, axis_name="data"),
        "data",
        in_axes=(None, None, 0, None),
    )(state, quadrant, split, key)
    others = {
        "padding": jax.jit(made.trainable.step)(state, quadrant, padded, key),
        "micro batches": jax.jit(parts.trainable.step)(state, quadrant, whole, key),
        "devices": jax.tree.map(lambda x: x[3], mapped),
    }
    for name, (found, logged) in others.items():
        np.testing.assert_allclose(logged["loss"], metrics["loss"], rtol=1e-4, err_msg=name)
        jax.tree.map(
            functools.partial(np.testing.assert_allclose, atol=1e-4), found.params, after.params
        )


@pytest.mark.parametrize("form", FORMS)
def test_a_network_learns_to_keep_what_shows_the_class(quadrant, form):
    made = learning(FORMS[form])
    state = made.trainable.init(jax.random.key(1), quadrant, quadrants(1))

    shown = jax.tree.map(lambda x: x.reshape(10, 16, *x.shape[1:]), quadrants(160))

    def step(state, number):
        some = jax.tree.map(lambda x: x[number % 10], shown)
        state, metrics = made.trainable.step(state, quadrant, some, jax.random.key(number))
        return state, metrics["loss"]

    state, losses = jax.jit(lambda state: jax.lax.scan(step, state, jnp.arange(150)))(state)
    assert losses[-30:].mean() < losses[:30].mean()
    test = quadrants(8, first_id=100_000)
    found = jax.jit(made.explain)(made.trainable.weights(state), quadrant, test, jax.random.key(0))
    truth = np.asarray(planted.quadrant_maps(test.target, 16)) == 1
    keep = np.asarray(found.keep)
    assert keep[truth].mean() > keep[~truth].mean() + 0.2
    assert found.class_keep.shape == (8, 16, 16, 4)


def test_the_first_step_of_one_picture_has_the_objective_worked_by_hand():
    cfg = rtis.PerImage(grid=4, num_steps=1, alternative=BLACK)
    found = cfg.build().explain((), frozen(1.0, -2.0), batch([[1.0, 0.0]]), jax.random.key(0))
    share = 0.5 / (0.5 + 0.5 + 0.001)
    area, variation = (share + 0.0005) ** 0.3, 0.5 * 0.3 * 4 * SIDE * share**2
    destruction, preservation = 5 + 3 * shown(1 - share), max(1 - 3 * shown(share), 0)
    trace = {name: values[0, 0] for name, values in found.numbers.items()}
    np.testing.assert_allclose(trace["mask_area"], share, rtol=1e-5)
    np.testing.assert_allclose(trace["destruction"], destruction, rtol=1e-5)
    np.testing.assert_allclose(trace["preservation"], preservation, rtol=1e-5)
    np.testing.assert_allclose(trace["variation"], variation, rtol=1e-5)
    total = destruction + 0.2 * preservation + 11 * area + 0.5 * variation
    np.testing.assert_allclose(trace["objective"], total, rtol=1e-5)


@pytest.mark.parametrize("loss", [rtis.Loss.iterative(), rtis.Loss()], ids=["margins", "probs"])
def test_one_picture_by_itself_is_explained_by_its_planted_evidence(quadrant, loss):
    cfg = dataclasses.replace(rtis.PerImage.smoke(), loss=loss)
    if loss.form is rtis.Form.PROBABILITIES:  # whose mask's gradient is smaller, a mean of cells
        cfg = dataclasses.replace(cfg, learning_rate=1.0)
    test = planted.quadrant_batch(4, 32, jax.random.key(0))
    found = jax.jit(cfg.build().explain)((), quadrant, test, jax.random.key(1))
    truth = np.asarray(planted.quadrant_maps(test.target, 32)) == 1
    for keep, inside in zip(np.asarray(found.keep), truth, strict=True):
        assert keep[inside].mean() > keep[~inside].mean() + 0.2
    objective = np.asarray(found.numbers["objective"])
    assert (objective[:, -5:].mean(axis=1) < objective[:, :5].mean(axis=1)).all()
