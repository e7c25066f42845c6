"""Settings go to JSON and back, and what is wrong in a file is named."""

import dataclasses
import enum
import json
from typing import Literal

import numpy as np
import pytest

from xai_jax import choices
from xai_jax.commands import targets
from xai_jax.core.content import to_json
from xai_jax.core.settings import Settings, changed, nearest
from xai_jax.methods import bbmp, extremal, fido, rtis


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass(slots=True, kw_only=True)
class Inner(Settings):
    depth: int = 1


@dataclasses.dataclass(slots=True, kw_only=True)
class Outer(Settings):
    colour: Colour = Colour.RED
    sizes: tuple[int, ...] = (1, 2)
    pair: tuple[int, str] = (1, "a")
    rate: float = 0.5
    limit: int | None = None
    value: float | tuple[float, ...] = 0.5
    kind: Literal["soft", "hard"] = "soft"
    flip: bool = True
    inner: Inner = dataclasses.field(default_factory=Inner)


FULL = Outer(
    colour=Colour.BLUE,
    sizes=(5,),
    pair=(2, "b"),
    rate=1.0,
    limit=3,
    value=(0.1, 0.2),
    kind="hard",
    flip=False,
    inner=Inner(depth=7),
)


def test_settings_come_back_equal_from_their_json_text():
    for settings in (Outer(), FULL):
        text = json.dumps(to_json(settings))
        assert changed(Outer(), json.loads(text), "file") == settings


@pytest.mark.parametrize("method", choices.METHODS)
def test_every_preset_of_every_method_comes_back_equal(method):
    for preset in choices.presets(choices.METHODS[method]).values():
        settings = preset()
        again = changed(
            choices.METHODS[method](), json.loads(json.dumps(to_json(settings))), "file"
        )
        assert again == settings


@pytest.mark.parametrize("infill", choices.INFILLS)
def test_every_infill_comes_back_equal(infill):
    settings = choices.INFILLS[infill]()
    assert changed(settings, json.loads(json.dumps(to_json(settings))), "file") == settings


def test_a_field_that_is_not_in_the_file_keeps_its_value():
    assert changed(FULL, {"rate": 2}, "file") == dataclasses.replace(FULL, rate=2.0)
    assert isinstance(changed(FULL, {"rate": 2}, "file").rate, float)
    assert FULL.rate == 1.0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            {"colours": "red"},
            "a field 'colours' that does not exist; did you mean 'colour'?",
        ),
        ({"colour": "xx"}, "file.colour must be one of 'red', 'blue', not 'xx'."),
        ({"colour": "bleu"}, "one of 'red', 'blue', not 'bleu'; did you mean 'blue'?"),
        ({"rate": "fast"}, "file.rate must be a finite number, not 'fast'."),
        ({"rate": True}, "file.rate must be a finite number, not True."),
        ({"flip": 1}, "file.flip must be True or False, not 1."),
        ({"limit": 1.5}, "file.limit must be a whole number or None, not 1.5."),
        ({"sizes": 3}, "sizes must be any number of values, each a whole number, not 3."),
        ({"sizes": [1, "x"]}, "each a whole number, not [1, 'x']."),
        ({"pair": [1]}, "file.pair must be 2 values: a whole number, a string, not [1]."),
        ({"kind": "firm"}, "file.kind must be one of 'soft', 'hard', not 'firm'."),
        ({"inner": {"deep": 1}}, "file.inner has a field 'deep' that does not exist"),
        ({"inner": {"depth": 0.5}}, "file.inner.depth must be a whole number, not 0.5."),
        ({"inner": 5}, "file.inner must be of type Inner, not 5."),
    ],
)
def test_what_is_wrong_is_named_with_its_place(values, said):
    with pytest.raises(ValueError, match=".") as error:
        changed(Outer(), values, "file")
    assert said in str(error.value)


def test_the_nearest_words_are_suggested_and_else_all_are_listed():
    assert nearest("tabbby", ["tabby", "crane"]) == "did you mean 'tabby'?"
    assert nearest("xyz", ["tabby", "crane"]) == "there are tabby, crane."


def test_presets_are_the_defaults_and_every_class_method():
    assert list(choices.presets(fido.Config)) == ["published", "fast", "robust", "smoke"]
    assert choices.presets(fido.Config)["published"]() == fido.Config()
    assert choices.presets(fido.Config)["fast"]() == fido.Config.fast()


NAMES = ("tabby, tabby cat", "crane", "maillot", "crane", "maillot, tank suit")


def test_a_class_is_found_by_index_name_or_synonym_in_any_case():
    assert targets.class_index("3", NAMES) == 3
    assert targets.class_index("12", ()) == 12
    assert targets.class_index("Tabby Cat", NAMES) == 0
    assert targets.class_index("tabby_cat", NAMES) == 0
    assert targets.class_index("tabby, tabby cat", NAMES) == 0
    assert targets.class_index("tank suit", NAMES) == 4


