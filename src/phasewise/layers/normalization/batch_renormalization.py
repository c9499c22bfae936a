"""Batch renormalization: in training the batch's statistics are corrected towards moving ones (Ioffe 2017)."""

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.kernels.moving_average import followed
from phasewise.layers.normalization.moving_statistics import MovingStatistics, add_statistic

BOUNDS = ("rmin", "rmax", "dmax")


class Renormalization(MovingStatistics):
    """Moving statistics of a layer with `renorm=True`.

    Beside what predictions use (`moving_mean`, and `moving_stddev`, from which `moving_variance` is derived), it keeps a
    faster `renorm_mean` and `renorm_stddev`, from which the correction in training is computed. Names, order and updates
    are Keras's.
    """

    def __init__(self, layer, channels, mean_initializer, variance_initializer):
        super().__init__(layer, channels, mean_initializer, variance_initializer)

        def deviation(shape, dtype=None):
            return np.sqrt(np.asarray(variance_initializer(shape, dtype)))

        self.stddev = add_statistic(layer, "moving_stddev", channels, deviation)
        self.renorm_mean = add_statistic(layer, "renorm_mean", channels, mean_initializer)
        self.renorm_stddev = add_statistic(layer, "renorm_stddev", channels, deviation)

    def correction(self, moments, shape):
        """The factor r and the summand d of a normalized value, constants to the gradient.

        r = stddev(batch) / renorm_stddev and d = (mean(batch) - renorm_mean) / renorm_stddev, clipped: Ioffe (2017),
        algorithm 1.

        Args:
            moments: the batch's.
            shape: the shape at which a statistic broadcasts against them.
        """
        least = np.sqrt(self.epsilon)
        stddev = jnp.maximum(jnp.asarray(self.renorm_stddev.raw), least).reshape(shape)
        mean = jnp.asarray(self.renorm_mean.raw).reshape(shape)
        r = jnp.sqrt(moments.variance + self.epsilon) / stddev
        d = ((moments.shift - mean) + moments.offset) / stddev
        clipping = self._layer.renorm_clipping
        r = jnp.clip(r, clipping.get("rmin"), clipping.get("rmax"))
        if clipping.get("dmax") is not None:
            d = jnp.clip(d, -clipping["dmax"], clipping["dmax"])
        return jax.lax.stop_gradient(r), jax.lax.stop_gradient(d)

    def values_for(self, mean, variance, count):
        """(variable, float32 value) for every statistic, when the population has this mean and variance of `count` values."""
        stddev = np.sqrt(np.asarray(variance, np.float64) + self.epsilon).astype(np.float32)
        deviations = [(self.stddev, stddev), (self.renorm_stddev, stddev)]
        return [
            *super().values_for(mean, variance, count),
            (self.renorm_mean, np.asarray(mean, np.float32)),
            *deviations,
        ]

    def follow(self, means, variances, seen=None):
        """Take the statistics of one or several batches into account, in order; arguments as for `followed`."""
        stddevs = jnp.sqrt(variances + self.epsilon)
        self.renorm_mean.assign(followed(self.renorm_mean.raw, means, self._layer.renorm_momentum, seen))
        self.renorm_stddev.assign(followed(self.renorm_stddev.raw, stddevs, self._layer.renorm_momentum, seen))
        self.mean.assign(followed(self.mean.raw, means, self.momentum, seen))
        stddev = followed(self.stddev.raw, stddevs, self.momentum, seen)
        self.stddev.assign(stddev)
        self.variance.assign(jnp.maximum(stddev * stddev - self.epsilon, 0))


def check_clipping(clipping):
    """`clipping` as a dict.

    Raises:
        ValueError: unknown keys, rmin above rmax, or a negative dmax.
    """
    clipping = dict(clipping or {})
    unknown = sorted(set(clipping) - set(BOUNDS))
    if unknown:
        raise ValueError(f"renorm_clipping takes the keys {', '.join(BOUNDS)}; got {unknown[0]!r}.")
    low, high, shift = (clipping.get(bound) for bound in BOUNDS)
    if low is not None and high is not None and high < low:
        raise ValueError(f"renorm_clipping needs rmin <= rmax; got rmin={low!r} and rmax={high!r}.")
    if shift is not None and shift < 0:
        raise ValueError(f"renorm_clipping's dmax must be at least 0; got {shift!r}.")
    return clipping
