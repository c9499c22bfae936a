"""The value that a variable begins with, from what `Variable` was given."""

from collections.abc import Mapping

import jax.numpy as jnp
import numpy as np

from phasewise.core import defaults, registry
from phasewise.core.operators import resolved


def is_named(initializer):
    """Whether a value is made from this by a rule, so that a shape is needed."""
    return isinstance(initializer, str | Mapping) or callable(initializer)


def stored(value, dtype):
    """A value in the dtype that the variable keeps; one of NumPy's is a copy that nobody can write to."""
    if dtype is None:
        dtype = np.result_type(value) if hasattr(value, "dtype") else np.asarray(value).dtype
        dtype = {"float64": "float32", "int64": "int32"}.get(str(dtype), str(dtype))
    if is_jax(value):
        return value.astype(dtype)
    value = np.array(value, dtype=jnp.dtype(dtype))
    value.flags.writeable = False
    return value


def first_value(initializer, shape, dtype, name):
    """The value that a variable begins with, from what `Variable` was given."""
    if not is_named(initializer):
        value = resolved(initializer)
        if value is None:
            raise ValueError(f"Variable {name!r} needs a value: an array, a number, or an initializer and a shape.")
        if shape is not None and tuple(np.shape(value)) != tuple(shape):
            raise ValueError(
                f"Variable {name!r} was given shape={tuple(shape)} and a value of shape {np.shape(value)}."
            )
        return value
    make = registry.resolve("initializer", initializer)
    if shape is None:
        raise ValueError(
            f"Variable {name!r} needs `shape`: its initializer {initializer!r} makes a value of any shape."
        )
    return make(tuple(shape), dtype or defaults.floatx())


def is_jax(value):
    """Whether it is an array of JAX's, traced or not."""
    return hasattr(value, "aval")
