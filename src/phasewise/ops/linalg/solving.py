"""Systems of equations, inverses, norms, ranks, and derivatives along a direction."""

import jax
import jax.numpy as jnp

from phasewise.core.dtypes import floating
from phasewise.ops.op import arrays, hashable, op


def check_matrix(name, x, square=False):
    """`x` as an array of matrices.

    Raises:
        ValueError: it has fewer than two axes, or they differ in size where the matrices must be square.
    """
    x = jnp.asarray(x)
    if x.ndim < 2 or (square and x.shape[-1] != x.shape[-2]):
        raise ValueError(
            f"{name} takes {'square ' if square else ''}matrices (..., rows, columns); got shape {x.shape}."
        )
    return x


@op
def det(x):
    """The determinants of square matrices."""
    return jnp.linalg.det(check_matrix("det", x, square=True))


@op
def inv(x):
    """The inverses of square matrices; not finite where there is none."""
    return jnp.linalg.inv(check_matrix("inv", x, square=True))


@op
def solve(a, b):
    """The x with a x = b.

    Args:
        a: (..., n, n).
        b: (n,) or (..., n, columns).
    """
    a, b = check_matrix("solve", a, square=True), jnp.asarray(b)
    if b.ndim > 1 and b.ndim == a.ndim - 1:  # vectors, one for each matrix
        return jnp.linalg.solve(a, b[..., None])[..., 0]
    return jnp.linalg.solve(a, b)


@op
def solve_triangular(a, b, lower=False):
    """The x with a x = b for a triangular `a`: the upper triangle, or the lower one; what is in the other does not count."""
    a, b = check_matrix("solve_triangular", a, square=True), jnp.asarray(b)
    if b.ndim > 1 and b.ndim == a.ndim - 1:
        return jax.scipy.linalg.solve_triangular(a, b[..., None], lower=lower)[..., 0]
    return jax.scipy.linalg.solve_triangular(a, b, lower=lower)


@op
def lstsq(a, b, rcond=None):
    """The x of least norm for which |a x - b| is least.

    Args:
        a: (rows, columns).
        b: (rows,) or (rows, count).
        rcond: singular values below this times the largest count as 0; None is the dtype's precision times the larger side.
    """
    return jnp.linalg.lstsq(*arrays(a, b), rcond=rcond)[0]


@op
def pinv(x, rcond=None):
    """The pseudo-inverses (Moore-Penrose); `rcond` as of `lstsq`."""
    return jnp.linalg.pinv(check_matrix("pinv", x), rtol=rcond)


@op
def matrix_rank(x, tol=None):
    """How many singular values exceed `tol`, as int32.

    Args:
        tol: None is the largest one times the dtype's precision times the larger side.
    """
    x = check_matrix("matrix_rank", x)
    if tol is None:
        return jnp.linalg.matrix_rank(x).astype("int32")
    values = jnp.linalg.svd(x, compute_uv=False)
    return (values > jnp.asarray(tol)[..., None]).sum(-1).astype("int32")


@op
def norm(x, ord=None, axis=None, keepdims=False):
    """The norm of vectors along an axis, or of matrices along two.

    Args:
        ord: for vectors any number or inf; for matrices "fro", "nuc", 1, -1, 2, -2, inf or -inf; None is the root of the sum of
            squares.
        axis: int or pair; None is all axes, flattened where `ord` is None.
        keepdims: whether the axes stay, with size 1.
    """
    return jnp.linalg.norm(floating(x), ord=ord, axis=hashable(axis), keepdims=keepdims)


@op
def jvp(fun, primals, tangents, has_aux=False):
    """(fun(*primals), its derivative along `tangents`), by forward differentiation.

    Args:
        fun: function of arrays.
        primals, tangents: tuples or lists of arrays of the same shapes and dtypes.
        has_aux: whether `fun` returns (result, something else), which comes third.
    """
    return jax.jvp(fun, tuple(map(jnp.asarray, primals)), tuple(map(jnp.asarray, tangents)), has_aux=has_aux)
