"""What is frozen computes in bfloat16 where that is wanted, and everything else in float32."""

import functools

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import planted
import pytest
import tiny_cli

import xai_jax
from xai_jax.classifiers import segmenter
from xai_jax.classifiers.entries import CLASSIFIERS
from xai_jax.core.classifier import Classifier
from xai_jax.core.method import Explained
from xai_jax.core.precision import InBfloat16, computed, precision_of
from xai_jax.generators import sean
from xai_jax.infills.blur import Blur
from xai_jax.infills.denoiser import Denoiser
from xai_jax.methods import explainer, gradients, syce
from xai_jax.nn import sean as nets
from xai_jax.nn.segmenter import Architecture, RegionSegmenter
from xai_jax.runtime import manifest
from xai_jax.scoring.calls import _inside

KERNEL = {"conv_general_dilated"}
PRODUCT = {"dot_general"} | KERNEL


def products(jaxpr, of=PRODUCT) -> set:
    """The types of all that is multiplied by a matrix or a kernel."""
    found = set()
    for equation in jaxpr.eqns:
        if equation.primitive.name in of:
            found |= {variable.aval.dtype.name for variable in equation.invars}
        for inner in _inside(equation.params):
            found |= products(inner, of)
    return found


def _matrix(params, normalised):
    return normalised.mean(axis=(1, 2)) @ params


def test_a_product_is_that_of_rounded_numbers_and_the_answer_is_float32():
    params = np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4)
    images = jnp.full((2, 4, 4, 3), jnp.array([1 / 3, 0.7, 0.123]))
    classifier = Classifier.from_callable(_matrix, jnp.asarray(params)).in_precision("bfloat16")
    half = ml_dtypes.bfloat16
    pixels = np.asarray(images[:, 0, 0]).astype(half).astype(np.float64)
    exact = pixels @ params.astype(half).astype(np.float64)
    found = classifier.logits(images)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, exact, rtol=2**-6, atol=2**-9)
    assert np.abs(found - images[:, 0, 0] @ params).max() > 1e-4
    gradient = jax.grad(lambda c, x: c.logits(x).sum(), argnums=(0, 1), allow_int=True)
    of_params, of_images = gradient(classifier, images)
    assert of_params.params.dtype == of_images.dtype == jnp.float32


def test_precision_can_be_taken_back_and_equal_functions_are_equal():
    classifier = planted.quadrant()
    half = classifier.in_precision("bfloat16")
    assert (classifier.precision, half.precision) == ("float32", "bfloat16")
    assert precision_of(half.features_fn) == precision_of(half.head_fn) == "bfloat16"
    assert (
        half.in_precision("bfloat16").apply_fn == half.apply_fn == InBfloat16(classifier.apply_fn)
    )
    assert hash(half.apply_fn) == hash(InBfloat16(classifier.apply_fn))
    assert half.in_precision("float32").apply_fn is classifier.apply_fn
    assert computed(_matrix, "float32") is _matrix


@pytest.mark.parametrize("entry", CLASSIFIERS, ids=lambda entry: entry.name)
def test_every_product_of_a_network_and_of_its_gradient_is_in_bfloat16(entry):
    shapes = jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct(leaf.shape, jnp.float32), entry.network.shapes(10)
    )
    side, network = entry.preprocess.height, entry.network
    images = jax.ShapeDtypeStruct((1, side, side, 3), jnp.float32)

    def score(params, images):
        made = network.classifier(params, mean=entry.mean, std=entry.std).in_precision("bfloat16")
        return made.logits(images).sum()

    found = jax.make_jaxpr(jax.grad(score, argnums=1))(shapes, images)
    assert products(found.jaxpr) == {"bfloat16"}
    assert found.out_avals[0].dtype == jnp.float32


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_network_of_an_infill_computes_as_the_classifier_it_is_built_for(precision):
    infill = Denoiser(num_steps=2, draw=True)
    frozen = Explained(classifier=planted.quadrant(), infill=infill, precision=precision).build()
    images = jnp.asarray(planted.quadrant_batch(2, 16, jax.random.key(0)).images)
    keep, keys = jnp.ones((2, 16, 16, 1)), jax.random.split(jax.random.key(1), 2)

    def fill(images, keep, keys):
        return frozen.infill(frozen.infill.prepare(images), keep, keys)

    found = jax.make_jaxpr(fill)(images, keep, keys)
    assert precision in products(found.jaxpr)
    assert found.out_avals[0].dtype == jnp.float32
    if precision == "bfloat16":
        small = Explained(classifier=planted.quadrant(), infill=infill).build().infill
        exact = jax.jit(small.__call__)(images, 0 * keep, keys)
        half = jax.jit(fill)(images, 0 * keep, keys)
        assert 1e-4 < np.abs(half - exact).max() < 0.05


