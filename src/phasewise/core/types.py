"""The types that public signatures speak of."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import jax
import jax.typing
import numpy as np

Array: TypeAlias = jax.Array
"""What layers, losses and metrics return."""

ArrayLike: TypeAlias = jax.typing.ArrayLike | Sequence[Any]
"""What they take: a JAX or NumPy array, a number, or nested lists of numbers."""

Nest: TypeAlias = Any
"""An array, or tuples, lists and dicts of them."""

Shape: TypeAlias = tuple[int | None, ...]
"""Sizes, None where one is unknown."""

DTypeLike: TypeAlias = jax.typing.DTypeLike
"""A dtype, or its name."""

Config: TypeAlias = dict[str, Any]
"""What `get_config` returns and `from_config` takes: JSON-ready."""

Named: TypeAlias = str | Mapping[str, Any] | Callable[..., Any] | None
"""Something that people name: its name, its config, an object or a function; None for nothing."""

Weights: TypeAlias = list[np.ndarray]
"""The values of a layer's variables, in the order of `weights`."""
