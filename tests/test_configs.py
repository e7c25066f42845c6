"""Every config file of the project can be started: it builds without its data, and is written."""

import dataclasses
import importlib
import json
import re
import sys
from pathlib import Path

import jax.numpy as jnp
import pytest
import tiny_cli
from absl import flags
from ml_collections import config_flags

from xai_jax.choices import INFILLS
from xai_jax.classifiers import entries
from xai_jax.classifiers.judge import Judge
from xai_jax.classifiers.pretrained import Named
from xai_jax.classifiers.trunk import Trunk
from xai_jax.core import outputs
from xai_jax.core.method import Method, Trainable
from xai_jax.data.builders.coco2014_masks import CATEGORIES
from xai_jax.data.planted import Planted
from xai_jax.experiment import Experiment
from xai_jax.losses import class_masks
from xai_jax.methods import explainer
from xai_jax.runtime import config_file
from xai_jax.runtime.weights_file import WeightsFile
from xai_jax.scoring.evaluation import Evaluation

ROOT = Path(__file__).parents[1]
WITH_EMPTY = (
    "--config.data.source.split=train_and_empty",
    "--config.validation.data.source.split=validation_and_empty",
    "--config.method.max_targets=80",
)
# ml_collections loads a config file by a method that Python has deprecated.
LOADS_CONFIGS = pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")
FILES = sorted(
    str(path.relative_to(ROOT))
    for path in (ROOT / "configs").rglob("*.py")
    if "def get_config" in path.read_text()
)


def module_of(file: str):
    return importlib.import_module(file.removesuffix(".py").replace("/", "."))


@pytest.mark.parametrize("file", FILES)
def test_a_config_builds_its_methods_and_is_written(file, tmp_path):
    config = module_of(file).get_config()
    assert isinstance(config, Experiment | Evaluation)
    if isinstance(config, Evaluation):
        built = [one.method.build() for one in config.contestants.values()]
    else:
        built = [config.method.build()]
    assert all(isinstance(one, Method | Trainable) for one in built)
    config_file.write(tmp_path, config)
    config_file.check(tmp_path, config)  # the same config may go on in that folder
    assert json.loads((tmp_path / config_file.NAME).read_text())["class"].startswith("xai_jax.")


@pytest.mark.parametrize("file", FILES)
def test_a_configs_docstring_has_its_command(file):
    text = module_of(file).__doc__ or ""
    program = "evaluate.py" if isinstance(module_of(file).get_config(), Evaluation) else "train.py"
    command = rf"python {program} --config={re.escape(file)}(:FOLDER\S*)? "
    assert re.search(command, text.replace("\\\n", ""))
    assert "--workdir=" in text


@pytest.mark.parametrize("file", FILES)
def test_a_configs_docstring_says_what_to_expect(file):
    paragraphs = (module_of(file).__doc__ or "").split("\n\n")
    (expected,) = (text for text in paragraphs if text.startswith(("Expect ", "Expect,")))
    assert re.search(r"\d", expected) or "no figure" in expected


@pytest.fixture
def left(monkeypatch):
    """Whatever classifier a training is to leave in runs/ stands there."""
    known, load = tiny_cli.load("quadrant"), Named.load

    def stands(named):
        return known if named.name.startswith("runs/") else load(named)

    monkeypatch.setattr(Named, "load", stands)
    monkeypatch.setattr(Judge, "build", lambda judge: known.classifier)


def choices(file: str) -> list[str]:
    """What may stand behind the file's name, as the refusal of another word lists it."""
    with pytest.raises(ValueError, match="is no choice; take one of .*[.]") as refused:
        module_of(file).get_config("no such choice")
    return str(refused.value).partition("take one of ")[2].rstrip(".").split(", ")


@pytest.mark.parametrize(
    "file", [file for file in FILES if "recipes.named(" in (ROOT / file).read_text()]
)
def test_every_variant_of_a_config_is_built(file, left):
    for which in choices(file):
        config = module_of(file).get_config(which)
        if isinstance(config, Experiment):
            assert isinstance(config.method.build(), Method | Trainable)
            continue
        assert all(isinstance(one.method.build(), Method) for one in config.contestants.values())
        outputs.by_name(row for metric in config.metrics for row in metric.rows)
        columns = [column.name for metric in config.metrics for column in metric.columns]
        assert len(columns) == len(set(columns))


