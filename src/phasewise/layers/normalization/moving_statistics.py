"""The moving statistics of a batch normalization layer, and how they follow the batches."""

import jax.numpy as jnp
import numpy as np


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
        self._initial = self._known = self._values()
        self._updates = 0

    @property
    def updates(self):
        """How many batches they have followed in `fit` since they were made; None when someone else set them since."""
        self.check_values()
        return self._updates

    def check_values(self):
        """Find out whether someone else has set the statistics."""
        if self._updates is not None and not _equal(self._known, self._values()):
            self._updates = None

    @property
    def is_initial(self):
        """Whether they are as they were made; asked before every prediction, so values are compared only where they may be."""
        return self._updates == 0 and self.updates == 0

    def note_updates(self, count):
        """`fit` has just made the statistics follow `count` batches more."""
        if self._updates is not None:
            self._updates, self._known = self._updates + count, self._values()

    @property
    def initial_share(self):
        """The share of the initial value that is left, momentum ** updates; None where `updates` is."""
        return None if self.updates is None else self._momentum**self._updates

    def estimate(self):
        """The mean and variance of the batches alone: the initial values taken out of the averages, in float64.

        An average of weight (1 - momentum) is share * initial + (1 - share) * average of the batches (as Kingma & Ba 2015,
        section 3, correct Adam's).
        """
        share = self.initial_share
        return tuple((now - share * first) / (1 - share) for now, first in zip(self._values(), self._initial))

    def values_for(self, mean, variance):
        """(variable, float32 value) for every statistic, when the population has this mean and variance."""
        return [(self.mean, _float32(mean)), (self.variance, _float32(variance))]

    def _values(self):
        return tuple(np.array(variable.numpy(), np.float64) for variable in (self.mean, self.variance))

    def follow(self, means, variances, seen=None):
        """Take the statistics of one or several batches into account, in order; arguments as for `followed`."""
        self.mean.assign(followed(self.mean, means, self._momentum, seen))
        self.variance.assign(followed(self.variance, variances, self._momentum, seen))


def _equal(before, now):
    return all(np.array_equal(a, b) for a, b in zip(before, now))


def _float32(value):
    return np.asarray(value, np.float32)


def add_statistic(layer, name, channels, initializer):
    """A weight of `layer` of shape (channels,) that calls in training update."""
    return layer.add_weight((channels,), initializer, name=name, trainable=False, autocast=False)


def followed(variable, values, momentum, seen=None):
    """The new value of an exponential moving average after several values, one after the other.

    `momentum**k * old + (1 - momentum) * sum_i momentum**(k - 1 - i) * values[i]` for k batches: Hoffer et al. (2017),
    algorithm 1.

    Args:
        variable: the average, of shape (channels,).
        values: (batches, channels).
        momentum: in [0, 1].
        seen: boolean (batches, channels), False where nothing of a batch counts, so that it moves nothing; None where all do.
    """
    past, count = jnp.asarray(variable.raw), values.shape[0]
    values = values.astype(past.dtype)
    if seen is None:
        if count == 1:
            return past * momentum + values[0] * (1 - momentum)
        seen = jnp.ones((count, 1), bool)
    upto = seen.cumsum(0)
    shares = jnp.where(seen, (1 - momentum) * momentum ** (upto[-1] - upto).astype(past.dtype), 0)
    return past * momentum ** upto[-1].astype(past.dtype) + (shares * values).sum(0)
