"""With which activation does a model end? Told from its graph or chain of layers, as far as these tell."""

from phasewise.activations.activation import KIND
from phasewise.core import registry
from phasewise.graph import symbolic
from phasewise.layers import (
    ELU,
    Activation,
    ActivityRegularization,
    AlphaDropout,
    Dense,
    Dropout,
    Flatten,
    Identity,
    LeakyReLU,
    Permute,
    ReLU,
    RepeatVector,
    Reshape,
    Softmax,
)

_NAMED = (ELU, LeakyReLU, ReLU)
_PASSES_ON = (ActivityRegularization, AlphaDropout, Dropout, Flatten, Identity, Permute, RepeatVector, Reshape)


def last_activations(model, count):
    """The name of the activation that each of `count` outputs has passed last, "linear" for none; None where that is not known.

    A `call` of a user's own is not looked into.
    """
    graph = getattr(model, "_graph", None)
    chain = getattr(model, "_chain", None)
    if graph is not None and len(graph.output_tensors) == count:
        return [_of_tensor(tensor) for tensor in graph.output_tensors]
    if chain and count == 1:
        return [_of_chain(chain)]
    return [None] * count


def _of_tensor(tensor):
    node = tensor.node
    if node is None:
        return None
    operation = node.operation
    if isinstance(operation, symbolic.Function):
        return _known(operation.function)
    if hasattr(operation, "_graph"):
        inner = last_activations(operation, len(node.outputs))
        return inner[tensor.index]
    found = _of_layer(operation)
    return _of_tensor(node.parents[0]) if found == "" and node.parents else found or None


def _of_chain(chain):
    for layer in reversed(chain):
        found = last_activations(layer, 1)[0] if hasattr(layer, "_graph") else _of_layer(layer)
        if found != "":
            return found
    return None


def _of_layer(layer):
    """The name of the layer's activation; "" where it passes values on, None where it is not known."""
    kind = type(layer)
    if kind is Softmax:
        return "softmax"
    if kind in _NAMED:
        return kind.__name__
    if kind in _PASSES_ON:
        return ""
    if kind not in (Dense, Activation):
        return None
    name = "linear" if layer.activation is None else _known(layer.activation)
    return "" if kind is Activation and name == "linear" else name


def _known(function):
    """The name of an activation of ours, or of JAX's of that name."""
    name = registry.canonical_name(function) if callable(function) else None
    if name is None and getattr(function, "__module__", "").startswith("jax."):
        name = getattr(function, "__name__", None)
    names = {each.__name__ for each in registry.members(KIND)}
    return name if name in names else None
