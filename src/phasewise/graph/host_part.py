"""The part of a graph that runs on the host: layers that take strings, and what stands before them.

The compiled program takes what this part makes of a batch, as an `Encoded`, in place of the model's inputs. A functional model called in
another graph is split likewise, and what its own host part makes travels inside.
"""

from typing import Any, NamedTuple

import jax
import numpy as np

from phasewise.core.strings import STRING, as_host_array, is_list_of_entries
from phasewise.graph import symbolic


class Encoded(NamedTuple):
    """What the compiled part of a graph begins with.

    Attributes:
        tensors: an array for each tensor on the border, in their order.
        inner: an `Encoded` for each model inside that has a host part of its own.
    """

    tensors: tuple
    inner: tuple


class HostPart:
    """The calls of a graph that run on the host, and the border between them and the rest.

    Args:
        graph: a `Graph` that has such calls.

    Attributes:
        border: the tensors that the rest begins with.
        split: the calls of models of which one part runs here.
        is_whole: whether nothing is left for a compiled program.

    Raises:
        ValueError: a call that belongs here takes what only the compiled program can compute, or the model returns strings.
    """

    def __init__(self, graph):
        self._graph = graph
        needed = _needed(graph)
        self.split = [node for node in graph.nodes if _is_split(node)]
        self._nodes = [node for node in graph.nodes if id(node) in needed]
        self._steps = [(node, *symbolic.separate((node.args, node.kwargs))) for node in self._nodes]
        self.rest = [node for node in graph.nodes if id(node) not in needed]
        self.is_whole = not self.rest
        here = {id(t) for t in graph.input_tensors} | {id(t) for node in self._nodes for t in node.outputs}
        taken = [t for node in self.rest if not _is_split(node) for t in node.parents] + graph.output_tensors
        self.border = list({id(t): t for t in taken if id(t) in here}.values())
        self._fitted = {id(t) for node in [*self._nodes, *self.split] for t in node.parents}
        _check_numbers(self.border)

    @property
    def names(self) -> list[str]:
        """The names of the layers that run on the host, in their order."""
        inner = [name for node in self.split for name in node.operation._graph.host.names]
        return list(dict.fromkeys([node.operation.name for node in self._nodes] + inner))

    def encode(self, inputs: Any) -> Encoded:
        """What the rest begins with, for one batch in the structure of the graph's inputs."""
        values = self._values(inputs)
        inner = [node.operation._graph.host.encode(_filled(node, values)) for node in self.split]
        return Encoded(tuple(values[id(t)] for t in self.border), tuple(inner))

    def run(self, inputs: Any) -> Any:
        """The outputs of a graph that is wholly of this part, in their structure."""
        values = self._values(inputs)
        return jax.tree.map(lambda t: values[id(t)], self._graph.outputs, is_leaf=symbolic.is_symbolic)

    def spec(self, rows: int) -> Encoded:
        """An `Encoded` of `jax.ShapeDtypeStruct`s; axes of unknown length are as long as there are rows."""
        tensors = [
            jax.ShapeDtypeStruct([rows if n is None else n for n in tensor.shape], tensor.dtype)
            for tensor in self.border
        ]
        return Encoded(tuple(tensors), tuple(node.operation._graph.host.spec(rows) for node in self.split))

    def _values(self, inputs):
        values = {}
        given = _lists_as_arrays(inputs, is_one=len(self._graph.input_tensors) == 1)
        for tensor, x in zip(self._graph.input_tensors, self._graph.bind(given)):
            if id(tensor) in self._fitted:
                x = self._graph.fit_on_host(tensor, x)
            elif tensor.dtype != STRING:
                self._graph.is_text(tensor, x)
            values[id(tensor)] = x
        for node, tensors, rebuild in self._steps:
            args, kwargs = rebuild([values[id(t)] for t in tensors])
            results = _call(node.operation, args, kwargs)
            values.update((id(t), x) for t, x in zip(node.outputs, jax.tree.leaves(results), strict=True))
        return values


