"""Draws from the gamma distribution, and from those that follow from it, of random bits."""

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.kernels.random_bits import standard_normal

PROPOSALS = 8  # of which one in twenty or fewer is rejected each: all of them once in 2 * 10**10 draws
BITS = 2 * PROPOSALS + 1


@jax.jit
def log_gamma_draws(bits, alpha):
    """The logarithms of draws from Gamma(alpha, 1), by Marsaglia & Tsang (2000).

    With d = alpha + 1 - 1/3 and c = 1 / sqrt(9 d), d (1 + c x)³ for a normal x, accepted where log u < x² / 2 + d - d v + d log v, is a
    draw from Gamma(alpha + 1); times u^(1 / alpha) it is one from Gamma(alpha). The first of a fixed number of proposals that is
    accepted counts, so that nothing is repeated. Logarithms, since draws for a small alpha are below every float.

    Args:
        bits: (..., BITS) of random uint32.
        alpha: above 0, number or array that broadcasts against (...).

    Returns:
        float32 (...). softmax over an axis gives draws from the Dirichlet distribution, of two of them from Beta(alpha, alpha).
    """
    d = jnp.asarray(alpha, jnp.float32)[..., None] + np.float32(2 / 3)
    normal, uniform = standard_normal(bits[..., :PROPOSALS]), jnp.log(_uniform(bits[..., PROPOSALS:-1]))
    root = 1 + normal / jnp.sqrt(9 * d)
    log_v = 3 * jnp.log(jnp.maximum(root, np.float32(1e-30)))
    accepted = (root > 0) & (uniform < normal**2 / 2 + d - d * root**3 + d * log_v)
    first = jnp.argmax(accepted, axis=-1, keepdims=True)
    found = jnp.log(d[..., 0]) + jnp.take_along_axis(log_v, first, -1)[..., 0]
    return found + jnp.log(_uniform(bits[..., -1])) / jnp.asarray(alpha, jnp.float32)


def _uniform(bits):
    """In (0, 1), neither end included."""
    return ((bits >> 9).astype(jnp.float32) + np.float32(0.5)) * np.float32(2**-23)
