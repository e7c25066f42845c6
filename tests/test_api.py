"""What a notebook calls: shapes, order, refusals, one program for equal settings."""

import dataclasses
import inspect
import itertools
import os
import subprocess
import sys
import types

import equinox as eqx
import jax
import numpy as np
import planted
import pytest
from flax import linen, nnx
from jax.sharding import AxisType

import xai_jax
from xai_jax import api, choices
from xai_jax.core import targets
from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import Infill
from xai_jax.core.method import Method
from xai_jax.core.outputs import KEEP
from xai_jax.core.targets import Head
from xai_jax.core.types import Explanation
from xai_jax.infills import blur, constant
from xai_jax.infills.blur import Blur
from xai_jax.infills.constant import Constant
from xai_jax.methods import fido, gradients, steex
from xai_jax.metrics.fidelity import fidelity
from xai_jax.runs import batch as explain_batch

SIZE = 16
METRIC = fidelity()
UNCHECKED = inspect.unwrap(xai_jax.explain)
CLASSIFIER = planted.quadrant()
IMAGES = np.asarray(planted.quadrant_batch(5, SIZE, jax.random.key(0)).images)
TARGET = np.array([0, 1, 2, 3, 0])


@dataclasses.dataclass
class Nothing:
    """Keeps nothing, and asks nobody."""

    def build(self):
        def explain(weights, frozen, batch, key):
            none = jax.numpy.zeros_like(batch.images[..., :1])
            return Explanation(target=batch.target, saliency=none, keep=none)

        return Method(explain=explain, outputs=(KEEP,))


@dataclasses.dataclass
class Undefined:
    """Answers NaN for a picture whose first pixel is dark."""

    def build(self):
        def explain(weights, frozen, batch, key):
            first = batch.images[:, :1, :1, :1]
            map_ = batch.images[..., :1] + jax.numpy.where(first < 0.1, jax.numpy.nan, 0.0)
            return Explanation(target=batch.target, saliency=map_)

        return Method(explain=explain)


def test_an_explanation_that_is_not_finite_is_named():
    images = IMAGES.clip(0.2, 1)
    images[2, 0, 0, 0] = 0.0
    with pytest.raises(ValueError, match="image 2: Its explanation is not finite"):
        xai_jax.explain(CLASSIFIER, images, TARGET, method=Undefined())


@dataclasses.dataclass
class Needy(Nothing):
    """Has no defaults."""

    steps: int


def explain(images=IMAGES, target=None, **changes):
    settings = {
        "method": fido.Config.smoke(),
        "infill": Constant(value=planted.DARK),
        "metrics": [METRIC],
    }
    # Without the type checker of the tests: what it would refuse, users get a sentence for.
    return UNCHECKED(CLASSIFIER, images, target, **settings | changes)


def test_the_result_has_the_order_of_the_images_and_raw_numbers():
    found = explain(batch_size=2)
    np.testing.assert_array_equal(found.target, TARGET)  # the bright quadrant is what it predicts
    assert found.keep.shape == found.saliency.shape == (5, SIZE, SIZE, 1)
    assert isinstance(found.keep, np.ndarray)
    assert found.numbers["curve_kept"].shape == found.numbers["curve_removed"].shape == (5, 20)
    assert found.numbers["objective"].shape == (5, fido.Config.smoke().num_steps)
    np.testing.assert_array_equal(found.saliency, found.keep - np.float32(0.5))


def test_an_explanation_depends_on_the_picture_and_not_on_batch_size_order_or_devices():
    whole = explain(batch_size=5)
    for other in (explain(batch_size=2), explain(batch_size=1)):
        np.testing.assert_allclose(other.keep, whole.keep, atol=1e-5)
    backwards = explain(IMAGES[::-1], batch_size=3)
    np.testing.assert_allclose(backwards.keep[::-1], whole.keep, atol=1e-5)
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    spread = explain(batch_size=8, mesh=mesh)
    np.testing.assert_allclose(spread.keep, whole.keep, atol=1e-5)
    np.testing.assert_allclose(spread.numbers["curve_kept"], whole.numbers["curve_kept"], atol=1e-4)


def test_equal_settings_share_one_compiled_program_and_other_settings_do_not():
    explain(batch_size=5)
    before = explain_batch._explain._cache_size()
    explain(batch_size=5)
    assert explain_batch._explain._cache_size() == before


