"""The moving statistics of a batch normalization layer, and how they follow the batches."""

import jax.numpy as jnp


class MovingStatistics:
    """`moving_mean` and `moving_variance`, weights of `layer` that no gradient updates, each of shape (channels,).

    Args:
        layer: what owns them.
        channels: int.
        mean_initializer, variance_initializer: initializers.
    """

    def __init__(self, layer, channels, mean_initializer, variance_initializer):
        self._momentum = layer.momentum
        self.mean = add_statistic(layer, "moving_mean", channels, mean_initializer)
        self.variance = add_statistic(layer, "moving_variance", channels, variance_initializer)

    def follow(self, means, variances):
        """Take the statistics of one or several batches, (batches, channels), into account, in order."""
        self.mean.assign(followed(self.mean, means, self._momentum))
        self.variance.assign(followed(self.variance, variances, self._momentum))


def add_statistic(layer, name, channels, initializer):
    """A weight of `layer` of shape (channels,) that calls in training update."""
    return layer.add_weight((channels,), initializer, name=name, trainable=False, autocast=False)


def followed(variable, values, momentum):
    """The new value of an exponential moving average after `values` (batches, channels), one after the other.

    `momentum**k * old + (1 - momentum) * sum_i momentum**(k - 1 - i) * values[i]` for k batches: Hoffer et al. (2017),
    algorithm 1.
    """
    past, count = jnp.asarray(variable.raw), values.shape[0]
    values = values.astype(past.dtype)
    if count == 1:
        return past * momentum + values[0] * (1 - momentum)
    shares = (1 - momentum) * momentum ** jnp.arange(count - 1, -1, -1, dtype=past.dtype)
    return past * momentum**count + jnp.tensordot(shares, values, axes=1)
