"""Normalization of channels by the moments of the batch, in as few passes over memory as they allow.

The result and its gradient take eight, each on all threads: the moments read one array, the result reads one and writes one, the
sums that the gradient needs read two, the gradient reads two and writes one. A rectifier that follows, and a sum before it, are
computed in the same passes: see `rectified` and `summed`. In XLA's operations the same takes three times as long on a CPU.

The derivatives are those of the whole, moments included; the moments that are handed over are constants to them.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import ad

from phasewise.core import made_by
from phasewise.kernels.moments import Moments, moments, normalize, wide
from phasewise.kernels.native.library import KERNELS, are_always_called, are_at_hand
from phasewise.kernels.native.operation import operation

FEWEST_VALUES = 1 << 15  # below, XLA is about as fast (measured on two cores)
DTYPES = (np.dtype(np.float32), np.dtype(jnp.bfloat16))


def suits(x, channel, mask, dtype):
    """Whether `own_moments` and `normalized_by_own` are to compute batch normalization of `x` over all axes but `channel`.

    Args:
        x: array.
        channel: int from 0.
        mask: boolean array that broadcasts against `x`, or None.
        dtype: that of the result.
    """
    return (
        channel == x.ndim - 1
        and x.dtype in DTYPES
        and np.dtype(dtype) in DTYPES
        and (mask is None or mask.shape[-1] == 1)
        and all(isinstance(size, int) for size in x.shape)
        and (x.size >= FEWEST_VALUES or are_always_called())
        and are_at_hand(x)
    )


def own_moments(x, mask=None):
    """`Moments` over all axes but the last: as `moments` has them."""
    shape = (1,) * (x.ndim - 1) + x.shape[-1:]
    return Moments(*(part.reshape(shape) for part in _MOMENTS.bind(x, _rows(mask, x))))


def normalized_by_own(x, found, mask=None, *, gamma=None, beta=None, epsilon, dtype):
    """`x` normalized by its own moments.

    Args:
        x: array (..., channels) of float32 or bfloat16.
        found: what `own_moments` gave for it.
        mask: boolean (..., 1) that broadcasts against `x`, False where a position is in no statistic; or None.
        gamma, beta: as many numbers as there are channels, in any shape; or None.
        epsilon: number of at least 0 added to the variance.
        dtype: that of the result, float32 or bfloat16.
    """
    channels = x.shape[-1]
    gamma, beta = (
        jnp.full(channels, absent, jnp.float32) if w is None else w.reshape(channels).astype(jnp.float32)
        for w, absent in ((gamma, 1), (beta, 0))
    )
    statistics = (jax.lax.stop_gradient(part.reshape(channels)) for part in found)
    made = _Normalized((x, _rows(mask, x), *statistics, gamma, beta), None, float(epsilon), np.dtype(dtype).name)
    return made_by.note(made.computed(rectify=False), made)


def rectified(x, ceiling=None):
    """max(x, 0), at most the positive number `ceiling`, computed with the normalization that `x` comes from; None where it comes from none."""
    made = made_by.of(x)
    return made.computed(rectify=True, ceiling=ceiling) if isinstance(made, _Normalized) else None


def summed(total, first, second):
    """`total`, remembered to be the sum of two arrays, of which one may come from a normalization."""
    for normalized, other in ((first, second), (second, first)):
        made = made_by.of(normalized)
        fits = other.shape == normalized.shape and other.dtype == normalized.dtype
        if fits and isinstance(made, _Normalized) and made.residual is None:
            return made_by.note(total, made._replace(residual=other))
    return total


class _Normalized(NamedTuple):
    """How a result was made: what `_NORMALIZE` was given, and what is added to it."""

    arguments: tuple[jax.Array, ...]
    residual: jax.Array | None
    epsilon: float
    dtype: str

    def computed(self, *, rectify, ceiling=None):
        ceiling = None if ceiling is None else float(np.dtype(self.dtype).type(ceiling))
        how = {"epsilon": self.epsilon, "rectify": rectify, "ceiling": ceiling}
        residual = jnp.zeros(0, self.dtype) if self.residual is None else self.residual
        (y,) = _NORMALIZE.bind(*self.arguments, residual, dtype=self.dtype, **how)
        return y


def _rows(mask, x):
    """The mask as one entry for each row of channels; empty where there is none."""
    if mask is None:
        return jnp.zeros(0, bool)
    return jnp.broadcast_to(mask, (*x.shape[:-1], 1)).reshape(-1)


def _mask_of(rows, x):
    return rows.reshape(*x.shape[:-1], 1) if rows.size else None


def _axes(x):
    return tuple(range(x.ndim - 1))


def _plain_moments(x, rows):
    return [part.reshape(-1) for part in moments(x, _axes(x), mask=_mask_of(rows, x))]


def _plain_normalize(x, rows, shift, offset, variance, gamma, beta, residual, *, epsilon, rectify, ceiling, dtype):
    y = normalize(x, Moments(shift, offset, variance), gamma=gamma, beta=beta, epsilon=epsilon)
    y = (y + residual if residual.size else y).astype(dtype)
    return [_cut(y, y, ceiling, ceiling) if rectify else y]


def _cut(y, between, above, ceiling):
    """0 where y is at most 0, `above` where it reaches the ceiling, `between` elsewhere."""
    passed = between if ceiling is None else jnp.where(y >= ceiling, above, between)
    return jnp.where(y <= 0, 0, passed)


def _mean(values, rows):
    """The mean over the rows that count."""
    values = wide(values)
    if not rows.size:
        return values.mean(_axes(values))
    mask = _mask_of(rows, values)
    return jnp.where(mask, values, 0).sum(_axes(values)) / jnp.maximum(rows.sum(), 1)


def _own(x, rows):
    return Moments(*_plain_moments(x, rows))


def _standardized(x, found, epsilon):
    """`x` with mean 0 and variance 1, and what it was multiplied by."""
    inverse = jax.lax.rsqrt(found.variance + epsilon)
    return (wide(x) - found.shift - found.offset) * inverse, inverse


def _tangent(found, x, rows, gamma, y, changes, *, epsilon, rectify, ceiling):
    """How the result `y` changes when `x`, gamma, beta and the residual do."""
    dx, dgamma, dbeta, dresidual = changes
    standard, inverse = _standardized(x, found, epsilon)
    dx = wide(dx) * inverse
    dy = gamma * (dx - _mean(dx, rows) - standard * _mean(standard * dx, rows)) + dgamma * standard + dbeta
    dy = dy + dresidual if dresidual.size else dy
    return [_let_through(y, dy, rectify, ceiling).astype(y.dtype)]


def _gradients(found, x, rows, gamma, y, dy, *, epsilon, rectify, ceiling, adds):
    """The gradients by `x`, gamma, beta and the residual, from the one by the result `y`."""
    g = _let_through(y, dy, rectify, ceiling)
    standard, inverse = _standardized(x, found, epsilon)
    total, product = g.sum(_axes(x)), (g * standard).sum(_axes(x))
    count = jnp.maximum(rows.sum(), 1) if rows.size else x.size // x.shape[-1]
    shared = (total + standard * product) / count
    shared = jnp.where(_mask_of(rows, x), shared, 0) if rows.size else shared
    dresidual = g.astype(dy.dtype) if adds else jnp.zeros(0, dy.dtype)
    return [(gamma * inverse * (g - shared)).astype(x.dtype), product, total, dresidual]


def _let_through(y, gradient, rectify, ceiling):
    return _cut(y, wide(gradient), 0, ceiling) if rectify else wide(gradient)


def _plain_tangent(x, rows, shift, offset, variance, gamma, beta, y, *changes, **how):
    return _tangent(Moments(shift, offset, variance), x, rows, gamma, y, changes, **how)


def _plain_gradients(x, rows, shift, offset, variance, gamma, beta, y, dy, **how):
    return _gradients(Moments(shift, offset, variance), x, rows, gamma, y, dy, **how)


def _told(*, epsilon, rectify, ceiling):
    """What the native kernels are told: no number is at least NaN."""
    return {
        "epsilon": np.float32(epsilon),
        "rectify": rectify,
        "ceiling": np.float32(np.nan if ceiling is None else ceiling),
    }


_MOMENTS = operation("phasewise_batch_moments", _plain_moments, KERNELS, "phasewise_batch_moments", lambda *arrays: {})
_NORMALIZE = operation(
    "phasewise_batch_normalize",
    _plain_normalize,
    KERNELS,
    "phasewise_batch_normalize",
    lambda *arrays, dtype, **how: _told(**how),
)
_GRADIENTS = operation(
    "phasewise_batch_gradient",
    _plain_gradients,
    KERNELS,
    "phasewise_batch_gradient",
    lambda *arrays, adds, **how: _told(**how),
)
_TANGENT = operation("phasewise_batch_tangent", _plain_tangent, KERNELS, "", lambda *arrays, **how: None)


def _moments_jvp(arrays, tangents):
    (x, rows), (dx, _) = arrays, tangents
    found = _MOMENTS.bind(x, rows)
    if isinstance(dx, ad.Zero):
        return found, [jnp.zeros_like(part) for part in found]
    shift, offset, _ = found
    deviation = wide(x) - shift - offset
    return found, [jnp.zeros_like(shift), _mean(dx, rows), 2 * _mean(deviation * wide(dx), rows)]


def _normalize_jvp(arrays, tangents, *, dtype, **how):
    x, rows, *statistics, gamma, beta, _ = arrays
    results = _NORMALIZE.bind(*arrays, dtype=dtype, **how)
    changes = [ad.instantiate_zeros(tangents[i]) for i in (0, 5, 6, 7)]
    return results, _TANGENT.bind(x, rows, *statistics, gamma, beta, *results, *changes, **how)


def _tangent_transposed(cotangents, *arguments, **how):
    (dy,) = cotangents
    known, changes = arguments[:8], arguments[8:]
    if isinstance(dy, ad.Zero):
        return [None] * len(arguments)
    adds = changes[3].aval.size > 0 if ad.is_undefined_primal(changes[3]) else changes[3].size > 0
    gradients = _GRADIENTS.bind(*known, dy, adds=adds, **how)
    return [None] * 8 + [g if ad.is_undefined_primal(change) else None for g, change in zip(gradients, changes)]


def _jvp_of(primitive, function, linear):
    """The rule for `primitive`, which computes `function(moments, x, rows, gamma, y, linear arguments, **how)`.

    The moments follow `x`, so they are found anew; `y` only tells what a rectifier lets through, and moves nothing.
    """

    def rule(arrays, tangents, **how):
        x, rows, _, _, _, gamma, _, y, *rest = arrays

        def of(x, gamma, *rest):
            return function(_own(x, rows), x, rows, gamma, y, linear(rest), **how)

        moving = [ad.instantiate_zeros(tangents[i]) for i in (0, 5, *range(8, len(arrays)))]
        _, changes = jax.jvp(of, (x, gamma, *rest), tuple(moving))
        return primitive.bind(*arrays, **how), changes

    return rule


ad.primitive_jvps[_MOMENTS] = _moments_jvp
ad.primitive_jvps[_NORMALIZE] = _normalize_jvp
ad.primitive_jvps[_TANGENT] = _jvp_of(_TANGENT, _tangent, tuple)
ad.primitive_jvps[_GRADIENTS] = _jvp_of(_GRADIENTS, _gradients, lambda rest: rest[0])
ad.primitive_transposes[_TANGENT] = _tangent_transposed
