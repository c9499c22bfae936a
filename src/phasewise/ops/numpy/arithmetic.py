"""Arithmetic, entry by entry; shapes broadcast, and the dtype is the one that both fit in."""

import math

import jax.numpy as jnp

from phasewise.core import defaults
from phasewise.core.dtypes import floating
from phasewise.ops.op import arrays, op

__all__ = [
    "abs",
    "absolute",
    "add",
    "cbrt",
    "ceil",
    "clip",
    "divide",
    "divide_no_nan",
    "fabs",
    "floor",
    "floor_divide",
    "fmax",
    "fmin",
    "fmod",
    "gcd",
    "heaviside",
    "hypot",
    "lcm",
    "ldexp",
    "maximum",
    "minimum",
    "mod",
    "multiply",
    "nan_to_num",
    "negative",
    "nextafter",
    "power",
    "reciprocal",
    "round",
    "sign",
    "sqrt",
    "square",
    "subtract",
    "true_divide",
    "trunc",
]


@op
def add(x1, x2):
    """x1 + x2."""
    return jnp.add(*arrays(x1, x2))


@op
def subtract(x1, x2):
    """x1 - x2."""
    return jnp.subtract(*arrays(x1, x2))


@op
def multiply(x1, x2):
    """x1 * x2."""
    return jnp.multiply(*arrays(x1, x2))


@op
def divide(x1, x2):
    """x1 / x2; whole numbers give real ones."""
    return jnp.divide(*arrays(x1, x2))


@op
def true_divide(x1, x2):
    """x1 / x2: the same as `divide`."""
    return jnp.divide(*arrays(x1, x2))


@op
def divide_no_nan(x1, x2):
    """x1 / x2, and 0, with the gradient 0, where x2 is 0."""
    x1, x2 = arrays(x1, x2)
    return jnp.where(x2 == 0, 0, jnp.divide(x1, jnp.where(x2 == 0, 1, x2)))


@op
def floor_divide(x1, x2):
    """The largest whole number not above x1 / x2."""
    return jnp.floor_divide(*arrays(x1, x2))


@op
def mod(x1, x2):
    """What is left of x1 when x2 is taken off as often as it goes, with the sign of x2."""
    return jnp.mod(*arrays(x1, x2))


@op
def fmod(x1, x2):
    """As `mod`, with the sign of x1."""
    return jnp.fmod(*arrays(x1, x2))


@op
def power(x1, x2):
    """x1 to the power of x2."""
    return jnp.power(*arrays(x1, x2))


@op
def negative(x):
    """-x."""
    return jnp.negative(jnp.asarray(x))


@op
def absolute(x):
    """|x|."""
    return jnp.abs(jnp.asarray(x))


@op
def abs(x):
    """|x|: the same as `absolute`."""
    return jnp.abs(jnp.asarray(x))


@op
def fabs(x):
    """|x|, of whole numbers as real ones."""
    return jnp.abs(floating(x))


@op
def sign(x):
    """-1, 0 or 1: the sign of each entry."""
    return jnp.sign(jnp.asarray(x))


@op
def reciprocal(x):
    """1 / x."""
    return jnp.reciprocal(jnp.asarray(x))


@op
def square(x):
    """x²."""
    return jnp.square(jnp.asarray(x))


@op
def sqrt(x):
    """The square root; NaN below 0."""
    return jnp.sqrt(floating(x))


@op
def cbrt(x):
    """The cube root, of negative numbers too."""
    return jnp.cbrt(jnp.asarray(x))


@op
def hypot(x1, x2):
    """sqrt(x1² + x2²), without overflow."""
    return jnp.hypot(*arrays(x1, x2))


@op
def maximum(x1, x2):
    """The larger entry; NaN where one is NaN."""
    return jnp.maximum(*arrays(x1, x2))


@op
def minimum(x1, x2):
    """The smaller entry; NaN where one is NaN."""
    return jnp.minimum(*arrays(x1, x2))


@op
def fmax(x1, x2):
    """The larger entry; where one is NaN, the other."""
    return jnp.fmax(*arrays(x1, x2))


@op
def fmin(x1, x2):
    """The smaller entry; where one is NaN, the other."""
    return jnp.fmin(*arrays(x1, x2))


@op
def clip(x, x_min, x_max):
    """min(max(x, x_min), x_max)."""
    x = jnp.asarray(x)
    return jnp.clip(x.astype("int32") if x.dtype == bool else x, x_min, x_max)


@op
def floor(x):
    """The largest whole number not above each entry, in a floating dtype."""
    return jnp.floor(floating(x))


@op
def ceil(x):
    """The smallest whole number not below each entry, in a floating dtype."""
    return jnp.ceil(floating(x))


@op
def trunc(x):
    """Each entry without what stands behind the point; whole numbers and booleans as they are."""
    x = jnp.asarray(x)
    return jnp.trunc(x) if jnp.issubdtype(x.dtype, jnp.inexact) else x


@op
def round(x, decimals=0):
    """Each entry to so many decimals, halves to the even one; a negative number rounds to tens, hundreds …"""
    x = jnp.asarray(x)
    if not jnp.issubdtype(x.dtype, jnp.integer) or decimals >= 0:
        return jnp.round(x, decimals)
    factor = math.pow(10, decimals)
    return (jnp.round(x.astype(defaults.floatx()) * factor) / factor).astype(x.dtype)


@op
def gcd(x1, x2):
    """The greatest common divisor of whole numbers."""
    return jnp.gcd(*arrays(x1, x2))


@op
def lcm(x1, x2):
    """The least common multiple of whole numbers."""
    return jnp.lcm(*arrays(x1, x2))


@op
def ldexp(x1, x2):
    """x1 * 2 ** x2 for whole x2.

    Raises:
        TypeError: x2 is not of an integer dtype.
    """
    x1, x2 = arrays(x1, x2)
    if not jnp.issubdtype(x2.dtype, jnp.integer):
        raise TypeError(f"ldexp takes whole numbers for x2; got an array of {x2.dtype}.")
    return jnp.ldexp(x1, x2)


@op
def nextafter(x1, x2):
    """The next number after x1 in the direction of x2."""
    return jnp.nextafter(*arrays(x1, x2))


@op
def heaviside(x1, x2):
    """0 below 0, x2 at 0, 1 above."""
    return jnp.heaviside(*arrays(x1, x2))


@op
def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """x with other numbers for NaN and the infinities.

    Args:
        nan: for NaN.
        posinf, neginf: for the infinities; None is the largest, the smallest number of the dtype.
    """
    return jnp.nan_to_num(jnp.asarray(x), nan=nan, posinf=posinf, neginf=neginf)
