"""Metrics that average: of given values, or of what a function makes of labels and predictions."""

import jax.numpy as jnp

from phasewise import registry
from phasewise.metrics.metric import KIND, Metric, rowwise
from phasewise.registry import register


@register(KIND)
class Sum(Metric):
    """The weighted sum of the values."""

    def __init__(self, name="sum", dtype=None):
        super().__init__(dtype, name)
        self.total = self.add_variable((), name="total")

    def update_state(self, values, sample_weight=None):
        """Add values (rows, ...)."""
        self.total.assign_add(rowwise(values, sample_weight)[0].sum())

    def result(self):
        """The sum so far."""
        return jnp.asarray(self.total.value)


@register(KIND)
class Mean(Metric):
    """The weighted mean of the values; 0 of none."""

    def __init__(self, name="mean", dtype=None):
        super().__init__(dtype, name)
        self.total = self.add_variable((), name="total")
        self.count = self.add_variable((), name="count")

    def update_state(self, values, sample_weight=None):
        """Take values (rows, ...), or one number, into account; weights broadcast from the left."""
        values = jnp.asarray(values)
        if values.ndim == 0:
            weight = jnp.float32(1) if sample_weight is None else jnp.asarray(sample_weight, jnp.float32).sum()
            values = values.astype(jnp.float32) * weight
        else:
            values, weight = rowwise(values, sample_weight)
        self.total.assign_add(values.sum())
        self.count.assign_add(weight)

    def result(self):
        """The mean so far."""
        count = jnp.asarray(self.count.value)
        return jnp.where(count == 0, 0.0, self.total.value / jnp.where(count == 0, 1.0, count))


@register(KIND)
class MeanMetricWrapper(Mean):
    """The mean of `fn(y_true, y_pred, **arguments)`."""

    def __init__(self, fn, name=None, dtype=None, **arguments):
        super().__init__(name or getattr(fn, "__name__", None), dtype)
        self.fn, self.arguments = fn, arguments

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Take one batch into account."""
        super().update_state(self.fn(y_true, y_pred, **self.arguments), sample_weight)

    def get_config(self):
        """Name, dtype and the function's arguments."""
        config = {**super().get_config(), **self.arguments}
        if type(self) is MeanMetricWrapper:
            config["fn"] = registry.serialize(self.fn)
        return config
