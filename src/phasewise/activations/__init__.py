"""Activation functions of arrays, under Keras's names: from a name to a function, and back."""

from collections.abc import Callable, Mapping
from typing import Any

from phasewise.activations.activation import KIND
from phasewise.activations.along_axis import glu, log_softmax, softmax, sparsemax
from phasewise.activations.rectifiers import (
    celu,
    elu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    relu,
    relu6,
    selu,
    soft_shrink,
    sparse_plus,
    sparse_sigmoid,
    threshold,
)
from phasewise.activations.smooth import (
    exponential,
    gelu,
    log_sigmoid,
    mish,
    sigmoid,
    silu,
    softplus,
    softsign,
    squareplus,
    tanh,
    tanh_shrink,
)
from phasewise.core import registry
from phasewise.core.types import Array, Config, Named

swish, hard_swish = silu, hard_silu

__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]


def get(identifier: Named) -> Callable[..., Array]:
    """An activation from a name, a config, a function or any callable object; None is `linear`.

    Raises:
        ValueError: no activation has that name (the message gives the nearest), or it cannot be one.
    """
    return linear if identifier is None else registry.resolve(KIND, identifier)


def serialize(activation: Named) -> Config | str | None:
    """The activation's name, or class name and config for an object that has one."""
    return registry.serialize(activation)


def deserialize(config: Named, custom_objects: Mapping[str, Any] | None = None) -> Callable[..., Array] | None:
    """The activation that `serialize` described; `custom_objects` are classes and functions by name that it may mean."""
    return registry.deserialize(KIND, config, custom_objects)
