"""The evaluations of STEEX: which rows and metrics they have, and who is asked beside."""

import dataclasses
import importlib
import pathlib

import jax
import pytest
import tiny_cli

from configs.clothing import trousers
from configs.idd_lite import skies
from configs.own import scenes
from configs.steex import evaluations, published
from xai_jax.classifiers import lpips
from xai_jax.classifiers.pretrained import Named
from xai_jax.generators import sean
from xai_jax.nn.segmenter import Architecture

ROOT = pathlib.Path(__file__).parents[1]


def config(name: str, *which: str):
    return importlib.import_module(f"configs.{name.replace('/', '.')}").get_config(*which)


@pytest.fixture(autouse=True)
def left(monkeypatch):
    """Names whatever was built; a classifier that a training is to leave in runs/ stands there."""
    known, load, built = tiny_cli.load("quadrant"), Named.load, []

    def stands(named):
        built.append(named.weights or named.name)
        here = built[-1].startswith("runs/") or built[-1] == "faces.pth"
        return known if here else load(named)

    monkeypatch.setattr(Named, "load", stands)
    return built


def columns_of(evaluation) -> set[str]:
    return {column.name for metric in evaluation.metrics for column in metric.columns}


@pytest.mark.parametrize(
    ("file", "run"),
    [("idd_lite/evaluate", "runs/idd_seg"), ("clothing/evaluate_trousers", "runs/trousers_seg")],
)
def test_label_maps_are_those_that_people_drew_or_those_of_a_segmenter(file, run):
    drawn, predicted = config(file), config(file, "predicted")
    assert drawn.data.regions and predicted.data.segmenter.weights.startswith(run)
    assert dataclasses.replace(predicted.data, regions=True, segmenter=None) == drawn.data
    assert list(predicted.contestants) == ["general", "targeted"]
    assert all(drawn.contestants[name] == row for name, row in predicted.contestants.items())


@pytest.mark.parametrize(
    ("file", "which", "oracle"),
    [
        ("idd_lite/evaluate", "sky", "runs/idd_oracle"),
        ("idd_lite/evaluate", "predicted", "runs/idd_oracle"),
        ("idd_lite/evaluate", "ahead", "runs/idd_ahead_oracle"),
        ("clothing/evaluate_trousers", "drawn", "runs/trousers_oracle"),
        ("own/evaluate_steex", scenes.EXAMPLE, "runs/own_oracle"),
    ],
)
def test_an_oracle_judges_counterfactual_regions_where_it_is_asked(file, which, oracle, left):
    for words, asked in ((which, False), (f"{which}:oracle", True)):
        made = config(file, words)
        assert ("oracle_flipped" in columns_of(made)) == asked
        assert ("oracle_flips_95" in columns_of(made)) == asked
        assert (f"{oracle}/classifier.safetensors" in left) == asked


@pytest.mark.parametrize(
    ("file", "which"),
    [
        ("idd_lite/evaluate", "sky"),
        ("idd_lite/evaluate", "predicted"),
        ("idd_lite/evaluate", "ahead"),
        ("clothing/evaluate_trousers", "drawn"),
    ],
)
def test_exposure_stands_beside_every_choice_and_an_unknown_word_is_refused(file, which):
    for words in (which, f"{which}:oracle"):
        assert config(file, words).trivial.data.source.num == 1000
    with pytest.raises(ValueError, match="is no choice; take one of"):
        config(file, f"{which}:orakle")


def test_one_row_moves_nothing_but_the_region_that_decides():
    for file, region in (("planted_evaluate", "traffic light"), ("published_evaluate", "mouth")):
        assert config(f"steex/{file}").contestants["targeted"].method.targeted == (region,)
    own = config("own/evaluate_steex").contestants  # nobody knows which region decides
    assert "general" in own and "targeted" not in own


EVALUATIONS = {
    "steex/planted_evaluate": (),
    "idd_lite/evaluate": skies.ALL_REGIONS,
    "clothing/evaluate_trousers": trousers.ALL_REGIONS,
}


@pytest.mark.parametrize("file", EVALUATIONS)
def test_pictures_are_set_beside_those_that_are_explained_and_those_of_the_other_side(file):
    metrics = {c.name: one for one in config(file).metrics for c in one.columns}
    assert metrics["kid"].params is metrics["kid_to_one"].params is evaluations.judge()
    assert metrics["kid"].measure.picture == "counterfactual"