@pytest.mark.parametrize(
    ("word", "names", "said"),
    [
        ("crane", NAMES, "'crane' is the name of classes 1 and 3; give the index."),
        ("maillot", NAMES, "'maillot' is the name of classes 2 and 4; give the index."),
        ("taby", NAMES, "no class 'taby'; did you mean 'tabby'"),
        ("tabby", (), "no class 'tabby'; its classes have no names; give an index."),
    ],
)
def test_a_class_that_is_not_one_is_refused(word, names, said):
    with pytest.raises(ValueError, match=".") as error:
        targets.class_index(word, names)
    assert said in str(error.value)


def test_labels_are_found_by_id_before_file_name(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text('file,class,more\n1.png,1,x\nb/1.png,2,y\n"c, d.png",tank suit,z\n')
    found = targets.read_labels(table, NAMES, ["a/1.png", "b/1.png", "c, d.png"])
    assert found == {"a/1.png": 1, "b/1.png": 2, "c, d.png": 4}


def test_lines_of_one_picture_may_agree_and_are_refused_where_they_do_not(tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("file,class\n1.png,0\n1.png,tabby\n1.png,Tabby Cat\n2.png,1\n2.png,0\n")
    assert targets.read_labels(table, NAMES, ["1.png"]) == {"1.png": 0}
    for picture in ("2.png", "deep/2.png"):
        with pytest.raises(ValueError, match=r"gives 2\.png the classes '1' and '0'; leave one"):
            targets.read_labels(table, NAMES, ["1.png", picture])


@pytest.mark.parametrize("word", ["²", "٣", "--3", "9" * 5000])
def test_what_is_no_whole_number_is_looked_for_among_the_names(word):
    with pytest.raises(ValueError, match="The classifier has no class"):
        targets.class_index(word, NAMES)


def test_a_file_of_labels_that_cannot_be_read_is_refused(tmp_path):
    table = tmp_path / "labels.csv"
    with pytest.raises(ValueError, match=r"labels\.csv cannot be read: No such file"):
        targets.read_labels(table, NAMES, ["1.png"])
    table.write_bytes(b"file,class\n1.png,\xff\xfe\n")  # Latin-1, then
    with pytest.raises(ValueError, match="no class 'ÿþ'"):
        targets.read_labels(table, NAMES, ["1.png"])
    table.write_text("file,class\n1.png,9\n2.png,unicorn\n")
    with pytest.raises(ValueError, match="no class 'unicorn'"):
        targets.read_labels(table, NAMES, ["1.png", "2.png"])


@pytest.mark.parametrize("method", choices.METHODS)
def test_settings_come_back_from_what_json_has_of_them(method):
    kind = choices.METHODS[method]
    for preset in choices.presets(kind).values():
        assert kind(**to_json(preset())) == preset()


@pytest.mark.parametrize("infill", choices.INFILLS)
def test_an_infill_comes_back_from_what_json_has_of_it(infill):
    settings = choices.INFILLS[infill]()
    assert type(settings)(**to_json(settings)) == settings


def test_numbers_are_of_the_kind_that_is_declared():
    cfg = fido.Config(grids=[8, 16.0], num_steps=np.int32(3), learning_rate=1)
    assert cfg.grids == (8, 16) and isinstance(cfg.learning_rate, float)
    cfg.num_steps = 5.0
    assert isinstance(cfg.num_steps, int)


def test_some_fields_given_as_a_mapping_start_from_what_stands_there():
    cfg = rtis.PerImage(loss={"confidence": 3})
    assert cfg.loss == dataclasses.replace(rtis.Loss.iterative(), confidence=3.0)
    cfg.loss = {"area_power": 1}
    assert (cfg.loss.confidence, cfg.loss.area_power) == (3.0, 1.0)
    made_new = rtis.Config(network={"num_classes": 3})
    assert made_new.network.num_classes == 3
    with pytest.raises(ValueError, match=r"rtis.Config: network.num_classes must be .* not 0\."):
        rtis.Config(network={"num_classes": 0})


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (
            lambda: fido.Config(game="srr"),
            "fido.Config: game must be one of 'ssr', 'sdr', not 'srr'; did you mean 'ssr'?",
        ),
        (
            lambda: fido.Config(num_steps=2.5),
            "fido.Config: num_steps must be a whole number of at least 1, not 2.5.",
        ),
        (
            lambda: fido.Config(grids=8),
            "fido.Config: grids must be one or more values, each a whole number of at least 2, "
            "not 8.",
        ),
        (
            lambda: fido.Config(initial_temperature=0),
            "fido.Config: initial_temperature must be a finite number above 0 or None, not 0.",
        ),
        (
            lambda: extremal.Config(momentum=1),
            "extremal.Config: momentum must be a finite number within [0, 1), not 1.",
        ),
        (
            lambda: fido.Config(game=bbmp.Game.DELETE),
            "fido.Config: game must be one of 'ssr', 'sdr', not <Game.DELETE: 'delete'>.",
        ),
    ],
)
def test_the_sentence_names_class_field_domain_and_value(make, sentence):
    with pytest.raises(ValueError) as said:
        make()
    assert str(said.value) == sentence
