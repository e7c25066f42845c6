"""The loss of SyCE and CyCE, term by term, each ``[b]`` (specs: generative, sec. 2 and 3)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from xai_jax.core.image import held_in_unit
from xai_jax.core.precision import Precision, computed
from xai_jax.core.types import AnyArray, Images, PerExample, PyTree
from xai_jax.losses.absolute import absolute
from xai_jax.losses.adversarial import reconstruction, says
from xai_jax.losses.masks import mean_variation
from xai_jax.methods.syce.blurred import darkened, mask_of
from xai_jax.methods.syce.domains import Told
from xai_jax.methods.syce.settings import Draws, Generators, Loss, Stable

Made = dict[str, AnyArray]  # pictures, and a mask, by name
Draw = Callable[[PyTree, Images], Made]  # (a generator's parameters, pictures) -> what it draws

ADVERSARIAL, SYMMETRIC, CYCLED, SAME, MASK = "adversarial", "symmetric", "cycled", "same", "mask"


def drawing(cfg: Generators, precision: Precision = "float32") -> Draw:
    """A generator: unit pixels in, and out the adversarial picture of as many channels.

    Beside it the second picture of one that draws two, as the symmetric one; or its mask,
    ``[b h w 1]``, 1 where the picture is blurred.
    """
    apply = computed(cfg.generator().apply, precision)

    def answer(params: PyTree, images: Images) -> AnyArray:
        if not isinstance(params, Told):
            return apply({"params": params}, images)
        domain = jnp.broadcast_to(jnp.asarray(params.domain, jnp.float32), (len(images),))
        return apply({"params": params.params}, images, domain)

    def draw(params: PyTree, images: Images) -> Made:
        drawn = answer(params, images)
        if cfg.draws is Draws.MASK:
            mask = mask_of(drawn, 2**cfg.network.finest)
            return {ADVERSARIAL: images + mask * (darkened(images) - images), MASK: mask}
        pictures = jnp.split(held_in_unit(drawn), cfg.outputs, axis=-1)
        return {
            name: jnp.broadcast_to(picture, images.shape)
            for name, picture in zip((ADVERSARIAL, SYMMETRIC), pictures, strict=False)
        }

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
    found = draw(own, images)
    adversarial = found[ADVERSARIAL]
    of_loss = cfg.loss.symmetry or cfg.loss.keep or cfg.loss.pair
    wanted = cfg.stable is Stable.SYMMETRY or of_loss
    if wanted and SYMMETRIC not in found:
        found[SYMMETRIC] = draw(own, adversarial)[ADVERSARIAL]
    if cfg.stable is Stable.CYCLE or cfg.loss.cycle or cfg.loss.cycle_keep:
        found[CYCLED] = draw(other, adversarial)[ADVERSARIAL]
    if cfg.loss.identity:
        found[SAME] = draw(other, images)[ADVERSARIAL]
    return found


def stable_of(cfg: Generators, pictures: Made, images: Images) -> Images:
    """What the adversarial picture is compared with, out of what `made` has made."""
    if cfg.stable is Stable.INPUT:
        return images
    return pictures[CYCLED if cfg.stable is Stable.CYCLE else SYMMETRIC]


def judged(loss: Loss, pictures: Made) -> Made:
    """Those of which the loss asks the classifier."""
    wanted = {ADVERSARIAL: loss.flip, SYMMETRIC: loss.keep, CYCLED: loss.cycle_keep}
    return {name: pictures[name] for name, weight in wanted.items() if weight}


def asked(log_odds: Callable[[Images], PerExample], pictures: Made) -> dict[str, PerExample]:
    """The log-odds of the decided class in pictures of every name.

    One call for all of them, for the sake of one copy of the classifier in the program, and none
    for no picture. They stand side by side, so that all are on the device that has the picture.
    """
    if not pictures:
        return {}
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
    off = absolute(images - pictures[ADVERSARIAL]).mean(axis=(1, 2, 3))
    found = {"proximity": off}
    if ADVERSARIAL in said:
        found["flip"] = says(said[ADVERSARIAL], 1.0 - target)
    found |= _near(loss, images, pictures)
    for name, picture in (("keep", SYMMETRIC), ("cycle_keep", CYCLED)):
        if picture in said:
            found[name] = says(said[picture], target)
    if real is not None:
        found["realism"] = says(real, 1.0)
    return {name: value for name, value in found.items() if getattr(loss, name)}


def _near(loss: Loss, images: Images, pictures: Made) -> dict[str, PerExample]:
    """The terms that compare pictures with each other, and those of a mask."""
    found = {
        name: reconstruction(images, pictures[picture])
        for name, picture in (("symmetry", SYMMETRIC), ("cycle", CYCLED), ("identity", SAME))
        if picture in pictures
    }
    if loss.pair:
        found["pair"] = reconstruction(pictures[SYMMETRIC], pictures[ADVERSARIAL])
    if MASK in pictures:
        mask = pictures[MASK]
        found |= {"area": mask.mean(axis=(1, 2, 3)), "variation": mean_variation(mask)}
    return found


def weighted(loss: Loss, found: dict[str, PerExample]) -> PerExample:
    """The loss of each picture."""
    return jax.tree.reduce(jnp.add, [getattr(loss, name) * x for name, x in found.items()])
