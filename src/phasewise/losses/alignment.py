"""Rules by which labels, predictions, weights and masks are brought to one rank and dtype. They are Keras's."""

import jax.numpy as jnp
import numpy as np

from phasewise.core import logits

_ENTRYWISE = set()


def entrywise(function):
    """Decorator: the function compares number with number, and takes the mean over the last axis."""
    _ENTRYWISE.add(function)
    return function


def one_a_row(function, y_true, y_pred):
    """Labels and predictions of one number a row, (rows,), as (rows, 1) for an entrywise function: its mean is then not that of the rows.

    Keras takes the mean of the rows, and weighs that: weights of rows weigh nothing there.
    """
    if function in _ENTRYWISE and np.ndim(y_true) == np.ndim(y_pred) == 1:
        y_true, y_pred = jnp.asarray(y_true), jnp.asarray(y_pred)
        return y_true[:, None], logits.follow(y_pred[:, None], y_pred)
    return y_true, y_pred


def as_float(x):
    """`x` as an array of its own float dtype, of float32 where that is narrower or not a float."""
    array = jnp.asarray(x)
    return logits.follow(array.astype(jnp.promote_types(array.dtype, jnp.float32)), x)


def paired(y_true, y_pred):
    """Labels and predictions as arrays of one float dtype, and of one rank where the ranks differ by one."""
    y_pred = as_float(y_pred)
    return same_rank(jnp.asarray(y_true).astype(y_pred.dtype), y_pred)


def same_rank(a, b):
    """`a` and `b` with one trailing axis of size 1 dropped or added where their ranks differ by one."""
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1:
        return (a, logits.follow(b[:, None], b)) if b.ndim == 1 else (logits.follow(a[..., 0], a), b)
    if b.ndim == a.ndim + 1 and b.shape[-1] == 1:
        return (logits.follow(a[:, None], a), b) if a.ndim == 1 else (a, logits.follow(b[..., 0], b))
    return a, b


def broadcast_rows(weight, values):
    """`weight` as an array that broadcasts against `values` from the left: (rows,) weighs whole rows.

    Keras 3 broadcasts from the right, as NumPy does, which for square values weighs columns.

    Raises:
        ValueError: the shapes do not fit.
    """
    given = weight = jnp.asarray(weight)
    if weight.ndim == values.ndim + 1 and weight.shape[-1] == 1:
        weight = weight[..., 0]
    if weight.ndim < values.ndim:
        weight = weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim))
    try:
        np.broadcast_shapes(weight.shape, values.shape)
    except ValueError:
        raise ValueError(
            f"Weights or a mask of shape {given.shape} do not fit values of shape {values.shape}: "
            "give one number a row, or one for each value."
        ) from None
    return weight


def reduce(values, reduction, sample_weight=None, mask=None):
    """The values of a loss as one number (or themselves, for reduction None).

    Args:
        values: float array (rows, ...), or a scalar that stands for every row.
        reduction: "sum", "sum_over_batch_size" or "mean" (divided by the number of values that count),
            "mean_with_sample_weight" (divided by the sum of the weights, each counted for every value that it weighs),
            "none" or None.
        sample_weight: array that broadcasts from the left; multiplies the values.
        mask: boolean; False positions are neither summed nor counted.

    Returns:
        A scalar, 0 where nothing counts or there is nothing; or the weighted values.
    """
    if values.ndim == 0:
        others = [np.shape(x) for x in (sample_weight, mask) if x is not None]
        rank = max(map(len, others), default=0)
        values = jnp.broadcast_to(values, np.broadcast_shapes(*(s + (1,) * (rank - len(s)) for s in others)))
    weight = None
    if sample_weight is not None:
        values, weight = same_rank(values, jnp.asarray(sample_weight).astype(values.dtype))
        weight = broadcast_rows(weight, values)
    if mask is not None:
        mask = jnp.broadcast_to(broadcast_rows(mask, values), values.shape).astype(bool)
        values = jnp.where(mask, values, 0)
    weighted = values if weight is None else values * weight
    if reduction in (None, "none"):
        return weighted
    if reduction == "sum":
        return weighted.sum()
    if reduction == "mean_with_sample_weight" and weight is not None:
        counted = jnp.broadcast_to(weight, weighted.shape)
        return ratio(weighted.sum(), (counted if mask is None else jnp.where(mask, counted, 0)).sum())
    if mask is None:
        return weighted.mean() if weighted.size else weighted.sum()
    return ratio(weighted.sum(), mask.sum())


def ratio(a, b):
    """a / b, and 0 where b is 0; gradients stay finite."""
    return jnp.where(b == 0, 0.0, a / jnp.where(b == 0, 1.0, b))
