"""A graph of recorded calls that runs."""

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core.places import Places, Wanted
from phasewise.core.strings import STRING, as_host_array
from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.graph import symbolic
from phasewise.graph.host_part import Encoded, host_part, rest_of
from phasewise.graph.order import operations_in_order
from phasewise.switch import observe

_DATA = Wanted("The data", is_data=True)


class Graph:
    """The calls between some input tensors and some output tensors, in an order in which they can run.

    Args:
        inputs, outputs: a symbolic tensor, or a list, tuple or dict of them.
        beside: further tensors that a run computes and does not return.

    Attributes:
        operations: the layers and functions that it calls, and its inputs, in Keras's order.
        host: the `HostPart` of a graph with layers that run on the host, else None.

    Raises:
        ValueError: an output cannot be computed from the inputs; two layers share a name.
    """

    def __init__(self, inputs, outputs, beside=()):
        self.inputs, self.outputs, self.beside = inputs, outputs, tuple(beside)
        for leaf in jax.tree.leaves((inputs, outputs), is_leaf=symbolic.is_symbolic):
            if not symbolic.is_symbolic(leaf):
                raise ValueError(
                    f"A functional model goes from tensors that Input made to what layers return for them; got {leaf!r}."
                )
        self.input_tensors = symbolic.tensors_in(inputs)
        self.output_tensors = symbolic.tensors_in(outputs)
        self._places = Places(inputs, "inputs", [t.name for t in self.input_tensors], symbolic.is_symbolic)
        self.nodes = self._sorted_nodes()
        self._find_steps()
        self._refuse_shared_names()

    def __getstate__(self):
        # The nodes come first and in order, so that none leads to all before it: pickling and copying would go too deep.
        return {
            "nodes": self.nodes,
            **{name: value for name, value in vars(self).items() if name not in ("_steps", "host", "operations")},
        }

    def __setstate__(self, state):
        vars(self).update(state)
        self._find_steps()
        for node in self.nodes:
            if not isinstance(node.operation, symbolic.Function):
                vars(node.operation).setdefault("_nodes", []).append((node.args, node.result))

    def _find_steps(self):
        """What a run calls, one after the other."""
        self.operations = operations_in_order(self.input_tensors, [*self.output_tensors, *self.beside])
        self.host = host_part(self)
        if self.host is None:
            self._steps = [_step(node) for node in self.nodes]
        else:
            split = self.host.split
            self._steps = [(node, *rest_of(node)) if node in split else _step(node) for node in self.host.rest]

    @property
    def layers(self):
        """The layers of the graph, those of its inputs among them, in Keras's order, each once."""
        not_layers = symbolic.Function | symbolic.SymbolicTensor
        return [each for each in self.operations if not isinstance(each, not_layers)]

    def to_outputs(self):
        """The graph without what it computes beside its outputs; it is told that this is left out."""
        if not self.beside:
            return self
        warn(
            "What add_metric logs has no place in Keras's configs, and is left out: call add_metric again on the model that is made anew.",
            PhasewiseWarning,
        )
        return Graph(self.inputs, self.outputs)

    def run(self, inputs):
        """The outputs, in their structure, for arrays in the structure of the inputs, or an `Encoded`."""
        values = self._encoded(inputs) if self.host is not None else self._fitted(self.input_tensors, self.bind(inputs))
        for node, tensors, rebuild in self._steps:
            args, kwargs = rebuild([values[id(t)] for t in tensors])
            if isinstance(node.operation, symbolic.Function):
                observe.note_function(node.operation.function)
            results = node.operation(*args, **kwargs)
            leaves = jax.tree.leaves(results, is_leaf=symbolic.is_symbolic)
            values.update((id(t), x) for t, x in zip(node.outputs, leaves, strict=True))
        return jax.tree.map(lambda t: values[id(t)], self.outputs, is_leaf=symbolic.is_symbolic)

    def _fitted(self, tensors, arrays):
        return {id(t): self._fit(t, x) for t, x in zip(tensors, arrays)}

    def _encoded(self, inputs):
        given = inputs if isinstance(inputs, Encoded) else self.host.encode(inputs)
        inner = {id(node): each for node, each in zip(self.host.split, given.inner)}
        return {**self._fitted(self.host.border, given.tensors), **inner}

    def fit_on_host(self, tensor, x):
        """`x` as a NumPy array in the rank and dtype of the input `tensor`."""
        x = as_host_array(x)
        if x.ndim == len(tensor.shape) - 1 and tensor.shape[-1] == 1:
            x = x[..., None]
        elif x.ndim == len(tensor.shape) + 1 and x.shape[-1] == 1:
            x = x[..., 0]
        self._require(tensor, x.shape)
        is_text = self.is_text(tensor, x)
        is_wide = tensor.dtype.startswith(("int", "uint")) and x.dtype.kind in "iu"  # ids keep all their digits
        return x if is_text or is_wide else x.astype(np.dtype(jnp.dtype(tensor.dtype)), copy=False)

    def is_text(self, tensor, x):
        """Whether `x`, given for the input `tensor`, is an array of strings.

        Raises:
            TypeError: one is of strings and the other not.
        """
        is_text = isinstance(x, np.ndarray) and x.dtype.kind in "USO"
        if is_text != (tensor.dtype == STRING):
            wanted = "strings" if tensor.dtype == STRING else f"numbers of dtype {tensor.dtype}"
            raise TypeError(f"Input {tensor.name!r} takes {wanted}; it was given an array of dtype {x.dtype}.")
        return is_text

    def bind(self, data):
        """The leaves of `data` in the order of the inputs: by key where these are a dict, by place or name where they are a list.

        Raises:
            ValueError: `data` are nested otherwise; the message names the inputs.
        """
        leaves = self._places.spread(data, _DATA)
        missing = [name for name, leaf in zip(self._places.names, leaves) if leaf is None]
        if not missing:
            return leaves
        if isinstance(data, dict):
            raise ValueError(
                f"The model's inputs are {self._places.names}; the data are a dict with the keys {list(map(str, data))}: "
                f"{missing[0]!r} is missing."
            )
        raise ValueError(f"The model's inputs are {self._places.names}; for {missing[0]!r} it was given None.")

    def _fit(self, tensor, x):
        """`x` in the rank and dtype of the input `tensor`: a trailing axis of size 1 may be missing or too many."""
        if symbolic.is_symbolic(x):
            self._require(tensor, x.shape)
            return x
        if not hasattr(x, "shape"):
            x = _as_array(tensor.name, x)
        given = x
        if x.ndim == len(tensor.shape) - 1 and tensor.shape[-1] == 1:
            x = x[..., None]
        elif x.ndim == len(tensor.shape) + 1 and x.shape[-1] == 1:
            x = x[..., 0]
        self._require(tensor, x.shape)
        x = x if str(x.dtype) == tensor.dtype else jnp.asarray(x).astype(tensor.dtype)
        return observe.follow(x, given)

    def _require(self, tensor, shape):
        sizes = zip(shape[1:], tensor.shape[1:])
        fits = len(shape) == len(tensor.shape) and all(a in (b, None) or b is None for a, b in sizes)
        if not fits:
            raise ValueError(
                f"Input {tensor.name!r} expects shape {(None, *tensor.shape[1:])} (None: any size, the first is the batch); "
                f"it was given {f'data of shape {(None, *shape[1:])}' if len(shape) else 'a single entry: put it into a list'}."
            )

    def _sorted_nodes(self):
        given = {id(t) for t in self.input_tensors}
        order, done = [], set()
        stack = [(t, False) for t in reversed([*self.output_tensors, *self.beside])]
        while stack:
            tensor, ready = stack.pop()
            node = tensor.node
            if id(tensor) in given or id(node) in done:
                continue
            if node is None:
                raise ValueError(
                    f"The graph does not connect: an output depends on Input {tensor.name!r}, which is not among the "
                    f"model's inputs {[t.name for t in self.input_tensors]}. Add it to `inputs`."
                )
            if ready:
                done.add(id(node))
                order.append(node)
            else:
                stack.append((tensor, True))
                stack.extend((parent, False) for parent in reversed(node.parents))
        return order

    def _refuse_shared_names(self):
        seen = {}
        for layer in self.layers:
            if seen.setdefault(layer.name, layer) is not layer:
                raise ValueError(
                    f"Two layers of the model are called {layer.name!r}: a {type(seen[layer.name]).__name__} and a "
                    f"{type(layer).__name__}. Names must differ; pass name= to one of them."
                )


def _step(node):
    return (node, *symbolic.separate((node.args, node.kwargs)))


def _as_array(name, x):
    try:
        return jnp.asarray(x)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"Input {name!r} takes an array, or nested lists of numbers; it was given an object of type {type(x).__name__}."
        ) from error
