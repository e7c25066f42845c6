"""Any method several times, with other draws each time: the mean, and how far they lie apart."""

import dataclasses
from typing import Annotated, Any

import jax
import jax.numpy as jnp

from xai_jax.core.domains import Interval
from xai_jax.core.method import Builds, Frozen, Inspector, Method
from xai_jax.core.outputs import PIXEL_MAP, Output, number
from xai_jax.core.settings import Settings
from xai_jax.core.types import Batch, Explanation, PRNGKey

SPREAD = Output(
    name="spread",
    kind="map",
    axes=PIXEL_MAP,
    unit="of the saliency",
    meaning="Standard deviation of the saliency over the repeats, which draw other noise.",
)
_SHARE = number(
    "spread_share",
    "share",
    "Mean spread over the standard deviation of the mean saliency: above 1 the draws say more "
    "than the picture. 0 for a flat map.",
)


@dataclasses.dataclass(slots=True, kw_only=True)
class Repeated(Settings):
    """A method whose explanation is the mean of several, of other keys; in one compiled call.

    Attributes:
        method: settings of the method; its weights, if it is trained, are those of this one.
        times: how often it explains a picture.
    """

    method: Builds[Method]
    times: Annotated[int, Interval(2)] = 4

    def build(self) -> Method:
        """The method with these settings."""
        inner = self.method.build()

        def explain(weights: Any, frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
            def once(i: jax.Array) -> Explanation:
                return inner.explain(weights, frozen, batch, jax.random.fold_in(key, i))

            every = jax.lax.map(once, jnp.arange(self.times))  # [t b ...]
            found = jax.tree.map(_mean, every)
            spread = every.saliency.std(axis=0)
            own = found.saliency.std(axis=(1, 2, 3))
            share = jnp.where(own > 0, spread.mean(axis=(1, 2, 3)) / jnp.where(own > 0, own, 1), 0)
            return found.replace(
                maps={**found.maps, SPREAD.name: spread},
                numbers={**found.numbers, _SHARE.name: share},
            )

        return inner._replace(explain=explain, outputs=(*inner.outputs, SPREAD, _SHARE))


def repeated(inspector: Inspector, times: int) -> Inspector:
    """`inspector` that explains so often; itself for once.

    Raises:
        ValueError: `times` is below 1.
    """
    if times < 1:
        raise ValueError(f"repeats must be at least 1, not {times}.")
    if times == 1:
        return inspector
    return dataclasses.replace(inspector, method=Repeated(method=inspector.method, times=times))


def _mean(every: jax.Array) -> jax.Array:
    """Over the repeats; of whole numbers (a class) the first."""
    return every.mean(axis=0) if jnp.issubdtype(every.dtype, jnp.inexact) else every[0]
