"""The terms of a recurrent step, normalized: by the moments of the batch at that step, by given ones, or row by row.

What a kernel multiplies is centred over the batch before the product, not after it: the product of a mean is the mean of the
products, so that data far from zero keep their digits, and the product needs one pass for its variance.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from phasewise.kernels.moments import Moments, blended, moments, normalize, normalized, wide
from phasewise.kernels.recurrent import multiplied


class Normalizer(NamedTuple):
    """How a term is normalized; constants of a program.

    Attributes:
        uses: what it is normalized with: "batch", "moving", "blend" (both), or "row": each row by its own moments.
        epsilon: added to a variance.
        collects: whether the batch's moments are wanted although they do not normalize.
        hands_out: whether what is normalized is given out as it is, in the place of moments: only for "moving".
        groups: for "row", the widths of the parts that are normalized by themselves.
    """

    uses: str
    epsilon: float
    collects: bool = False
    groups: tuple[int, ...] = ()
    hands_out: bool = False

    @property
    def sees_batch(self):
        """Whether the batch's moments normalize, alone or with others."""
        return self.uses in ("batch", "blend")


class Term(NamedTuple):
    """The arrays of a term.

    Attributes:
        gamma, beta: (channels,); `beta` may be None.
        statistics: (mean, variance, weight of the batch), (..., channels) and (..., 1), what "moving" and "blend" need; else None.
    """

    gamma: jax.Array
    beta: jax.Array | None
    statistics: tuple | None


def row_count(counted, rows, axis=0):
    """How many of `rows` rows count, at least 1, the axis of the rows left out: a number where all do."""
    return rows if counted is None else jnp.maximum(counted.sum(axis, dtype=jnp.float32), 1)


def centred(x, counted, axis):
    """(x - its mean over the rows that count, 0 in other rows, that mean), exact where the mean is far from zero.

    Args:
        x: (..., rows, ...), `axis` that of the rows.
        counted: boolean, the leading axes of `x` up to the rows; or None where all count.
    """
    x = wide(x)
    if counted is None:
        shift = jax.lax.stop_gradient(jax.lax.slice_in_dim(x, 0, 1, axis=axis))
        moved = x - shift
        offset = moved.mean(axis, keepdims=True)
        return moved - offset, shift + offset
    counts = counted.reshape(counted.shape + (1,) * (x.ndim - counted.ndim))
    number = jnp.maximum(counts.sum(axis, keepdims=True, dtype=x.dtype), 1)
    shift = jax.lax.stop_gradient(jnp.where(counts, x, 0).sum(axis, keepdims=True) / number)
    moved = jnp.where(counts, x - shift, 0)
    offset = moved.sum(axis, keepdims=True) / number
    return jnp.where(counts, moved - offset, 0), shift + offset


def before_product(normalizer, x, counted, axis):
    """(what the kernel multiplies, its mean or None) for the term of `x`; arguments as for `centred`."""
    return centred(x, counted, axis) if normalizer.sees_batch else (x, None)


def after_product(normalizer, product, mean, term, count):
    """(the normalized product, the variance of its batch or None).

    Args:
        product: (..., rows, channels), of what `before_product` gave.
        mean: (..., 1, channels), the product of that mean; needed for "blend".
        term: `Term`, its arrays with an axis of size 1 for the rows.
        count: number of rows that count, (..., 1, 1) where it is an array.
    """
    gamma = term.gamma
    if normalizer.uses == "row":
        return _by_row(normalizer, product, gamma), None
    if normalizer.uses == "moving":
        y = (product - term.statistics[0]) * (gamma * jax.lax.rsqrt(term.statistics[1] + normalizer.epsilon))
        return y, None
    variance = (product * product).sum(-2, keepdims=True) / count
    used = variance
    if normalizer.uses == "blend":
        moving_mean, moving_variance, weight = term.statistics
        product = product + (1 - weight) * (mean - moving_mean)
        used = weight * variance + (1 - weight) * moving_variance
    return product * (gamma * jax.lax.rsqrt(used + normalizer.epsilon)), variance


def _by_row(normalizer, x, gamma):
    ends = [sum(normalizer.groups[:number]) for number in range(1, len(normalizer.groups))]
    parts = [normalized(part, (part.ndim - 1,), epsilon=normalizer.epsilon) for part in jnp.split(x, ends, axis=-1)]
    return jnp.concatenate(parts, -1) * gamma


def batch_moments(x, kernel, by_gate, counted, axis):
    """(mean, variance), each (..., channels), of the product of `x` with `kernel` over the rows that count, and no gradient.

    Args:
        x, axis: as for `centred`; what `recurrent.thinned` gave.
        kernel, by_gate: those of `recurrent.multiplied`.
        counted: as for `centred`.
    """
    factor, mean = centred(x, counted, axis)
    count = row_count(counted, x.shape[axis], axis)
    count = count if counted is None else count[..., None]
    variance = jnp.square(multiplied(factor, kernel, by_gate)).sum(-2) / count
    return jax.lax.stop_gradient((product_of_mean(mean, kernel, by_gate)[..., 0, :], variance))


def product_of_mean(mean, kernel, by_gate):
    """(..., 1, channels) in float32 or wider: a mean far from zero has digits that a narrower dtype would drop."""
    return multiplied(mean, wide(kernel), by_gate)


def normalized_product(normalizer, x, kernel, by_gate, term, counted):
    """(the normalized product of `x` with `kernel`, (mean, variance) of its batch (channels,) or None), for one step; where it is handed out,
    the product as it is for the second.

    Args:
        x: what `recurrent.thinned` gave, (rows, ...).
        kernel, by_gate: those of `recurrent.multiplied`.
        term: `Term`, its arrays with an axis of size 1 for the rows.
        counted: boolean (rows,), or None.
    """
    factor, mean = before_product(normalizer, x, counted, 0)
    mean = None if mean is None else product_of_mean(mean, kernel, by_gate)
    product = multiplied(factor, kernel, by_gate)
    y, variance = after_product(normalizer, product, mean, term, row_count(counted, len(x)))
    if normalizer.hands_out:
        return y, product
    if variance is not None:
        return y, jax.lax.stop_gradient((mean[0], variance[0]))
    return y, batch_moments(x, kernel, by_gate, counted, 0) if normalizer.collects else None


def normalized_carry(normalizer, carry, term, counted):
    """(the normalized carry, (mean, variance) of its batch (units,) or None); arguments as above, `carry` (rows, units)."""
    if normalizer.uses == "row":
        y = _by_row(normalizer, carry, term.gamma)
        return (y if term.beta is None else y + term.beta), None
    found = None
    if normalizer.sees_batch or normalizer.collects:
        batch = moments.__wrapped__(carry, (0,), mask=None if counted is None else counted[:, None])
        found = jax.lax.stop_gradient((batch.mean[0], batch.variance[0]))
    if normalizer.uses == "batch":
        used = batch
    else:
        mean, variance, weight = term.statistics
        used = Moments(mean, None, variance) if normalizer.uses == "moving" else blended(mean, variance, batch, weight)
    found = carry if normalizer.hands_out else found
    y = normalize.__wrapped__(carry, used, gamma=term.gamma, beta=term.beta, epsilon=normalizer.epsilon)
    return y, found