@pytest.mark.parametrize("file", EVALUATIONS)
def test_regions_are_shifted_in_luma_each_by_its_own_where_brightness_decides(file):
    (shifts,) = [one.measure.luma for one in config(file).metrics if hasattr(one.measure, "luma")]
    assert len(shifts) == len(EVALUATIONS[file]) and all(0 < shift < 0.3 for shift in shifts)


def test_a_decision_is_called_as_its_pictures_call_it(shared_data, monkeypatch):
    monkeypatch.setenv("XAI_JAX_DATA", str(shared_data))
    for pictures in (*skies.DECISIONS.values(), trousers.PEOPLE):
        assert pictures.once("test").class_names == pictures.class_names


def test_no_picture_that_is_explained_has_chosen_a_trainings_state(shared_data, monkeypatch):
    monkeypatch.setenv("XAI_JAX_DATA", str(shared_data))
    for pictures in (*skies.DECISIONS.values(), trousers.PEOPLE):
        explained, chosen = (set(pictures.once(s).names) for s in ("test", "validation"))
        assert len(explained) == 48 and len(chosen) >= 48 and not explained & chosen


@pytest.mark.parametrize("which", published.SCENES)
def test_no_published_classifier_or_generator_is_chosen_by_what_is_explained(which):
    explained = config("steex/published_evaluate", which).data.source
    assert config("steex/published_classifier", which).validation.data.source != explained
    assert config("steex/published_sean", which).validation.metric is None  # the last state


@pytest.mark.parametrize(
    ("file", "which"),
    [
        ("steex/published_segmenter", "faces"),
        ("steex/published_segmenter", "roads"),
        ("idd_lite/segmenter", "published"),
    ],
)
def test_published_segmenters_begin_at_random_and_learn_all_at_one_rate(file, which):
    made = config(file, which)
    assert made.method.network.architecture is Architecture.DEEPLAB101 and made.start is None
    assert (made.method.learning_rate, made.method.trunk_rate, made.batch_size) == (1e-4, None, 8)


def test_blanks_around_the_regions_of_ones_own_pictures_are_no_part_of_their_names():
    assert scenes.scenes("pictures:ill:sky, wet road").regions == ("sky", "wet road")


def test_photographs_as_they_are_vary_less():
    metrics = config("idd_lite/evaluate", "ahead").metrics
    assert skies.LUMA_AS_IT_IS in [getattr(one.measure, "luma", None) for one in metrics]


def test_fid_is_asked_where_there_are_enough_pictures():
    for which, asked in (("celeba", True), ("bdd", False)):  # of which 1,000 are explained
        found = columns_of(config("steex/published_evaluate", which))
        assert any(name.startswith("fid_") for name in found) == asked and "kid" in found


def test_networks_of_faces_are_asked_at_their_size_where_their_files_are_named(monkeypatch):
    asked_of = {}

    def distance(file):  # torchvision's weights are not here
        asked_of["file"] = str(file)
        return lambda one, other: abs(one - other).mean((1, 2, 3))

    monkeypatch.setattr(lpips, "load", distance)
    oracle, faces = "attributes_changed_224x224", "alike_224x224"
    for which, asked in (
        ("celeba", {"alike"}),
        ("celeba:runs/attributes.safetensors", {"alike", oracle}),
        ("celeba:::faces.pth", {faces}),
        ("celeba::vgg16.pth", {"alike", "lpips"}),
    ):
        columns = columns_of(config("steex/published_evaluate", which))
        assert columns & {"alike", oracle, faces, "attributes_changed", "lpips"} == asked
        assert "kid_to_one" in columns
    assert asked_of == {"file": "vgg16.pth"}


def test_the_light_network_has_the_number_of_parameters_of_its_page():
    network = config("idd_lite/sean").method.network
    assert (network.width, len(network.regions)) == (16, 8)
    num = sum(leaf.size for leaf in jax.tree.leaves(sean.abstract(network).params))
    page = " ".join((ROOT / "docs" / "steex.md").read_text().split())
    assert f"The light network has {num:,} at width 16 for 8 regions." in page
