"""How STEEX optimises; the defaults are the published ones."""

import dataclasses

from xai_jax.core.domains import Natural, NotNegative, Positive
from xai_jax.core.settings import Settings


@dataclasses.dataclass(slots=True, kw_only=True)
class Optimisation(Settings):
    """Settings.

    Attributes:
        num_steps: updates; the picture after the last one is the counterfactual. The authors made
            100, and showed the picture before the last. 0: it is the reconstruction, for a row
            that says what the generator alone does.
        learning_rate: of Adam.
        distance_weight: of the squared distance of the codes, summed over regions.
        margin: log-odds of the other decision, in nats, from which on a picture changes no more;
            ``None``: every picture takes all steps.
        fresh_noise: the generator draws its noise anew at every step; else one noise a picture.
            What has settled at a `margin` is shown with the noise of that step.
        restored: whether pixels outside of the regions that may change are the picture's own, also
            for the classifier; as published they are the generator's.
        corrected: whether what the reconstruction alone gains, by errors of the generator, is taken
            off: the codes then have to turn the decision by themselves.
    """

    num_steps: Natural = 99
    learning_rate: Positive = 0.01
    distance_weight: NotNegative = 0.3
    margin: NotNegative | None = None
    fresh_noise: bool = True
    restored: bool = False
    corrected: bool = False
