"""What generators and their critics are trained by, per picture."""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from xai_jax.core.types import AnyArray, Images, Maps, PerExample, PRNGKeys, PyTree
from xai_jax.losses.absolute import absolute


def reconstruction(one: Images, other: Images) -> PerExample:
    """Mean squared difference and mean absolute difference, added; in [0, 2] for unit pixels."""
    off = one - other
    return (jnp.square(off) + absolute(off)).mean(axis=(1, 2, 3))


def says(logits: PerExample, target: AnyArray | float) -> PerExample:
    """Cross-entropy of `target`, a probability, and the one that a logit stands for, in nats.

    With target 1 of a critic on made pictures the non-saturating loss of their generator, and with
    1 on real and 0 on made ones the critic's own (Goodfellow et al., "Generative Adversarial Nets",
    NeurIPS 2014). It stays in logits: no probability is cut off.
    """
    return jax.nn.softplus(logits) - target * logits


def gradient_penalty(
    critic: Callable[[Images], PerExample],
    real: Images,
    fake: Images,
    holes: Maps | float,
    keys: PRNGKeys,
) -> PerExample:
    """``(|slope| - 1)^2`` of a critic between a real and a filled picture, over the hole alone.

    `holes` is 1 where the slope counts; the number 1 for all of a picture. Gulrajani et al.,
    "Improved Training of Wasserstein GANs", NeurIPS 2017; the place between is uniform, by the
    picture's key. Its gradient is that by the critic's weights; both pictures count as constants.

    Args:
        critic: with a forward derivative, as that of convolutions with ``Conv.plain``.
        real: pictures.
        fake: made ones.
        holes: see above.
        keys: one a picture.
    """
    between = jax.vmap(lambda key: jax.random.uniform(key, (1, 1, 1)))(keys)
    mixed = jax.lax.stop_gradient(real + between * (fake - real))
    slope = jax.lax.stop_gradient(jax.grad(lambda x: critic(x).sum())(mixed)) * holes
    length = jnp.sqrt(jnp.square(slope).sum((1, 2, 3)) + 1e-12)
    # By the critic's weights, the derivative is that of the slope along this one direction, fixed:
    # a forward derivative, which costs a pass where the gradient of a gradient costs many.
    direction = (2.0 * (length - 1.0) / length)[:, None, None, None] * slope * holes
    along = jax.jvp(critic, (mixed,), (direction,))[1]
    return jax.lax.stop_gradient(jnp.square(length - 1.0) - along) + along


def hinge_real(scores: AnyArray) -> PerExample:
    """What a critic loses by calling a real picture's patches unreal; 0 from a score of 1 on."""
    return jnp.maximum(0.0, 1.0 - scores).mean((1, 2, 3))


def hinge_fake(scores: AnyArray) -> PerExample:
    """The same of a filled picture; 0 up to a score of -1."""
    return jnp.maximum(0.0, 1.0 + scores).mean((1, 2, 3))


def from_then_on(joined: AnyArray, judge: Callable[..., PyTree], *given: PyTree) -> PyTree:
    """What `judge` makes of `given` once critics have joined in; zeros, at no cost, before that.

    Args:
        joined: a boolean, whether they have.
        judge: asks them.
        *given: what it is asked about; gradients with respect to it are zero before, too.
    """
    shapes = jax.eval_shape(judge, *given)
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    return jax.lax.cond(joined, judge, lambda *_: zeros, *given)
