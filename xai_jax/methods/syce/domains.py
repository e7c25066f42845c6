"""Two domains of pictures, by what the explained classifier decides, and a network for each."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import struct
from jaxtyping import Array, Bool

from xai_jax.core.types import AnyArray, Batch, Images, PerExample, PyTree, batch_size

NAMES = ("zero", "one")  # of the domains: where the class is absent, and where it is present
BOTH = "both"  # in their place: one network for the two
EITHER = "either"  # likewise, one that is told which
_CHUNK = 8  # pictures that are drawn at once where rows are sorted by domain


@struct.dataclass
class Told:
    """A network of both domains and what it is told.

    Fields:
        params: of the network.
        domain: of the pictures: 0 or 1, or one a picture, ``[b]``.
    """

    params: PyTree
    domain: Any


Decisions = Bool[Array, "b"]


def halves(batch: Batch, odds: PerExample) -> tuple[tuple[Batch, Batch], tuple[Any, Any]]:
    """A batch as two of half its rows, one of each domain, and the log-odds of their pictures.

    Of two neighbouring rows the one with the lower log-odds goes to domain zero and the other to
    domain one: no row leaves its device. One that is not decided as its domain is weighs nothing;
    of pictures that `data.pairs.Pairs` has set side by side that are few.

    Args:
        batch: of an even number of rows.
        odds: see `log_odds`.

    Raises:
        ValueError: the number of rows is odd.
    """
    if batch_size(batch) % 2:
        raise ValueError(
            f"A batch of {batch_size(batch)} pictures has no two halves; set batch_size to an "
            "even number (on several devices, of each of them)."
        )
    in_pairs = odds.reshape(-1, 2)
    swapped = in_pairs[:, 0] > in_pairs[:, 1]

    def chosen(x: AnyArray, swapped: Decisions) -> AnyArray:
        pairs = x.reshape(-1, 2, *x.shape[1:])  # [b/2 2 ...]
        return _where(swapped, pairs[:, 1], pairs[:, 0])

    def domain(swapped: Decisions, is_one: bool) -> tuple[Batch, PerExample]:
        part = jax.tree.map(lambda x: chosen(x, swapped), batch)
        own = chosen(odds, swapped)
        weight = part.weight * ((own >= 0) == is_one)
        return dataclasses.replace(part, weight=weight), own

    zero, one = domain(swapped, False), domain(~swapped, True)
    return (zero[0], one[0]), (zero[1], one[1])


def network_of(params: PyTree, domain: int) -> PyTree:
    """The parameters that serve a domain, 0 or 1."""
    if EITHER in params:
        return Told(params=params[EITHER], domain=domain)
    return params[BOTH] if BOTH in params else params[NAMES[domain]]


def by_domain(
    apply: Callable[[PyTree, PyTree, Images], PyTree],
    params: PyTree,
    images: Images,
    is_one: Decisions,
) -> PyTree:
    """What the networks of each picture's own domain make of it.

    Args:
        apply: ``(its own network's parameters, the other's, images) -> {name: [b ...]}``, each
            picture by itself.
        params: of both domains.
        images: ``[b h w c]``.
        is_one: the domain of each.
    """
    if EITHER in params:
        domain = is_one.astype(jnp.float32)
        own, other = (Told(params=params[EITHER], domain=x) for x in (domain, 1.0 - domain))
        return apply(own, other, images)
    if BOTH in params:
        return apply(params[BOTH], params[BOTH], images)
    pair = network_of(params, 0), network_of(params, 1)
    if jax.device_count() == 1:  # only where no row can be on another device are rows moved
        return in_chunks(apply, pair, images, is_one)
    zero, one = apply(pair[0], pair[1], images), apply(pair[1], pair[0], images)
    return jax.tree.map(functools.partial(_where, is_one), one, zero)


def in_chunks(
    apply: Callable[[PyTree, PyTree, Images], PyTree],
    pair: tuple[PyTree, PyTree],
    images: Images,
    is_one: Decisions,
) -> PyTree:
    """`by_domain` in which no network draws a picture of the wrong domain.

    The rows are sorted by domain and drawn in chunks of one domain each; the last chunk of either
    may be part empty, and a chunk without a row is skipped.
    """
    num = len(images)
    size = min(_CHUNK, num)
    order = jnp.argsort(is_one, stable=True)
    num_zero = jnp.sum(~is_one)
    begin = -(-num_zero // size) * size  # of domain one's places
    row = jnp.arange(num)
    place = jnp.where(row < num_zero, row, begin + row - num_zero)
    chunks = -(-num // size) + 1
    row_at = jnp.zeros(chunks * size, order.dtype).at[place].set(order).reshape(chunks, size)
    place_of = jnp.zeros(num, order.dtype).at[order].set(place)
    shapes = jax.eval_shape(apply, *pair, images[:size])

    def drawn(rows: AnyArray, first: AnyArray) -> PyTree:
        of_one = first >= begin
        own, other = (
            jax.tree.map(functools.partial(jnp.where, which), *reversed(pair))
            for which in (of_one, ~of_one)
        )
        return apply(own, other, images[rows])

    def nothing(rows: AnyArray, first: AnyArray) -> PyTree:
        del rows, first
        return jax.tree.map(lambda x: jnp.zeros(x.shape, x.dtype), shapes)

    def chunk(_: None, given: tuple[AnyArray, AnyArray]) -> tuple[None, PyTree]:
        rows, first = given
        is_used = first < begin + num - num_zero
        return None, jax.lax.cond(is_used, drawn, nothing, rows, first)

    _, found = jax.lax.scan(chunk, None, (row_at, size * jnp.arange(chunks)))
    return jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:])[place_of], found)


def _where(choice: Decisions, yes: AnyArray, no: AnyArray) -> AnyArray:
    """`jnp.where` for each row of ``[b ...]``."""
    return jnp.where(jnp.reshape(choice, (-1, *[1] * (yes.ndim - 1))), yes, no)
