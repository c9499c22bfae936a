"""A functional copy of a model: layers and weights of its own, without the layers that were folded."""

import copy

import jax

from phasewise.core import naming
from phasewise.graph import symbolic
from phasewise.graph.graph import Graph
from phasewise.layers.input_layer import InputLayer
from phasewise.models.model import Model
from phasewise.models.sequential import Sequential


class Copier:
    """Copies a model and what lies in it, each layer once.

    Attributes:
        copies: dict from the identity of a layer to its copy.
    """

    def __init__(self, model):
        self.copies = {}
        self._memo, self._kept = {}, model._inventory().layers
        for layer in self._kept:  # what a layer remembers of the graphs and programs it was part of stays behind
            self._memo[id(layer._nodes)] = []
            self._memo[id(layer._last_inventory)] = None
            if hasattr(layer, "programs"):
                self._memo[id(layer.programs)] = {}

    def graph_of(self, model, start):
        """The graph of a copy of `model`; `start` is like its input where it is a chain that has no graph yet."""
        if model._graph is None:
            return self._graph_of_chain(model, start)
        graph = model._graph
        tensors = {id(tensor): self._input(tensor) for tensor in graph.input_tensors}

        def now(structure):
            return jax.tree.map(
                lambda leaf: tensors[id(leaf)] if symbolic.is_symbolic(leaf) else leaf,
                structure,
                is_leaf=lambda leaf: symbolic.is_symbolic(leaf) or leaf is None,
            )

        calls = {}
        for node in graph.nodes:
            calls.setdefault(id(node.operation), []).append(node.parents)
        for node in graph.nodes:
            operation = self.of(node.operation, calls[id(node.operation)])
            entered = entry(operation, now(node.args), now(node.kwargs), node.outputs)
            tensors.update((id(old), new) for old, new in zip(node.outputs, entered, strict=True))
        return Graph(now(graph.inputs), now(graph.outputs))

    def of(self, operation, calls):
        """The copy of a layer or function; `calls` has the tensors that it is given, a list for each of its calls."""
        if isinstance(operation, symbolic.Function):
            return operation
        if id(operation) not in self.copies:
            self.copies[id(operation)] = self._copied(operation, calls)
        return self.copies[id(operation)]

    def _copied(self, layer, calls):
        start = _common(calls)
        if not is_functional(layer) or (layer._graph is None and start is None):
            return self._deep(layer)
        graph = self.graph_of(layer, start)
        made = Model(graph.inputs, graph.outputs, name=layer.name, dtype=layer.dtype_policy)
        made.activity_regularizer, made.autocast = layer.activity_regularizer, layer.autocast
        return made

    def _deep(self, layer):
        try:
            return copy.deepcopy(layer, self._memo)
        except Exception as error:
            error.add_note(f"While fold copied the layer {layer.name!r} ({type(layer).__name__}).")
            raise

    def _graph_of_chain(self, model, start):
        tensor = begin = self._input(start)
        with naming.path_part(model.name):
            for layer in model.layers:
                tensor = self.of(layer, [[tensor]])(tensor)
        return Graph(begin, tensor)

    def _input(self, tensor):
        if not hasattr(tensor, "input_layer"):
            return symbolic.SymbolicTensor(tensor.shape, tensor.dtype, tensor.name)
        layer = tensor.input_layer
        self.copies[id(layer)] = made = InputLayer(batch_shape=layer.batch_shape, dtype=tensor.dtype, name=layer.name)
        return made.tensor


def is_functional(layer):
    """Whether calling `layer` runs a graph, or a chain that a graph can be made of."""
    if not isinstance(layer, Model):
        return False
    if type(layer).call is Sequential.call:
        return bool(layer.layers)
    return layer._graph is not None and type(layer).call is Model.call


def entry(operation, args, kwargs, outputs):
    """A call like one that was recorded before, in another graph: the tensors that take the place of its `outputs`."""
    node = symbolic.Node(operation, args, kwargs)
    node.outputs = [symbolic.SymbolicTensor(t.shape, t.dtype, t.name, node, t.index) for t in outputs]
    return node.outputs


def _common(calls):
    """A tensor like the first one of every call, its size None where they differ; None where they differ otherwise."""
    firsts = [tensors[0] for tensors in calls if tensors]
    if len({(tensor.ndim, tensor.dtype) for tensor in firsts}) != 1:
        return None
    shape = [sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*(tensor.shape for tensor in firsts))]
    return symbolic.SymbolicTensor(shape, firsts[0].dtype, "input")
