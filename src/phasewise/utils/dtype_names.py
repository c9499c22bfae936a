"""Names of dtypes."""

import jax.numpy as jnp
import numpy as np

from phasewise.core.types import DTypeLike
from phasewise.switch.backend import floatx

_OF_PYTHON = {bool: "bool", int: "int32", float: "float32", complex: "complex64", str: "string", "int": "int32"}


def standardize_dtype(dtype: DTypeLike | None) -> str:
    """The name of a dtype that is given by name, as a type of Python, or as NumPy's, JAX's, TensorFlow's or PyTorch's.

    Args:
        dtype: None is the float type of weights, "float32" unless it was set. Python's `int` and `float` are 32 bits wide.

    Raises:
        ValueError: it is no dtype.
    """
    if dtype is None:
        return floatx()
    if isinstance(dtype, type | str) and dtype in _OF_PYTHON:
        return _OF_PYTHON[dtype]
    if isinstance(dtype, str) and dtype == "string":
        return dtype
    named = getattr(dtype, "name", None) or str(dtype).removeprefix("torch.")
    for candidate in (dtype, named):
        try:
            found = jnp.dtype(candidate)
        except TypeError:
            continue
        if found.kind in "biufcV" and found != np.void:
            return found.name
        if found.kind in "US":
            return "string"
    raise ValueError(f"{dtype!r} is no dtype of numbers. Give a name such as 'float32', 'int32' or 'bool'.")
