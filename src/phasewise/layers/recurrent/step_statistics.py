"""The moving statistics of a recurrent term: of each time step its own."""

import jax.numpy as jnp
import numpy as np

from phasewise import initializers
from phasewise.kernels.moments import Moments
from phasewise.kernels.moving_average import followed
from phasewise.kernels.row_moments import row_moments_of_steps
from phasewise.layers.normalization.moving_statistics import MovingStatistics, add_statistic
from phasewise.switch.collected_moments import record_moments
from phasewise.switch.collected_rows import record_rows


class StepStatistics(MovingStatistics):
    """`moving_mean` and `moving_variance`, each (steps, channels), and `initial_share`, (steps,).

    Row t is that of step t; the last row is that of all later steps as well, whose moments it takes together. A step follows only
    the batches in which it had rows that count: the share of its initial values that is left is kept for each, 1 where no batch
    has reached it. Such a step is normalized with the nearest row before it that has followed one, else with the first behind it.

    Args:
        layer: the term that owns them.
        steps, channels: positive int.
        fed_with: the name of the cell, which no other cell has.
    """

    def __init__(self, layer, steps, channels, fed_with):
        self.fed_with = fed_with
        zeros, ones = initializers.get("zeros"), initializers.get("ones")
        super().__init__(layer, (steps, channels), zeros, ones)
        self.share = add_statistic(layer, "initial_share", steps, ones)

    @property
    def steps(self):
        """How many steps have statistics of their own."""
        return self.share.shape[0]

    def rows_for(self, first, time):
        """The statistics of the steps from `first` on: (mean, variance), each (time, channels)."""
        numbers = jnp.arange(self.steps)
        is_known = jnp.asarray(self.share.raw) < 1
        before = jnp.maximum.accumulate(jnp.where(is_known, numbers, -1))
        nearest = jnp.where(before < 0, jnp.argmax(is_known), before)
        chosen = nearest[jnp.minimum(first + jnp.arange(time), self.steps - 1)]
        return tuple(jnp.asarray(variable.raw)[chosen] for variable in (self.mean, self.variance))

    def follow_steps(self, first, counts, found):
        """Take the moments of the steps from `first` on into account, those of one batch.

        Args:
            first: number of the first step; may be traced where there is one step.
            counts: (time,), how many rows count; a number where all do at each step.
            found: (mean, variance), each (time, channels).
        """
        seen, mean, variance = self._by_row(first, counts, *found)
        for variable, value in ((self.mean, mean), (self.variance, variance)):
            old = jnp.asarray(variable.raw)
            new = followed(old[: len(value)], value[None], self.momentum, seen[None, :, None] > 0)
            variable.assign(jnp.concatenate([new, old[len(value) :]]))
        share = jnp.asarray(self.share.raw)
        new = jnp.where(seen > 0, share[: len(seen)] * self.momentum, share[: len(seen)])
        self.share.assign(jnp.concatenate([new, share[len(seen) :]]))

    def record_steps(self, first, counts, found):
        """Tell whoever collects moments of these; arguments as for `follow_steps`."""
        seen, mean, variance = self._by_row(first, counts, *found)
        missing = ((0, self.steps - len(seen)), (0, 0))
        counts = jnp.broadcast_to(seen[:, None].astype(jnp.float32), mean.shape)
        count, mean, variance = (jnp.pad(part, missing).reshape(1, -1) for part in (counts, mean, variance))
        record_moments(self, count, Moments(mean, jnp.zeros_like(mean), variance))

    def record_rows_of_steps(self, first, counted, values):
        """Tell whoever collects rows what they say.

        Args:
            first: number of the first step; may be traced.
            counted: boolean (time, rows), or None where all count.
            values: (time, rows, channels), what is normalized.
        """
        places = jnp.minimum(first + jnp.arange(len(values)), self.steps - 1)
        record_rows(self, row_moments_of_steps(values, places, *self.used(), counted))

    def _used(self):
        return self.rows_for(0, self.steps)

    def _by_row(self, first, counts, mean, variance):
        """(counts, mean, variance) of the rows that these steps belong to, from row 0 on; rows without a step have count 0."""
        counts = jnp.broadcast_to(jnp.asarray(counts, jnp.float32), mean.shape[:1])
        if not isinstance(first, int) or first:
            here = jnp.arange(self.steps) == jnp.minimum(first, self.steps - 1)
            counts = jnp.where(here, counts, 0)
            return counts, *(jnp.broadcast_to(part, (self.steps, part.shape[-1])) for part in (mean, variance))
        if len(counts) <= self.steps:
            return counts, mean, variance
        last = _together(counts[self.steps - 1 :], mean[self.steps - 1 :], variance[self.steps - 1 :])
        parts = zip((counts, mean, variance), last)
        return tuple(jnp.concatenate([part[: self.steps - 1], end[None]]) for part, end in parts)

    # -- how far they have come

    @property
    def initial_share(self):
        """The share of the initial values that is left where most is, among the steps that have followed a batch."""
        known = self._known_rows()
        return None if self.updates is None or not known.any() else float(self.share.numpy()[known].max())

    def estimate(self):
        """The mean and variance of the batches alone, in float64, (known steps, channels)."""
        known = self._known_rows()
        share = self.share.numpy()[known].astype(np.float64)[:, None]
        pairs = zip(self._values(), self._initial)
        return tuple((now[known] - share * first[known]) / (1 - share) for now, first in pairs)

    def now(self):
        """The moving mean and variance beside the `estimate`."""
        return tuple(value[self._known_rows()] for value in self._values())

    def values_for(self, mean, variance, count):
        """(variable, float32 value) for every statistic, when the population has this mean and variance of `count` values."""
        is_found = np.reshape(count, self.mean.shape).max(-1) > 0
        share = np.where(is_found, 0, self.share.numpy()).astype(np.float32)
        return [*super().values_for(mean, variance, count), (self.share, share)]

    def _known_rows(self):
        return self.share.numpy() < 1


def _together(counts, means, variances):
    """The count, mean and variance of several steps as one: Chan, Golub & LeVeque (1979), equation 2.1."""
    total = counts.sum()
    share = (counts / jnp.maximum(total, 1))[:, None]
    shift = means[:1]
    offset = (share * (means - shift)).sum(0)
    spread = variances + jnp.square(means - shift - offset)
    return total, shift[0] + offset, (share * spread).sum(0)