def test_the_page_of_the_configs_has_a_row_for_each():
    page = (ROOT / "configs" / "README.md").read_text()
    listed = re.findall(
        r"^\| `(.+?)` \| `python \w+\.py --config=configs/(.+?)(?::FOLDER:COLUMN[:A-Z]*)?` \|",
        page,
        re.MULTILINE,
    )
    assert all(name == started for name, started in listed)
    assert sorted(f"configs/{name}" for name, _ in listed) == FILES


def test_no_config_needs_the_tests():
    of_tests = {"tests", *(path.stem for path in (ROOT / "tests").glob("*.py"))}
    for path in (ROOT / "configs").rglob("*.py"):
        imported = re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(), re.MULTILINE)
        assert not of_tests & set(imported), path


@pytest.mark.parametrize("file", FILES)
def test_what_a_training_leaves_says_what_was_trained(file):
    config = module_of(file).get_config()
    if isinstance(config, Evaluation) or not isinstance(config.export, WeightsFile):
        pytest.skip("leaves no file of our kind")
    kind = type(config.method).__module__.split(".")[2]
    infills = {"vae_inpainter": "vae", "ca_inpainter": "ca", "ca_light": "ca"}
    kind = infills.get(kind, kind)
    assert config.export.kind == kind
    if kind in (
        *INFILLS,
        "sean",
        "segmenter",
    ):  # they know their network alone
        assert config.export.config == config.method.network
        return
    if kind != "classifier":
        assert config.export.config == config.method
        if hasattr(config.method, "num_classes"):
            assert len(config.export.class_names) == config.method.num_classes


@pytest.mark.parametrize(
    ("data", "patience", "presets"),
    [
        ("voc2007", 5, (explainer.Config(), explainer.Config.voc_resnet50())),
        ("coco2014", 2, (explainer.Config.coco_vgg16(), explainer.Config.coco_resnet50())),
    ],
)
def test_the_published_runs_have_the_published_settings(data, patience, presets):
    for name, preset in zip(("vgg16", "resnet50"), presets, strict=True):
        config = module_of(f"configs/{data}/explainer_{name}.py").get_config()
        classifier = module_of(f"configs/{data}/classifier_{name}.py")
        assert config.method == preset and config.batch_size == 16
        assert f"--workdir={Path(config.explained.classifier.name).parent} " in classifier.__doc__
        assert config.start == Trunk(architecture=preset.network.architecture)
        judged = config.validation
        assert (judged.metric, judged.maximise) == ("loss", False)
        assert (judged.min_delta, judged.patience) == (0.001, patience)
        assert judged.every == 0  # a validation an epoch
        resize = config.data.resize
        assert (resize.height, resize.width) == (224, 224) and config.data.augment is None


@pytest.fixture
def started(monkeypatch):
    """``started(*arguments) -> config``, as train.py reads its command line."""

    def read(*arguments):
        program = ["train.py", *arguments]
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, "argv", program)  # where overrides are looked for
        values = flags.FlagValues()
        config_flags.DEFINE_config_file("config", flag_values=values)
        values(program)
        return values.config

    return read


@LOADS_CONFIGS
@pytest.mark.parametrize("data", ["voc2007", "coco2014"])
def test_the_command_line_sets_the_classifiers_mode_of_the_authors_runs(started, data):
    for name in ("vgg16", "resnet50"):
        file = f"--config=configs/{data}/explainer_{name}.py"
        assert started(file).method.classifier_mode is explainer.ClassifierMode.EVAL
        config = started(file, "--config.method.classifier_mode=train_like_reference")
        mode = explainer.ClassifierMode.TRAIN_LIKE_REFERENCE
        assert config.method.classifier_mode is mode
        assert config.export.config.classifier_mode is mode
        assert "--config.method.classifier_mode=train_like_reference" in module_of(file[9:]).__doc__


@LOADS_CONFIGS
def test_pictures_that_count_as_all_80_categories_of_coco_are_trained_on_as_the_pages_say(started):
    for name in ("vgg16", "resnet50"):
        file = f"--config=configs/coco2014/explainer_{name}.py"
        config = started(file, *WITH_EMPTY)
        assert config.data.source.split == "train_and_empty"
        assert config.validation.data.source.split == "validation_and_empty"
        assert isinstance(config.method.build(), Method)
        labels = jnp.isin(jnp.arange(91), jnp.array(CATEGORIES))[None].astype(int)
        maps = jnp.zeros((1, 1, 1, 91))
        for cfg, finite in ((config.method, True), (started(file).method, False)):
            _, counted = class_masks.target_channels(maps, labels, max_targets=cfg.max_targets)
            assert jnp.isfinite(counted).all() == finite
    data, page = ((ROOT / "docs" / name).read_text() for name in ("data.md", "explainer.md"))
    assert all(argument in data for argument in WITH_EMPTY) and WITH_EMPTY[-1] in page


