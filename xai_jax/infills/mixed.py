"""Each mask draws one of several infills, so that what is kept suffices whatever the holes show."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from xai_jax.core.classifier import Classifier
from xai_jax.core.infill import Infill
from xai_jax.core.lengths import Size
from xai_jax.core.rng import split_each
from xai_jax.core.settings import Settings
from xai_jax.core.types import Images, Maps, PRNGKeys
from xai_jax.infills.blur import Blur
from xai_jax.infills.constant import Mean
from xai_jax.infills.denoiser import Denoiser
from xai_jax.infills.local_mean import LocalMean
from xai_jax.infills.noise import RandomColour
from xai_jax.infills.pyramid import Pyramid


@dataclasses.dataclass(slots=True, kw_only=True)
class Mixed(Settings):
    """One of the infills that are not ``None``, each as likely, by the mask's key.

    Fields:
        blur, mean, noise, local_mean, pyramid, denoiser: the settings of each.
    """

    blur: Blur | None = dataclasses.field(default_factory=Blur)
    mean: Mean | None = None
    noise: RandomColour | None = dataclasses.field(default_factory=RandomColour)
    local_mean: LocalMean | None = None
    pyramid: Pyramid | None = None
    denoiser: Denoiser | None = dataclasses.field(default_factory=Denoiser)

    def build(self, classifier: Classifier) -> Infill:
        """The infill.

        Raises:
            ValueError: all of them are ``None``; or of the build of one of them.
        """
        found = (getattr(self, field.name) for field in dataclasses.fields(self))
        parts = tuple(part.build(classifier) for part in found if part is not None)
        if not parts:
            raise ValueError("mixed.Mixed has no infill to draw from; leave one of them in.")
        return Infill(
            params=tuple(part.params for part in parts),
            fill_fn=_drawn_from(tuple(part.fill_fn for part in parts)),
            prepare_fn=_prepared_by(tuple(part.prepare_fn for part in parts)),
            drawn_from=tuple((part.fill_fn, part.prepare_fn) for part in parts),
        )


@functools.cache
def _prepared_by(functions: tuple[Callable, ...]) -> Callable:
    def prepare(params, images: Images, size: Size) -> tuple[Any, ...]:
        return tuple(f(own, images, size) for f, own in zip(functions, params, strict=True))

    return prepare


@functools.cache
def _drawn_from(functions: tuple[Callable, ...]) -> Callable:
    def fill(params, context, keep: Maps, keys: PRNGKeys) -> Images:
        for_choice, for_fill = jnp.moveaxis(split_each(keys, 2), 1, 0)
        draw = functools.partial(jax.random.randint, shape=(), minval=0, maxval=len(functions))
        choice = jax.vmap(draw)(for_choice)
        each = [functools.partial(f, own) for f, own in zip(functions, params, strict=True)]
        # A CPU has little to gain from a batch, and a mask pays for what it has drawn alone.
        found: Images = jax.lax.platform_dependent(
            choice,
            context,
            keep,
            for_fill,
            cpu=functools.partial(_one_by_one, each),
            default=functools.partial(_all_at_once, each),
        )
        return found

    return fill


def _one_by_one(each: Sequence[Callable], choice, context, keep: Maps, keys: PRNGKeys) -> Images:
    """Each mask by what it has drawn."""

    def branch(place: int, context, keep, key):
        alone = jax.tree.map(lambda value: value[None], (context[place], keep, key))
        return each[place](*alone)[0]

    branches = [functools.partial(branch, place) for place in range(len(each))]

    def one(mask) -> Any:
        return jax.lax.switch(mask[0], branches, *mask[1:])

    return jax.lax.map(one, (choice, context, keep, keys))


def _all_at_once(each: Sequence[Callable], choice, context, keep: Maps, keys: PRNGKeys) -> Images:
    """All masks by every infill, of which each takes its own."""
    found: Any = 0.0
    for place, (fill, prepared) in enumerate(zip(each, context, strict=True)):
        mine = (choice == place)[:, None, None, None]
        found = jnp.where(mine, fill(prepared, keep, keys), found)
    return found
