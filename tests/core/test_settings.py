"""Settings go to JSON and back, and what is wrong in a file is named."""

import dataclasses
import enum
import json
from typing import Literal

import pytest

from xai_jax import choices
from xai_jax.commands import targets
from xai_jax.core.settings import changed, nearest, to_json
from xai_jax.methods import fido


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass(slots=True, kw_only=True)
class Inner:
    depth: int = 1


@dataclasses.dataclass(slots=True, kw_only=True)
class Outer:
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
        ({"colour": "green"}, "file, field 'colour': 'green' is not one of 'red', 'blue'."),
        ({"rate": "fast"}, "file, field 'rate': 'fast' is not of type float."),
        ({"rate": True}, "file, field 'rate': True is not of type float."),
        ({"flip": 1}, "file, field 'flip': 1 is not of type bool."),
        ({"limit": 1.5}, r"file, field 'limit': 1.5 is not of type int | None."),
        ({"sizes": 3}, "file, field 'sizes': 3 is not of type tuple[int, ...]."),
        ({"sizes": [1, "x"]}, "is not of type tuple[int, ...]."),
        ({"pair": [1]}, "is not of type tuple[int, str]."),
        ({"kind": "firm"}, "'firm' is not one of 'soft', 'hard'."),
        (
            {"inner": {"deep": 1}},
            "field 'inner' has a field 'deep' that does not exist",
        ),
        ({"inner": 5}, "field 'inner': 5 is not of type Inner."),
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
    assert list(choices.presets(fido.Config)) == ["published", "fast", "smoke"]
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


def test_a_file_of_labels_that_cannot_be_read_is_refused(tmp_path):
    table = tmp_path / "labels.csv"
    with pytest.raises(ValueError, match="cannot be read as a table of file and class"):
        targets.read_labels(table, NAMES, ["1.png"])
    table.write_bytes(b"file,class\n1.png,\xff\xfe\n")
    with pytest.raises(ValueError, match="cannot be read as a table"):
        targets.read_labels(table, NAMES, ["1.png"])
    table.write_text("file,class\n1.png,9\n2.png,unicorn\n")
    with pytest.raises(ValueError, match="no class 'unicorn'"):
        targets.read_labels(table, NAMES, ["1.png", "2.png"])