def host_part(graph: Any) -> HostPart | None:
    """The `HostPart` of a graph; None where all of it is compiled.

    Raises:
        ValueError: a call that runs on the host takes what only the compiled program can compute, or the model returns strings.
    """
    if not any(map(_runs_on_host, graph.nodes)):
        _check_numbers(graph.output_tensors)
        return None
    part = HostPart(graph)
    return part if len(part.rest) < len(graph.nodes) or part.split else None


def _check_numbers(tensors):
    for tensor in tensors:
        if tensor.dtype == STRING:
            raise ValueError(
                f"{tensor.name!r} is strings, and a model computes numbers: it cannot return them. Call the layer on what "
                "`predict` returns, or in Dataset.map."
            )


def rest_of(node: Any) -> tuple[list, Any]:
    """As `symbolic.separate` of a split call: it takes the `Encoded` of the model, which stands for the node itself."""
    return [node], lambda values: ((values[0], *node.args[1:]), node.kwargs)


def _lists_as_arrays(data, is_one):
    """A nest in which lists of strings or numbers are arrays; `is_one` tells whether a list can be one input."""
    if isinstance(data, dict):
        return {key: _lists_as_arrays(value, True) for key, value in data.items()}
    if is_one and isinstance(data, list) and is_list_of_entries(data):
        return as_host_array(data)
    return type(data)(_lists_as_arrays(item, True) for item in data) if type(data) in (list, tuple) else data


def _runs_on_host(node):
    return getattr(node.operation, "runs_on_host", False)


def _is_split(node):
    part = getattr(getattr(node.operation, "_graph", None), "host", None)
    return part is not None and not part.is_whole


def _needed(graph):
    """The identities of the calls that run on the host: those that must, and all that they take."""
    needed, wanted, compiled = set(), {}, _compiled(graph)
    for node in reversed(graph.nodes):
        is_split, by = _is_split(node), next((wanted[id(t)] for t in node.outputs if id(t) in wanted), None)
        may_stay = id(node) in compiled and getattr(node.operation, "can_be_compiled", False)
        if by is None and (may_stay or not _runs_on_host(node)):
            continue
        if by is not None and (is_split or not _can_run_on_host(node.operation)):
            _refuse(by, node.operation)
        if _runs_on_host(node) and not is_split and not node.operation.can_run_on_host:
            raise ValueError(
                f"{node.operation.name!r} ({type(node.operation).__name__}) has layers that run on the host and others that have weights or "
                "act by the phase, which cannot. Put those that take strings into one of their own."
            )
        if not is_split:
            needed.add(id(node))
        wanted.update((id(t), node.operation) for t in node.parents)
    return needed


def _compiled(graph):
    """The identities of the calls that take what only the compiled program can compute."""
    found, behind = set(), set()
    for node in graph.nodes:
        if any(id(t) in behind for t in node.parents):
            found.add(id(node))
        if id(node) in found or _is_split(node) or not _can_run_on_host(node.operation):
            behind.update(id(t) for t in node.outputs)
    return found


def _can_run_on_host(operation):
    if isinstance(operation, symbolic.Function) or getattr(operation, "runs_on_host", False):
        return True
    return operation.can_run_on_host


def _refuse(layer, before):
    raise ValueError(
        f"Layer {layer.name!r} ({type(layer).__name__}) runs on the host, before the compiled program, and it is given what "
        f"{before.name!r} ({type(before).__name__}) computes in that program. Call it on the model's inputs, or on what `predict` "
        "returns."
    )


def _filled(node, values):
    """The first argument of a call, arrays in the place of its tensors."""
    tensors, rebuild = symbolic.separate(node.args[0])
    return rebuild([values[id(t)] for t in tensors])


def _call(operation, args, kwargs):
    part = getattr(getattr(operation, "_graph", None), "host", None)
    if part is not None:
        return part.run(args[0])
    results = operation(*args, **kwargs)
    return jax.tree.map(np.asarray, results)
