"""The graph of a functional model as a config, in Keras's form: every layer with the calls of it, and whence each takes its inputs."""

from collections.abc import Callable
from typing import Any

from phasewise.core.describing import serialize_keras_object
from phasewise.core.types import Config, Nest
from phasewise.graph import symbolic
from phasewise.graph.graph import Graph
from phasewise.layers.input_layer import InputLayer
from phasewise.models.pinned_training import PINNED, as_written


def graph_config(graph: Graph) -> Config:
    """`{"layers", "input_layers", "output_layers"}` of a graph, from its inputs to its outputs.

    Raises:
        ValueError: it calls a function that no config can speak of, or with something that none can hold.
    """
    graph = graph.to_outputs()
    names = _names(graph)
    calls = {id(operation): [] for operation in graph.operations}
    places = {id(t): [names[id(getattr(t, "input_layer", t))], 0, 0] for t in graph.input_tensors}
    for node in graph.nodes:
        earlier = calls[id(node.operation)]
        for index, tensor in enumerate(node.outputs):
            places.setdefault(id(tensor), [names[id(node.operation)], len(earlier), index])
        earlier.append(node)
    layers = [_entry(each, names[id(each)], calls[id(each)], places) for each in graph.operations]
    # Keras counts the call by which a functional model was made as the first of it, at the ends of a graph alone.
    first = {names[id(each)]: 1 for each in graph.operations if is_functional(each)}

    def end(tensor):
        name, call, index = places[id(tensor)]
        return [name, call + first.get(name, 0), index]

    return {"layers": layers, "input_layers": _mapped(graph.inputs, end), "output_layers": _mapped(graph.outputs, end)}


def is_functional(layer: Any) -> bool:
    """Whether Keras would call `layer` a Functional: a model made of inputs and outputs."""
    return getattr(layer, "_graph", None) is not None and not hasattr(layer, "_chain")


def _names(graph):
    """The names of what a graph calls: layers have theirs, functions get one that is free."""
    names, taken = {}, {layer.name for layer in graph.layers}
    for operation in graph.operations:
        name = operation.name
        if isinstance(operation, symbolic.Function | symbolic.SymbolicTensor):
            number = 0
            while name in taken:
                number += 1
                name = f"{operation.name}_{number}"
            taken.add(name)
        names[id(operation)] = name
    return names


def _entry(operation, name, calls, places):
    if isinstance(operation, symbolic.Function):
        return _entry_of_function(calls[0], name, places)
    if isinstance(operation, symbolic.SymbolicTensor):  # the model begins amid another's graph
        operation = InputLayer(batch_shape=operation.shape, dtype=operation.dtype, name=name)
    nodes = [_inbound(*as_written(operation, node.args, node.kwargs), places) for node in calls]
    return {**serialize_keras_object(operation), "name": name, "inbound_nodes": nodes}


def _entry_of_function(node, name, places):
    from phasewise.ops.operations import described  # fifty files, for graphs with functions in them alone

    head, args, kwargs = described(node)
    config = {"name": name, **serialize_keras_object(head["config"])}
    return {**head, "config": config, "name": name, "inbound_nodes": [_inbound(args, kwargs, False, places)]}


def _inbound(args, kwargs, is_pinned, places):
    def tensor_config(tensor):
        history = list(places[id(tensor)])
        config = {"shape": tensor.shape, "dtype": tensor.dtype, "keras_history": history}
        return {"class_name": "__keras_tensor__", "config": config}

    args, kwargs = _mapped(list(args), tensor_config), _mapped(kwargs, tensor_config)
    written = {"args": serialize_keras_object(args), "kwargs": serialize_keras_object(kwargs)}
    return {**written, PINNED: True} if is_pinned else written


def _mapped(structure: Nest, function: Callable[[symbolic.SymbolicTensor], Any]) -> Any:
    """The structure with what `function` makes of each symbolic tensor in its place."""
    if symbolic.is_symbolic(structure):
        return function(structure)
    if isinstance(structure, dict):
        return {key: _mapped(value, function) for key, value in structure.items()}
    if isinstance(structure, list | tuple):
        parts = [_mapped(value, function) for value in structure]
        is_named = hasattr(structure, "_fields")
        return type(structure)(*parts) if is_named else type(structure)(parts)
    return structure
