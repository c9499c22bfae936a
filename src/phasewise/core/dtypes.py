"""Names of dtypes, and which one comes of several: Keras's rules, which are JAX's with `floatx` for what has no width."""

import functools
from typing import Any

import jax
import jax.numpy as jnp

from phasewise.core import defaults
from phasewise.core.types import Array, ArrayLike, DTypeLike

_OF_PYTHON = {bool: "bool", int: "int32", float: "float32", complex: "complex64", str: "string", "int": "int32"}
_NARROW = {"int64": "int32", "uint64": "uint32", "float64": "float32", "complex128": "complex64"}
_WEAK = {int: "int", float: "float", "int": "int", "float": "float"}
_BOOL = ("bool",)
_WHOLE = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
_REAL = ("float16", "float32", "float64", "bfloat16")
KNOWN = (*_BOOL, *_WHOLE, *_REAL, "string", "float8_e4m3fn", "float8_e5m2", "complex64", "complex128")


def standardize_dtype(dtype: DTypeLike | None) -> str:
    """The name of a dtype that is given by name, as a type of Python, or as NumPy's, JAX's or a tensor's; None is `floatx()`.

    Raises:
        ValueError: it is no dtype.
    """
    if dtype is None:
        return defaults.floatx()
    try:
        name = _OF_PYTHON.get(dtype, dtype)
    except TypeError:
        name = dtype
    if not isinstance(name, str):
        name = str(getattr(name, "name", None) or name).removeprefix("torch.")
        if name not in KNOWN:
            name = _name_in_numpy(dtype, name)
    if name not in KNOWN:
        raise ValueError(f"{dtype!r} is no dtype. Known: {', '.join(KNOWN)}.")
    return name


def _name_in_numpy(dtype, name):
    try:
        return jnp.dtype(dtype).name
    except TypeError:
        return getattr(dtype, "__name__", name)


def is_float_dtype(dtype: DTypeLike) -> bool:
    """Whether a dtype is one of real numbers: float8 to float64, bfloat16."""
    return standardize_dtype(dtype).startswith(("float", "bfloat"))


def is_int_dtype(dtype: DTypeLike) -> bool:
    """Whether a dtype is one of whole numbers, signed or not; "bool" is none."""
    return standardize_dtype(dtype).startswith(("int", "uint"))


def result_type(*dtypes: Any) -> str:
    """The name of the dtype that comes of arrays of these, by JAX's lattice.

    Args:
        dtypes: dtypes, their names, or types of Python: `int` and `float` give way to what has a width. None counts for
            `floatx()`. What has 64 bits gives 32, unless `jax_enable_x64` is set.

    Raises:
        ValueError: one is no dtype, or those of 8-bit real numbers are mixed with others.
    """
    if not dtypes:
        return defaults.floatx()
    found = _least_above(tuple(_weak_or_name(each) for each in dtypes), defaults.floatx())
    return found if jax.config.jax_enable_x64 else _NARROW.get(found, found)


def _weak_or_name(dtype):
    try:
        found = _WEAK.get(dtype)
    except TypeError:  # not hashable
        found = None
    return found or standardize_dtype(dtype)


@functools.lru_cache(512)
def _least_above(names, floatx):
    strong = [name for name in names if name not in ("int", "float")]
    eights = {name for name in strong if name.startswith("float8")}
    if eights and len(set(names)) > 1:
        raise ValueError(f"There is no dtype for {' and '.join(names)}: numbers of 8 bits are converted by hand.")
    if not strong:
        return floatx if "float" in names else "int32"
    with jax.enable_x64(True):
        found = functools.reduce(jnp.promote_types, strong)
    is_whole = all(name in (*_WHOLE, *_BOOL) for name in strong)
    if is_whole and ("float" in names or jnp.issubdtype(found, jnp.floating)):
        return floatx
    return "int32" if set(strong) == {"bool"} and "int" in names else jnp.dtype(found).name


def floating(x: ArrayLike) -> Array:
    """`x` as an array of real or complex numbers: whole numbers and booleans become those of `floatx()`."""
    x = jnp.asarray(x)
    return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(defaults.floatx())