def test_every_product_of_a_generator_and_of_its_gradient_is_in_bfloat16():
    settings = nets.Sean(regions=("sky", "road"), width=4, depth=2, style=3, hidden=4)
    images = jax.ShapeDtypeStruct((1, 32, 32, 3), jnp.float32)
    labels = jax.ShapeDtypeStruct((1, 32, 32), jnp.int32)
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), 1))

    made = jax.eval_shape(lambda w: sean.of_weights(settings, w), sean.abstract(settings))
    made = made.in_precision("bfloat16")

    def codes(made, images, labels):
        return made.encode(made.prepare(images, labels))

    def changed(codes, made, images, labels, keys):
        return made.decode(made.prepare(images, labels), codes, keys).sum()

    there = jax.eval_shape(codes, made, images, labels)
    assert {leaf.dtype for leaf in jax.tree.leaves(there)} == {np.dtype(np.float32)}
    found = jax.make_jaxpr(jax.grad(changed))(there, made, images, labels, keys)
    assert products(found.jaxpr) == {"bfloat16"}


@pytest.mark.parametrize("learned", [explainer.Config.smoke(), syce.Config.smoke()])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_learned_network_explains_as_the_classifier_computes(learned, precision):
    method = learned.build()
    classifier = planted.quadrant().in_precision(precision)
    frozen = Explained(classifier=classifier, infill=Blur()).build()
    batch = planted.quadrant_batch(2, 16, jax.random.key(0))
    key = jax.random.key(1)

    def explained(key, frozen, batch):
        weights = method.trainable.weights(method.trainable.init(key, frozen, batch))
        assert {leaf.dtype for leaf in jax.tree.leaves(weights)} == {np.dtype(np.float32)}
        return weights, method.explain(weights, frozen, batch, key)

    weights, found = jax.eval_shape(explained, key, frozen, batch)
    assert {found.saliency.dtype, found.target.dtype} == {np.dtype("float32"), np.dtype("int32")}
    traced = jax.make_jaxpr(method.explain)(weights, frozen, batch, key)
    assert products(traced.jaxpr, KERNEL) == {precision}  # matrices resize logits in float32


def test_every_kernel_of_a_segmenter_that_predicts_label_maps_is_in_bfloat16():
    settings = RegionSegmenter(regions=("sky", "road"), architecture=Architecture.LIGHT)
    images = jax.ShapeDtypeStruct((1, 32, 32, 3), jnp.float32)
    predicted = functools.partial(segmenter._predicted, settings.build(), "bfloat16", (32, 32))
    found = jax.make_jaxpr(predicted)(segmenter.abstract(settings), images)
    assert products(found.jaxpr, KERNEL) == {"bfloat16"}


def test_explanations_agree_and_are_float32():
    images = planted.quadrant_batch(4, 16, jax.random.key(0)).images
    method = gradients.SmoothGrad(num_samples=4)
    exact, half = (
        xai_jax.explain(planted.quadrant().in_precision(precision), images, method=method)
        for precision in ("float32", "bfloat16")
    )
    assert half.saliency.dtype == np.float32
    np.testing.assert_array_equal(half.target, exact.target)
    for one, other in zip(half.saliency, exact.saliency, strict=True):
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.98


def test_the_command_says_so_in_the_manifest(tmp_path, monkeypatch, capsys):
    run = tiny_cli.caller(monkeypatch, capsys)
    pictures = tiny_cli.planted.quadrant_batch(2, 16, jax.random.key(0)).images
    from PIL import Image

    for i, image in enumerate(np.asarray(pictures)):
        Image.fromarray(np.round(image * 255).astype(np.uint8)).save(tmp_path / f"{i}.png")
    arguments = ("explain", tmp_path / "0.png", tmp_path / "1.png", *tiny_cli.SMALL)
    assert run(*arguments, "--precision", "bfloat16", "--out", tmp_path / "out")[0] == 0
    assert manifest.read(tmp_path / "out").precision == "bfloat16"
    said = tiny_cli.only_sentence(*run(*arguments, "--out", tmp_path / "out"))
    assert 'precision is "bfloat16" there and "float32" here' in said


def test_a_word_that_is_no_precision_is_refused():
    with pytest.raises(ValueError, match="precision"):
        Explained(classifier=planted.quadrant(), infill=Blur(), precision="float16")
