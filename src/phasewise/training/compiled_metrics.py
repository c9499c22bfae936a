"""The metrics that `compile` was given, as one."""

from typing import Any

from phasewise.core.types import Array, Nest
from phasewise.core.variable import Variable
from phasewise.metrics import Metric


class CompiledMetrics(Metric):
    """What stands in `model.metrics` for the metrics of `compile`, as in Keras: so `for metric in self.metrics` of a step of a user's own
    gives `sample_weight` to the weighted ones alone, labels and outputs to the metrics of each output, and tells equal names apart.

    Args:
        model: compiled.
    """

    def __init__(self, model: Any):
        super().__init__(name="compile_metrics")
        self._model = model

    @property
    def variables(self) -> list[Variable]:
        """The accumulators of all of them."""
        return [variable for metric in self._model.objective.given_metrics for variable in metric.variables]

    def reset_state(self) -> None:
        """Begin again with all of them."""
        for metric in self._model.objective.given_metrics:
            metric.reset_state()

    def update_state(self, y_true: Nest, y_pred: Nest, sample_weight: Nest = None) -> None:
        """Take one batch into account; the arguments are as in `Model.compute_metrics`."""
        self._model._objective_for(y_true, y_pred).update_metrics(y_true, y_pred, sample_weight)

    def result(self) -> dict[str, Array]:
        """dict name in the logs -> value."""
        return self._model.objective.add_given({})
