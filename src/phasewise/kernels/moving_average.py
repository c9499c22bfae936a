"""The exponential moving average."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np


@functools.partial(jax.jit, static_argnames="momentum")
def followed(past, values, momentum, seen=None):
    """The new value of an exponential moving average after several values, one after the other.

    `momentum**k * past + (1 - momentum) * sum_i momentum**(k - 1 - i) * values[i]` for k batches: Hoffer et al. (2017),
    algorithm 1.

    Args:
        past: the average, of shape (channels,).
        values: (batches, channels).
        momentum: float in [0, 1].
        seen: boolean (batches, channels), False where nothing of a batch counts, so that it moves nothing; None where all do.
    """
    count = values.shape[0]
    values = values.astype(past.dtype)
    if seen is None:
        if count == 1:
            return past * momentum + values[0] * (1 - momentum)
        seen = jnp.ones((count, 1), bool)
    upto = seen.cumsum(0)
    shares = jnp.where(seen, (1 - momentum) * momentum ** (upto[-1] - upto).astype(past.dtype), 0)
    return past * momentum ** upto[-1].astype(past.dtype) + (shares * values).sum(0)


def share_seen(momentum, count):
    """`1 - momentum ** count`: how much of a moving average that began at 0 comes from what it has seen.

    Right to float32 rounding also where `momentum` is near 1 and little is left of the difference.

    Args:
        momentum: float in [0, 1).
        count: float scalar of at least 1.
    """
    return -jnp.expm1(count * math.log(momentum)) if momentum > 0 else jnp.ones_like(count)


def of_biased_variances(average, initial, share, count):
    """What a moving average of unbiased variances would be if it had followed the biased ones of the same batches.

    A biased variance is (count - 1) / count of an unbiased one; the share of the initial value knows no such factor.

    Args:
        average, initial: (channels,): the average now, and before the first batch.
        share: the weight of `initial` that is left, `momentum ** batches`.
        count: values a channel in every batch, at least 2.

    Returns:
        (channels,) in float64.
    """
    return _rescaled(average, initial, share, (count - 1) / count)


def of_unbiased_variances(average, initial, share, count):
    """The inverse of `of_biased_variances`."""
    return _rescaled(average, initial, share, count / (count - 1))


def _rescaled(average, initial, share, factor):
    average, kept = np.asarray(average, np.float64), share * np.asarray(initial, np.float64)
    return kept + (average - kept) * factor
