"""SyCE and CyCE: the explanation is the difference of two generated pictures.

Charachon, Cournede, Hudelot, Ardon, "Leveraging Conditional Generative Models in a General
Explanation Framework of Classifier Decisions", FGCS 132 (2022), with the losses and networks of the
authors' code. A generator of the pictures that the classifier decides one way draws pictures that
it decides the other way, close to them and real to a critic of that other side.
"""

import dataclasses
import functools

import jax
import jax.numpy as jnp

from xai_jax.core import decision
from xai_jax.core.method import Frozen, Method, Trainable
from xai_jax.core.outputs import COUNTERFACTUAL, DIFFERENCE, STABLE, Output
from xai_jax.core.types import Batch, Explanation, PRNGKey
from xai_jax.methods.syce import domains, paths, terms, training, validation
from xai_jax.methods.syce.settings import Draws, Generators, Loss, Map, Stable
from xai_jax.nn import learner
from xai_jax.nn.ema import ema
from xai_jax.nn.learner import Weights
from xai_jax.nn.patch_discriminator import PatchDiscriminator
from xai_jax.nn.unet import UNet

DECISION = Output(
    name="decision",
    kind="number",
    axes=(),
    unit="0 or 1",
    meaning="Whether the classifier finds the decided class in the picture.",
    stored="int32",
)

_NO_LOSS = Loss(**{field.name: 0.0 for field in dataclasses.fields(Loss)})
_SHOWN = (terms.ADVERSARIAL, terms.MASK)


@dataclasses.dataclass(slots=True, kw_only=True)
class Config(Generators):
    """Settings; see `settings.Generators`."""

    @classmethod
    def cyce(cls) -> "Config":
        """CyCE: CycleGAN with a classifier; the picture itself is compared with its adversary."""
        return cls(loss=Loss.cyce(), stable=Stable.INPUT, together=True)

    @classmethod
    def cyce_identity(cls) -> "Config":
        """CyCE with an identity term, as GANterfactual: a picture of the other side stays.

        It weighs half the cycle, as CycleGAN's does; GANterfactual's a tenth.
        """
        return cls(
            loss=dataclasses.replace(Loss.cyce(), identity=5.0), stable=Stable.INPUT, together=True
        )

    @classmethod
    def single(cls) -> "Config":
        """One generator for both domains, for which symmetry and cycle are the same."""
        loss = Loss(symmetry=12.0, cycle=0.0, keep=0.015, cycle_keep=0.0)
        return cls(loss=loss, shared=True)

    @classmethod
    def conditional(cls) -> "Config":
        """The same, told which side it draws from (after StarGAN, Choi et al. 2018)."""
        return dataclasses.replace(cls.single(), told=True)

    @classmethod
    def sagen(cls) -> "Config":
        """SAGen (Charachon et al., ICPR 2020): one network draws both pictures, without a critic.

        A reconstruction: its networks are known, its training is not.
        """
        network = UNet(head_widths=(32, 16))
        return cls(network=network, loss=Loss.sagen(), stable=Stable.SECOND, shared=True)

    @classmethod
    def mgen(cls) -> "Config":
        """MGen, after Dabkowski & Gal 2017: a mask at half size, and a blur that darkens.

        A reconstruction: its network is known, its training is not.
        """
        network = UNet(widths=(16, 32, 32, 64), finest=1)
        loss, draws = Loss.mgen(), Draws.MASK
        return cls(network=network, loss=loss, stable=Stable.INPUT, draws=draws, shared=True)

    @classmethod
    def smoke(cls) -> "Config":
        """The smallest honest run: small networks, the first class of several, quick steps."""
        return cls(
            network=UNet(widths=(4, 8)),
            critic=PatchDiscriminator(widths=(4, 8)),
            decided_class=0,
            learning_rate=1e-2,
        )

    def build(self) -> Method:
        """The method with these settings."""
        return syce(self)


def syce(cfg: Config) -> Method:
    """Learns a generator for each decision; its explanations need no further optimisation."""
    made = Trainable(
        init=functools.partial(training.init, cfg),
        step=functools.partial(training.step, cfg),
        measure=functools.partial(validation.measure, cfg),
        weights=lambda state: learner.weights(state.generators),
        validated=functools.partial(training.validated, cfg) if cfg.plateau else None,
        finished=functools.partial(training.finished, cfg) if cfg.plateau else None,
        look=functools.partial(decision.look, cfg.decided_class),
        summary=validation.summary,
    )
    return Method(
        explain=functools.partial(_explain, cfg),
        outputs=(COUNTERFACTUAL, STABLE, DIFFERENCE, DECISION),
        trainable=ema(made, cfg.average),
        check=functools.partial(_check, cfg),
        admit=paths.admit if cfg.map is Map.LATENT else None,
    )


def _check(cfg: Config, frozen: Frozen, shape: tuple[int, int, int, int]) -> None:
    cfg.check(shape)
    paths.check(cfg.map, frozen, shape)
    decision.class_of(frozen.classifier, cfg.decided_class, shape)


def _explain(
    cfg: Config, weights: Weights, frozen: Frozen, batch: Batch, key: PRNGKey
) -> Explanation:
    draw = terms.drawing(cfg, frozen.classifier.precision)
    decided = decision.class_of(frozen.classifier, cfg.decided_class, batch.images.shape)
    ask = functools.partial(decision.log_odds, frozen.classifier, decided)
    is_one = ask(batch.images) >= 0
    alone = dataclasses.replace(cfg, loss=_NO_LOSS)  # nothing is drawn but what is shown

    def pictures_of(own, other, images):
        found = terms.made(alone, draw, own, other, images)
        stable = terms.stable_of(cfg, found, images)
        return {"stable": stable} | {n: found[n] for n in _SHOWN if n in found}

    found = domains.by_domain(pictures_of, weights.params, batch.images, is_one)
    adversarial, stable = found[terms.ADVERSARIAL], found["stable"]
    difference = (stable - adversarial).mean(axis=-1, keepdims=True)
    saliency = jnp.abs(stable - adversarial).mean(axis=-1, keepdims=True)
    if cfg.map is not Map.DIFFERENCE:
        path = paths.path_of(cfg.map, frozen, batch, adversarial, key)
        ways = paths.added(lambda x: jax.nn.sigmoid(ask(x)), path, cfg.path_steps)
        saliency = jnp.abs(ways)
    elif terms.MASK in found:
        saliency = found[terms.MASK]
    return Explanation(
        target=batch.target,
        saliency=saliency,
        maps={DIFFERENCE.name: difference},
        pictures={COUNTERFACTUAL.name: adversarial, STABLE.name: stable},
        numbers={DECISION.name: is_one.astype(jnp.int32)},
    )
