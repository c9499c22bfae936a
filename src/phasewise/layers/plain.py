"""Layers without weights that apply a fixed function: Identity, Rescaling, Lambda."""

from collections.abc import Callable, Mapping
from typing import Any, Self

import jax.numpy as jnp
import numpy as np

from phasewise.core import keras_names, registry
from phasewise.core.describing import serialize_keras_object
from phasewise.core.registry import register
from phasewise.core.restoring import deserialize_keras_object
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
    functions that were registered with `phasewise.utils.register_keras_serializable`, and nothing else.
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
        """Every argument. A function that is not registered stands there as it is, so that the layer can be cloned."""
        functions = {"function": self.function, **({"mask": self._mask} if self._mask is not None else {})}
        described = {name: _described(value) for name, value in functions.items()}
        return {**super().get_config(), **described, "arguments": registry.serialize(self.arguments)}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A Lambda of a registered function.

        Raises:
            ValueError: the function is not registered; its code is never run from a config, whatever `safe_mode` says.
        """
        config = {name: value for name, value in config.items() if name not in _OF_CODE}
        for name in ("function", "mask", "output_shape"):
            if callable(config.get(name)) or (name != "function" and not isinstance(config.get(name), Mapping | str)):
                continue
            config[name] = _function(config, name)
        config["arguments"] = {k: deserialize_keras_object(v) for k, v in (config.get("arguments") or {}).items()}
        return cls(**config)


_OF_CODE = (
    "function_type",
    "module",
    "output_shape_type",
    "output_shape_module",
)  # Keras 2's words on the code beside it


def _described(value):
    return value if callable(value) and registry.canonical_name(value) is None else serialize_keras_object(value)


def _function(config, name):
    """The registered function that a config speaks of."""
    value = config.get(name)
    inner = value.get("config") if isinstance(value, Mapping) and value.get("class_name") == "function" else value
    if isinstance(inner, str):
        module = value.get("module") if isinstance(value, Mapping) else None
        is_own = module == "builtins" or "activation" in keras_names.kinds_in(module)
        for kind in ("function", "activation") if is_own else ("function",):
            try:
                return registry.find(kind, inner)
            except ValueError:
                continue
    holds_code = not isinstance(inner, str)
    what = "the code of a Python function" if holds_code else f"the function {inner!r}, which is not registered"
    raise ValueError(
        f"The Lambda layer {config.get('name')!r} holds {what}. Code is never taken from a file, and nothing turns that off (safe_mode=False "
        "does not): register the function with phasewise.utils.register_keras_serializable before, and build the layer with it."
    )
