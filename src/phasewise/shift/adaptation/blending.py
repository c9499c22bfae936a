"""Statistics of training and of the data, mixed."""

from typing import Any

import jax

from phasewise.shift.adaptation.method import Method
from phasewise.shift.recalibrate import recalibrate
from phasewise.switch.statistics_policy import blend


class Blending(Method):
    """Schneider et al. (2020), "Improving robustness against common corruptions by covariate shift adaptation", section 3.

    With N rows of data: mean = n / (n + N) * moving mean + N / (n + N) * mean of the data, and likewise the variance. Where `adapt` is given
    data, these are the N rows, and the model keeps the mixture; else each batch that is predicted is, and the model keeps nothing.

    Args:
        n: number of at least 0: how many rows the statistics of training weigh as much as.
    """

    name = "blend"

    def __init__(self, n: float = 16):
        self.policy = blend(n)

    def begin(self, run: Any) -> None:
        """Mix, where there are data."""
        self._run = run
        if run.data is not None:
            recalibrate(run.model, run.data, weigh=self._share, **run.reading)

    def _share(self, rows):
        return rows / (self.policy.n + rows)

    def predict(self, x: Any) -> Any:
        """With the mixture."""
        if self._run.data is not None:
            return self._run.model.predict(x, verbose=0)
        rows = len(jax.tree.leaves(x)[0])
        return self._run.model.predict(x, batch_size=rows, statistics=self.policy, verbose=0)
