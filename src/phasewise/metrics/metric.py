"""Metric: accumulators in variables, so that it works by hand and inside a compiled loop alike."""

import jax.numpy as jnp
import numpy as np

from phasewise import naming, registry
from phasewise.losses.alignment import broadcast_rows
from phasewise.variable import Variable

KIND = "metric"


class Metric:
    """Subclass it with `update_state` and `result`; make accumulators with `add_variable`.

    Args:
        dtype: accepted; accumulators are float32.
        name: str.
    """

    def __init__(self, dtype=None, name=None):
        self.name = name or naming.unique_name(type(self).__name__)
        self.dtype = dtype or "float32"

    def add_variable(self, shape, initializer="zeros", dtype=None, name=None):
        """An accumulator that begins at 0 (or as `initializer`, "zeros" or a callable `(shape, dtype)`, says)."""
        make = initializer if callable(initializer) else lambda shape, dtype: np.zeros(shape, dtype)
        return Variable(make, tuple(shape), dtype or "float32", trainable=False, autocast=False, name=name or "total")

    def add_weight(self, shape=(), initializer="zeros", dtype=None, name=None):
        """As `add_variable`."""
        return self.add_variable(shape, initializer, dtype, name)

    @property
    def variables(self):
        """The accumulators."""
        return [value for value in vars(self).values() if isinstance(value, Variable)]

    def reset_state(self):
        """Begin again."""
        for variable in self.variables:
            variable.assign(np.zeros(variable.shape, variable.raw.dtype))

    def update_state(self, *args, **kwargs):
        """Take one batch into account."""
        raise NotImplementedError(f"{type(self).__name__} must define update_state.")

    def result(self):
        """The value so far, a scalar."""
        raise NotImplementedError(f"{type(self).__name__} must define result.")

    def __call__(self, *args, **kwargs):
        self.update_state(*args, **kwargs)
        return self.result()

    def get_config(self):
        """Name and dtype."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config):
        """A metric from what `get_config` returned."""
        return cls(**config)

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}>"


def rowwise(values, sample_weight=None):
    """Values and weights of one number a row, the mean over the other axes, as Keras takes it.

    Returns:
        (values (rows,) multiplied by their weights, sum of the weights).
    """
    values = jnp.asarray(values).astype(jnp.float32)
    if sample_weight is None:
        values = values.reshape(values.shape[0], -1).mean(1) if values.ndim > 1 else values
        return values, jnp.float32(values.size)
    weight = jnp.asarray(sample_weight).astype(jnp.float32)
    if weight.ndim == values.ndim + 1 and weight.shape[-1] == 1:
        weight = weight[..., 0]
    if values.ndim == weight.ndim + 1 and values.shape[-1] == 1:
        values = values[..., 0]
    if values.ndim > weight.ndim:
        values = values.mean(tuple(range(weight.ndim, values.ndim)))
    weight = jnp.broadcast_to(broadcast_rows(weight, values), values.shape)
    values = values * weight
    if values.ndim > 1:
        axes = tuple(range(1, values.ndim))
        values, weight = values.mean(axes), weight.mean(axes)
    return values, weight.sum()


def get(identifier):
    """A metric from a name, a config or an object; None and functions stay."""
    return registry.resolve(KIND, identifier)
