"""The loss of SyCE and CyCE, term by term, each ``[b]`` (specs: generative, sec. 2 and 3)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from xai_jax.core.types import AnyArray, Images, PerExample, PyTree
from xai_jax.losses.adversarial import reconstruction, says
from xai_jax.methods.syce.settings import Generators, Loss, Stable

Made = dict[str, Images]  # pictures by name
Draw = Callable[[PyTree, Images], Images]  # (a generator's parameters, pictures) -> pictures

ADVERSARIAL, SYMMETRIC, CYCLED, SAME = "adversarial", "symmetric", "cycled", "same"


def drawing(cfg: Generators) -> Draw:
    """A generator: unit pixels in, unit pixels of as many channels out, cut off at 0 and 1."""
    network = cfg.network.build()

    def draw(params: PyTree, images: Images) -> Images:
        drawn = jnp.clip(network.apply({"params": params}, images), 0.0, 1.0)
        return jnp.broadcast_to(drawn, images.shape)

    return draw


def made(cfg: Generators, draw: Draw, own: PyTree, other: PyTree, images: Images) -> Made:
    """All pictures that the loss, or the explanation, compares with those of one domain.

    Args:
        cfg: says which.
        draw: a generator.
        own: parameters of that of the pictures' domain.
        other: of the other domain's.
        images: of one domain.
    """
    adversarial = draw(own, images)
    found = {ADVERSARIAL: adversarial}
    if cfg.stable is Stable.SYMMETRY or cfg.loss.symmetry or cfg.loss.keep:
        found[SYMMETRIC] = draw(own, adversarial)
    if cfg.stable is Stable.CYCLE or cfg.loss.cycle or cfg.loss.cycle_keep:
        found[CYCLED] = draw(other, adversarial)
    if cfg.loss.identity:
        found[SAME] = draw(other, images)
    return found


def judged(loss: Loss, pictures: Made) -> Made:
    """Those of which the loss asks the classifier."""
    wanted = {ADVERSARIAL: loss.flip, SYMMETRIC: loss.keep, CYCLED: loss.cycle_keep}
    return {name: pictures[name] for name, weight in wanted.items() if weight}


def asked(log_odds: Callable[[Images], PerExample], pictures: Made) -> dict[str, PerExample]:
    """The log-odds of the decided class in pictures of every name.

    One call for all of them, for the sake of one copy of the classifier in the program. They stand
    side by side, so that all are on the device that has the picture.
    """
    several = jnp.stack(list(pictures.values()), axis=1)
    said = log_odds(several.reshape(-1, *several.shape[2:])).reshape(several.shape[:2])
    return dict(zip(pictures, jnp.moveaxis(said, 1, 0), strict=True))


def terms(
    loss: Loss,
    images: Images,
    target: AnyArray,
    pictures: Made,
    said: dict[str, PerExample],
    real: PerExample | None,
) -> dict[str, PerExample]:
    """Those that have a weight, before they are weighted, by the names of the weights.

    Args:
        loss: the weights.
        images: of one domain.
        target: probability of the decided class that is to be kept; its opposite is to be reached.
        pictures: what was made of them.
        said: log-odds of those of which the loss asks the classifier.
        real: logits of the other domain's critic on the adversarial ones; ``None``: there is none.
    """
    off = jnp.abs(images - pictures[ADVERSARIAL]).mean(axis=(1, 2, 3))
    found = {"proximity": off}
    if ADVERSARIAL in said:
        found["flip"] = says(said[ADVERSARIAL], 1.0 - target)
    for name, picture in (("symmetry", SYMMETRIC), ("cycle", CYCLED), ("identity", SAME)):
        if picture in pictures:
            found[name] = reconstruction(images, pictures[picture])
    for name, picture in (("keep", SYMMETRIC), ("cycle_keep", CYCLED)):
        if picture in said:
            found[name] = says(said[picture], target)
    if real is not None:
        found["realism"] = says(real, 1.0)
    return {name: value for name, value in found.items() if getattr(loss, name)}


def weighted(loss: Loss, found: dict[str, PerExample]) -> PerExample:
    """The loss of each picture."""
    return jax.tree.reduce(jnp.add, [getattr(loss, name) * x for name, x in found.items()])
