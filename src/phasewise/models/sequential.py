"""Sequential: a model that is a chain of layers."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import jax

from phasewise.core import naming
from phasewise.core.registry import deserialize, register, serialize
from phasewise.core.restoring import inside, opening, scope_of
from phasewise.core.strings import STRING, as_host_array
from phasewise.core.types import Config, Nest
from phasewise.graph import symbolic
from phasewise.graph.graph import Graph
from phasewise.layer.config import as_shape
from phasewise.layer.layer import Layer
from phasewise.layers.input_layer import InputLayer
from phasewise.models.handing_on import hands_on
from phasewise.models.model import Model


@register("layer")
class Sequential(Model):
    """A chain of layers.

    Args:
        layers: list of layers; the first may be what `Input` returns. Without an input shape the weights are made at
            the first call, fit or build.
        name: str.
    """

    def __init__(
        self,
        layers: Sequence[Layer | symbolic.SymbolicTensor] | None = None,
        trainable: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, trainable=trainable, **kwargs)
        self.autocast = False  # each layer casts what it is given, or keeps its digits
        self._chain = []
        for layer in layers or []:
            self.add(layer)

    def add(self, layer: Layer | symbolic.SymbolicTensor) -> None:
        """Append a layer.

        Raises:
            TypeError: not a layer.
            ValueError: a layer of this name is there already, or its shape does not fit.
        """
        if symbolic.is_symbolic(layer) and hasattr(layer, "input_layer"):
            layer = layer.input_layer
        if not isinstance(layer, Layer):
            raise TypeError(f"Sequential takes layers; got {layer!r} of type {type(layer).__name__}.")
        if any(layer.name == other.name for other in self._chain):
            raise ValueError(f"{self.name!r} already has a layer called {layer.name!r}: pass another name=.")
        if _is_input(layer) and self._chain:
            raise ValueError(f"{self.name!r} has layers already: an Input can only come first.")
        self._chain.append(layer)
        self.runs_on_host = self.runs_on_host or layer.runs_on_host
        self._connect()

    def pop(self) -> Layer:
        """Remove the last layer and return it.

        Raises:
            IndexError: there is none.
        """
        if not self.layers:
            raise IndexError(f"{self.name!r} has no layer to pop.")
        layer = self._chain.pop()
        self.runs_on_host = any(each.runs_on_host for each in self._chain)
        self.programs.clear()
        self._seen_output = None
        if self._graph is not None:
            (before,), _ = layer._nodes.pop()
            self._graph = Graph(self._graph.inputs, before) if self.layers else None
        if self._graph is None:
            self._input_specs, self.built = None, False
        return layer

    @property
    def layers(self) -> list[Layer]:
        """The layers of the chain, the input aside."""
        return [layer for layer in self._chain if not _is_input(layer)]

    def _found(self):
        """As for every layer; the layers are those of the chain."""
        found = super()._found()
        found.layers = list(vars(self).get("_chain", ()))
        return found

    def build(self, input_shape: Any = None) -> None:
        """Make the weights for inputs of this shape (None: any size).

        Raises:
            ValueError: the first layers run on the host, and a shape does not tell whether they are given strings.
        """
        if self.runs_on_host and self._graph is None:
            raise ValueError(
                f"{self.name!r} begins with layers that run on the host, and a shape does not tell whether they are given strings. Begin "
                'with Input(shape, dtype="string"), or call the model on data.'
            )
        super().build(input_shape)

    def _connect_to(self, x):
        """Make the graph for data like `x`, where there is none yet."""
        if self._graph is not None:
            return
        if not symbolic.is_symbolic(x):
            x = as_host_array(x)
        dtype = STRING if x.dtype == object else x.dtype
        self._connect(symbolic.SymbolicTensor((None, *x.shape[1:]), dtype, "input"))

    def _connect(self, start=None):
        """Extend the graph over the chain, where the shape of the input is known."""
        if self._graph is None:
            start = _start(self._chain[0] if self._chain else None) if start is None else start
            tensor, rest = start, self.layers
        else:
            start, tensor, rest = self._graph.inputs, self._graph.outputs, self._chain[-1:]
        if start is None or not rest:
            return
        with naming.path_part(self.name, self):
            for layer in rest:
                tensor = layer(tensor)
        self._graph, self.built = Graph(start, tensor), True
        self.programs.clear()

    @hands_on
    def call(self, inputs: Nest) -> Nest:
        """The last layer's output.

        Raises:
            ValueError: the chain is empty.
        """
        if not self.layers:
            raise ValueError(f"{self.name!r} has no layers: add some before it is called.")
        if self._graph is not None:
            return self._graph.run(inputs)
        for layer in self._chain:
            inputs = layer(inputs)
        return inputs

    @property
    def _output_names(self):
        return [self._chain[-1].name] if self._chain else None

    def get_config(self) -> Config:
        """Name, trainable, dtype, the configs of the layers, and the shape of the input where it is known."""
        config = {"name": self.name, "trainable": self._own_trainable, "dtype": serialize(self.dtype_policy)}
        config["layers"] = [serialize(layer) for layer in self._chain]
        shape = self._known_input_shape()
        return config if shape is None else {**config, "build_input_shape": shape}

    def get_build_config(self) -> Config | None:
        """The shape of the input, where it is known."""
        shape = self._known_input_shape()
        return None if shape is None else {"input_shape": shape}

    def _known_input_shape(self):
        if self._graph is not None and symbolic.is_symbolic(self._graph.inputs):
            return self._graph.inputs.shape
        return self._build_shapes[0] if self._build_shapes is not None else None

    @classmethod
    def from_config(cls, config: Config, custom_objects: Mapping[str, Any] | None = None) -> Self:
        """A new chain of new layers, built where the config knows the shape of the input.

        Args:
            custom_objects: dict of name -> class or function, for names that are not registered.

        Raises:
            ValueError: the config describes no chain of layers.
        """
        if not isinstance(config, Mapping) or not isinstance(config.get("layers"), list | tuple):
            raise ValueError(
                f"A Sequential's config is a dict whose 'layers' is a list of configs; got {config!r:.200}."
            )
        with scope_of(custom_objects), opening(config), inside():
            layers = [deserialize("layer", spec) for spec in config["layers"]]
            described = {key: value for key, value in config.items() if key not in ("layers", "build_input_shape")}
            model = cls(layers, **{key: value for key, value in described.items() if value is not None})
            shape = as_shape(config.get("build_input_shape"))
            if shape is not None and model._graph is None and not model.runs_on_host:
                model.build(shape)
            return model


def _is_input(layer):
    return isinstance(layer, InputLayer)


def _start(first):
    """The symbolic input of a chain that begins with this layer; None where its shape is not known yet."""
    if _is_input(first):
        return first.tensor
    if isinstance(first, Model) and first.inputs:
        return jax.tree.map(
            lambda t: symbolic.SymbolicTensor(t.shape, t.dtype, t.name), first.input, is_leaf=symbolic.is_symbolic
        )
    if first is not None and first._input_shape_argument is not None:
        return symbolic.SymbolicTensor((None, *first._input_shape_argument), "float32", "input")
    return None
