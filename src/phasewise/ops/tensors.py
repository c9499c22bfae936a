"""Tensors as such: what they are, their shapes and dtypes, and how they become arrays."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core import logits
from phasewise.core.dtypes import standardize_dtype
from phasewise.core.operators import Operators, resolved
from phasewise.graph.symbolic import apply, is_symbolic
from phasewise.ops.op import op


def is_tensor(x):
    """Whether `x` is an array of JAX, one that is being traced too. A variable, a symbolic tensor, a NumPy array is none."""
    return isinstance(x, jax.Array)


def shape(x):
    """The shape of `x`, a tuple; None for unknown axes of a symbolic tensor."""
    return tuple(x.shape) if hasattr(x, "shape") else jnp.shape(resolved(x))


def dtype(x):
    """The name of the dtype of `x`."""
    return standardize_dtype(x.dtype)


def ndim(x):
    """The number of axes of `x`, an int, also of a symbolic tensor."""
    return len(shape(x))


def size(x):
    """The number of entries of `x`: an int; a symbolic tensor where an axis of `x` is unknown."""
    found = shape(x)
    return math.prod(found) if None not in found else _size(x)


@op
def _size(x):
    return jnp.size(x)


@op
def cast(x, dtype):
    """`x` in another dtype, given by name or as `standardize_dtype` takes it."""
    x = jnp.asarray(x)
    converted = x.astype(standardize_dtype(dtype))
    return logits.follow(converted, x) if jnp.issubdtype(converted.dtype, jnp.floating) else converted


@op
def saturate_cast(x, dtype):
    """`x` in another dtype; numbers beyond its range become the last within, where `cast` would let them overflow."""
    x, dtype = jnp.asarray(x), jnp.dtype(standardize_dtype(dtype))
    low, high = (_within(x.dtype, *ends) for ends in zip(_range(x.dtype), _range(dtype), (max, min)))
    return (x.astype("int32") if x.dtype == bool else jnp.clip(x, low, high)).astype(dtype)


def _range(dtype):
    """The least and the greatest number of a dtype."""
    if jnp.issubdtype(dtype, jnp.bool_):
        return 0, 1
    if jnp.issubdtype(dtype, jnp.integer):
        return jnp.iinfo(dtype).min, jnp.iinfo(dtype).max
    return float(jnp.finfo(dtype).min), float(jnp.finfo(dtype).max)


def _within(dtype, own, other, inner):
    """The nearer to 0 of two ends, as a number of `dtype` that is not beyond it."""
    end = inner(own, other)
    if not jnp.issubdtype(dtype, jnp.floating):
        return int(end)
    rounded = np.asarray(end, dtype)
    return np.nextafter(rounded, np.zeros((), dtype)) if abs(float(rounded)) > abs(end) else rounded


def convert_to_tensor(x, dtype=None, sparse=None, ragged=None):
    """`x` (numbers, nested lists of them, an array of any library, a variable) as a JAX array; a symbolic tensor stays one.

    Args:
        dtype: None keeps that of an array, and gives whole numbers int32, others float32.
        sparse, ragged: must not be True: all arrays are dense.

    Raises:
        ValueError: a sparse or ragged tensor is asked for.
    """
    if sparse or ragged:
        raise ValueError("convert_to_tensor makes dense arrays; got sparse=True or ragged=True.")
    name = None if dtype is None else standardize_dtype(dtype)
    if is_symbolic(x):
        return x if name is None or name == x.dtype else cast(x, name)
    if not isinstance(x, Operators | jax.Array) and isinstance(x, list | tuple):
        return _stacked(x, name)
    return jnp.asarray(resolved(x), name)


def _stacked(x, name):
    return apply(jnp.asarray, x, name)


def convert_to_numpy(x):
    """`x` as a NumPy array, on the host; of bfloat16 as `ml_dtypes` has it.

    Raises:
        ValueError: `x` is symbolic.
    """
    if is_symbolic(x):
        raise ValueError(
            f"convert_to_numpy takes what holds numbers; got the symbolic tensor {x.name!r} of shape {x.shape}."
        )
    return np.asarray(jax.device_get(resolved(x)))


@op
def stop_gradient(variable):
    """The same values, constant to the gradient."""
    return jax.tree.map(jax.lax.stop_gradient, variable)


@op
def unstack(x, num=None, axis=0):
    """The parts of `x` along an axis, which they lose, as a list.

    Args:
        num: how many, where that is to be checked.

    Raises:
        ValueError: there are not `num`.
    """
    x = jnp.asarray(x)
    if num is not None and num != x.shape[axis]:
        raise ValueError(f"unstack finds {x.shape[axis]} parts along axis {axis} of shape {x.shape}; got num={num}.")
    return [jax.lax.index_in_dim(x, i, axis, keepdims=False) for i in range(x.shape[axis])]
