"""The settings of SyCE, CyCE and their variants: one loss, of which each takes some terms."""

import dataclasses
import enum
from typing import Any

from xai_jax.core.domains import Count, Natural, NotNegative, ShareBelowOne
from xai_jax.core.settings import Settings
from xai_jax.nn.patch_discriminator import PatchDiscriminator
from xai_jax.nn.unet import UNet


class Stable(enum.Enum):
    """Which picture the adversarial one is compared with; c is what the picture is decided as."""

    SYMMETRY = "symmetry"  # G_c(G_c(x)), of the same network twice: SyCE
    CYCLE = "cycle"  # G_{1-c}(G_c(x)), of both networks
    INPUT = "input"  # x itself: CyCE
    SECOND = "second"  # what the network draws beside the adversarial one: SAGen


class Draws(enum.Enum):
    """What a network draws of a picture."""

    PICTURE = "picture"  # the adversarial picture, cut off at 0 and 1
    MASK = "mask"  # where the adversarial picture is the picture blurred and darkened: MGen


class Map(enum.Enum):
    """What the map is; f is the probability of the decided class."""

    DIFFERENCE = "difference"  # of the stable and the adversarial picture; of a mask, itself
    STRAIGHT = "straight"  # what each pixel adds to f on the way from the adversarial picture
    LATENT = "latent"  # the same on the way through the codes of the generator of `Frozen`


@dataclasses.dataclass(slots=True, kw_only=True)
class Loss(Settings):
    """Weights of the terms, each the mean over the pictures of a domain; 0: it is not computed.

    Attributes:
        symmetry: reconstruction of the picture by the same network twice.
        cycle: by its own network and then the other domain's.
        identity: by the other domain's network alone, which has nothing to change there.
        proximity: mean absolute difference of picture and adversarial picture.
        flip: cross-entropy of the adversarial picture's answer and the opposite decision.
        keep: of the symmetric picture's answer and the decision.
        cycle_keep: of the cycled picture's answer and the decision.
        pair: reconstruction of the symmetric picture (the second one of a network that draws two)
            by the adversarial one.
        area: mean of the mask of what is blurred.
        variation: mean absolute step of that mask, down and across.
        realism: how unreal the other domain's critic finds the adversarial picture.
        penalty: of the critics' slope; in their loss.
    """

    symmetry: NotNegative = 10.0
    cycle: NotNegative = 2.0
    identity: NotNegative = 0.0
    proximity: NotNegative = 0.0
    flip: NotNegative = 0.2
    keep: NotNegative = 0.01
    cycle_keep: NotNegative = 0.005
    pair: NotNegative = 0.0
    area: NotNegative = 0.0
    variation: NotNegative = 0.0
    realism: NotNegative = 0.25
    penalty: NotNegative = 1.0

    @classmethod
    def cyce(cls) -> "Loss":
        """A cycle in place of the symmetry."""
        return cls(symmetry=0.0, cycle=10.0, keep=0.0)

    @classmethod
    def sagen(cls) -> "Loss":
        """Two pictures near each other, one of which flips; no critic. The weights are ours."""
        weights = {"flip": 0.2, "keep": 0.05, "symmetry": 10.0, "pair": 5.0}
        return cls(cycle=0.0, cycle_keep=0.0, realism=0.0, **weights)

    @classmethod
    def mgen(cls) -> "Loss":
        """A small and smooth mask whose blur flips; no critic. The weights are ours."""
        none = {"symmetry": 0.0, "cycle": 0.0, "keep": 0.0, "cycle_keep": 0.0, "realism": 0.0}
        return cls(flip=1.0, area=2.0, variation=0.5, **none)


@dataclasses.dataclass(slots=True, kw_only=True)
class Generators(Settings):
    """Networks, optimiser and variants; the defaults are the published SyCE on MNIST.

    Attributes:
        network: each generator.
        critic: each domain's discriminator.
        loss: what the generators and the critics are trained by.
        stable: what the adversarial picture is compared with.
        decided_class: the class whose presence is the decision; ``None``: the classifier has one.
        draws: what each generator draws.
        map: what explains; the generators do not depend on it.
        path_steps: points on the way of `Map.STRAIGHT` and `Map.LATENT`, a gradient each.
        shared: one generator serves both domains.
        told: that one is told which domain the picture is of, as one more channel.
        together: both domains' losses make one update of the generators; else two, one after the
            other.
        soft_targets: what is to be kept and flipped is the probability, not the decision.
        critic_shift: pixels by which what the critics see is moved at random, either way; what
            comes in is black (Zhao et al., "Differentiable Augmentation", NeurIPS 2020).
        learning_rate: of Adam, for generators and critics.
        decay_steps: steps over which it falls to 0 along a half cosine; 0: it stays.
        plateau: validations in a row without a better loss after which the rate is multiplied by
            0.3, down to a tenth of it; after as many at a tenth training ends. 0: neither.
        average: decay of the moving average of the generators, which is what is exported; 0 as
            published: the generators themselves.
    """

    network: UNet = dataclasses.field(default_factory=UNet)
    critic: PatchDiscriminator = dataclasses.field(default_factory=PatchDiscriminator)
    loss: Loss = dataclasses.field(default_factory=Loss)
    stable: Stable = Stable.SYMMETRY
    decided_class: Natural | None = None
    draws: Draws = Draws.PICTURE
    map: Map = Map.DIFFERENCE
    path_steps: Count = 20
    shared: bool = False
    told: bool = False
    together: bool = False
    soft_targets: bool = False
    critic_shift: Natural = 0
    learning_rate: NotNegative = 1e-4
    decay_steps: Natural = 0
    plateau: Natural = 0
    average: ShareBelowOne = 0.0

    @property
    def outputs(self) -> int:
        """Pictures (or halves of a mask) that a network draws at once."""
        return 2 if self.stable is Stable.SECOND or self.draws is Draws.MASK else 1

    def generator(self) -> Any:
        """The module of one generator; one of masks begins at random, all others as `UNet` says."""
        return self.network.build(self.outputs, as_shown=self.draws is Draws.PICTURE)

    def check(self, shape: tuple[int, ...]) -> None:
        """Refuses pictures ``[b h w c]`` that do not fit, and settings that do not go together.

        Raises:
            ValueError: with what to set.
        """
        self.network.check(shape)
        if self.loss.realism:
            self.critic.check(shape)
        self._check_loss()
        is_mask = self.draws is Draws.MASK
        alone = self.network.channels == self.network.stem == 1 and self.stable is Stable.INPUT
        if is_mask and not alone:
            raise ValueError(
                "What draws a mask has one channel and no stem, and compares with the picture "
                "itself; set network.channels and network.stem to 1 and stable to input."
            )
        if self.network.finest and not is_mask:
            raise ValueError("Only masks are drawn at half size or less; set network.finest to 0.")
        if self.told and not self.shared:
            raise ValueError("Only one generator of both domains is told which; set shared too.")

    def _check_loss(self) -> None:
        weights = dataclasses.asdict(self.loss)
        if not any(weight for name, weight in weights.items() if name != "penalty"):
            raise ValueError("All weights of the generators' loss are 0; set loss.flip, say.")
        if self.draws is Draws.PICTURE and (self.loss.area or self.loss.variation):
            raise ValueError(
                "loss.area and loss.variation are of masks, and pictures are drawn; set both to 0, "
                "or draws to mask."
            )
