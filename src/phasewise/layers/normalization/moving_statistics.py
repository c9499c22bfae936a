"""The moving statistics of a batch normalization layer, and how they follow the batches."""

import jax.numpy as jnp
import numpy as np

from phasewise.kernels.moving_average import followed


class MovingStatistics:
    """`moving_mean` and `moving_variance`, weights of `layer` that no gradient updates, each of shape (channels,).

    Args:
        layer: what owns them.
        channels: int; or the shape, a tuple.
        mean_initializer, variance_initializer: initializers.
    """

    fed_with = None  # the name of the recurrent cell on whose terms, its own included, depends what they follow

    def __init__(self, layer, channels, mean_initializer, variance_initializer):
        self._layer = layer  # whose momentum and epsilon can be set at any time
        self.mean = add_statistic(layer, "moving_mean", channels, mean_initializer)
        self.variance = add_statistic(layer, "moving_variance", channels, variance_initializer)
        self._initial, self._known = self._values(), self._held()
        self._updates, self._share = 0, 1.0
        self._batch_rows = self._population = None
        self.lag_is_told = False  # whether a warning has said that they are behind the batches

    @property
    def momentum(self):
        """The weight of the past."""
        return self._layer.momentum

    @property
    def epsilon(self):
        """What the layer adds to a variance."""
        return self._layer.epsilon

    @property
    def updates(self):
        """How many batches they have followed in `fit` since they were made; None when someone else set them since."""
        self.check_values()
        return self._updates

    def check_values(self):
        """Find out whether someone else has set the statistics."""
        if self._updates is None or all(v.raw is known for v, known in zip((self.mean, self.variance), self._known)):
            return
        if all(np.array_equal(v, known) for v, known in zip((self.mean, self.variance), self._known)):
            self._known = self._held()
        else:
            self._updates = None

    @property
    def is_initial(self):
        """Whether they are as they were made; asked before every prediction."""
        return self._updates == 0 and self.updates == 0

    def note_updates(self, count, rows):
        """`fit` has just made the statistics follow `count` batches more, of `rows` rows."""
        self._batch_rows = rows if self._layer.virtual_batch_size is None else self._layer.virtual_batch_size
        if self._updates is not None:
            self._updates, self._known = self._updates + count, self._held()
            self._share *= self.momentum**count

    def note_population(self, rows):
        """They are now those of a data set of `rows` rows, exactly."""
        self._population = rows, self._values()

    @property
    def rows_behind(self):
        """(effective number of rows, rows in a batch whose variance they are, whence that is known) of the statistics as they are.

        An average in which a batch has the weight (1 - momentum) varies as the mean of (1 + momentum) / (1 - momentum) batches.
        The batch is that of `fit`; 32 rows, Keras's default, where statistics came otherwise, as from a file.
        """
        if self._population is not None and all(map(np.array_equal, self._population[1], self._values())):
            return self._population[0], self._population[0], "exact"
        source, batch = ("assumed", 32) if self._batch_rows is None else ("fit", self._batch_rows)
        momentum = self.momentum
        batches = (1 + momentum) / (1 - momentum) if momentum < 1 else np.inf
        if self.updates:
            batches = min(batches, self.updates)
        return batch * batches, batch, source

    def resume(self, updates):
        """They are now those of a layer that has followed `updates` batches since a mean of 0 and a variance of 1."""
        mean, variance = self._known = self._values()
        self._initial = (np.zeros_like(mean), np.ones_like(variance))
        self._updates = updates

    @property
    def initial_variance(self):
        """The moving variance before the first batch, (channels,) in float64."""
        return self._initial[1]

    @property
    def initial_share(self):
        """The share of the initial value that is left, momentum ** updates; None where `updates` is."""
        return None if self.updates is None else self._share

    def estimate(self):
        """The mean and variance of the batches alone: the initial values taken out of the averages, in float64.

        An average of weight (1 - momentum) is share * initial + (1 - share) * average of the batches (as Kingma & Ba 2015,
        section 3, correct Adam's).
        """
        share = self.initial_share
        return tuple((now - share * first) / (1 - share) for now, first in zip(self._values(), self._initial))

    def now(self):
        """The mean and variance as they are, beside the `estimate`, in float64."""
        return self._values()

    def values_for(self, mean, variance, count):
        """(variable, float32 value) for every statistic, when the population has this mean and variance of `count` values."""
        return [(self.mean, _float32(mean)), (self.variance, _float32(variance))]

    def used(self):
        """(mean, sqrt(variance + epsilon)) with which predictions are normalized; 1 in the place of a deviation of 0."""
        mean, variance = self._used()
        deviation = jnp.sqrt(variance + self.epsilon)
        return mean, jnp.where(deviation > 0, deviation, 1)

    def used_now(self):
        """(mean, variance) with which predictions are normalized, as NumPy arrays."""
        return tuple(np.asarray(part) for part in self._used())

    def _used(self):
        return jnp.asarray(self.mean.raw), jnp.asarray(self.variance.raw)

    def _values(self):
        return tuple(np.array(variable, np.float64) for variable in (self.mean, self.variance))

    def _held(self):
        """The values as they are now, for good: the device's arrays do not change, those of NumPy's that can be written to may."""
        values = (variable.raw for variable in (self.mean, self.variance))
        return tuple(np.array(v) if isinstance(v, np.ndarray) and v.flags.writeable else v for v in values)

    def follow(self, means, variances, seen=None):
        """Take the statistics of one or several batches into account, in order; arguments as for `followed`."""
        self.mean.assign(followed(self.mean.raw, means, self.momentum, seen))
        self.variance.assign(followed(self.variance.raw, variances, self.momentum, seen))


def _float32(value):
    return np.asarray(value, np.float32)


def add_statistic(layer, name, channels, initializer):
    """A weight of `layer` of shape (channels,), or of the shape that `channels` is, that calls in training update."""
    return layer.add_weight(channels, initializer, name=name, trainable=False, autocast=False)
