"""Yes or no, entry by entry: comparisons, logic, what kind of number it is; and choosing by it."""

import jax.numpy as jnp

from phasewise.ops.op import arrays, op

__all__ = [
    "allclose",
    "equal",
    "greater",
    "greater_equal",
    "isclose",
    "isfinite",
    "isin",
    "isinf",
    "isnan",
    "isneginf",
    "isposinf",
    "isreal",
    "less",
    "less_equal",
    "logical_and",
    "logical_not",
    "logical_or",
    "logical_xor",
    "not_equal",
    "select",
    "signbit",
    "where",
]


@op
def equal(x1, x2):
    """Whether x1 = x2."""
    return jnp.equal(*arrays(x1, x2))


@op
def not_equal(x1, x2):
    """Whether x1 and x2 differ; NaN differs from itself."""
    return jnp.not_equal(*arrays(x1, x2))


@op
def less(x1, x2):
    """Whether x1 < x2."""
    return jnp.less(*arrays(x1, x2))


@op
def less_equal(x1, x2):
    """Whether x1 <= x2."""
    return jnp.less_equal(*arrays(x1, x2))


@op
def greater(x1, x2):
    """Whether x1 > x2."""
    return jnp.greater(*arrays(x1, x2))


@op
def greater_equal(x1, x2):
    """Whether x1 >= x2."""
    return jnp.greater_equal(*arrays(x1, x2))


@op
def logical_and(x1, x2):
    """Whether both are true (not 0)."""
    return jnp.logical_and(*arrays(x1, x2))


@op
def logical_or(x1, x2):
    """Whether one of them is true (not 0)."""
    return jnp.logical_or(*arrays(x1, x2))


@op
def logical_xor(x1, x2):
    """Whether just one of them is true (not 0)."""
    return jnp.logical_xor(*arrays(x1, x2))


@op
def logical_not(x):
    """Whether x is false (0)."""
    return jnp.logical_not(jnp.asarray(x))


@op
def isfinite(x):
    """Whether x is neither infinite nor NaN."""
    return jnp.isfinite(jnp.asarray(x))


@op
def isinf(x):
    """Whether x is infinite."""
    return jnp.isinf(jnp.asarray(x))


@op
def isnan(x):
    """Whether x is NaN."""
    return jnp.isnan(jnp.asarray(x))


@op
def isneginf(x):
    """Whether x is -inf."""
    return jnp.isneginf(jnp.asarray(x))


@op
def isposinf(x):
    """Whether x is +inf."""
    return jnp.isposinf(jnp.asarray(x))


@op
def isreal(x):
    """Whether the imaginary part is 0."""
    return jnp.isreal(jnp.asarray(x))


@op
def signbit(x):
    """Whether the sign is negative, that of -0 too."""
    return jnp.signbit(jnp.asarray(x))


@op
def isclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether |x1 - x2| <= atol + rtol * |x2|.

    Args:
        equal_nan: whether NaN is close to NaN.
    """
    return jnp.isclose(*arrays(x1, x2), rtol, atol, equal_nan)


@op
def allclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether all entries are close as `isclose` has it: a boolean scalar."""
    return jnp.allclose(*arrays(x1, x2), rtol, atol, equal_nan)


@op
def isin(x1, x2, assume_unique=False, invert=False):
    """Whether each entry of x1 is one of those of x2.

    Args:
        assume_unique: whether neither holds an entry twice, which is then not checked.
        invert: whether to tell the contrary.
    """
    return jnp.isin(*arrays(x1, x2), assume_unique=assume_unique, invert=invert)


@op
def where(condition, x1=None, x2=None):
    """x1 where the condition holds, else x2; without both, the places where it holds, as `nonzero` gives them."""
    if x1 is None and x2 is None:
        return jnp.where(jnp.asarray(condition))
    return jnp.where(*arrays(condition, x1, x2))


@op
def select(condlist, choicelist, default=0):
    """For each entry the choice of the first condition that holds there, or `default`.

    Args:
        condlist, choicelist: lists of the same length, of boolean arrays and of arrays.
        default: number or array.
    """
    return jnp.select(arrays(*condlist), arrays(*choicelist), default=default)
