"""The optimisation of STEEX for a batch of pictures: which codes may move is a question apart."""

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import optax

from xai_jax.core.generator import Generator
from xai_jax.core.infill import compose
from xai_jax.core.method import Frozen
from xai_jax.core.optimise import optimise
from xai_jax.core.outputs import GAINED
from xai_jax.core.rng import example_keys
from xai_jax.core.targets import away
from xai_jax.core.types import AnyArray, Batch, Images, Maps, PerExample, PRNGKey, PRNGKeys
from xai_jax.methods.steex import regions, shown
from xai_jax.methods.steex.settings import Optimisation


@dataclasses.dataclass(frozen=True, kw_only=True)
class Problem:
    """What is known of a batch before anything moves.

    Fields:
        cfg: how to optimise.
        frozen: classifier and generator.
        batch: the pictures, with label maps.
        keys: of the noise, one a picture.
        context: what the generator has prepared.
        begun: ``[b n d]``, the pictures' own codes.
        odds: ``[b]``, log-odds of the target in the pictures.
    """

    cfg: Optimisation
    frozen: Frozen
    batch: Batch
    keys: PRNGKeys
    context: Any
    begun: AnyArray
    odds: PerExample

    @property
    def generator(self) -> Generator:
        """That of `frozen`."""
        return regions.generator_of(self.frozen)

    def draw(self, moved: AnyArray, step: Any) -> Images:
        """The picture of codes that have moved by so much; `step` is of the noise, or ``[b]``."""
        own = self.keys
        if self.cfg.fresh_noise:
            steps = jnp.broadcast_to(step, own.shape)
            own = jax.vmap(jax.random.fold_in)(own, steps)
        return self.generator.decode(self.context, self.begun + moved, own)

    def judged(self, drawn: Images, inside: Maps) -> Images:
        """What the classifier is asked of: `inside` is 1 where the picture may change."""
        return compose(drawn, inside, self.batch.images) if self.cfg.restored else drawn

    def ask(self, images: Images) -> PerExample:
        """Log-odds of the target."""
        return self.frozen.classifier.log_odds(images, self.batch.target)

    def gained(self, odds: PerExample) -> PerExample:
        """Log-odds of the other decision than that of the picture itself."""
        return away(self.odds) * odds

    def reached(self, images: Images, credit: PerExample) -> PerExample:
        """How far the other decision is reached by what the classifier judges, less a `credit`."""
        return self.gained(self.ask(images)) - credit

    def credit(self, inside: Maps) -> PerExample:
        """What the reconstruction gains by itself, where that is taken off; else 0."""
        if not self.cfg.corrected:
            return jnp.zeros_like(self.odds)
        drawn = self.draw(jnp.zeros_like(self.begun), self.cfg.num_steps)
        begun = self.gained(self.ask(self.judged(drawn, inside)))
        return jnp.maximum(begun - self.gained(self.odds), 0.0)

    def last_step(self, trace: dict[str, AnyArray]) -> AnyArray:
        """Whose noise the end is drawn with ``[b]``: that under which a picture has settled."""
        after = jnp.full(len(self.begun), self.cfg.num_steps)
        if self.cfg.margin is None or not self.cfg.num_steps:
            return after
        has_settled = trace[GAINED.name] >= self.cfg.margin  # and stays so
        return jnp.where(has_settled.any(axis=1), has_settled.argmax(axis=1), after)

    def solve(self, free: AnyArray) -> tuple[AnyArray, dict[str, AnyArray]]:
        """How the codes move where `free` ``[b n]`` is 1, and the trace; 0 for the others."""
        inside, free = regions.where(self.batch.regions, free), free[..., None]
        credit = self.credit(inside)

        def objective(moved: AnyArray, step: Any) -> tuple[PerExample, dict[str, PerExample]]:
            gained = self.reached(self.judged(self.draw(free * moved, step), inside), credit)
            # In logits: no probability that is 0 or 1 has a logarithm to be asked for.
            decision = jax.nn.softplus(-gained)
            distance = jnp.square(free * moved).sum((1, 2))
            value = decision + self.cfg.distance_weight * distance
            return value, {GAINED.name: gained, shown.DISTANCE.name: distance}

        settled = None
        if self.cfg.margin is not None:
            settled = lambda terms: terms[GAINED.name] >= self.cfg.margin  # noqa: E731
        moved, trace = optimise(
            objective,
            jnp.zeros_like(self.begun),
            optax.adam(self.cfg.learning_rate),
            jnp.arange(self.cfg.num_steps),
            settled=settled,
        )
        return free * moved, trace


def problem(cfg: Optimisation, frozen: Frozen, batch: Batch, key: PRNGKey) -> Problem:
    """What is known of a batch.

    Raises:
        ValueError: there is no generator, or there are no label maps.
    """
    generator = regions.generator_of(frozen)
    context = generator.prepare(batch.images, regions.of_batch(batch))
    return Problem(
        cfg=cfg,
        frozen=frozen,
        batch=batch,
        keys=example_keys(key, batch.image_id),
        context=jax.lax.stop_gradient(context),
        begun=jax.lax.stop_gradient(generator.encode(context)),
        odds=frozen.classifier.log_odds(batch.images, batch.target),
    )


def explained(of: Problem, free: AnyArray, moved: AnyArray, trace: dict[str, AnyArray]) -> Any:
    """The explanation by codes that have moved.

    Args:
        of: the problem.
        free: ``[b n]``, 1 where they might.
        moved: ``[b n d]``, how far they did.
        trace: ``{name: [b t]}``.
    """
    inside = regions.where(of.batch.regions, free)
    # With the same noise, so that what they differ by is what the codes' change does.
    last = of.last_step(trace)
    begin, end = (of.draw(codes, last) for codes in (jnp.zeros_like(moved), moved))
    made = of.judged(end, inside)
    odds = shown.Odds(
        before=of.odds, reconstruction=of.ask(of.judged(begin, inside)), after=of.ask(made)
    )
    drawn = shown.Drawn(reconstruction=begin, generated=end, counterfactual=made)
    return shown.explanation(
        of.batch, inside=inside, moved=moved, drawn=drawn, odds=odds, trace=trace
    )
