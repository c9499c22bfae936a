"""Sequential: a model that is a chain of layers."""

from phasewise import symbolic
from phasewise.graph import Graph
from phasewise.layer import Layer
from phasewise.model import Model
from phasewise.registry import deserialize, register


@register("layer")
class Sequential(Model):
    """A chain of layers.

    Args:
        layers: list of layers; the first may be what `Input` returns. Without an input shape the weights are made at
            the first call, fit or build.
        name: str.
    """

    def __init__(self, layers=None, trainable=True, name=None, **kwargs):
        super().__init__(name=name, trainable=trainable, **kwargs)
        self._chain = []
        for layer in layers or []:
            self.add(layer)

    def add(self, layer):
        """Append a layer.

        Raises:
            TypeError: not a layer.
            ValueError: a layer of this name is there already, or its shape does not fit.
        """
        if symbolic.is_symbolic(layer):
            layer = layer.input_layer
        if not isinstance(layer, Layer):
            raise TypeError(f"Sequential takes layers; got {layer!r} of type {type(layer).__name__}.")
        if any(layer.name == other.name for other in self._chain):
            raise ValueError(f"{self.name!r} already has a layer called {layer.name!r}: pass another name=.")
        self._chain.append(layer)
        self._connect()

    def pop(self):
        """Remove the last layer and return it."""
        layer = self._chain.pop()
        self._graph, self._input_specs, self.built = None, None, False
        self.programs.clear()
        self._connect()
        return layer

    @property
    def layers(self):
        """The layers of the chain, the input aside."""
        return [layer for layer in self._chain if not hasattr(layer, "batch_shape")]

    def sublayers(self):
        """The layers of the chain."""
        return list(self._chain) if "_chain" in vars(self) else []

    def _connect(self):
        """Extend the graph over the chain, where the shape of the input is known."""
        if self._graph is None:
            first = self._chain[0] if self._chain else None
            if hasattr(first, "batch_shape"):
                start = first.tensor
            elif first is not None and first._input_shape_argument is not None:
                start = symbolic.SymbolicTensor((None, *first._input_shape_argument), "float32", "input")
            else:
                return
            tensor, rest = start, [layer for layer in self._chain if not hasattr(layer, "batch_shape")]
        else:
            start, tensor, rest = self._graph.inputs, self._graph.outputs, self._chain[-1:]
        for layer in rest:
            tensor = layer(tensor)
        if rest:
            self._graph, self.built = Graph(start, tensor), True
            self.programs.clear()

    def call(self, inputs):
        """The last layer's output."""
        if self._graph is not None:
            return self._graph.run(inputs)
        for layer in self._chain:
            inputs = layer(inputs)
        return inputs

    @property
    def output_names(self):
        """The last layer's name."""
        return [self._chain[-1].name] if self._chain else None

    def get_config(self):
        """The configs of the layers."""
        from_chain = [{"class_name": type(layer).__name__, "config": layer.get_config()} for layer in self._chain]
        return {"name": self.name, "trainable": self._own_trainable, "layers": from_chain}

    @classmethod
    def from_config(cls, config):
        """A new chain of new layers."""
        from_configs = [deserialize("layer", spec) for spec in config["layers"]]
        return cls(from_configs, name=config.get("name"), trainable=config.get("trainable", True))
