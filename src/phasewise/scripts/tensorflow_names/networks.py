"""`tensorflow.nn`: mostly given to layers as their `activation`."""

from typing import Any

from phasewise import activations, ops
from phasewise.activations import elu, relu6, selu, sigmoid, silu, softplus, softsign, tanh
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

relu, softmax, log_softmax, swish = activations.relu, activations.softmax, activations.log_softmax, silu


def gelu(features: Any, approximate: bool = False, name: str | None = None) -> Any:
    """`phasewise.activations.gelu`."""
    return activations.gelu(features, approximate)


def leaky_relu(features: Any, alpha: float = 0.2, name: str | None = None) -> Any:
    """`phasewise.activations.leaky_relu`."""
    return activations.leaky_relu(features, alpha)


def sigmoid_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Any:
    """A value for each logit."""
    return ops.binary_crossentropy(labels, logits, from_logits=True)


def softmax_cross_entropy_with_logits(labels: Any, logits: Any, axis: int = -1, name: str | None = None) -> Any:
    """A value for each row of logits."""
    return ops.categorical_crossentropy(labels, logits, from_logits=True, axis=axis)


def sparse_softmax_cross_entropy_with_logits(labels: Any, logits: Any, name: str | None = None) -> Any:
    """A value for each row of logits; labels are numbers of classes."""
    return ops.sparse_categorical_crossentropy(labels, logits, from_logits=True)
