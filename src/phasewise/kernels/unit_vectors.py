"""Vectors of length 1, whatever their size was."""

import jax
import jax.numpy as jnp

from phasewise.kernels.moments import wide


def unit_vectors(x, axes, *, epsilon):
    """`x / max(norm(x), epsilon)`, the Euclidean norm over `axes`, in float32 or wider.

    The largest entry is divided out before squaring, so that no square overflows or vanishes.

    Args:
        x: array, any floating dtype.
        axes: tuple of int.
        epsilon: number greater than 0. A shorter vector is divided by it; the zero vector stays, with a finite gradient.

    Returns:
        An array of the shape of `x`, float32 or wider.
    """
    x = wide(x)
    largest = jax.lax.stop_gradient(jnp.abs(x).max(axes, keepdims=True))
    largest = jnp.where(largest > 0, largest, 1)
    scaled = x / largest
    square = (scaled * scaled).sum(axes, keepdims=True)
    norm = jnp.where(square > 0, jnp.sqrt(jnp.where(square > 0, square, 1)), 0)
    return scaled / jnp.maximum(norm, epsilon / largest)
