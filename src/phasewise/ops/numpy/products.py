"""Sums of products, and other sums along axes that need more than one array or neighbours."""

import jax.numpy as jnp

from phasewise.ops.op import arrays, op

__all__ = [
    "corrcoef",
    "correlate",
    "cross",
    "diff",
    "dot",
    "einsum",
    "inner",
    "kron",
    "matmul",
    "outer",
    "slogdet",
    "tensordot",
    "trace",
    "trapezoid",
    "vdot",
    "vectorize",
]


def _wide_of_bytes(*operands):
    """int32 for products of int8, whose sums would not fit; None leaves the dtype to JAX."""
    return "int32" if all(each.dtype == "int8" for each in operands) else None


@op
def matmul(x1, x2):
    """The product of matrices, broadcast over the axes before the last two; int8 gives int32."""
    x1, x2 = arrays(x1, x2)
    return jnp.matmul(x1, x2, preferred_element_type=_wide_of_bytes(x1, x2))


@op
def dot(x1, x2):
    """The sum of products over the last axis of x1 and the last but one of x2."""
    return jnp.dot(*arrays(x1, x2))


@op
def vdot(x1, x2):
    """The dot product of the flattened arrays, the first one conjugated."""
    return jnp.vdot(*arrays(x1, x2))


@op
def inner(x1, x2):
    """The sum of products over the last axes."""
    return jnp.inner(*arrays(x1, x2))


@op
def outer(x1, x2):
    """The products of each entry of x1 with each of x2, both flattened."""
    return jnp.outer(*arrays(x1, x2))


@op
def tensordot(x1, x2, axes=2):
    """The sum of products over some axes.

    Args:
        axes: how many of the last of x1 and the first of x2, or a pair of lists of axes.
    """
    return jnp.tensordot(*arrays(x1, x2), axes=axes)


@op
def einsum(subscripts, *operands, **kwargs):
    """Sums of products by Einstein's convention, as "bij,bjk->bik"; int8 gives int32.

    Args:
        kwargs: `optimize`, as of NumPy's.
    """
    operands = arrays(*operands)
    return jnp.einsum(subscripts, *operands, preferred_element_type=_wide_of_bytes(*operands), **kwargs)


@op
def kron(x1, x2):
    """The Kronecker product: x2 times each entry of x1, side by side."""
    return jnp.kron(*arrays(x1, x2))


@op
def cross(x1, x2, axisa=-1, axisb=-1, axisc=-1, axis=None):
    """The cross product of vectors of 2 or 3 entries.

    Args:
        axisa, axisb, axisc: the axes of the vectors in x1, x2 and the result.
        axis: one for all three.
    """
    return jnp.cross(*arrays(x1, x2), axisa=axisa, axisb=axisb, axisc=axisc, axis=axis)


@op
def trace(x, offset=0, axis1=0, axis2=1):
    """The sum over a diagonal of two axes."""
    return jnp.trace(jnp.asarray(x), offset, axis1, axis2)


@op
def slogdet(x):
    """(sign, logarithm of the absolute value) of the determinants of square matrices."""
    return tuple(jnp.linalg.slogdet(jnp.asarray(x)))


@op
def correlate(x1, x2, mode="valid"):
    """The sums of products of two vectors as one slides along the other.

    Args:
        mode: "valid" where they overlap in full, "same" as many as the longer has, "full" wherever they overlap.
    """
    return jnp.correlate(*arrays(x1, x2), mode)


@op
def corrcoef(x):
    """The correlation coefficients of the rows of `x` with each other."""
    return jnp.corrcoef(jnp.asarray(x))


@op
def diff(a, n=1, axis=-1):
    """Each entry less the one before, `n` times over."""
    return jnp.diff(jnp.asarray(a), n, axis)


@op
def trapezoid(y, x=None, dx=1.0, axis=-1):
    """The integral along `axis` by the trapezoidal rule.

    Args:
        x: the places of the entries; None puts them `dx` apart.
    """
    return jnp.trapezoid(jnp.asarray(y), None if x is None else jnp.asarray(x), dx=jnp.asarray(dx), axis=axis)


def vectorize(pyfunc, *, excluded=None, signature=None):
    """A function of scalars (or of arrays by `signature`, "(n),(n)->()") as one that runs over all other axes, compiled as one.

    Args:
        excluded: numbers or names of arguments that are not run over.
    """
    return op(jnp.vectorize(pyfunc, excluded=frozenset(excluded or ()), signature=signature))
