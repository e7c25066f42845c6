"""``xai-jax convert``: what it writes is what the infill takes."""

import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy
import sean_file
import tiny_cli
from flax import traverse_util
from tiny_cli import only_sentence

from tests.classifiers import random_weights
from xai_jax.classifiers import pretrained
from xai_jax.classifiers.segmenter import Predicted
from xai_jax.core.classifier import Classifier
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.targets import Head
from xai_jax.generators.sean import Sean
from xai_jax.infills.contextual_attention import ContextualAttention
from xai_jax.nn import convert, deepfill, deeplab, released_deepfill, released_sean, resnet

GOLDEN = pathlib.Path(__file__).parent / "classifiers" / "golden"


@pytest.fixture
def run(monkeypatch, capsys):
    return tiny_cli.caller(monkeypatch, capsys)


def conversion():
    """Random weights of the full width, as the PyTorch conversion names and lays them out."""
    image = jnp.zeros((1, 32, 32, 3))
    init = deepfill.Network().build().init
    shapes = jax.eval_shape(init, jax.random.key(0), image, image[..., :1])["params"]
    draw, found = np.random.default_rng(0), {}
    for layer, (_, name) in released_deepfill.names().items():
        kernel = draw.normal(0, 0.03, shapes[layer]["kernel"].shape).astype(np.float32)
        found[f"{name}.conv.weight"] = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
        found[f"{name}.conv.bias"] = np.zeros(kernel.shape[-1], np.float32)
    return found


def test_a_converted_file_fills_holes(run, tmp_path):
    arrays = conversion()
    safetensors.numpy.save_file(arrays, tmp_path / "released.safetensors")
    out = tmp_path / "ca.safetensors"
    code, said, _ = run("convert", tmp_path / "released.safetensors", "--out", out)
    assert code == 0 and str(out) in said

    classifier = Classifier.from_callable(lambda params, images: images.mean(axis=(1, 2)))
    infill = ContextualAttention(weights=str(out)).build(classifier)
    images = jax.random.uniform(jax.random.key(1), (1, 16, 16, 3))
    keep = jnp.ones((1, 16, 16, 1)).at[:, 4:9, 6:15].set(0.0)
    filled = infill(infill.prepare(images), keep, jax.random.split(jax.random.key(2), 1))
    np.testing.assert_array_equal(filled * keep, images * keep)
    assert np.ptp(np.asarray(filled)[0, 4:9, 6:15]) > 0


NAMES = {  # torchvision's, of DeepLabv3 on ResNet-101, and their shapes
    "backbone.conv1.weight": (4, 3, 7, 7),
    "backbone.layer3.22.conv3.weight": (16, 4, 1, 1),
    "backbone.layer4.0.downsample.1.running_var": (16,),
    "classifier.0.convs.3.0.weight": (6, 16, 3, 3),
    "classifier.0.convs.4.1.weight": (6, 16, 1, 1),
    "classifier.0.project.0.weight": (6, 30, 1, 1),
    "classifier.1.weight": (6, 6, 3, 3),
    "classifier.4.weight": (3, 6, 1, 1),
}


@pytest.fixture
def deeplab101(monkeypatch):
    """A state dict of torchvision's names, of a network with few channels."""
    monkeypatch.setattr(resnet, "_WIDTHS", (4, 4, 4, 4))
    monkeypatch.setattr(resnet, "_STEM", 4)
    monkeypatch.setattr(deeplab, "_WIDTH", 6)
    convert.shapes_of.cache_clear()
    template = convert.shapes_of(deeplab.DeepLab(3, depth=101), (1, 64, 64, 3))
    draw, found = np.random.default_rng(0), {}
    for path, leaf in traverse_util.flatten_dict(template).items():
        name = f"{deeplab.torch_name(path[1:-1])}.{convert._LEAVES[path[0], path[-1]]}"
        values = draw.uniform(0.1, 1.0, leaf.shape).astype(np.float32)
        layout = (3, 2, 0, 1) if values.ndim == 4 else (0,)
        found[name] = np.ascontiguousarray(values.transpose(layout))
    yield found
    convert.shapes_of.cache_clear()


def test_a_released_segmenter_keeps_its_arrays_and_its_first_output_goes_last(
    run, tmp_path, deeplab101
):
    assert {name: deeplab101[name].shape for name in NAMES} == NAMES
    safetensors.numpy.save_file(deeplab101, tmp_path / "released.safetensors")
    given = ("convert", tmp_path / "released.safetensors", "--out", tmp_path / "own.safetensors")
    names = ("--regions", "road", "car", "unlabelled")
    assert run(*given, *names, "--first-is-last", "--height", "32", "--width", "64")[0] == 0
    found = Predicted(weights=str(tmp_path / "own.safetensors")).build()
    assert found.names == ("road", "car", "unlabelled")
    assert found.preprocess == Preprocess(height=32, width=64, resample="bicubic")
    assert found.network == deeplab.DeepLab(3, depth=101)
    kernel = found.weights.params["classes"]["kernel"][0, 0]
    np.testing.assert_array_equal(kernel.T, deeplab101["classifier.4.weight"][[1, 2, 0], :, 0, 0])
    own = found.weights.params["trunk"]["stage3_block22"]["expand"]["kernel"]
    theirs = deeplab101["backbone.layer3.22.conv3.weight"]
    np.testing.assert_array_equal(own.transpose(3, 2, 0, 1), theirs)
    sentence = only_sentence(*run(*given, "--regions", "road", "car"))
    assert "has 3 outputs, and --regions names 2" in sentence
    sentence = only_sentence(*run(*given, "--regions", "road", "car", "car"))
    assert "--regions must be" in sentence and "no two the same" in sentence


