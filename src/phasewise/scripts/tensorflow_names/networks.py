"""`tensorflow.nn`: mostly given to layers as their `activation`."""

from typing import Any

from phasewise import activations, ops
from phasewise.scripts.tensorflow_names.mathematics import l2_normalize, top_k

__all__ = [
    "elu",
    "gelu",
    "l2_normalize",
    "leaky_relu",
    "log_softmax",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "sigmoid_cross_entropy_with_logits",
    "silu",
    "softmax",
    "softmax_cross_entropy_with_logits",
    "softplus",
    "softsign",
    "sparse_softmax_cross_entropy_with_logits",
    "swish",
    "tanh",
    "top_k",
]


def _standing_for(activation):
    """Decorator: given to a layer as its activation, the function is this one of phasewise's, which files have a name for."""

    def mark(function):
        function.__stands_for__ = activation
        return function

    return mark


@_standing_for(activations.elu)
def elu(features: Any, name: str | None = None) -> Any:
    """`phasewise.activations.elu`."""
    return activations.elu(features)


@_standing_for(activations.relu)
def relu(features: Any, name: str | None = None) -> Any:
    """`phasewise.activations.relu`."""
    return activations.relu(features)


@_standing_for(activations.relu6)
def relu6(features: Any, name: str | None = None) -> Any:
    """`phasewise.activations.relu6`."""
    return activations.relu6(features)


@_standing_for(activations.selu)
def selu(features: Any, name: str | None = None) -> Any:
    """`phasewise.activations.selu`."""
    return activations.selu(features)


@_standing_for(activations.softplus)
def softplus(features: Any, name: str | None = None) -> Any:
    """`phasewise.activations.softplus`."""
    return activations.softplus(features)


@_standing_for(activations.softsign)
def softsign(features: Any, name: str | None = None) -> Any:
    """`phasewise.activations.softsign`."""
    return activations.softsign(features)


@_standing_for(activations.sigmoid)
def sigmoid(x: Any, name: str | None = None) -> Any:
    """`phasewise.activations.sigmoid`."""
    return activations.sigmoid(x)


@_standing_for(activations.tanh)
def tanh(x: Any, name: str | None = None) -> Any:
    """`phasewise.activations.tanh`."""
    return activations.tanh(x)


@_standing_for(activations.gelu)
def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Any:
    """`phasewise.activations.gelu`."""
    return activations.gelu(features, approximate)


@_standing_for(activations.leaky_relu)
def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Any:
    """`phasewise.activations.leaky_relu`."""
    return activations.leaky_relu(features, alpha)


@_standing_for(activations.softmax)
def softmax(logits: Any, axis: int | None = None, name: str | None = None) -> Any:
    """`phasewise.activations.softmax`, over the last axis, unless one is given."""
    return activations.softmax(logits, -1 if axis is None else axis)


@_standing_for(activations.log_softmax)
def log_softmax(logits: Any, axis: int | None = None, name: str | None = None) -> Any:
    """`phasewise.activations.log_softmax`, over the last axis, unless one is given."""
    return activations.log_softmax(logits, -1 if axis is None else axis)


@_standing_for(activations.silu)
def silu(features: Any, beta: float = 1.0) -> Any:
    """features * sigmoid(beta * features)."""
    return ops.multiply(features, ops.sigmoid(ops.multiply(beta, features)))


swish = silu


def sigmoid_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Any:
    """A value for each logit."""
    return ops.binary_crossentropy(labels, logits, from_logits=True)


def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1, name: str | None = None) -> Any:
    """A value for each row of logits."""
    return ops.categorical_crossentropy(labels, logits, from_logits=True, axis=axis)


def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Any:
    """A value for each row of logits; labels are numbers of classes."""
    return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
