"""A running average of the statistics of a stream's batches."""

from typing import Any

import jax
import numpy as np

from phasewise.layers.normalization.affine import check_number
from phasewise.shift.adaptation.method import Method
from phasewise.shift.recalibrate import batch_statistics


class RunningAverage(Method):
    """Moving statistics that go on moving: `statistics = momentum * statistics + (1 - momentum) * those of the batch`.

    The batch is looked at before it is predicted, the layers before each one normalizing with what they have become (as in Schneider et al.
    2020, section 3, with the past in the place of the source).

    Args:
        momentum: in [0, 1], the weight of the past.
    """

    name = "ema"

    def __init__(self, momentum: float = 0.9):
        self.momentum = check_number("adapt's 'ema'", "momentum", momentum, 0, 1, low_included=True)

    def begin(self, run: Any) -> None:
        """Nothing is known of the stream yet."""
        self._run = run

    def predict(self, x: Any) -> Any:
        """After the statistics have followed the batch."""
        rows = len(jax.tree.leaves(x)[0])
        for average, count, mean, variance in batch_statistics(self._run.model, x):
            old = average.mean.numpy(), average.variance.numpy()
            new = [self._mixed(was, now, count) for was, now in zip(old, (mean, variance))]
            for variable, value in average.values_for(*new, count):
                variable.assign(value)
        return self._run.model.predict(x, batch_size=rows, verbose=0)

    def _mixed(self, was, now, count):
        was = np.asarray(was, np.float64)
        mixed = self.momentum * was + (1 - self.momentum) * now.reshape(was.shape)
        return np.where(np.reshape(count, was.shape) > 0, mixed, was)
