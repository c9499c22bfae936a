"""Losses as functions of arrays: labels and predictions (rows, ..., d) to values (rows, ...).

Scale: each says in its docstring what one value stands for. Most are the mean over the last axis, so that a row of ten targets weighs as
much as a row of one; sums over the last axis are `kl_divergence` and the categorical losses. The class of a function then
makes one number of the values by its `reduction`, by default the mean over all of them.

All compute in float32 or wider. Labels (rows,) and predictions (rows, 1), or the reverse, are brought to one rank.
"""

import jax
import jax.numpy as jnp

from phasewise.core import logits
from phasewise.core.defaults import epsilon
from phasewise.core.keywords import told
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike
from phasewise.kernels.log_softmax import log_softmax
from phasewise.losses.alignment import as_float, entrywise, paired

KIND = "loss"


@register(KIND, "mse", "MSE")
@entrywise
@told
def mean_squared_error(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """mean((y_true - y_pred)²) over the last axis.

    Scale: the labels' unit squared, one value a row, the mean over its targets; without a factor of 1/2.
    """
    y_true, y_pred = paired(y_true, y_pred)
    return jnp.square(y_true - y_pred).mean(-1)


@register(KIND, "mae", "MAE")
@entrywise
@told
def mean_absolute_error(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """mean(|y_true - y_pred|) over the last axis.

    Scale: the labels' unit, one value a row, the mean over its targets.
    """
    y_true, y_pred = paired(y_true, y_pred)
    return jnp.abs(y_true - y_pred).mean(-1)


@register(KIND)
@entrywise
@told
def huber(y_true: ArrayLike, y_pred: ArrayLike, delta: float = 1.0) -> Array:
    """Half the square up to `delta`, linear beyond (Huber 1964); mean over the last axis.

    Scale: one value a row, the mean over its targets; half the mean squared error of small errors, `delta` times the absolute error
    less delta² / 2 of large ones.

    Args:
        delta: above 0, in the labels' unit.
    """
    y_true, y_pred = paired(y_true, y_pred)
    error = jnp.abs(y_true - y_pred)
    return jnp.where(error <= delta, 0.5 * error * error, delta * error - 0.5 * delta * delta).mean(-1)


@register(KIND, "mape", "MAPE")
@entrywise
@told
def mean_absolute_percentage_error(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """100 * mean(|y_true - y_pred| / |y_true|) over the last axis; labels nearer to 0 than 1e-7 count as 1e-7.

    Scale: per cent, one value a row, the mean over its targets.
    """
    y_true, y_pred = paired(y_true, y_pred)
    return 100 * jnp.abs((y_true - y_pred) / jnp.maximum(jnp.abs(y_true), epsilon())).mean(-1)


@register(KIND, "msle", "MSLE")
@entrywise
@told
def mean_squared_logarithmic_error(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """mean((log(y_true + 1) - log(y_pred + 1))²) over the last axis; negative values count as 0 (as 1e-7, exactly).

    Scale: squared natural logarithms, one value a row, the mean over its targets.

    Right to float32 rounding near 0 too, where Keras's log(x + 1) has no digits left.
    """
    y_true, y_pred = paired(y_true, y_pred)
    return jnp.square(jnp.log1p(jnp.maximum(y_pred, epsilon())) - jnp.log1p(jnp.maximum(y_true, epsilon()))).mean(-1)


@register(KIND)
@entrywise
@told
def log_cosh(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """mean(log(cosh(y_pred - y_true))) over the last axis.

    Scale: one value a row, the mean over its targets; half the squared error of small errors, the absolute error less 0.693 of large
    ones.

    Errors below 1 go through log(1 + 2 sinh²(x / 2)), which is the same and keeps the digits of small errors; Keras's
    x + softplus(-2x) - log 2 cancels there, and is 20% off at 0.001.
    """
    y_true, y_pred = paired(y_true, y_pred)
    error = jnp.abs(y_pred - y_true)
    small = error < 1
    near = jnp.log1p(2 * jnp.square(jnp.sinh(jnp.where(small, error, 0) / 2)))
    far = error + jnp.log1p(jnp.exp(-2 * error)) - jnp.log(2.0)
    return jnp.where(small, near, far).mean(-1)


@register(KIND)
@entrywise
@told
def poisson(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """mean(y_pred - y_true * log(y_pred + 1e-7)) over the last axis.

    Scale: nats, one value a row, the mean over its targets; without the term log(y_true!), so that it may be negative.

    Args:
        y_pred: rates, above 0, and not their logarithms.
    """
    y_true, y_pred = paired(y_true, y_pred)
    return (y_pred - y_true * jnp.log(y_pred + epsilon())).mean(-1)


@register(KIND, "kld", "KLD")
@told
def kl_divergence(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """sum(y_true * log(y_true / y_pred)) over the last axis, both kept between 1e-7 and 1.

    Scale: nats a row, the sum over its classes, not their mean.

    In a step, what comes straight out of a sigmoid or a softmax of ours counts by its logits, as in `crossentropy`: it then
    has no bound, where in Keras a label costs at most 16.2 and a prediction that is wrong by far gets no gradient.
    """
    y_true, y_pred = paired(y_true, y_pred)
    found = logits.of(y_pred)
    if found is not None:
        y_true, values = jnp.clip(y_true, 0, 1), as_float(found.values)
        logs = -jax.nn.softplus(-values) if found.axis is None else log_softmax(values, found.axis)
        return (jax.scipy.special.xlogy(y_true, y_true) - y_true * logs).sum(-1)
    y_true, y_pred = jnp.clip(y_true, epsilon(), 1), jnp.clip(y_pred, epsilon(), 1)
    return (y_true * jnp.log(y_true / y_pred)).sum(-1)


@register(KIND)
@entrywise
@told
def hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """mean(max(1 - y_true * y_pred, 0)) over the last axis; where all labels are 0 or 1, they count as -1 and 1.

    Scale: one value a row, the mean over its labels; 1 at a score of 0.
    """
    y_true, y_pred = paired(y_true, y_pred)
    return jnp.maximum(1 - _signs(y_true) * y_pred, 0).mean(-1)


@register(KIND)
@entrywise
@told
def squared_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """The mean of the squares of `hinge`'s terms.

    Scale: one value a row, the mean over its labels; 1 at a score of 0.
    """
    y_true, y_pred = paired(y_true, y_pred)
    return jnp.square(jnp.maximum(1 - _signs(y_true) * y_pred, 0)).mean(-1)


@register(KIND)
@told
def categorical_hinge(y_true: ArrayLike, y_pred: ArrayLike) -> Array:
    """max(1 + the largest score of a wrong class - the right one's, 0); labels are one-hot.

    Scale: one value a row, in the unit of the scores, neither a sum nor a mean over the classes.
    """
    y_true, y_pred = paired(y_true, y_pred)
    return jnp.maximum(((1 - y_true) * y_pred).max(-1) - (y_true * y_pred).sum(-1) + 1, 0)


@register(KIND)
@told
def cosine_similarity(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> Array:
    """Minus the cosine between labels and predictions along `axis`, in [-1, 1]; 0 where either is all zeros.

    Scale: one value a row, whatever the length of the vectors; -1 is the best.
    """
    return -cosine(y_true, y_pred, axis)


def cosine(y_true: ArrayLike, y_pred: ArrayLike, axis: int = -1) -> Array:
    """The cosine between labels and predictions along `axis`: the metric, where the loss is its negative."""
    y_true, y_pred = paired(y_true, y_pred)
    return (_unit(y_true, axis) * _unit(y_pred, axis)).sum(axis)


def _signs(y_true):
    binary = jnp.all((y_true == 0) | (y_true == 1))
    return jnp.where(binary, 2 * y_true - 1, y_true)


def _unit(x, axis):
    return x / jnp.sqrt(jnp.maximum(jnp.square(x).sum(axis, keepdims=True), epsilon() ** 2))
