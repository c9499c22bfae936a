"""Whole numbers as vectors."""

import jax
import jax.numpy as jnp

from phasewise.core.dtypes import standardize_dtype
from phasewise.ops.op import op


def _dense(name, sparse):
    if sparse:
        raise ValueError(f"{name}(sparse=True) is not supported: the result is an ordinary array.")


@op
def one_hot(x, num_classes, axis=-1, dtype=None, sparse=False):
    """1 at the place that each whole number names, 0 elsewhere, along a new axis; a number below 0 or too large gives zeros.

    Args:
        num_classes: the size of the new axis.
        axis: where it goes.
        dtype: None is `floatx()`.
        sparse: only False.
    """
    _dense("one_hot", sparse)
    return jax.nn.one_hot(jnp.asarray(x), num_classes, axis=axis, dtype=standardize_dtype(dtype))


@op
def multi_hot(inputs, num_classes=None, axis=-1, dtype=None, sparse=False, **kwargs):
    """1 at each place that one of the whole numbers of a row names, 0 elsewhere.

    Args:
        inputs: (numbers,) or (batch, numbers).
        num_classes: the size of the result's `axis`.
        axis: where it goes.
        dtype: None is `floatx()`.
        sparse: only False.

    Raises:
        ValueError: `num_classes` is missing.
    """
    _dense("multi_hot", sparse)
    num_classes = kwargs.pop("num_tokens", num_classes)
    if num_classes is None or kwargs:
        raise ValueError(f"multi_hot needs num_classes, and takes no {', '.join(kwargs) or 'other arguments'}.")
    numbers = jnp.asarray(inputs).astype("int32")
    hot = jax.nn.one_hot(numbers, num_classes, axis=axis, dtype=standardize_dtype(dtype))
    return hot.max(1 if numbers.ndim > 1 else 0)


@op
def polar(abs_, angle):
    """The complex numbers of these absolute values and angles in radians."""
    abs_, angle = jnp.asarray(abs_), jnp.asarray(angle)
    return jax.lax.complex(abs_ * jnp.cos(angle), abs_ * jnp.sin(angle))
