"""A trained method out of its file, for the classifier that it was trained on and no other."""

import dataclasses

import jax
import numpy as np
import planted
import pytest
import tiny_trained
import weights_files
from tiny_trained import NAMES, PREPROCESS, SIZE

from xai_jax.choices import METHODS
from xai_jax.core.method import Frozen
from xai_jax.core.preprocess import Preprocess
from xai_jax.methods import fido, rtis
from xai_jax.runs import trained

pytestmark = pytest.mark.usefixtures("small_masks")


@pytest.fixture(scope="module")
def file(small_masks, tmp_path_factory):
    return tiny_trained.write(tmp_path_factory.mktemp("trained") / "explainer.safetensors")


@pytest.fixture(scope="module")
def frozen() -> Frozen:
    return tiny_trained.frozen()


def refusal(path, frozen, **same) -> str:
    return weights_files.refusal(lambda: trained.load(path, frozen, METHODS, **same), path)


def test_the_file_alone_says_what_it_is_and_what_it_explains_with(file, frozen):
    found = trained.read(file, METHODS)
    assert (found.path, found.kind, found.method) == (file, "explainer", tiny_trained.config())
    made = trained.load(file, frozen, METHODS)
    assert made.method == tiny_trained.config() and made.frozen is frozen
    wanted = tiny_trained.learned()
    jax.tree.map(np.testing.assert_array_equal, made.weights, wanted)
    assert type(made.weights) is type(wanted)
    assert all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(made.weights))
    same = {"shape": (SIZE, SIZE, 3), "preprocess": PREPROCESS, "class_names": NAMES}
    again = trained.load(file.parent, frozen, METHODS, **same)  # the folder of its run
    jax.tree.map(np.testing.assert_array_equal, again.weights, wanted)
    batch = planted.quadrant_batch(2, SIZE, jax.random.key(0))
    explain = jax.jit(again.method.build().explain)
    explanation = explain(again.weights, frozen, batch, jax.random.key(0))
    assert explanation.class_keep.shape == (2, SIZE, SIZE, 4)


def test_a_method_of_ones_own_is_read_by_the_kind_that_its_training_wrote(file, frozen, tmp_path):
    path = tiny_trained.write(tmp_path / "mine.safetensors", kind="mine")
    assert "holds a trained mine, not explainer or rtis" in refusal(path, frozen)
    found = trained.read(path, METHODS | {"mine": METHODS["explainer"]})
    assert found.kind == "mine" and found.method == tiny_trained.config()


def test_only_those_methods_that_learn_have_a_file():
    assert {name for name, config in METHODS.items() if trained.learns(config)} == {
        "explainer",
        "rtis",
        "syce",
    }


def test_settings_may_be_changed_as_long_as_the_network_stays(file, frozen):
    wider = dataclasses.replace(tiny_trained.config(), max_area=0.4)
    assert trained.load(file, frozen, METHODS, method=wider).method == wider
    said = refusal(file, frozen, method=tiny_trained.config(5))
    assert "is of another architecture: params/" in said
    assert said.endswith("; leave out the settings that change the network.")
    for other in (rtis.Config.smoke(), fido.Config()):
        said = refusal(file, frozen, method=other)
        assert "holds a trained explainer" in said and type(other).__module__ in said
    with pytest.raises(ValueError, match=r"min_area 0.5 is larger than max_area 0.2"):
        narrow = dataclasses.replace(tiny_trained.config(), min_area=0.5, max_area=0.2)
        trained.load(file, frozen, METHODS, method=narrow)


