"""A small denoiser guesses what stood in the holes.

The holes begin with the colours of push-pull, which the denoiser takes for a picture with noise in
its holes. Then, as often as wanted, it is told a lower level, while what is known stays as it is;
with noise of that level added before, what comes out is a draw (RePaint: Lugmayr et al., CVPR 2022,
with a few levels in place of hundreds).
"""

import dataclasses
import functools
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from xai_jax.core.classifier import Classifier
from xai_jax.core.domains import Count, Positive
from xai_jax.core.infill import Infill, compose
from xai_jax.core.precision import Precision, computed
from xai_jax.core.push_pull import push_pull
from xai_jax.core.rng import fold_each
from xai_jax.core.types import Images, Maps, PRNGKeys
from xai_jax.infills import trained
from xai_jax.nn.denoiser import START, Network
from xai_jax.nn.denoiser import Denoiser as Net


@dataclasses.dataclass(slots=True, kw_only=True)
class Denoiser(trained.Trained):
    """A denoiser of 257,000 parameters, trained on free photographs (denoiser.md beside this file).

    Fields:
        weights: as in `trained.Trained`; by default those that come with the package.
        num_steps: passes of the network.
        highest, lowest: level of the second and of the last pass, in unit pixels; it falls
            geometrically. Of two passes the second has the highest.
        draw: noise of that level is added in the holes before each of these passes, by the key, of
            which there must be one, `num_steps` 2 or more; else the answer is always the same, near
            the mean of what might have stood there.
    """

    num_steps: Count = 1
    highest: Positive = 0.2
    lowest: Positive = 0.03
    draw: bool = False
    kind = "denoiser"
    shipped = str(Path(__file__).with_suffix(".safetensors"))

    def build(self, classifier: Classifier) -> Infill:
        """The infill.

        Raises:
            ValueError: the file is missing, damaged, or of another network; there is no pass to
                draw for, or the level would rise; or a picture has other than three channels or
                one, when it is prepared.
            OSError: the file cannot be read.
        """
        if self.draw and self.num_steps < 2:
            raise ValueError(
                f"denoiser.Denoiser draws before each pass after the first, and num_steps is "
                f"{self.num_steps}; set num_steps to 2 or more, or leave out draw."
            )
        if self.lowest > self.highest:
            raise ValueError(
                f"lowest is {self.lowest} and highest {self.highest}: the level is to fall; "
                "exchange them."
            )
        network, weights = trained.loaded(self.file(), Network())
        levels = tuple(np.geomspace(self.highest, self.lowest, self.num_steps - 1).tolist())
        params = {"network": weights, "mean": classifier.mean}
        return Infill(
            params=params,
            fill_fn=_fill_with(network.build(), levels, self.draw, classifier.precision),
            prepare_fn=trained.preparing(network.channels, self.kind),
        )


@functools.cache
def _fill_with(network: Net, levels: tuple[float, ...], draw: bool, precision: Precision):
    apply = computed(network.apply, precision)
    return functools.partial(_fill, apply=apply, levels=levels, draw=draw)  # one a setting


def _fill(params, context: Images, keep: Maps, keys: PRNGKeys, *, apply: Any, levels, draw):
    removed = 1.0 - keep

    def clean(holes: Images, level) -> Images:
        """The whole picture, its known pixels put back."""
        shown = trained.learned(compose(context, keep, holes), 3)
        found = apply(params["network"], shown, removed * level)
        clipped = jnp.clip(trained.answered(found, context), 0.0, 1.0)
        return compose(context, keep, clipped)

    def again(filled: Images, step):
        index, level = step
        if draw:
            normal = functools.partial(jax.random.normal, shape=context.shape[1:])
            filled = filled + level * jax.vmap(normal)(fold_each(keys, index))
        return clean(filled, level), None

    filled = clean(push_pull(context, keep, params["mean"]), START)
    if not levels:
        return filled
    return jax.lax.scan(again, filled, (jnp.arange(len(levels)), jnp.asarray(levels)))[0]
