"""Rules by which labels, predictions, weights and masks are brought to one rank. They are Keras's."""

import jax.numpy as jnp


def same_rank(a, b):
    """`a` and `b` with one trailing axis of size 1 dropped or added where their ranks differ by one."""
    if a.ndim == b.ndim + 1 and a.shape[-1] == 1:
        return (a, b[:, None]) if b.ndim == 1 else (a[..., 0], b)
    if b.ndim == a.ndim + 1 and b.shape[-1] == 1:
        return (a[:, None], b) if a.ndim == 1 else (a, b[..., 0])
    return a, b


def broadcast_rows(weight, values):
    """`weight` of fewer axes as an array that broadcasts against `values` from the left."""
    weight = jnp.asarray(weight)
    if weight.ndim == values.ndim + 1 and weight.shape[-1] == 1:
        weight = weight[..., 0]
    return weight.reshape(weight.shape + (1,) * (values.ndim - weight.ndim)) if weight.ndim < values.ndim else weight


def reduce(values, reduction, sample_weight=None, mask=None):
    """The values of a loss as one number (or themselves, for reduction None).

    Args:
        values: array (rows, ...).
        reduction: "sum", "sum_over_batch_size" or "mean" (divided by the number of values that count),
            "mean_with_sample_weight" (divided by the weights' sum), "none" or None.
        sample_weight: array that broadcasts from the left; multiplies the values.
        mask: boolean; False positions are neither summed nor counted.
    """
    weight = None if sample_weight is None else broadcast_rows(sample_weight, values).astype(values.dtype)
    if mask is not None:
        mask = jnp.broadcast_to(broadcast_rows(mask, values), values.shape).astype(bool)
        values = jnp.where(mask, values, 0)
    weighted = values if weight is None else values * weight
    if reduction in (None, "none"):
        return weighted
    if reduction == "sum":
        return weighted.sum()
    if reduction == "mean_with_sample_weight" and weight is not None:
        weight = jnp.broadcast_to(weight, values.shape)
        count = (weight if mask is None else jnp.where(mask, weight, 0)).sum()
    else:
        count = values.size if mask is None else mask.sum()
    return weighted.sum() / jnp.maximum(count, 1e-7) if mask is not None or weight is not None else weighted.mean()
