"""Each mask draws one of several infills, so that what is kept suffices whatever the holes show."""

import dataclasses
import functools
from collections.abc import Callable
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
        choice = jax.vmap(draw)(for_choice)[:, None, None, None]
        filled: Any = 0.0
        for i, (one, own, prepared) in enumerate(zip(functions, params, context, strict=True)):
            chosen = choice == i
            # An infill that no mask of the batch has drawn is not computed.
            found = jax.lax.cond(
                chosen.any(),
                functools.partial(one, own, prepared),
                functools.partial(_nothing, one, own, prepared),
                keep,
                for_fill,
            )
            filled = jnp.where(chosen, found, filled)
        return filled

    return fill


def _nothing(fill_fn: Callable, params: Any, context: Any, keep: Maps, keys: PRNGKeys) -> Images:
    shape = jax.eval_shape(fill_fn, params, context, keep, keys)
    return jnp.zeros(shape.shape, shape.dtype)
