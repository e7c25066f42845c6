"""A classifier with a new head, out of the one file that its training leaves."""

import jax
import jax.numpy as jnp
import normed
import numpy as np
import pytest
import weights_files
from weights_files import refusal

from xai_jax.classifiers import entries, new_head, pretrained
from xai_jax.classifiers.ported import Ported
from xai_jax.core import classifier_training
from xai_jax.core.preprocess import Preprocess
from xai_jax.core.targets import Head
from xai_jax.nn.learner import Weights
from xai_jax.runtime import weights_file

NAME, CLASSES = "efficientnet_lite0", ("a", "b", "c", "d")


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The published trunk under a head of small random numbers."""
    weights = new_head.parts(pretrained.load(NAME).classifier.params)
    rng = np.random.default_rng(0)
    shapes = entries.entry_of(NAME).network.shapes(len(CLASSES))["classes"]
    draw = lambda x: (0.1 * rng.normal(size=x.shape)).astype(x.dtype)  # noqa: E731
    weights.params["head"]["classes"] = jax.tree.map(draw, shapes)
    path = tmp_path_factory.mktemp("run") / "classifier.safetensors"
    weights_file.write(
        path,
        weights,
        kind=new_head.KIND,
        config=new_head.on(NAME, Head.SIGMOID),
        preprocess=Preprocess(height=32, width=48),
        class_names=CLASSES,
    )
    return path


def test_the_file_alone_makes_the_classifier(file):
    loaded = pretrained.load(str(file))
    entry = entries.entry_of(NAME)
    assert loaded.class_names == CLASSES and loaded.name == file.parent.name
    other = file.with_name("mine.safetensors")
    other.write_bytes(file.read_bytes())
    assert pretrained.load(str(other)).name == "mine.safetensors"
    assert loaded.preprocess == Preprocess(height=32, width=48)
    assert loaded.classifier.head is Head.SIGMOID
    np.testing.assert_allclose(loaded.classifier.mean, entry.mean)
    np.testing.assert_allclose(loaded.classifier.std, entry.std)
    images = np.random.default_rng(1).random((2, 32, 48, 3)).astype(np.float32)
    published = pretrained.load(NAME).classifier
    features = np.asarray(jax.jit(type(published).features)(published, images)).mean((1, 2))
    _, arrays = weights_files.parts(file)
    kernel, bias = (arrays[f"params/head/classes/{name}"] for name in ("kernel", "bias"))
    wanted = features @ kernel + bias
    np.testing.assert_allclose(
        loaded.classifier.logits(jnp.asarray(images)), wanted, rtol=1e-3, atol=1e-4
    )


def test_a_file_that_was_written_again_is_the_same_file(file, tmp_path):
    about, arrays = weights_files.parts(file)
    again = weights_files.write(tmp_path / "again.safetensors", about, arrays)
    assert again.read_bytes() == file.read_bytes()


def other(path, file, change) -> str:
    """The sentence that refuses `file` after a change of header and arrays."""
    weights_files.write(path, *change(*weights_files.parts(file)))
    return refusal(lambda: pretrained.load(str(path)), path)


def _config(**fields):
    return lambda about, arrays: (about | {"config": about["config"] | fields}, arrays)


OTHER_FILES = {
    "an explainer": (
        lambda about, arrays: (about | {"kind": "explainer"}, arrays),
        "holds a trained explainer, not classifier; name what the training of classifier has left.",
    ),
    "no such network": (_config(architecture="vgg16x"), "nearest: 'vgg16'"),
    "another network": (
        _config(architecture="resnet50"),
        "it must be resnet50 with 4 classes; let its training write it again",
    ),
    "other settings": (_config(height=3), "'height' that does not exist"),
    "fewer names": (
        lambda about, arrays: (about | {"class_names": about["class_names"][:3]}, arrays),
        "params/head/classes/bias is float32 of shape [4] there and is float32 of shape [3] here",
    ),
    "no names": (
        lambda about, arrays: (about | {"class_names": []}, arrays),
        "class_names is empty and must name every class",
    ),
}


@pytest.mark.parametrize("which", OTHER_FILES)
def test_other_files_are_refused_in_one_sentence(file, tmp_path, which):
    change, said = OTHER_FILES[which]
    assert said in other(tmp_path / "classifier.safetensors", file, change)


@pytest.mark.parametrize(
    "numbers",
    [
        {"std": [0.5, 0.5, float("inf")]},
        {"std": [0.5, -0.5, 0.5]},
        {"std": [0.0, 0.5, 0.5]},
        {"std": [float("nan")] * 3},
        {"std": []},
        {"std": [0.5] * 4},
        {"mean": [0.5, float("nan"), 0.5]},
        {"mean": [-float("inf"), 0.5, 0.5]},
        {"mean": [0.5]},
        {"mean": 0.5},
        {"mean": None},
        {"mean": ["0", "0", "0"]},
        {"mean": [10**400, 0, 0]},
        {"head": "softplus"},
        {"head": None},
        {"head": ["sigmoid"]},
        {"architecture": None},
        {"architecture": ""},
        {"architecture": "x" * 10_000},
    ],
    ids=lambda numbers: str(numbers)[:40],
)
def test_settings_that_no_training_had_are_refused(file, tmp_path, numbers):
    other(tmp_path / "classifier.safetensors", file, _config(**numbers))


@pytest.mark.parametrize("wrong", weights_files.WRONG)
def test_a_wrong_header_and_wrong_arrays_are_refused_in_one_sentence(file, tmp_path, wrong):
    other(tmp_path / "classifier.safetensors", file, weights_files.WRONG[wrong])


@pytest.mark.parametrize("damage", weights_files.DAMAGED)
def test_a_damaged_and_a_foreign_file_are_refused_in_one_sentence(file, tmp_path, damage):
    path = tmp_path / "classifier.safetensors"
    path.write_bytes(weights_files.DAMAGED[damage](file.read_bytes()))
    said = refusal(lambda: pretrained.load(str(path)), path)
    assert "is no file that a finished training has written, or is damaged" in said


def test_a_file_with_its_own_weights_takes_no_others(file):
    assert "holds its own weights" in refusal(lambda: pretrained.load(str(file), file), file)


@pytest.fixture
def normed_name(monkeypatch) -> str:
    """The name of a small architecture with batch norm, known to the loader."""
    made = normed.classifier()
    shapes = lambda num_classes: normed.classifier(num_classes).params  # noqa: E731
    small = Ported(
        name="normed",
        features=made.features_fn,
        head=made.head_fn,
        convert=dict,
        shapes_fn=shapes,
        training=made.training,
    )
    entry = entries.Entry(network=small, mean=(normed.MEAN,) * 3, std=(normed.STD,) * 3)
    monkeypatch.setattr(entries, "CLASSIFIERS", (*entries.CLASSIFIERS, entry))
    return entry.name


def test_batch_norm_that_adapted_is_in_the_file_and_may_adapt_again(normed_name, tmp_path):
    made = normed.classifier()
    own = new_head.parts(made.params)
    moved = jax.tree.map(lambda x: x + 0.5, classifier_training.statistics(made))
    about = {
        "kind": new_head.KIND,
        "config": new_head.on(normed_name, Head.SIGMOID),
        "preprocess": Preprocess(height=8, width=8),
        "class_names": ("a", "b", "c"),
    }
    path = tmp_path / "classifier.safetensors"
    weights_file.write(path, Weights(params=own.params, statistics=moved), **about)
    loaded = pretrained.load(str(path)).classifier
    images = jnp.asarray(np.random.default_rng(0).random((2, 8, 8, 3), np.float32))
    wanted = normed.InNumpy(classifier_training.with_statistics(made, moved)).used(images)
    np.testing.assert_allclose(loaded.logits(images), wanted, rtol=1e-4)
    assert loaded.training == made.training
    jax.tree.map(np.testing.assert_array_equal, classifier_training.statistics(loaded), moved)
    weights_file.write(path, Weights(params=own.params, statistics={}), **about)
    message = refusal(lambda: pretrained.load(str(path)), path)
    assert "statistics/norm/mean is missing there" in message
    assert "it must be normed with 3 classes" in message


def test_settings_that_name_the_file_know_its_classes_and_others_none(file):
    assert pretrained.Named(name=str(file)).class_names == CLASSES
    assert pretrained.Named(name=NAME).class_names is None
