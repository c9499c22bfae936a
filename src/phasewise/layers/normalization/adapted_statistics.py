"""The statistics of a `Normalization` layer, as an audit and a monitor look at them."""

import jax.numpy as jnp
import numpy as np

from phasewise.core import padding
from phasewise.core.types import Array
from phasewise.kernels.moments import wide
from phasewise.kernels.row_moments import row_moments
from phasewise.switch.collected_rows import record_rows

EPSILON = 1e-7  # Keras's: the least standard deviation
ASSUMED_ROWS = 6368  # as many as stand behind the moving statistics of batches of 32 at momentum 0.99


class AdaptedStatistics:
    """The mean and variance that `adapt` took, or that were given, in the form of `MovingStatistics`.

    They follow no batches, so that `recalibrate` and `adapt` of a model leave them alone; data can be held against them all the same.

    Args:
        layer: `Normalization`.
    """

    epsilon = EPSILON**2  # where a variance is 0, what varies less than this is still taken for constant
    initial_share = None

    def __init__(self, layer):
        self._layer, self._population = layer, None

    def note_population(self, rows):
        """They have just been taken from so many rows."""
        self._population = rows, self.used_now()

    @property
    def rows_behind(self):
        """(number of rows, the same, whence it is known): of `adapt`; statistics from a file or given count as those of 6,368 rows."""
        if self._population is not None and all(map(np.array_equal, self._population[1], self.used_now())):
            return self._population[0], self._population[0], "exact"
        return ASSUMED_ROWS, ASSUMED_ROWS, "unknown"

    def used(self):
        """(mean, deviation), each (channels,)."""
        mean, variance = self._used()
        return mean, jnp.sqrt(variance + self.epsilon)

    def used_now(self):
        """(mean, variance) as NumPy arrays (channels,)."""
        return tuple(np.asarray(part) for part in self._used())

    def _used(self):
        return tuple(jnp.asarray(part, jnp.float32).reshape(-1) for part in (self._layer.mean, self._layer.variance))

    def record(self, x: Array, kept: tuple, rows: int) -> None:
        """Tell who collects it what the rows of a batch say.

        Args:
            x: inputs. kept: the axes, without that of the rows, whose entries have statistics of their own. rows: of the batch.
        """
        rows = len(x) if len(x) % rows else rows  # an axis that was folded into the rows is one of positions
        channels = int(np.prod([x.shape[axis] for axis in kept]))
        real = padding.mask_for(x)
        laid_out = jnp.moveaxis(wide(x), kept, range(-len(kept), 0)) if kept else wide(x)
        real = None if real is None else real.reshape(rows, -1)[:, 0]
        record_rows(self, row_moments(laid_out.reshape(rows, -1, channels), self.used()[1], real=real))
