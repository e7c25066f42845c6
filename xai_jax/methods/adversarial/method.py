"""An adversarial picture: the smallest steps of single pixels that turn the decision.

Madry, Makelov, Schmidt, Tsipras, Vladu, "Towards Deep Learning Models Resistant to Adversarial
Attacks", ICLR 2018, eq. 3: projected gradient descent within a ball of the largest norm, from the
picture itself. It flips nearly always and shows nothing: the floor under the flips and distances
of counterfactual pictures.

Its saliency is, to first order, what the change of each pixel gains, in nats: the absolute product
of the change and the gradient at the picture, summed over the channels.
"""

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
import optax

from xai_jax.core import outputs
from xai_jax.core.domains import Count, NotNegative, Positive
from xai_jax.core.method import Frozen, Method
from xai_jax.core.optimise import optimise
from xai_jax.core.outputs import COUNTERFACTUAL, DIFFERENCE, GAINED
from xai_jax.core.settings import Settings
from xai_jax.core.targets import away
from xai_jax.core.types import AnyArray, Batch, Explanation, Images, PerExample, PRNGKey

_OBJECTIVE = outputs.trace("objective", "nats", "What is minimised.")


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Settings):
    """Settings; radius and rate are those of the authors' experiments on CIFAR-10.

    Attributes:
        radius: unit pixels, by which a channel of a pixel may change.
        learning_rate: unit pixels, by which each of them changes in a step.
        num_steps: at most; a classifier's forward and backward pass each.
        margin: log-odds of the other decision, in nats, from which on a picture changes no more;
            ``None``: every picture takes all steps.
    """

    radius: Positive = 8 / 255
    learning_rate: Positive = 2 / 255
    num_steps: Count = 20
    margin: NotNegative | None = None

    @classmethod
    def sparing(cls) -> "Config":
        """No more change than a decision of 95 % needs, by finer steps."""
        return cls(learning_rate=0.25 / 255, num_steps=100, margin=3.0)

    @classmethod
    def smoke(cls) -> "Config":
        """The smallest honest run: a few steps."""
        return cls(num_steps=4)

    def build(self) -> Method:
        """The method with these settings."""
        return adversarial(self)


def adversarial(cfg: Config) -> Method:
    """Turns whether the target is found in each picture; nothing is learned across pictures."""
    return Method(
        explain=functools.partial(_explain, cfg),
        outputs=(COUNTERFACTUAL, DIFFERENCE, GAINED, _OBJECTIVE),
    )


def _explain(cfg: Config, weights: Any, frozen: Frozen, batch: Batch, key: PRNGKey) -> Explanation:
    del weights, key
    images = batch.images
    ask = functools.partial(frozen.classifier.log_odds, target=batch.target)
    other = away(ask(images))

    # Steps are of one size, so that the change of a pixel says nothing of how much it counts.
    slope = jax.grad(lambda shown: (other * ask(shown)).sum())(images)

    def objective(shown: Images, step: Any) -> tuple[PerExample, dict[str, PerExample]]:
        del step
        gained = other * ask(shown)
        return -gained, {GAINED.name: gained}

    def project(shown: Images) -> AnyArray:
        near = jnp.clip(shown, images - cfg.radius, images + cfg.radius)
        return jnp.clip(near, 0.0, 1.0)

    settled = None
    if cfg.margin is not None:
        settled = lambda terms: terms[GAINED.name] >= cfg.margin  # noqa: E731
    shown, trace = optimise(
        objective,
        images,
        optax.sign_sgd(cfg.learning_rate),
        jnp.arange(cfg.num_steps),
        project=project,
        settled=settled,
    )
    off = images - shown
    return Explanation(
        target=batch.target,
        saliency=jnp.abs(off * slope).sum(axis=-1, keepdims=True),
        maps={DIFFERENCE.name: off.mean(axis=-1, keepdims=True)},
        pictures={COUNTERFACTUAL.name: shown},
        numbers=trace,
    )
