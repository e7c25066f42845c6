"""Every field of every settings class has a declared domain, and holds nothing outside of it."""

import collections.abc
import copy
import dataclasses
import enum
import importlib
import math
import pkgutil
import sys
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import jax.numpy as jnp
import pytest
from absl import flags
from flax import linen
from ml_collections import config_flags

import xai_jax
from xai_jax.core.domains import Different, Interval, NotEmpty, Odd
from xai_jax.core.method import Explained
from xai_jax.core.metric import Metric
from xai_jax.core.settings import Settings
from xai_jax.metrics.fidelity import fidelity

ROOT = Path(__file__).parents[1]
NUMBERS = (int, float)
# Made by our programs and not by people; what cannot be set needs no domain.
RECORDS = {"Pretrained", "Arguments"}


def modules() -> list[types.ModuleType]:
    found = pkgutil.walk_packages(xai_jax.__path__, "xai_jax.")
    return [importlib.import_module(module.name) for module in found]


def classes() -> list[type]:
    """Every dataclass of the package, once."""
    named = [value for module in modules() for value in vars(module).values()]
    found = [kind for kind in named if isinstance(kind, type) and dataclasses.is_dataclass(kind)]
    ours = dict.fromkeys(kind for kind in found if kind.__module__.startswith("xai_jax."))
    return [kind for kind in ours if not issubclass(kind, linen.Module)]


SETTINGS = [kind for kind in classes() if issubclass(kind, Settings)]
FIELDS = [(kind, name) for kind in SETTINGS for name in kind._hints]


def named(value: Any) -> str:
    return value if isinstance(value, str) else f"{value.__module__}.{value.__name__}"


