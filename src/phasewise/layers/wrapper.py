"""The base of layers that hold another layer and call it in a way of their own."""

from typing import Any, Self

from phasewise.core import registry
from phasewise.core.types import Config, Shape
from phasewise.layer.layer import Layer
from phasewise.layer.wrapping import build_inside


class Wrapper(Layer):
    """Holds `layer`, builds it with its own input's shape, and writes it into its config. A subclass defines `call`.

    Args:
        layer: the layer to be held.

    Raises:
        ValueError: `layer` is no layer.
    """

    def __init__(self, layer: Layer, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(layer, Layer):
            raise ValueError(f"{type(self).__name__} wraps a layer; got {layer!r} of type {type(layer).__name__}.")
        self.layer = layer

    def build(self, input_shape: Shape | None = None) -> None:
        """Builds the wrapped layer, unless it is built."""
        build_inside(self, self.layer, input_shape)
        self.built = True

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "layer": registry.serialize(self.layer)}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new layer around a new wrapped layer."""
        return cls(**{**config, "layer": registry.deserialize("layer", config["layer"])})