def test_the_scores_are_those_of_the_composed_pictures():
    found = explain(batch_size=5)
    fill = np.float32(planted.DARK)
    kept = found.keep * IMAGES + (1 - found.keep) * fill
    removed = (1 - found.keep) * IMAGES + found.keep * fill
    for name, images in {"original": IMAGES, "kept": kept, "removed": removed}.items():
        expected = CLASSIFIER.log_odds(jax.numpy.asarray(images), jax.numpy.asarray(TARGET))
        np.testing.assert_allclose(found.numbers[f"log_odds_{name}"], expected, atol=1e-4)
    # The last level keeps every pixel, and removes every pixel.
    np.testing.assert_allclose(
        found.numbers["curve_kept"][:, -1], found.numbers["log_odds_original"], atol=1e-4
    )
    np.testing.assert_allclose(found.numbers["curve_removed"][:, -1], -np.log(3), atol=1e-4)


def test_a_level_of_the_curve_keeps_exactly_the_most_salient_pixels():
    found = explain(batch_size=5)
    level = 9  # a quarter of the image
    for i in range(5):
        order = np.argsort(-found.saliency[i].ravel(), kind="stable")[: SIZE * SIZE // 4]
        keep = np.zeros(SIZE * SIZE, np.float32)
        keep[order] = 1
        image = np.where(keep.reshape(SIZE, SIZE, 1) == 1, IMAGES[i], np.float32(planted.DARK))
        score = CLASSIFIER.log_odds(
            jax.numpy.asarray(image)[None], jax.numpy.asarray(TARGET[i : i + 1])
        )
        np.testing.assert_allclose(found.numbers["curve_kept"][i, level], score[0], atol=1e-4)


def test_targets_are_one_for_all_one_each_or_a_rule():
    assert explain(target=2).target.tolist() == [2] * 5
    assert explain(target=[3, 2, 1, 0, 3]).target.tolist() == [3, 2, 1, 0, 3]
    runners = explain(target=targets.runner_up).target
    assert (runners != TARGET).all()
    labels = np.eye(4)[[1, 1, 1, 1, 1]]
    assert explain(target=targets.truth, labels=labels, batch_size=2).target.tolist() == [1] * 5


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"images": IMAGES[0]}, "add a batch axis"),
        ({"images": IMAGES[:0]}, "with b > 0"),
        ({"images": (IMAGES * 255).astype(np.uint8)}, "divide by 255"),
        ({"images": IMAGES * 2 - 1}, "must be unit pixels"),
        ({"images": IMAGES * np.nan}, "image 0 holds NaN or infinity"),
        ({"images": IMAGES * 255}, "divide by"),
        ({"images": IMAGES[..., 0]}, r"images\[..., None\]"),
        ({"images": IMAGES + 5e-3}, r"clip what a filter has left .*clip\(0, 1\)"),
        ({"images": np.zeros((2, 3, 16, 20))}, r"channels seem to come first; .*transpose\(0, 2"),
        (
            {"key": jax.random.split(jax.random.key(0))},
            r"one key, not \[2\] of them; pass key\[0\]",
        ),
        ({"key": 1.5}, "key must be a seed"),
        ({"infill": Infill.from_callable(lambda params, x, keep, keys: x[0])}, "answer pictures"),
        ({"infill": Infill.from_callable(lambda x, keep: x)}, r"fn\(params, images, keep, keys\)"),
        ({"key": True}, "key must be a seed"),
        ({"infill": "blurr"}, "There is no infill 'blurr'; did you mean 'blur'"),
        (
            {"infill": constant},
            r"is the module xai_jax\.infills\.constant; say which of Mean and Con",
        ),
        ({"infill": np.zeros(3)}, "infill is array.*, which is neither"),
        ({"method": "fid0"}, "There is no method 'fid0'; did you mean 'fido'"),
        ({"method": gradients}, "is the module .*gradients; say which of Gradient and InputX"),
        ({"method": jax}, "is the module jax; say a method, by name: 'bbmp', 'explainer'"),
        ({"method": Needy}, "The method Needy must be built: .*steps"),
        ({"method": "explainer"}, "explains with a trained network; train it first"),
        (
            {"method": 3},
            "method is 3, which is no settings of a method; pass a name such as 'fido'",
        ),
        ({"target": lambda logits, labels: logits.argmax(1) + 4}, "class 4 for image 0"),
        ({"target": 4}, "Target 4 is outside the classifier's classes 0 to 3"),
        ({"target": [0, 1, 2, -1, 0]}, "Target -1 is outside"),
        ({"target": [0, 1]}, "one for each of 5 images"),
        ({"target": np.full(5, 1.5)}, "whole numbers"),
        ({"target": targets.truth}, "needs labels"),
        (
            {
                "target": targets.truth,
                "labels": np.eye(4)[[0, 1, 2, 3, 0]] * [[1], [1], [0], [1], [1]],
            },
            "image 2 has no true class, its labels are all 0; leave it out",
        ),
        ({"labels": np.eye(4)}, "labels must be"),
        ({"batch_size": 0}, "at least 1"),
        ({"batch_size": 1.5}, "^batch_size must be a whole number, not 1.5"),
        ({"images": "photo.jpg"}, r"^images are no array of pixels; read .*pictures\.read"),
        ({"images": [IMAGES[0], IMAGES[0][:8]]}, r"^images are of several shapes; resize them"),
        ({"target": "cat"}, r"the index of a name is class_names\.index\(name\)"),
        ({"metrics": ["fidelity"]}, r"^metrics are a list of metrics, \[.*fidelity\(\)\]"),
        ({"metrics": fidelity()}, r"^metrics are a list of metrics, \[.*fidelity\(\)\]"),
    ],
)
def test_bad_input_is_refused_in_one_sentence(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        explain(**changes)


@pytest.mark.parametrize("given", ["fido", fido, fido.Config, fido.Config()])
def test_a_method_may_be_its_name_its_module_its_class_or_settings(given):
    build = lambda method: api._inspector(CLASSIFIER, method, None, None).method  # noqa: E731
    assert build(given) == fido.Config() == build(None)


@pytest.mark.parametrize("given", ["blur", blur, Blur, Blur(), None])
def test_an_infill_may_be_so_too(given):
    built = api._frozen(CLASSIFIER, given).infill
    assert built.prepare_fn is Blur().build(CLASSIFIER).prepare_fn


def test_every_method_and_infill_may_be_named_and_a_preset_be_left_uncalled():
    for choices_of, kind in ((choices.METHODS, "method"), (choices.INFILLS, "infill")):
        for name, config in choices_of.items():
            assert choices.settings(kind, name, choices_of) == config()
    assert choices.settings("method", fido.Config.fast, choices.METHODS) == fido.Config.fast()
    assert choices.settings("method", steex, choices.METHODS) == steex.Config()  # one of two
    named = explain(method="gradient", metrics=())
    wanted = explain(method=gradients.Gradient(), metrics=())
    np.testing.assert_array_equal(named.saliency, wanted.saliency)


class LinenNet(linen.Module):
    @linen.compact
    def __call__(self, x):
        return linen.Dense(3)(x.mean(axis=(1, 2)))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (lambda params, x: x.mean(axis=(1, 2)), r"is a function; .*from_callable"),
        (LinenNet(), "is a module of flax.linen; .*from_linen"),
        (nnx.Linear(3, 4, rngs=nnx.Rngs(0)), "is a module of flax.nnx; .*from_nnx"),
        (eqx.nn.Linear(3, 4, key=jax.random.key(0)), "is a module of equinox; .*from_equinox"),
        ("efficientnet_lite0", r"is the name 'efficientnet_lite0'; pass .*load\(name\)"),
        (types.SimpleNamespace(classifier=CLASSIFIER), r"pass its field \.classifier"),
    ],
)
def test_a_network_that_is_not_wrapped_is_told_how(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        UNCHECKED(given, IMAGES)


def test_what_rounding_leaves_outside_is_taken_as_the_nearest_pixel():
    images = IMAGES.clip(0, 1)
    images[0, 0, 0] = 1.0
    outside = images.copy()
    outside[0, 0, 0] = 1.0000002
    whole, found = explain(images, batch_size=5), explain(outside, batch_size=5)
    np.testing.assert_array_equal(found.keep, whole.keep)


def test_a_seed_may_be_any_whole_number_and_a_key_of_either_kind():
    keys = [3, np.int64(3), np.uint8(3), np.array(3), jax.numpy.int32(3), jax.random.key(3),
            jax.random.PRNGKey(3), np.asarray(jax.random.PRNGKey(3))]  # fmt: skip
    found = [explain(key=key, batch_size=5).keep for key in keys]
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


def test_a_call_within_jit_names_the_pure_function():
    with pytest.raises(
        ValueError, match=r"cannot be called within jit.*method\.build\(\)\.explain"
    ):
        jax.jit(lambda images: UNCHECKED(CLASSIFIER, images).saliency)(IMAGES)


def test_probabilities_in_the_place_of_logits_are_warned_of():
    certain = lambda params, x: jax.nn.softmax(quadrant(params, x))  # noqa: E731
    quadrant = CLASSIFIER.apply_fn
    probable = dataclasses.replace(CLASSIFIER, apply_fn=certain)
    with pytest.warns(UserWarning, match="seem to be probabilities; hand over what stands before"):
        xai_jax.explain(probable, IMAGES, method=Nothing())


def test_devices_share_a_batch_that_they_do_not_divide():
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    whole, spread = explain(batch_size=5), explain(batch_size=3, mesh=mesh)
    np.testing.assert_allclose(spread.keep, whole.keep, atol=1e-5)


def test_an_image_that_cannot_be_explained_is_named_or_skipped():
    def overflow(params, images):
        return jax.numpy.where(images[:, :1, 0, 0] > 2 / 3, jax.numpy.inf, quadrant(params, images))

    quadrant = CLASSIFIER.apply_fn
    broken = dataclasses.replace(CLASSIFIER, apply_fn=overflow)
    good = IMAGES.clip(0, 0.6)
    images = good.copy()
    images[3, 0, 0, 0] = 0.7
    settings = {"method": fido.Config.smoke(), "batch_size": 2}
    with pytest.raises(ValueError, match=r"image 3: The classifier returned NaN .*on_bad='skip'"):
        xai_jax.explain(broken, images, **settings)
    with pytest.warns(UserWarning, match="image 3 was skipped"):
        found = xai_jax.explain(broken, images, **settings, on_bad="skip")
    whole = xai_jax.explain(broken, good, **settings)  # the same program: its rounding is the same
    assert np.isnan(found.keep[3]).all() and found.target[3] == -1
    for row in (0, 1, 2, 4):
        np.testing.assert_allclose(found.keep[row], whole.keep[row], atol=1e-6)


def test_a_given_class_costs_no_call_of_the_classifier():
    calls = []

    def counting(params, images):
        jax.debug.callback(lambda: calls.append(1))
        return planted._quadrant_logits(params, images)

    classifier = dataclasses.replace(CLASSIFIER, apply_fn=counting)
    found = xai_jax.explain(classifier, IMAGES, TARGET, method=Nothing(), batch_size=5)
    jax.effects_barrier()
    assert calls == [] and found.keep.shape == (5, SIZE, SIZE, 1)
    xai_jax.explain(classifier, IMAGES, method=Nothing(), batch_size=5)
    jax.effects_barrier()
    assert calls == [1]  # to find the class


def _nan_logits(params, images):
    return planted._quadrant_logits(params, images) * jax.numpy.nan


def _dark_is_nan(params, images):
    """NaN where a part of the picture is dark, as it is only in composites."""
    del params
    dark = (images < 0.2).any(axis=(1, 2, 3))
    return jax.numpy.where(dark[:, None], jax.numpy.nan, images.mean(axis=(1, 2)))


def test_a_classifier_that_is_nan_on_masked_pictures_alone_is_refused_by_name():
    broken = Classifier.from_callable(_dark_is_nan)
    black = Constant(value=0.0)
    with pytest.raises(ValueError, match="image 0: Its explanation is not finite: the classifier"):
        xai_jax.explain(broken, IMAGES * 0.5 + 0.25, 0, method=fido.Config.smoke(), infill=black)


def _upper_left(params, images):
    return planted._quadrant_logits(params, images)[:, :1] - 10.0  # of bright quadrants above 0


def test_one_logit_has_no_runner_up_and_is_explained_for_its_class():
    one = dataclasses.replace(CLASSIFIER, apply_fn=_upper_left, head=Head.SIGMOID)
    with pytest.raises(ValueError, match="one logit has no runner-up"):
        xai_jax.explain(one, IMAGES, targets.runner_up, method="gradient")
    found = xai_jax.explain(one, IMAGES, method="gradient")
    assert found.target.tolist() == [0] * 5


@pytest.mark.parametrize("target", [None, 0])
def test_one_logit_under_a_softmax_is_refused_before_anything_is_compiled(target):
    certain = Classifier.from_callable(lambda params, x: x.mean(axis=(1, 2, 3))[:, None])
    with pytest.raises(ValueError, match="one logit and a softmax head, .* set head='sigmoid'"):
        xai_jax.explain(certain, IMAGES, target)


def test_a_classifier_that_returns_nan_is_refused_in_one_sentence():
    broken = dataclasses.replace(CLASSIFIER, apply_fn=_nan_logits)
    with pytest.raises(ValueError, match="image 0: The classifier returned NaN or infinity"):
        xai_jax.explain(broken, IMAGES, method=fido.Config.smoke())


def test_logits_that_overflow_in_bfloat16_alone_are_refused_in_one_sentence():
    large = planted.quadrant(gain=3.4e38)  # bfloat16 ends at 3.3895e38, float32 at 3.4028e38
    settings = {"images": IMAGES * 0 + 1, "method": fido.Config.smoke()}
    assert np.isfinite(large.logits(jax.numpy.asarray(settings["images"]))).all()
    with pytest.raises(ValueError, match=r"image 0: The classifier returned NaN .*float32 first"):
        xai_jax.explain(large.in_precision("bfloat16"), **settings)


def test_other_pictures_targets_keys_and_counts_compile_nothing_more():
    def programs():
        return explain_batch._explain._cache_size()

    settings = {"method": Nothing(), "batch_size": 8}
    xai_jax.explain(CLASSIFIER, IMAGES, **settings)
    before = programs()
    whole = xai_jax.explain(CLASSIFIER, IMAGES, TARGET, key=5, **settings)
    for count in (1, 2, 3, 4):
        found = xai_jax.explain(CLASSIFIER, IMAGES[::-1][:count], 1, key=count, **settings)
        assert found.saliency.shape == (count, *whole.saliency.shape[1:])
    xai_jax.explain(CLASSIFIER, np.concatenate([IMAGES, IMAGES[:2]]), **settings)
    assert programs() == before


def test_jax_itself_compiles_nothing_for_other_pictures_targets_keys_and_counts(caplog):
    def calls(images, seed):
        """Every kind of target and key."""
        labels = np.eye(4)[np.arange(len(images)) % 4]
        whole = np.arange(len(images), dtype=np.int64)[::-1] % 4
        kinds = (None, seed, whole, whole.tolist(), targets.runner_up, targets.truth)
        keys = (seed, np.int64(seed), jax.random.key(seed), jax.random.PRNGKey(seed))
        settings = {"metrics": [METRIC], "batch_size": 8, "labels": labels}
        for target, key in itertools.product(kinds, keys[:1]):
            xai_jax.explain(CLASSIFIER, images, target, key=key, **settings, method=Nothing())
        for key in keys:
            xai_jax.explain(CLASSIFIER, images, key=key, **settings, method=Nothing())

    calls(IMAGES, 1)
    with jax.log_compiles(), caplog.at_level("WARNING"):
        for count in (1, 2, 3, 4):
            calls(np.ascontiguousarray(IMAGES[::-1][:count] * 0.5), count % 4)
        assert [r.getMessage()[:90] for r in caplog.records if "ompil" in r.getMessage()] == []
        jax.jit(lambda x: x + len(IMAGES))(1.0)  # which does show
    assert any("Compiling" in record.getMessage() for record in caplog.records)


def test_public_names_are_completed_and_methods_need_no_import_of_their_own():
    program = (
        "import sys, xai_jax; assert {*xai_jax.__all__, 'methods'} <= {*dir(xai_jax)};"
        "assert 'jax' not in sys.modules; xai_jax.methods.gradcam.Config, xai_jax.infills.blur.Blur"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_nothing_is_said_of_backends_that_are_not_there():
    program = (
        "import numpy as np, xai_jax; x = np.zeros((1, 8, 8, 3), 'float32');"
        "c = xai_jax.Classifier.from_callable(lambda params, x: x.mean((1, 2)));"
        "xai_jax.explain(c, x, 0, method='gradient')"
    )
    environment = {k: v for k, v in os.environ.items() if k != "JAX_PLATFORMS"}
    command = [sys.executable, "-c", program]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
