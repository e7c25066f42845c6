"""An ONNX file as a classifier: what it takes from the file, and what it refuses, by name."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

import xai_jax
from tests.classifiers import onnx_bytes
from xai_jax import cli
from xai_jax.classifiers import from_onnx, pretrained
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.targets import Head
from xai_jax.data import pictures
from xai_jax.methods import gradcam

DRAW = np.random.default_rng(0)
KERNEL = DRAW.standard_normal((4, 3, 3, 3)).astype(np.float32)
DENSE = DRAW.standard_normal((4, 5)).astype(np.float32)
PIXELS = {"mean": (0.4, 0.5, 0.6), "std": 0.2}


def layers(first="x"):
    """A convolution, ReLU, the mean over space, and a dense layer."""
    return [
        onnx_bytes.node("Conv", [first, "kernel"], ["c"], pads=(1, 1, 1, 1)),
        onnx_bytes.node("Relu", ["c"], ["r"]),
        onnx_bytes.node("GlobalAveragePool", ["r"], ["p"]),
        onnx_bytes.node("Flatten", ["p"], ["f"]),
        onnx_bytes.node("MatMul", ["f", "dense"], ["y"]),
    ]


WEIGHTS = {"kernel": KERNEL, "dense": DENSE}


def small(shape=("batch", 3, 8, 6), nodes=None, **how):
    return onnx_bytes.model(nodes or layers(), {**WEIGHTS, **how.pop("tensors", {})}, shape, **how)


@pytest.fixture
def save(tmp_path):
    def write(content, name="model.onnx"):
        (tmp_path / name).write_bytes(content)
        return tmp_path / name

    return write


@pytest.fixture
def images():
    return jnp.asarray(DRAW.random((3, 8, 6, 3), dtype=np.float32))


def expected(images):
    """The same network in plain NumPy."""
    x = (np.asarray(images) - np.array(PIXELS["mean"], np.float32)) / np.float32(PIXELS["std"])
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    out = np.zeros((*x.shape[:3], 4), np.float32)
    for i in range(3):
        for j in range(3):
            window = padded[:, i : i + x.shape[1], j : j + x.shape[2]]
            out += window @ KERNEL[:, :, i, j].T
    return np.maximum(out, 0).mean((1, 2)) @ DENSE


def test_a_file_becomes_a_classifier_of_unit_pixels_with_its_weights_as_parameters(save, images):
    model = from_onnx(save(small()), **PIXELS)
    np.testing.assert_allclose(model.classifier.logits(images), expected(images), atol=1e-5)
    sizes = {name: np.size(leaf) for name, leaf in model.classifier.params.items()}
    assert sizes == {"kernel": KERNEL.size, "dense": DENSE.size}
    assert (model.preprocess.height, model.preprocess.width) == (8, 6)
    assert (model.name, model.class_names) == ("model.onnx", None)


def test_the_same_graph_with_other_weights_does_not_compile_anew(save, images):
    traces = []

    @jax.jit
    def logits(classifier, images):
        traces.append(images.shape)
        return classifier.logits(images)

    first = logits(from_onnx(save(small()), **PIXELS).classifier, images)
    content = small(tensors={"dense": 2 * DENSE})
    second = logits(from_onnx(save(content), **PIXELS).classifier, images)
    np.testing.assert_allclose(second, 2 * np.asarray(first), rtol=1e-5)
    assert len(traces) == 1


def test_channels_last_at_the_input_are_recognised(save, images):
    turned = onnx_bytes.node("Transpose", ["x"], ["t"], perm=(0, 3, 1, 2))
    for shape in (("batch", 8, 6, 3), ("batch", "h", "w", "c")):
        model = from_onnx(save(small(shape, [turned, *layers("t")])), **PIXELS, size=(8, 6))
        np.testing.assert_allclose(model.classifier.logits(images), expected(images), atol=1e-5)


def test_a_file_for_one_picture_takes_any_number_of_them(save, images):
    model = from_onnx(save(small((1, 3, 8, 6))), **PIXELS)
    np.testing.assert_allclose(model.classifier.logits(images), expected(images), atol=1e-5)
    features = model.classifier.features(images)
    assert features.shape == (3, 8, 6, 4)
    again = model.classifier.logits_of_features(features)
    np.testing.assert_allclose(again, expected(images), atol=1e-5)


def test_sizes_that_are_computed_from_the_batch_follow_it(save, images):
    nodes = [
        *layers()[:3],
        onnx_bytes.node("Shape", ["x"], ["s"]),
        onnx_bytes.node("Gather", ["s", "zero"], ["n"]),
        onnx_bytes.node("Unsqueeze", ["n", "first"], ["n1"]),
        onnx_bytes.node("Concat", ["n1", "rest"], ["shape"], axis=0),
        onnx_bytes.node("Reshape", ["p", "shape"], ["f"]),
        onnx_bytes.node("MatMul", ["f", "dense"], ["y"]),
    ]
    more = {"zero": np.array(0), "first": np.array([0]), "rest": np.array([-1])}
    classifier = from_onnx(save(small(nodes=nodes, tensors=more)), **PIXELS).classifier
    np.testing.assert_allclose(classifier.logits(images), expected(images), atol=1e-5)
    halves = classifier.logits_of_features(classifier.features(images[:2]))
    np.testing.assert_allclose(halves, expected(images[:2]), atol=1e-5)


@pytest.mark.parametrize(("op", "head"), [("Softmax", Head.SOFTMAX), ("Sigmoid", Head.SIGMOID)])
def test_what_makes_probabilities_at_the_end_is_left_out(op, head, save, images):
    nodes = [*layers()[:4], onnx_bytes.node("MatMul", ["f", "dense"], ["l"])]
    nodes.append(onnx_bytes.node(op, ["l"], ["y"]))
    classifier = from_onnx(save(small(nodes=nodes)), **PIXELS).classifier
    assert classifier.head is head
    np.testing.assert_allclose(classifier.logits(images), expected(images), atol=1e-5)


def test_the_metadata_says_what_arguments_leave_out(save, images):
    said = {"mean": "[0.4, 0.5, 0.6]", "std": "0.2", "size": "[8, 6]", "crop": "0.875",
            "class_names": json.dumps(list("abcde")), "author": "somebody"}  # fmt: skip
    model = from_onnx(save(small(("batch", 3, "h", "w"), metadata=said)))
    np.testing.assert_allclose(model.classifier.logits(images), expected(images), atol=1e-5)
    assert model.class_names == tuple("abcde") and model.preprocess.crop == 0.875
    assert from_onnx(save(small(metadata=said)), class_names="vwxyz").class_names == tuple("vwxyz")


def test_weights_may_lie_in_a_file_beside_and_nowhere_else(save, images, tmp_path):
    save(b"".join(array.tobytes() for array in WEIGHTS.values()), "weights.bin")
    model = from_onnx(save(small(beside="weights.bin")), **PIXELS)
    np.testing.assert_allclose(model.classifier.logits(images), expected(images), atol=1e-5)
    before = model.weights_sha256
    save(b"".join((array + 1).tobytes() for array in WEIGHTS.values()), "weights.bin")
    assert from_onnx(tmp_path / "model.onnx", **PIXELS).weights_sha256 != before
    (tmp_path / "linked.bin").symlink_to("/etc/hostname")
    for place in ("../weights.bin", "/etc/hostname", "linked.bin", "a/../../x", ""):
        with pytest.raises(ValueError, match="not in its folder"):
            from_onnx(save(small(beside=place)), **PIXELS)
    with pytest.raises(ValueError, match="which is missing; put it beside"):
        from_onnx(save(small(beside="other.bin")), **PIXELS)
    save(b"short", "weights.bin")
    with pytest.raises(ValueError, match="is cut off; copy it again"):
        from_onnx(save(small(beside="weights.bin")), **PIXELS)


@pytest.mark.parametrize("beginning", [0, 1, 40, 200])
def test_a_damaged_file_is_refused_in_one_sentence(beginning, save):
    with pytest.raises(ValueError, match=r"is no ONNX model, or is damaged .*export it again"):
        from_onnx(save(small()[:beginning]), **PIXELS)
    for noise in (b"\xff" * 64, b"not a model", bytes(100)):
        with pytest.raises(ValueError, match="is no ONNX model"):
            from_onnx(save(noise), **PIXELS)


def other(op, **how):
    return [onnx_bytes.node(op, ["x"], ["z"], **how), *layers("z")]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (small(nodes=other("NonMaxSuppression")), "'NonMaxSuppression_z' is of the operator"),
        (small(nodes=other("Relu", domain="com.microsoft")), "Relu of com.microsoft"),
        (small(nodes=other("QuantizeLinear")), "is quantised .*QuantizeLinear"),
        (small(opset=8), "is of opset 8; export it"),
        (small((4, 3, 8, 6)), "batches of 4 pictures and no others"),
        (small(("b", 3, "h", "w")), "leaves the size of its pictures free; say it: size=224"),
        (small(("b", 3)), "has 2 axes, and pictures have four"),
        (small(("b", 5, 8, 6)), "node 'Conv_c' .Conv."),
        (small(nodes=other("Cast", to=8)), "node 'Cast_z' .Cast.: a cast to type 8"),
    ],
)
def test_what_cannot_be_explained_is_refused_by_its_name(content, words, save):
    path = save(content)
    with pytest.raises(ValueError, match=words) as caught:
        from_onnx(path, mean=0, std=1)
    assert str(caught.value).startswith(str(path))


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ({}, "does not say how its pictures are normalised .mean and std.; say so: .*--mean"),
        ({"mean": 0.5}, "are normalised .std.; say so: .*--mean"),
        ({**PIXELS, "mean": (1, 2)}, "mean must be one number, or one for each of its 3 channels"),
        ({**PIXELS, "size": 224}, "are of 8 x 6 pixels, not of the size"),
        ({**PIXELS, "class_names": "ab"}, "has 5 classes, and 2 different names"),
        ({**PIXELS, "cut": "f"}, "cannot be cut at 'f'"),
        ({**PIXELS, "mean": 123.7}, "mean is 123.7, .* divide mean and std by 255"),
        ({**PIXELS, "std": 0}, "std"),
        ({**PIXELS, "head": "tanh"}, "head"),
    ],
)
def test_what_is_said_of_its_pictures_must_fit(how, words, save):
    with pytest.raises(ValueError, match=words):
        from_onnx(save(small()), **how)


def test_it_is_cut_at_the_last_activations_that_have_places_or_where_asked(save, images):
    path = save(small())
    for cut, name in ((None, "r"), ("c", "c")):
        classifier = from_onnx(path, **PIXELS, cut=cut).classifier
        assert classifier.features_fn.wanted.name == name
        features = classifier.features(images)
        assert features.shape == (3, 8, 6, 4) and (features < 0).any() == (name == "c")
        again = classifier.logits_of_features(features)
        np.testing.assert_allclose(again, expected(images), atol=1e-5)
    found = xai_jax.explain(classifier, images, method=gradcam.Config())
    assert found.saliency.shape == (3, 8, 6, 1)


def test_a_graph_whose_paths_part_has_no_cut_behind_the_parting(save):
    nodes = [*layers()[:2], onnx_bytes.node("Conv", ["x", "kernel"], ["d"], pads=(1, 1, 1, 1)),
             onnx_bytes.node("Concat", ["r", "d"], ["both"], axis=1),
             onnx_bytes.node("ReduceMean", ["both"], ["m"], axes=(2, 3), keepdims=0),
             onnx_bytes.node("MatMul", ["m", "wide"], ["y"])]  # fmt: skip
    wide = np.concatenate([DENSE, DENSE])
    model = from_onnx(save(small(nodes=nodes, tensors={"wide": wide})), **PIXELS)
    assert model.classifier.features_fn.wanted.name == "both"


def test_it_is_loaded_by_its_file_name_as_every_other_classifier(save, images):
    about = pretrained.About(mean=PIXELS["mean"], std=(0.2,))
    model = pretrained.load(str(save(small())), None, about)
    np.testing.assert_allclose(model.classifier.logits(images), expected(images), atol=1e-5)
    named = pretrained.Named(name=str(save(small())), onnx=about)
    np.testing.assert_allclose(named.build().logits(images), expected(images), atol=1e-5)
    with pytest.raises(ValueError, match="holds its own weights"):
        pretrained.load("model.onnx", save(small()))
    with pytest.raises(ValueError, match="is no ONNX file and has its own mean"):
        pretrained.load("efficientnet_lite0", None, about)


def test_its_gradient_is_that_of_finite_differences(save, images):
    classifier = from_onnx(save(small()), **PIXELS).classifier
    loss = lambda x: classifier.logits(x)[:, 0].sum()  # noqa: E731
    way = jnp.asarray(DRAW.standard_normal(images.shape), jnp.float32)
    slope = float((jax.grad(loss)(images) * way).sum())
    step = 1e-2
    difference = float(loss(images + step * way) - loss(images - step * way)) / (2 * step)
    assert slope == pytest.approx(difference, rel=0.05)


def test_the_commands_take_it_with_flags_for_what_it_does_not_say(save, tmp_path, capsys):
    pixels = DRAW.integers(0, 255, (12, 9, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "picture.png")
    (tmp_path / "names.txt").write_text("ant\nbee\ncat\ndog\nelk\n")
    common = ["--classifier", str(save(small())), str(tmp_path / "picture.png")]
    flags = ["--mean", "0.4", "0.5", "0.6", "--std", "0.2",
             "--class-names", str(tmp_path / "names.txt")]  # fmt: skip
    assert cli.main(["predict", *common, *flags, "--json"]) == 0
    (answer,) = json.loads(capsys.readouterr().out)
    image = pictures.read(tmp_path / "picture.png", Preprocess(height=8, width=6))
    logits = expected(image[None])[0]
    assert [top["logit"] for top in answer["top"]] == [
        round(float(logit), 4) for logit in sorted(logits, reverse=True)
    ]
    assert answer["top"][0]["name"] == ["ant", "bee", "cat", "dog", "elk"][logits.argmax()]
    assert cli.main(["predict", *common, *flags, "--head", "sigmoid", "--json"]) == 0
    (each,) = json.loads(capsys.readouterr().out)
    assert each["top"][0]["probability"] == pytest.approx(1 / (1 + np.exp(-logits.max())), abs=1e-4)
    assert cli.main(["predict", *common]) == 1
    assert "say so: mean=" in capsys.readouterr().err
