"""A value in the graph of a functional model that is logged: `model.add_metric(tensor, name=...)`."""

from typing import Any

from phasewise.core.types import Array
from phasewise.layer.added_metrics import metric_of, record_metric
from phasewise.layer.layer import Layer


class AddMetric(Layer):
    """Its input, which it gives to a metric in `fit` and `evaluate`.

    Args:
        metric_name, aggregation: as `name` and `aggregation` of `Layer.add_metric`.
    """

    supports_masking = True

    def __init__(self, metric_name: str | None, aggregation: Any = "mean", **kwargs: Any):
        super().__init__(**kwargs)
        self.metric_name, self.aggregation = metric_name, aggregation
        metric_of(self, metric_name, aggregation)

    def call(self, inputs: Array) -> Array:
        """The inputs."""
        record_metric(self, inputs, self.metric_name, self.aggregation)
        return inputs