@LOADS_CONFIGS
@pytest.mark.parametrize("data", ["voc2007", "coco2014"])
def test_the_classifier_whose_batch_norm_adapts_is_trained_and_exported_as_what_it_is(
    started, data
):
    file = f"configs/{data}/classifier_resnet50.py"
    for name in ("resnet50", "resnet50_batch_norm"):
        config = started(f"--config={file}:{name}")
        assert config.explained.classifier.name == config.export.config.architecture == name
    plain = started(f"--config={file}")
    assert plain.explained.classifier.name == plain.export.config.architecture == "resnet50"


@pytest.mark.parametrize(
    ("file", "name"), [("classifier", "densenet121"), ("oracle", "resnet50_vggface2")]
)
def test_steexs_published_classifiers_are_trained_with_their_batch_norm(file, name):
    module = module_of(f"configs/steex/published_{file}.py")
    for which in choices(f"configs/steex/published_{file}.py"):
        config = module.get_config(which)
        found = config.explained.classifier.name, config.export.config.architecture
        assert found == (f"{name}_batch_norm",) * 2
        assert entries.architecture_of(found[0]).network.training.features_fn is not None
        assert not config.method.trunk_frozen and config.method.trunk_rate == 1e-4


@LOADS_CONFIGS
def test_the_command_line_sets_what_is_explained(started):
    file = "--config=configs/voc2007/classifier_vgg16.py"
    config = started(file, "--config.explained.classifier.weights=vgg16.pth")
    assert config.explained.classifier.weights == "vgg16.pth"
    config = started(
        "--config=configs/lgg_mri/explainer_lite0.py",
        "--config.explained.classifier.name=else.safetensors",
    )
    assert config.explained.classifier.name == "else.safetensors"
    assert config.explained.infill.value == 0.0


@pytest.mark.parametrize("file", FILES)
def test_what_is_exported_asks_for_pictures_as_they_were_in_training(file):
    config = module_of(file).get_config()
    if isinstance(config, Evaluation) or not isinstance(config.export, WeightsFile):
        pytest.skip("leaves no file of our kind")
    assert config.data.resize == config.export.preprocess
    if config.validation is not None:
        assert config.validation.data.resize == config.export.preprocess


@pytest.mark.parametrize(
    ("file", "which", "rows"),
    [
        ("configs/voc2007/evaluate.py", "vgg16", ("explainer", "fido", "extremal")),
        ("configs/voc2007/evaluate.py", "rtis", ("explainer", "rtis", "fido", "extremal")),
        ("configs/voc2007/evaluate.py", "resnet50", ("explainer", "fido", "extremal")),
        ("configs/voc2007/specificity.py", "rtis", ("explainer", "rtis")),
        ("configs/voc2007/specificity.py", "resnet50", ("explainer",)),
        ("configs/coco2014/evaluate.py", "vgg16", ("explainer", "fido", "extremal")),
        ("configs/coco2014/evaluate.py", "resnet50", ("explainer", "fido", "extremal")),
    ],
)
def test_the_published_runs_are_scored_with_what_their_trainings_leave(file, which, rows):
    config = module_of(file).get_config(which)
    assert tuple(config.contestants) == rows
    folder = Path(file).parent
    network = "resnet50" if which == "resnet50" else "vgg16"
    for name in set(rows) & {"explainer", "rtis"}:
        module = module_of(f"{folder}/{name}_{network}.py")
        trained, one = module.get_config(), config.contestants[name]
        assert config.explained == trained.explained
        assert config.data.resize == trained.export.preprocess and one.method == trained.method
        run, left = Path(one.trained).parent, Path(one.trained).name
        assert (
            f"--workdir={run} " in module.__doc__ and left == f"{trained.export.kind}.safetensors"
        )
    with pytest.raises(ValueError, match="--config=FILE:vgg is no choice; take one of vgg16, "):
        module_of(file).get_config("vgg")


def test_voc_is_compared_on_the_five_published_classes_in_all_pictures_of_the_test():
    config = module_of("configs/voc2007/specificity.py").get_config()
    assert config.classes == (4, 6, 7, 11, 14)
    assert (config.data.source.split, config.data.masks) == ("test", "soft")
    segmented = module_of("configs/voc2007/evaluate.py").get_config().data
    assert (segmented.source.split, segmented.void_is_object) == ("test_masks", False)
    published = dataclasses.replace(segmented, void_is_object=True, source=Planted(num=1))
    assert next(published.batches(1)).counted is None  # nothing else has to be set
