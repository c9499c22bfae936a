"""The largest singular value of a matrix, estimated by power iteration."""

import jax
import jax.numpy as jnp

from phasewise.kernels.unit_vectors import unit_vectors

TINY = 1e-30  # vectors shorter than this count as zero


def spectral_norm(matrix, u, iterations):
    """Power iteration from `u`: Miyato et al. (2018), algorithm 1.

    Each iteration sets v to the unit vector along u Wᵀ and u to that along v W; sigma is v W uᵀ, which never exceeds the
    largest singular value and comes closer with each iteration.

    Args:
        matrix: (rows, columns), float32 or wider.
        u: (1, columns).
        iterations: positive int.

    Returns:
        (sigma, u): a scalar whose gradient holds u and v constant, and the new u, a constant to the gradient. Where v W is
        zero, as for a matrix of zeros, sigma is 1 and u is the one that was given.
    """
    constant, start = jax.lax.stop_gradient(matrix), u.astype(matrix.dtype)

    def follow(_, vectors):
        u, _ = vectors
        v = unit_vectors(u @ constant.T, (0, 1), epsilon=TINY)
        return unit_vectors(v @ constant, (0, 1), epsilon=TINY), v

    u, v = follow(0, (start, None))
    if iterations > 1:
        u, v = jax.lax.fori_loop(1, iterations, follow, (u, v))
    sigma = (v @ matrix @ u.T)[0, 0]
    found = sigma > 0
    return jnp.where(found, sigma, 1), jnp.where(found, u, start)
