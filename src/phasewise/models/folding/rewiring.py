"""A graph without some of its layers, or with others in their places."""

import jax

from phasewise.graph import symbolic
from phasewise.graph.graph import Graph
from phasewise.models.folding.copying import entry
from phasewise.models.folding.flat import has_graph


def rewired(graph, stand_ins, done=None):
    """`graph` with other layers in places; the models in it are rewired where they stand.

    Args:
        graph: a `Graph`.
        stand_ins: dict from the identity of a layer to the one that takes its place, or to None: then what it was given
            goes on to those that its output went to.
        done: identities of the models in it that are rewired already.
    """
    done = set() if done is None else done
    tensors = {id(tensor): tensor for tensor in graph.input_tensors}

    def now(structure):
        return jax.tree.map(
            lambda leaf: tensors[id(leaf)] if symbolic.is_symbolic(leaf) else leaf,
            structure,
            is_leaf=lambda leaf: symbolic.is_symbolic(leaf) or leaf is None,
        )

    for node in graph.nodes:
        operation, args, kwargs = node.operation, now(node.args), now(node.kwargs)
        if id(operation) in stand_ins:
            layer = stand_ins[id(operation)]
            entered = [args[0] if layer is None else layer(args[0])]
        else:
            if has_graph(operation) and id(operation) not in done:
                done.add(id(operation))
                operation._graph = rewired(operation._graph, stand_ins, done)
            entered = entry(operation, args, kwargs, node.outputs)
            _note(operation, node, args, entered)
        tensors.update((id(old), new) for old, new in zip(node.outputs, entered, strict=True))
    return Graph(now(graph.inputs), now(graph.outputs))


def _note(operation, node, args, entered):
    """A layer remembers the calls of the graph it is part of, and none of another."""
    if isinstance(operation, symbolic.Function):
        return
    old = {id(tensor) for tensor in node.outputs}
    operation._nodes = [
        call for call in operation._nodes if not any(id(tensor) in old for tensor in symbolic.tensors_in(call[1]))
    ]
    operation._nodes.append((args, entered[0] if len(entered) == 1 else entered))