OTHER_PLACES = {
    "size": (
        {"shape": (24, 32, 3)},
        "does not fit the classifier: its pictures have 16 x 16 pixels there and 24 x 32 pixels "
        "here; name the classifier that it was trained on.",
    ),
    "size of preprocess": ({"preprocess": Preprocess(height=7, width=999)}, "7 x 999 pixels here"),
    "crop": (
        {"preprocess": dataclasses.replace(PREPROCESS, crop=0.875)},
        "preprocess.crop is 1.0 there and 0.875 here",
    ),
    "filter": (
        {"preprocess": dataclasses.replace(PREPROCESS, resample="bicubic")},
        'preprocess.resample is "bilinear" there and "bicubic" here',
    ),
    "names": (
        {"class_names": (*NAMES[:3], "heron"), "classifier": "quadrant"},
        'does not fit quadrant: class_names[3] is "crane" there and "heron" here',
    ),
    "order": ({"class_names": NAMES[::-1]}, "class_names[0] is"),
}


@pytest.mark.parametrize("place", OTHER_PLACES)
def test_other_pictures_or_classes_are_refused(file, frozen, place):
    same, said = OTHER_PLACES[place]
    assert said in refusal(file, frozen, **same)


OTHER_TRAININGS = {
    "kind": ({"kind": "classifier"}, "holds a trained classifier, not explainer or rtis or syce; "),
    "an rtis": ({"kind": "rtis"}, "config has a field 'entropy_weight' that does not exist"),
    "a method that learns nothing": ({"kind": "fido"}, "holds a trained fido, not explainer or"),
    "size": ({"preprocess": Preprocess(height=999, width=7)}, "999 x 7 pixels there and 16 x 16"),
    "number": ({"num_classes": 3}, "it has 3 classes there and 4 here"),
    "names of fewer": ({"class_names": NAMES[:3]}, "it has 3 classes there and 4 here"),
    "network": ({"config": tiny_trained.config(5)}, "is of another architecture: params/"),
    "settings": ({"config": Preprocess()}, "config has a field 'height' that does not exist"),
}


@pytest.mark.parametrize("training", OTHER_TRAININGS)
def test_what_another_training_left_is_refused(frozen, tmp_path, training):
    changes, said = OTHER_TRAININGS[training]
    path = tiny_trained.write(tmp_path / "explainer.safetensors", **changes)
    assert said in refusal(path, frozen, shape=(SIZE, SIZE, 3))


def test_a_network_of_other_classes_than_it_names_is_refused(frozen, tmp_path):
    path = tmp_path / "explainer.safetensors"
    tiny_trained.write(path, num_classes=5, class_names=NAMES)
    assert "whose class_keep is of 5 classes, and there are 4" in refusal(path, frozen)
    tiny_trained.write(path, num_classes=5, class_names=())
    assert "whose class_keep is of 5 classes, and there are 4" in refusal(path, frozen)


@pytest.mark.parametrize(
    "network",
    [
        {"num_classes": 0},
        {"num_classes": -1},
        {"num_classes": 2**70},
        {"num_classes": 10**15},
        {"num_classes": 4.5},
        {"architecture": "deeplabs"},
        {"architecture": ["light"]},
        {"bfloat16": 1},
        None,
        [],
        5,
    ],
)
def test_settings_that_no_training_had_are_refused(file, frozen, tmp_path, network):
    about, arrays = weights_files.parts(file)
    if isinstance(network, dict):
        network = about["config"]["network"] | network
    about["config"]["network"] = network
    path = weights_files.write(tmp_path / "explainer.safetensors", about, arrays)
    refusal(path, frozen)


@pytest.mark.parametrize("wrong", weights_files.WRONG)
def test_a_wrong_header_and_wrong_arrays_are_refused_in_one_sentence(file, frozen, tmp_path, wrong):
    about, arrays = weights_files.WRONG[wrong](*weights_files.parts(file))
    path = weights_files.write(tmp_path / "explainer.safetensors", about, arrays)
    refusal(path, frozen, shape=(SIZE, SIZE, 3), preprocess=PREPROCESS)


@pytest.mark.parametrize("damage", weights_files.DAMAGED)
def test_a_damaged_and_a_foreign_file_are_refused_in_one_sentence(file, frozen, tmp_path, damage):
    path = tmp_path / "explainer.safetensors"
    path.write_bytes(weights_files.DAMAGED[damage](file.read_bytes()))
    assert "is no file that a finished training has written, or is damaged" in refusal(path, frozen)
