"""Metric: accumulators in variables, so that it works by hand and inside a compiled loop alike."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from phasewise import initializers
from phasewise.core import naming, registry, variable
from phasewise.core.keywords import told
from phasewise.core.operators import resolved
from phasewise.core.pickling import Portable
from phasewise.core.settings import Settings
from phasewise.core.types import Array, ArrayLike, Config, DTypeLike, Named
from phasewise.core.variable import Variable
from phasewise.losses.alignment import broadcast_rows

KIND = "metric"


class Metric(Portable, Settings):
    """Subclass it with `update_state` and `result`; make accumulators with `add_variable`.

    Args:
        dtype: accepted; accumulators and results are float32.
        name: str.
    """

    def __init__(self, dtype: DTypeLike | None = None, name: str | None = None):
        self.name = name or naming.unique_name(type(self).__name__)
        self.dtype = dtype or "float32"
        self._variables = []

    @told
    def add_variable(
        self,
        shape: Sequence[int],
        initializer: Named | ArrayLike,
        dtype: DTypeLike | None = None,
        aggregation: str | None = "sum",
        name: str | None = None,
    ) -> Variable:
        """An accumulator.

        Args:
            shape: tuple of int.
            initializer: name, object or function `(shape, dtype) -> array`; None is zeros.
            dtype: name of a dtype, float32 by default.
            aggregation: accepted; accumulators live in one program, that sees the whole batch.
            name: str.

        Raises:
            RuntimeError: the subclass's `__init__` did not call `super().__init__()`.
        """
        if "_variables" not in vars(self):
            raise RuntimeError(f"{type(self).__name__}.__init__ must call super().__init__() before it adds variables.")
        make = initializers.get(initializer or "zeros")
        name = name or "variable"
        with jax.ensure_compile_time_eval():
            added = Variable(make, tuple(shape), dtype or "float32", trainable=False, autocast=False, name=name)
        self._variables.append(added)
        return added

    @told
    def add_weight(
        self,
        shape: Sequence[int] = (),
        initializer: Named | ArrayLike = None,
        dtype: DTypeLike | None = None,
        name: str | None = None,
    ) -> Variable:
        """As `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """The accumulators: this metric's own, then those of metrics among its attributes."""
        found = {id(v): v for v in [*self._variables, *_held([vars(self)])]}
        return list(found.values())

    def prepare(self, y_true: Any, y_pred: Any) -> None:
        """Make the accumulators that wait for the shapes of the first batch; a compiled loop needs them before it.

        Args:
            y_true, y_pred: objects with `shape` and `dtype`, the number of rows None or any.
        """
        if not self.variables:
            shapes = [jax.ShapeDtypeStruct([1 if n is None else n for n in x.shape], x.dtype) for x in (y_true, y_pred)]
            with variable.scope([], []):
                jax.eval_shape(self.update_state, *shapes)

    def reset_state(self) -> None:
        """Begin again."""
        if variable.in_scope():
            for each in self.variables:
                each.assign(np.zeros(each.shape, each.raw.dtype))
            return
        for each in self.variables:  # as an assignment, without its questions
            each._value = np.zeros(each._value.shape, each._value.dtype)

    def update_state(self, *args: Any, **kwargs: Any) -> None:
        """Take one batch into account."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state.")

    def result(self) -> Array | dict[str, Array]:
        """The value so far: a number, an array (logged as it is), or a dict of such by name. One of the accumulators stands for its value."""
        raise NotImplementedError(f"{type(self).__name__} must define result.")

    def __call__(self, *args: Any, **kwargs: Any) -> Array | dict[str, Array]:
        """Take one batch into account; the value so far."""
        self.update_state(*args, **kwargs)
        return resolved(self.result())

    def stateless_update_state(self, metric_variables: Sequence[ArrayLike], *args: Any, **kwargs: Any) -> list[Array]:
        """The values that `update_state` would leave in the variables, from these values; the metric is untouched.

        Args:
            metric_variables: list of arrays, one for each of `variables`.

        Raises:
            ValueError: there are more or fewer.
        """
        with self._holding(metric_variables) as held:
            self.update_state(*args, **kwargs)
            return held.collect(self.variables)

    def stateless_result(self, metric_variables: Sequence[ArrayLike]) -> Array | dict[str, Array]:
        """The result that goes with these values of the variables."""
        with self._holding(metric_variables):
            return resolved(self.result())

    def stateless_reset_state(self) -> list[Array]:
        """The values of the variables after `reset_state`; the metric is untouched."""
        with self._holding([each.raw for each in self.variables]) as held:
            self.reset_state()
            return held.collect(self.variables)

    def get_config(self) -> Config:
        """Name and dtype."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A metric from what `get_config` returned."""
        return cls(**config)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"

    def _holding(self, values):
        if len(values) != len(self.variables):
            raise ValueError(
                f"{self.name} has {len(self.variables)} variables and was given {len(values)} values: "
                "give one for each."
            )
        return variable.scope(self.variables, [jnp.asarray(value) for value in values])


def rowwise(values, sample_weight=None, fold=jnp.mean):
    """Values and weights of one number a row, folded over the other axes, as Keras takes it.

    Args:
        values: array (rows, ...), or a scalar.
        sample_weight: array that broadcasts from the left, or None.
        fold: `jnp.mean` or `jnp.sum`, what becomes of the axes past the first.

    Returns:
        (values (rows,) multiplied by their weights, sum of the weights).
    """
    values = jnp.asarray(values).astype(jnp.float32)
    if sample_weight is None:
        values = fold(values.reshape(values.shape[0], math.prod(values.shape[1:])), 1) if values.ndim > 1 else values
        return values, jnp.float32(values.size)
    weight = jnp.asarray(sample_weight).astype(jnp.float32)
    if values.ndim == weight.ndim + 1 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim > weight.ndim:
        values = fold(values, tuple(range(weight.ndim, values.ndim)))
    weight = broadcast_rows(weight, values)
    weight = jnp.broadcast_to(weight, np.broadcast_shapes(weight.shape, values.shape))
    values = jnp.where(weight == 0, 0, values * weight)  # what weighs nothing may be NaN
    if values.ndim > 1:
        axes = tuple(range(1, values.ndim))
        values, weight = fold(values, axes), fold(weight, axes)
    return values, weight.sum()


def get(identifier: Named) -> Callable[..., Any] | None:
    """A metric from a name, a config or an object; None and functions stay.

    Raises:
        ValueError: no metric has that name (the message gives the nearest), or it cannot be one.
    """
    return registry.resolve(KIND, identifier)


def serialize(metric: Named) -> Config | str | None:
    """The name of a function; class name and config of a `Metric`."""
    return registry.serialize(metric)


def deserialize(config: Named, custom_objects: Mapping[str, Any] | None = None) -> Callable[..., Any] | None:
    """The metric that `serialize` described; `custom_objects` are classes and functions by name that it may mean."""
    return registry.deserialize(KIND, config, custom_objects)


def _held(values):
    """The variables in lists, dicts and metrics among these values."""
    for value in values:
        yield from _held_in(value)


def _held_in(value):
    if isinstance(value, Variable):
        return (value,)
    if isinstance(value, Metric):
        return value.variables
    if isinstance(value, dict):
        return _held(value.values())
    return _held(value) if isinstance(value, list | tuple) else ()
