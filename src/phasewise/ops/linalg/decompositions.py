"""Matrices as products of simpler ones."""

import jax
import jax.numpy as jnp

from phasewise.core.registry import one_of
from phasewise.ops.linalg.solving import check_matrix
from phasewise.ops.op import op


@op
def cholesky(x, upper=False):
    """The triangular L with L Lᵀ = x, of a symmetric positive definite matrix.

    Args:
        upper: whether to give U = Lᵀ, with Uᵀ U = x.

    Raises:
        ValueError: the matrix is not positive definite; in a compiled program the result is NaN instead.
    """
    x = check_matrix("cholesky", x, square=True)
    found = jnp.linalg.cholesky(x, upper=upper)
    if not isinstance(found, jax.core.Tracer) and bool(jnp.isnan(found).any()):
        raise ValueError("cholesky takes symmetric positive definite matrices; one of those given is not.")
    return found


@op
def cholesky_inverse(x, upper=False):
    """The inverse of the matrix whose `cholesky` factor is `x`: of x xᵀ, or of xᵀ x where it is an upper one."""
    x = check_matrix("cholesky_inverse", x, square=True)
    identity = jnp.broadcast_to(jnp.eye(x.shape[-1], dtype=x.dtype), x.shape)
    inverse = jax.scipy.linalg.solve_triangular(x, identity, lower=not upper)
    turned = jnp.swapaxes(inverse, -1, -2)
    return inverse @ turned if upper else turned @ inverse


@op
def eig(x):
    """(eigenvalues, eigenvectors) of square matrices, both complex; the vectors are columns. On a CPU only."""
    return jnp.linalg.eig(check_matrix("eig", x, square=True))


@op
def eigh(x):
    """(eigenvalues, eigenvectors) of symmetric matrices, from the smallest; the vectors are columns."""
    return jnp.linalg.eigh(check_matrix("eigh", x, square=True))


@op
def lu_factor(x):
    """(both triangular factors in one matrix, the rows that were exchanged) of square matrices, as SciPy has them."""
    return tuple(jax.scipy.linalg.lu_factor(check_matrix("lu_factor", x)))


@op
def qr(x, mode="reduced"):
    """(Q, R): orthonormal columns and an upper triangular matrix whose product is `x`.

    Args:
        mode: "reduced", as many columns as the smaller side; "complete", as many as rows.
    """
    one_of("qr", "mode", mode, ("reduced", "complete"))
    return jnp.linalg.qr(check_matrix("qr", x), mode=mode)


@op
def svd(x, full_matrices=True, compute_uv=True):
    """(U, singular values, Vᴴ) with x = U diag(s) Vᴴ, the largest value first; the values alone unless `compute_uv`.

    Args:
        full_matrices: whether U and Vᴴ are square.
    """
    return jnp.linalg.svd(check_matrix("svd", x), full_matrices=full_matrices, compute_uv=compute_uv)
