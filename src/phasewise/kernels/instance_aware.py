"""Statistics of a row by itself, where they differ from moving ones by more than chance."""

import jax.numpy as jnp

from phasewise.kernels.moments import Moments, count_values, moments


def instance_aware(x, moving_mean, moving_variance, axes, k, *, epsilon, mask=None):
    """Gong et al. (2022), "NOTE: robust continual test-time adaptation against temporal correlation", equations 3 to 7.

    With the mean m and the unbiased variance v of the L positions of one channel of a row: mean = moving mean + s(m - moving mean, k
    sqrt(moving variance / L)) and variance = moving variance + s(v - moving variance, k moving variance sqrt(2 / (L - 1))), where
    s(d, t) = sign(d) max(|d| - t, 0) shrinks softly. A channel of one position has no variance: there the moving ones stand.

    Args:
        x: array.
        moving_mean, moving_variance: arrays that broadcast against `x`, size 1 on `axes`.
        axes: tuple of int, those of the positions of a row.
        k: number above 0, how many standard errors count as chance.
        epsilon: added to the moving variance in the thresholds, as in the authors' code.
        mask: boolean array that broadcasts against `x`; False positions do not count.

    Returns:
        `Moments`, size 1 on `axes`.
    """
    count = count_values(x, axes, mask)
    row, several = moments(x, axes, mask=mask), count > 1
    others = jnp.maximum(count - 1, 1)
    spread = moving_variance + epsilon
    mean = _shrunk((row.shift - moving_mean) + row.offset, k * jnp.sqrt(spread / jnp.maximum(count, 1)))
    variance = _shrunk(row.variance * count / others - moving_variance, k * spread * jnp.sqrt(2 / others))
    # A moving mean far from zero keeps its digits: what is added to it stays a part of its own.
    step = jnp.where(several, mean, 0)
    return Moments(jnp.broadcast_to(moving_mean, step.shape), step, moving_variance + jnp.where(several, variance, 0))


def _shrunk(difference, threshold):
    return jnp.sign(difference) * jnp.maximum(jnp.abs(difference) - threshold, 0)