def test_a_released_generator_draws_and_keeps_its_kernels(run, tmp_path):
    released = sean_file.arrays()
    safetensors.numpy.save_file(released, tmp_path / "released.safetensors")
    given = ("convert", tmp_path / "released.safetensors", "--out", tmp_path / "sean.safetensors")
    size = ("--height", "8", "--width", "8")
    assert run(*given, *size, "--regions", *sean_file.REGIONS)[0] == 0
    generator = Sean(weights=str(tmp_path / "sean.safetensors")).build()
    assert generator.region_names == sean_file.REGIONS
    images = jax.random.uniform(jax.random.key(0), (1, 8, 8, 3))
    labels = jnp.zeros((1, 8, 8), int).at[:, 4:].set(1)
    context = generator.prepare(images, labels)
    keys = jax.random.split(jax.random.key(1), 1)
    drawn = generator.decode(context, generator.encode(context), keys)
    settings, weights = released_sean.network(released, sean_file.REGIONS)
    wanted = settings.build().apply(
        jax.tree.map(jnp.asarray, {"params": weights.params, "batch_stats": weights.statistics}),
        2 * images - 1,
        jax.nn.one_hot(labels, 2),
        keys,
    )
    np.testing.assert_allclose(drawn, (wanted + 1) / 2, atol=1e-5)
    (tmp_path / "sean.safetensors").unlink()
    sentence = only_sentence(*run(*given, "--height", "9", "--regions", *sean_file.REGIONS))
    assert "pictures are 9 x 256; set --height and --width to multiples of" in sentence
    assert not (tmp_path / "sean.safetensors").exists()
    sentence = only_sentence(*run(*given, "--regions", "sky"))
    assert "are of 2 regions, and 1 are named" in sentence


def test_a_classifier_of_several_decisions_asks_each_by_itself(run, tmp_path):
    golden = np.load(GOLDEN / "resnet50_vggface2.npz")
    shapes = json.loads(str(golden["shapes"]))
    names = tuple(f"attribute {i}" for i in range(40))
    arrays = {f"feat_extract.{k}": x for k, x in random_weights.state_dict(shapes).items()}
    for leaf in ("weight", "bias"):  # the head is no part of the trunk there, and dense
        head = arrays.pop(f"feat_extract.classifier.{leaf}")
        arrays[f"classifier.{leaf}"] = head.reshape(head.shape[:2] if leaf == "weight" else -1)
    safetensors.numpy.save_file(arrays, tmp_path / "released.safetensors")
    out = tmp_path / "oracle.safetensors"
    given = ("convert", tmp_path / "released.safetensors", "--out", out)
    flags = ("--classes", *names, "--architecture", "resnet50_vggface2")
    assert run(*given, *flags, "--height", "66", "--width", "66", "--crop", "0.8427")[0] == 0
    found = pretrained.load(str(out))
    assert (found.preprocess.crop, found.preprocess.resample) == (0.8427, "bicubic")
    assert found.class_names == names and found.classifier.head is Head.SIGMOID
    eaten = random_weights.pictures(66)  # in -2 .. 2; a classifier is given unit pixels
    logits = found.classifier.logits(jnp.asarray(eaten) / 2 + 0.5)
    np.testing.assert_allclose(logits, golden["logits"], atol=1e-3 * np.ptp(golden["logits"]))
    assert "names 1" in only_sentence(*run(*given, *flags[:1], "smile", *flags[-2:]))
    sentence = only_sentence(*run(*given, *flags, "--regions", "sky"))
    assert "name one of --regions and --classes" in sentence
    sentence = only_sentence(*run(*given, "--classes", *names[:-1], names[0]))
    assert "--classes must be" in sentence and "no two the same" in sentence


def test_other_files_are_refused_in_a_sentence(run, tmp_path):
    arrays = conversion()
    del arrays["fine_generator.pmconv6.conv.bias"]
    safetensors.numpy.save_file(arrays, tmp_path / "released.safetensors")
    for flags, sentence in (
        (("released.safetensors", "--out", "ca.npz"), "has to end in .safetensors"),
        (("released.safetensors", "--out", "ca.safetensors"), "pmconv6.conv.bias' is missing"),
        (("none.index", "--out", "ca.safetensors"), "none.index cannot be read"),
    ):
        paths = [tmp_path / flag if "." in flag else flag for flag in flags]
        assert sentence in only_sentence(*run("convert", *paths))
    assert not list(tmp_path.glob("ca.*"))
