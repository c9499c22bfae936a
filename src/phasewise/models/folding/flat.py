"""The calls of a model in one flat list: what runs inside the functional models in it, too."""

from phasewise.graph import symbolic
from phasewise.models.model import Model


class Value:
    """What one call hands to others.

    Attributes:
        shape: its shape, None for unknown axes.
        source: the `Step` that computes it; None for an input.
        uses: the steps that take it.
        is_output: whether the model returns it.
    """

    def __init__(self, shape, source=None):
        self.shape, self.source = shape, source
        self.uses, self.is_output = [], False


class Step:
    """One call of one layer (or function) on `inputs`, which returns `outputs`: lists of `Value`."""

    def __init__(self, operation, inputs, shapes):
        self.operation, self.inputs = operation, inputs
        self.outputs = [Value(shape, self) for shape in shapes]
        for value in inputs:
            value.uses.append(self)


def has_graph(layer):
    """Whether calling `layer` runs a graph, and nothing of its own."""
    return isinstance(layer, Model) and layer._graph is not None and type(layer).call is Model.call


def flattened(graph):
    """The steps of a `Graph`, in the order in which they run."""
    steps = []
    inputs = [Value(tensor.shape) for tensor in graph.input_tensors]
    for value in _run(graph, inputs, steps):
        value.is_output = True
    return steps


def _run(graph, values, steps):
    known = {id(tensor): value for tensor, value in zip(graph.input_tensors, values, strict=True)}
    for node in graph.nodes:
        inputs = [known[id(tensor)] for tensor in node.parents]
        if has_graph(node.operation) and _takes_tensors_alone(node):
            bound = node.operation._graph.bind(node.args[0])
            outputs = _run(node.operation._graph, [known[id(tensor)] for tensor in bound], steps)
        else:
            step = Step(node.operation, inputs, [tensor.shape for tensor in node.outputs])
            steps.append(step)
            outputs = step.outputs
        known.update((id(tensor), value) for tensor, value in zip(node.outputs, outputs, strict=True))
    return [known[id(tensor)] for tensor in graph.output_tensors]


def _takes_tensors_alone(node):
    """Whether all that the call of a model is given are the tensors of its first argument."""
    return len(node.args) == 1 and all(map(symbolic.is_symbolic, node.operation._graph.bind(node.args[0])))
