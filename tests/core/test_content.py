"""What settings contain: equal for the same, different for anything else, refused where unknown."""

import copy
import dataclasses
import enum
import functools
import json
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from xai_jax.core.content import as_json, content, to_json
from xai_jax.infills.oracle import Oracle
from xai_jax.methods import fido, rtis


class Way(enum.Enum):
    ONE = "one"
    TWO = "two"


@dataclasses.dataclass(kw_only=True)
class Held:
    value: Any = None


@dataclasses.dataclass(kw_only=True)
class Other:
    value: Any = None


def twice(x):
    return 2 * x


def closed_over(number):
    return lambda x: x + number


class Measure:
    def __init__(self, size):
        self.size = size

    def of(self):
        return self.size


ARRAY = np.arange(64.0 * 64).reshape(64, 64)
ELSEWHERE = ARRAY.copy()
ELSEWHERE[30, 30] += 1  # where NumPy's text of it has dots
CLOSED = closed_over(1)


@pytest.mark.parametrize(
    ("one", "another"),
    [
        (ARRAY, ELSEWHERE),
        (jnp.asarray(ARRAY), jnp.asarray(ELSEWHERE)),
        (ARRAY, ARRAY.astype(np.float32)),
        (ARRAY, ARRAY.reshape(32, 128)),
        (np.float32(1) * np.ones(()), np.ones(1, np.float32)),
        (jax.random.key(0), jax.random.key(1)),
        (0.1, math.nextafter(0.1, 1)),
        (1, 1.0),
        (1, True),
        ("1", 1),
        (None, "None"),
        (Way.ONE, Way.TWO),
        (Way.ONE, "one"),
        (twice, closed_over),
        (closed_over(1), closed_over(2)),
        (functools.partial(twice, 1), functools.partial(twice, 2)),
        (Held(value=1), Other(value=1)),
        (Held(value=1), {"value": 1}),
        ((1, (2, 3)), (1, 2, 3)),
        ({"a": 1}, {"b": 1}),
        (fido.Config(), fido.Config(num_samples=9)),
        (rtis.PerImage(), rtis.PerImage(loss=rtis.Loss())),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_differs_anywhere_has_another_content(one, another):
    assert content(Held(value=one)) != content(Held(value=another))
    for value in (one, another):
        same = content(Held(value=copy.deepcopy(value)))
        assert content(Held(value=value)) == same
        assert hash(content(Held(value=value))) == hash(same)


def test_settings_made_alike_have_the_same_content():
    assert content(fido.Config.smoke()) == content(fido.Config.smoke())
    made = [Oracle(mixture=jnp.full((2, 64, 64, 1), 0.5)) for _ in range(2)]
    assert content(made[0]) == content(made[1])
    assert content(Held(value=CLOSED)) == content(Held(value=CLOSED))


def test_a_function_written_again_is_another_one():
    """As in a notebook, where a class or a function of a name is defined twice."""
    scope = {"__name__": __name__}
    source = "def f(x):\n    return x + {}\n"
    exec(source.format(1), scope)
    first = scope["f"]
    exec(source.format(2), scope)
    assert first.__qualname__ == scope["f"].__qualname__
    assert content(Held(value=first)) != content(Held(value=scope["f"]))


@pytest.mark.parametrize("walk", [content, as_json, to_json])
@pytest.mark.parametrize("value", [Measure(1), Measure(1).of, np.array([object()]), iter([1])])
def test_what_might_change_without_notice_is_refused(walk, value):
    with pytest.raises(ValueError, match="among the settings cannot be told from another"):
        walk(Held(value=value))


@pytest.mark.parametrize("walk", [as_json, to_json])
def test_a_function_without_a_name_of_its_own_is_not_written(walk):
    for value in (CLOSED, lambda x: x, functools.partial(CLOSED, 1)):
        with pytest.raises(ValueError, match="functions of a module and dataclasses of these"):
            walk(Held(value=value))


def test_json_says_classes_where_a_later_start_compares_and_words_where_it_reads():
    settings = Held(value=[Way.ONE, (1, 2.5), twice, None])
    written = json.loads(json.dumps(as_json(settings)))
    name = f"{__name__}.{{}}".format
    value = [name("Way.ONE"), [1, 2.5], name("twice"), None]
    assert written == {"class": name("Held"), "value": value}
    assert to_json(settings) == {"value": ["one", [1, 2.5], name("twice"), None]}
