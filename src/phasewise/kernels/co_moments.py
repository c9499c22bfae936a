"""Variances and covariances that are gathered batch by batch, and keep their digits when the data are far from zero."""

from typing import NamedTuple

import jax
import jax.numpy as jnp


class CoMoments(NamedTuple):
    """What is known of `v` variables: arrays that add up over batches by `merged`.

    Attributes:
        count: (...), the sum of the weights.
        shift, offset: (v, ...), the mean in two parts: one of the values, and the small rest.
        products: (v, v, ...), the weighted sums of the products of deviations from the means.
    """

    count: jax.Array
    shift: jax.Array
    offset: jax.Array
    products: jax.Array


def co_moments(values, weight, axes):
    """`CoMoments` of one batch.

    Deviations are taken from one of the values first, so that constant data have products of exactly 0 and no digits are lost
    however far from zero the data are: sums of squares and of products, less those of the means, would lose them all.

    Args:
        values: (v, ...), float.
        weight: of the shape of one variable, at least 0; where it is 0, a value counts nowhere, whatever it is.
        axes: tuple of int of at least 0, the axes of one variable that are reduced.
    """
    there = jnp.where(weight != 0, weight, 0)
    kept = tuple(axis for axis in range(weight.ndim) if axis not in axes)
    flat = jnp.transpose(values, (0, *(a + 1 for a in axes), *(a + 1 for a in kept)))
    flat = flat.reshape(len(values), -1, *(weight.shape[a] for a in kept))
    weights = jnp.transpose(there, (*axes, *kept)).reshape(flat.shape[1:])
    first = jnp.argmax(weights != 0, 0, keepdims=True)
    shift = jnp.take_along_axis(flat, first[None], 1)
    shift = jnp.where(jnp.take_along_axis(weights, first, 0) != 0, shift, 0)
    centred = jnp.where(weights != 0, flat - shift, 0)
    count = weights.sum(0)
    offset = (weights * centred).sum(1) / jnp.where(count == 0, 1, count)
    rest = jnp.where(weights != 0, centred - offset[:, None], 0)
    products = (weights * rest[:, None] * rest[None]).sum(2)
    return CoMoments(count, shift[:, 0], offset, products)


def merged(a, b):
    """The `CoMoments` of both together: Chan, Golub & LeVeque (1979), equation 2.1, with the means in two parts."""
    shift = jnp.where(a.count == 0, b.shift, a.shift)
    count = a.count + b.count
    known = jnp.where(a.count == 0, 0, a.offset)
    apart = jnp.where(b.count == 0, 0, (b.shift - shift) + b.offset - known)
    share = b.count / jnp.where(count == 0, 1, count)
    return CoMoments(
        count, shift, known + apart * share, a.products + b.products + a.count * share * apart[:, None] * apart[None]
    )
