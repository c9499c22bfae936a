"""How weights begin, under Keras's names: from a name to an initializer, and back."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from phasewise.core import registry
from phasewise.core.types import Array, ArrayLike, Config, Named
from phasewise.initializers.distributions import RandomNormal, RandomUniform, TruncatedNormal
from phasewise.initializers.fan_scaled import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)
from phasewise.initializers.fixed import Constant, Identity, Ones, Zeros
from phasewise.initializers.fourier import STFT
from phasewise.initializers.initializer import KIND, Initializer
from phasewise.initializers.orthogonal_matrix import Orthogonal

constant, identity, ones, zeros, stft = Constant, Identity, Ones, Zeros, STFT
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
glorot_normal, glorot_uniform, he_normal, he_uniform = GlorotNormal, GlorotUniform, HeNormal, HeUniform
lecun_normal, lecun_uniform, variance_scaling = LecunNormal, LecunUniform, VarianceScaling
orthogonal, IdentityInitializer = Orthogonal, Identity
OrthogonalInitializer, STFTInitializer = Orthogonal, STFT

__all__ = [
    "STFT",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "RandomNormal",
    "RandomUniform",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "deserialize",
    "get",
    "serialize",
]


def get(identifier: Named | ArrayLike) -> Callable[..., np.ndarray | Array] | None:
    """An initializer from a name, a config, an object, a function `(shape, dtype)`, an array or None.

    A name or a class gives a new object; an array becomes the weight's value and must have its shape; None stays None.

    Raises:
        ValueError: no initializer has that name (the message gives the nearest), or it cannot be one.
    """
    is_array = hasattr(identifier, "shape") and hasattr(identifier, "dtype") and not callable(identifier)
    return Constant(identifier) if is_array else registry.resolve(KIND, identifier)


def serialize(initializer: Named) -> Config | str | None:
    """Class name and config."""
    return registry.serialize(initializer)


def deserialize(
    config: Named, custom_objects: Mapping[str, Any] | None = None
) -> Callable[..., np.ndarray | Array] | None:
    """The initializer that `serialize` described; `custom_objects` are classes and functions by name that it may mean."""
    return registry.deserialize(KIND, config, custom_objects)
