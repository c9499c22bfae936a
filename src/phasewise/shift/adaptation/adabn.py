"""AdaBN: the exact statistics of the data in place of the moving ones."""

from typing import Any

from phasewise.shift.adaptation.method import Method
from phasewise.shift.recalibrate import recalibrate


class AdaBN(Method):
    """Li et al. (2016), "Revisiting batch normalization for practical domain adaptation", algorithm 1.

    Every batch normalization gets the mean and variance of its input over all of the data, layer after layer, the layers before it
    already adapted: `phasewise.recalibrate` over data without labels.
    """

    name = "adabn"
    needs_data = True

    def begin(self, run: Any) -> None:
        """Find the statistics."""
        self._run = run
        recalibrate(run.model, run.data, **run.reading)

    def predict(self, x: Any) -> Any:
        """With these statistics."""
        return self._run.model.predict(x, verbose=0)
