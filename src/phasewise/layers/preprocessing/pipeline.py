"""Pipeline: layers one after the other, as one layer."""

from collections.abc import Sequence
from typing import Any, Self

from phasewise.core import registry
from phasewise.core.registry import register
from phasewise.core.types import Config, Nest
from phasewise.graph import symbolic
from phasewise.layer.layer import Layer


@register("layer")
class Pipeline(Layer):
    """The layers one after the other, a layer and no model, for preprocessing.

    Args:
        layers: list of layers, each with a `dtype` of its own.

    It runs on the host where one of its layers does: then none may have weights, or act by the phase. Where it differs from Keras: it
    trains when the call around it does, not unless it is told otherwise.
    """

    def __init__(self, layers: Sequence[Layer], name: str | None = None, **kwargs: Any):
        super().__init__(name=name, **kwargs)
        if not isinstance(layers, list | tuple) or not all(isinstance(layer, Layer) for layer in layers):
            raise TypeError(f"Pipeline takes a list of layers; got {layers!r}.")
        self._pipeline = list(layers)
        self.autocast = False  # each layer casts what it is given

    @property
    def layers(self) -> list[Layer]:
        """The layers in their order."""
        return list(self._pipeline)

    @property
    def runs_on_host(self) -> bool:
        """Whether one of the layers runs on the host."""
        return any(layer.runs_on_host for layer in self._pipeline)

    def __call__(self, *args: Any, **kwargs: Any) -> Nest:
        if not self.runs_on_host or symbolic.any_symbolic((args, kwargs)):
            return super().__call__(*args, **kwargs)
        return self.call(args[0] if args else kwargs["inputs"])

    def call(self, inputs: Nest) -> Nest:
        """The last layer's output."""
        for layer in self._pipeline:
            inputs = layer(inputs)
        return inputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Nest:
        """What the last layer gives for symbolic tensors."""
        if not self.runs_on_host:
            return symbolic.infer(super().__call__, args, kwargs)
        tensors = args[0]
        for layer in self._pipeline:
            layer._ensure_built((tensors,), {})
            tensors = layer.compute_output_spec(tensors)
        return tensors

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shape of the last layer's output."""
        for layer in self._pipeline:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def get_config(self) -> Config:
        """The configs of the layers, and the name; `trainable` where it is False, which Keras's class cannot be given."""
        frozen = {} if super().get_config()["trainable"] else {"trainable": False}
        return {"layers": [registry.serialize(layer) for layer in self._pipeline], "name": self.name, **frozen}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new pipeline of new layers."""
        layers = [registry.deserialize("layer", spec) for spec in config["layers"]]
        return cls(**{**config, "layers": layers})
