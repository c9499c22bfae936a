"""Metrics that sum or average: given values, or what a function makes of labels and predictions."""

import inspect
from collections.abc import Callable
from typing import Any, Self

import jax.numpy as jnp
import numpy as np

from phasewise.core import registry
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config, DTypeLike
from phasewise.losses.alignment import one_a_row, ratio, same_rank
from phasewise.metrics.metric import KIND, Metric, rowwise

FUNCTIONS = "metric function"


@register(KIND)
class Sum(Metric):
    """The weighted sum of the values."""

    def __init__(self, name: str | None = "sum", dtype: DTypeLike | None = None):
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", name="total")

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Add values (rows, ...), or one number; weights broadcast from the left."""
        self.total.assign_add(rowwise(values, sample_weight, jnp.sum)[0].sum())

    def result(self) -> Array:
        """The sum so far."""
        return jnp.asarray(self.total.value)


@register(KIND)
class Mean(Metric):
    """The weighted mean of the values; 0 of none."""

    def __init__(self, name: str | None = "mean", dtype: DTypeLike | None = None):
        super().__init__(dtype, name)
        self.total = self.add_variable((), "zeros", name="total")
        self.count = self.add_variable((), "zeros", name="count")

    def update_state(self, values: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Take values (rows, ...), or one number, into account; weights broadcast from the left."""
        values, weight = rowwise(values, sample_weight)
        self.total.assign_add(values.sum())
        self.count.assign_add(weight)

    def result(self) -> Array:
        """The mean so far."""
        return ratio(jnp.asarray(self.total.value), jnp.asarray(self.count.value))


@register(KIND)
class MeanMetricWrapper(Mean):
    """The mean of `fn(y_true, y_pred, **arguments)`: values (rows, ...), or one number for all rows."""

    def __init__(
        self,
        fn: Callable[..., ArrayLike],
        name: str | None = None,
        dtype: DTypeLike | None = None,
        **arguments: Any,
    ):
        super().__init__(name or getattr(fn, "__name__", None), dtype)
        self.fn, self.arguments = fn, arguments

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Take one batch into account. Labels (rows,) and predictions (rows, 1), or the reverse, come to `fn` as of one rank; one
        number that it returns stands for every row.
        """
        if np.ndim(y_true) != np.ndim(y_pred):
            y_true, y_pred = same_rank(jnp.asarray(y_true), jnp.asarray(y_pred))
        if sample_weight is not None:
            y_true, y_pred = one_a_row(self.fn, y_true, y_pred)
        self.check_values(y_true, y_pred, sample_weight)
        values = jnp.asarray(self.fn(y_true, y_pred, **self.arguments))
        if values.ndim == 0 and np.ndim(y_pred):
            values = jnp.broadcast_to(values, np.shape(y_pred)[:1])
        super().update_state(values, sample_weight)

    def check_values(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None) -> None:
        """Raise what is to be said of labels and predictions whose values are known; here, nothing."""

    def get_config(self) -> Config:
        """Name, dtype and the function's arguments."""
        config = {**super().get_config(), **self.arguments}
        if type(self) is MeanMetricWrapper:
            config["fn"] = registry.serialize(self.fn)
        return config

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A metric from what `get_config` returned; a function's name is looked up among the registered ones."""
        config = dict(config)
        if isinstance(config.get("fn"), str):
            config["fn"] = _function(config["fn"])
        return cls(**config)


def mean_of(function, class_name, *aliases, name=None, check_values=None) -> type[Metric]:
    """The registered metric that averages a function without arguments, whose docstring it takes.

    Args:
        check_values: as the method of that name; or None.
    """

    def __init__(self, name: str | None = name or function.__name__, dtype: DTypeLike | None = None):
        MeanMetricWrapper.__init__(self, function, name, dtype)

    doc = f"The mean of `{function.__name__}`.\n\n{inspect.getdoc(function)}"
    body = {"__init__": __init__, "__doc__": doc, "__module__": "phasewise.metrics"}
    if check_values is not None:
        body["check_values"] = check_values
    return register(KIND, *aliases)(type(class_name, (MeanMetricWrapper,), body))


def _function(name):
    known = {function.__name__: function for function in registry.members(FUNCTIONS)}
    return known[name] if name in known else registry.find("loss", name)