def leaves(hint: Any, domains: tuple = ()) -> Iterator[tuple[Any, tuple]]:
    """The plain types within an annotation, each with what is declared of it."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        yield from leaves(arguments[0], arguments[1:])
    elif origin not in (None, typing.Literal, collections.abc.Callable):
        for argument in arguments:
            if argument is not Ellipsis and not isinstance(argument, list):
                yield from leaves(argument)
    else:
        yield hint, domains


def good(hint: Any) -> Any:
    """A value that an annotation allows, of the kind that `with_wrong` can spoil."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated and typing.get_origin(arguments[0]) is None:
        return number(arguments[0], arguments[1:])
    if origin is Annotated:
        return good(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return good(arguments[0])
    if origin is typing.Literal:
        return arguments[0]
    if origin in (tuple, Sequence):
        return tuple(good(one) for one in arguments if one is not Ellipsis)
    if origin is Mapping:
        return {good(arguments[0]): good(arguments[1])}
    return arguments[0] if origin is type else single(hint)


def number(kind: Any, domains: tuple) -> Any:
    if kind is str:
        return "a word"
    if kind not in NUMBERS:
        return jnp.full((2, 3, 3, 1), 0.5)
    for value in (1, 0.5, 2, 48):
        if all(value in domain for domain in domains) and (kind is float or value == int(value)):
            return kind(value)
    raise AssertionError(domains)


class Anything:
    """All that an experiment's parts can be asked for."""

    class_names = ("a",)

    def build(self, *_):
        return self

    def batches(self, *_, **__):
        return self

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self

    def __call__(self, *_):
        return self


def single(hint: Any) -> Any:
    if hint is Explained:
        return Explained(classifier=Anything(), infill=Anything())
    if isinstance(hint, type) and issubclass(hint, Settings):
        return made(hint)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return next(iter(hint))
    if hint is Metric:
        return fidelity()
    plain = {str: "word", bool: True, type(None): None, Any: None}
    return plain[hint] if hint in plain else Anything()


def made(kind: type, /, **changes: Any) -> Any:
    """Settings of a class, by default in everything that has one."""
    unset = [f.name for f in dataclasses.fields(kind) if needed(f)]
    values = {name: good(kind._hints[name]) for name in unset if name not in changes}
    return kind(**values, **changes)


def needed(field: dataclasses.Field) -> bool:
    return field.default is field.default_factory is dataclasses.MISSING


def wrong_numbers(kind: type, domains: tuple) -> list[Any]:
    """What no field of such numbers may hold."""
    wrong = [math.nan, math.inf, -math.inf, True, "word", "1", 1j, [[1]]]
    if kind is int:
        wrong += [2.5]
    for domain in domains:
        if isinstance(domain, Odd):
            wrong += [2]
        if isinstance(domain, Interval):
            wrong += [domain.low if domain.above else domain.low - 1]
            wrong += [domain.high if domain.below else domain.high + 1]
    return wrong


def wrong(hint: Any) -> list[Any]:
    """Values that an annotation does not allow."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        if arguments[0] in NUMBERS:
            return wrong_numbers(arguments[0], arguments[1:])
        refused = {NotEmpty: [()], Different: [("sky", "sky"), ("sky", "")]}
        return wrong(arguments[0]) + [v for d in arguments[1:] for v in refused.get(type(d), [])]
    if origin in (typing.Union, types.UnionType):
        first, *others = (one for one in arguments if one is not type(None))
        whole = any(leaf is int for other in others for leaf, _ in leaves(other))
        return [value for value in wrong(first) if not (whole and type(value) is int)]
    if origin is tuple:
        return [5, "word", *((one,) for one in wrong(arguments[0]))]
    if origin is not None and origin is not typing.Literal and origin is not type:
        is_mapping = isinstance(origin, type) and issubclass(origin, Mapping)
        return (
            [5, *({good(arguments[0]): one} for one in wrong(arguments[1]))] if is_mapping else [5]
        )
    if hint is Any:
        return []
    is_words = hint is str or origin is typing.Literal or origin is type
    is_words |= isinstance(hint, type) and issubclass(hint, enum.Enum)
    return [5, math.nan] if is_words else [5, math.nan, "word"]


def test_there_are_settings_of_everything_that_is_set():
    short = {f"{kind.__module__.split('.')[-2]}.{kind.__name__}" for kind in SETTINGS}
    assert {
        f"{name}.Config" for name in ("fido", "bbmp", "extremal", "rtis", "explainer", "syce")
    } <= short
    assert {f"{name}.Config" for name in ("gradcam", "rise", "igos", "occlusion")} <= short
    assert {"gradients.IntegratedGradients", "controls.Random"} <= short
    assert {"rtis.PerImage", "rtis.Loss", "rtis.Alternative", "pretrain.Config"} <= short
    assert {"infills.Blur", "infills.Oracle", "infills.LocalMean", "core.Preprocess"} <= short
    assert {"xai_jax.Experiment", "xai_jax.Validation", "scoring.Evaluation"} <= short
    assert {"scoring.Contestant", "data.Pipeline", "data.Augment", "data.DatasetSpec"} <= short
    assert {"data.Planted", "data.Flagged", "nn.Segmenter", "runtime.WeightsFile"} <= short


def test_every_dataclass_that_can_be_changed_or_builds_is_one_of_settings():
    """A record is frozen; so are the pytrees, which `flax.struct` makes."""
    for kind in classes():
        frozen = kind.__dataclass_params__.frozen and not hasattr(kind, "build")
        assert issubclass(kind, Settings) or frozen or kind.__name__ in RECORDS, kind


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=named)
def test_every_number_has_a_declared_domain(kind, name):
    for leaf, domains in leaves(kind._hints[name]):
        assert leaf not in NUMBERS or domains, f"{kind}.{name} is a bare {leaf.__name__}"
        assert getattr(leaf, "array_type", None) is None or domains, f"{kind}.{name}"


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=named)
def test_a_field_holds_nothing_outside_its_domain_however_it_is_set(kind, name):
    settings = made(kind)
    before = getattr(settings, name)
    for value in wrong(kind._hints[name]):
        sentence = rf"\.{kind.__name__}: {name}.* must be .*, not .*\.$|\?$"
        with pytest.raises(ValueError, match=sentence) as said:
            made(kind, **{name: value})
        assert len(str(said.value)) < 400
        with pytest.raises(ValueError, match=sentence):
            dataclasses.replace(settings, **{name: value})
        refusal = AttributeError if kind.__dataclass_params__.frozen else ValueError
        with pytest.raises(refusal):
            setattr(settings, name, value)
    assert getattr(settings, name) is before


@pytest.mark.parametrize("kind", SETTINGS, ids=named)
def test_what_may_be_held_is_held(kind):
    for name, hint in kind._hints.items():
        made(kind, **{name: good(hint)})
    settings = made(kind)
    assert copy.deepcopy(settings) is not settings
    assert dataclasses.replace(settings) is not settings


@pytest.mark.parametrize("kind", SETTINGS, ids=named)
def test_words_become_members_in_any_case_and_the_nearest_is_named(kind):
    for name, hint in kind._hints.items():
        if not (isinstance(hint, type) and issubclass(hint, enum.Enum)):
            continue
        for member in hint:
            for word in (member.value, member.name, member.name.lower(), member.value.upper()):
                assert getattr(made(kind, **{name: word}), name) is member
            misspelt = member.value + "x"
            words = ", ".join(repr(one.value) for one in hint)
            sentence = (
                f"{name} must be one of {words}, not '{misspelt}'; did you mean '{member.value}'"
            )
            with pytest.raises(ValueError, match=sentence):
                made(kind, **{name: misspelt})


@pytest.fixture
def started(monkeypatch):
    """``started(*arguments) -> config``, as train.py reads its command line."""

    def read(*arguments):
        program = ["train.py", "--config=configs/smoke/explainer.py", *arguments]
        monkeypatch.chdir(ROOT)
        monkeypatch.setattr(sys, "argv", program)
        values = flags.FlagValues()
        config_flags.DEFINE_config_file("config", flag_values=values)
        values(program)
        return values.config

    return read


@pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")
@pytest.mark.parametrize(
    "argument",
    [
        "log_every=0",
        "checkpoint_every=0",
        "num_steps=0",
        "num_steps=-1",
        "batch_size=0",
        "seed=-1",
        "validation.every=-1",
        "method.learning_rate=nan",
        "method.network.num_classes=0",
        "data.resize.height=0",
        "data.masks=sotf",
    ],
)
def test_a_flag_of_a_training_is_held_to_the_same_domains(started, argument):
    name, value = argument.split("=")
    with pytest.raises(ValueError, match=rf": {name.split('.')[-1]} must be .*, not '?{value}"):
        started(f"--config.{argument}")


@pytest.mark.filterwarnings("ignore:the load_module:DeprecationWarning")
def test_a_flag_of_a_training_sets_words_that_are_listed(started):
    config = started("--config.data.masks=union", "--config.data.resize.resample=bicubic")
    assert (config.data.masks, config.data.resize.resample) == ("union", "bicubic")
