"""Random bits for masks and noise: a hash of (key, step, place), so cheap that drawing a mask costs less than applying it."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np


@functools.partial(jax.jit, static_argnums=2)
def random_bits(key, step, shape, first=None):
    """32 random bits for every place of an array.

    A bit is a function of its place, `key` and `step` alone: no state, no order. The place is hashed with the key and the
    result with the step, each by the finalizer "lowbias32" of Wellons (2018), two multiplications that change every output
    bit with a probability within 0.2 % of one half. Good for masks and noise, not for cryptography. Threefry, JAX's
    default, takes 15 times as long on a CPU.

    Args:
        key, step: uint32 scalars.
        shape: tuple of int, fewer than 2**32 entries.
        first: uint32 scalar, the place of the first entry where the array is a part of a larger one; None is 0.

    Returns:
        A uint32 array.
    """
    places = jax.lax.iota(jnp.uint32, math.prod(shape)).reshape(shape)
    places = places if first is None else places + first
    return _mixed(_mixed(places ^ _mixed(key)) ^ _mixed(jnp.asarray(step, jnp.uint32) + np.uint32(0x9E3779B9)))


def standard_normal(bits):
    """Draws from N(0, 1) as float32, one for each 32-bit word of `random_bits`.

    The inverse of the distribution function at (n + 1/2) / 2**23 for the upper 23 bits n, so that both tails end at 5.2 standard
    deviations.
    """
    centred = (bits >> 9).astype(jnp.float32) * np.float32(2**-22) + np.float32(2**-23 - 1)
    return np.float32(np.sqrt(2)) * jax.lax.erf_inv(centred)


def _mixed(x):
    x = jnp.asarray(x, jnp.uint32)
    x = (x ^ (x >> 16)) * np.uint32(0x7FEB352D)
    x = (x ^ (x >> 15)) * np.uint32(0x846CA68B)
    return x ^ (x >> 16)
