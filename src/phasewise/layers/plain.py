"""Layers without weights that apply a fixed function: Identity, Rescaling, Lambda."""

from collections.abc import Callable
from typing import Any, Self

import jax.numpy as jnp
import numpy as np

from phasewise.core import registry
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest, Shape
from phasewise.layer.layer import Layer


@register("layer")
class Identity(Layer):
    """Its input."""

    supports_masking = True

    def call(self, inputs: Array) -> Array:
        """The inputs."""
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return input_shape


@register("layer")
class Rescaling(Layer):
    """x * scale + offset. `scale` and `offset` are numbers or arrays that broadcast."""

    def __init__(self, scale: float | np.ndarray | Array, offset: float | np.ndarray | Array = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        for name, value in (("scale", scale), ("offset", offset)):
            if np.asarray(value).dtype.kind not in "biuf":
                raise ValueError(f"Rescaling's {name} must be a number or an array of numbers; got {value!r}.")
        self.scale, self.offset = scale, offset

    def call(self, inputs: Array) -> Array:
        """The rescaled inputs, in the layer's compute dtype, to which they are rounded once."""
        wide = jnp.promote_types(self.compute_dtype, jnp.float32)
        inputs, scale, offset = (jnp.asarray(each, wide) for each in (inputs, self.scale, self.offset))
        return (inputs * scale + offset).astype(self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return input_shape

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}


@register("layer")
class Lambda(Layer):
    """A function of arrays as a layer.

    Args:
        function: `inputs -> outputs` on jax.numpy.
        output_shape: accepted; shapes are found by tracing.
        mask: function `(inputs, mask) -> mask`, or an array.
        arguments: dict of further keyword arguments.

    A Python function cannot be written to a file in a form that is safe to open: `from_config` takes the names of
    functions that were registered with `phasewise.core.registry.register_serializable`, and nothing else.
    """

    def __init__(
        self,
        function: Callable[..., Nest],
        output_shape: Any = None,
        mask: Callable[[Nest, Nest], Nest] | Array | np.ndarray | None = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"Lambda takes a function; got {function!r}.")
        if arguments is not None and not isinstance(arguments, dict):
            raise TypeError(f"Lambda's arguments are a dict of keyword arguments; got {arguments!r}.")
        self.function, self.arguments, self._mask = function, arguments or {}, mask

    def call(self, inputs: Nest) -> Nest:
        """The function's value."""
        return self.function(inputs, **self.arguments)

    def compute_mask(self, inputs: Nest, previous_mask: Nest) -> Nest:
        """What `mask` says."""
        return self._mask(inputs, previous_mask) if callable(self._mask) else self._mask

    def get_config(self) -> Config:
        """The function's registered name, and the arguments."""
        name = registry.canonical_name(self.function)
        return {**super().get_config(), "function": name or repr(self.function), "arguments": self.arguments}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A Lambda of a registered function.

        Raises:
            ValueError: the function is not registered; its code is never run from a config.
        """
        config = dict(config)
        if isinstance(config["function"], str):
            try:
                config["function"] = registry.find("function", config["function"])
            except ValueError:
                raise ValueError(
                    f"The Lambda layer {config.get('name')!r} holds the function {config['function']}, which is not registered. "
                    "Code is never taken from a file: register the function with register_serializable before."
                ) from None
        return cls(**config)
