"""Layers that move entries and compute nothing."""

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from phasewise.core import logits
from phasewise.core.arguments import check_count, check_integers
from phasewise.core.defaults import image_data_format
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Shape
from phasewise.layer.input_spec import InputSpec
from phasewise.layer.layer import Layer


@register("layer")
class Flatten(Layer):
    """(batch, a, b, …) to (batch, a * b * …).

    Args:
        data_format: "channels_last", or "channels_first", where the channels are moved to the end before.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if data_format not in (None, "channels_last", "channels_first"):
            raise ValueError(f"Flatten's data_format is 'channels_last' or 'channels_first'; got {data_format!r}.")
        self.data_format = data_format or image_data_format()

    def call(self, inputs: Array) -> Array:
        """The flattened inputs."""
        if self.data_format == "channels_first" and inputs.ndim > 2:
            inputs = jnp.moveaxis(inputs, 1, -1)
        return logits.follow(inputs.reshape(inputs.shape[0], math.prod(inputs.shape[1:])), inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, product of the other axes)."""
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else math.prod(rest))

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "data_format": self.data_format}


@register("layer")
class Reshape(Layer):
    """Each row to `target_shape`, one axis of which may be -1: what is left."""

    def __init__(self, target_shape: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.target_shape = check_integers("Reshape", "target_shape", target_shape)
        if any(n < -1 for n in self.target_shape):
            raise ValueError(f"Reshape's target_shape is made of sizes, and at most one -1; got {self.target_shape}.")
        if sum(n == -1 for n in self.target_shape) > 1:
            raise ValueError(f"Reshape's target_shape can have one -1; got {self.target_shape}.")

    def call(self, inputs: Array) -> Array:
        """The reshaped inputs."""
        self._check(inputs.shape)
        return logits.follow(inputs.reshape(inputs.shape[0], *self.target_shape), inputs)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, *target_shape)."""
        self._check(input_shape)
        rest, known = input_shape[1:], math.prod(n for n in self.target_shape if n != -1)
        left = None if None in rest else math.prod(rest) // max(known, 1)
        return (input_shape[0], *(left if n == -1 else n for n in self.target_shape))

    def _check(self, input_shape):
        rest = input_shape[1:]
        if None in rest:
            return
        size, known = math.prod(rest), math.prod(n for n in self.target_shape if n != -1)
        fits = size % known == 0 if -1 in self.target_shape and known else size == known
        if not fits:
            raise ValueError(
                f"Reshape {self.name!r} cannot make rows of shape {self.target_shape} ({known} entries) from rows of shape "
                f"{tuple(rest)} ({size} entries)."
            )

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "target_shape": list(self.target_shape)}


@register("layer")
class Permute(Layer):
    """Reorders the axes after the batch: `dims` counts them from 1."""

    def __init__(self, dims: Sequence[int], **kwargs: Any):
        super().__init__(**kwargs)
        self.dims = check_integers("Permute", "dims", dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"Permute's dims must be a permutation of 1 to {len(self.dims)}; got {self.dims}.")
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Array) -> Array:
        """The permuted inputs."""
        return jnp.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The sizes in their new order."""
        return (input_shape[0], *(input_shape[d] for d in self.dims))

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "dims": list(self.dims)}


@register("layer")
class RepeatVector(Layer):
    """(batch, features) to (batch, n, features)."""

    def __init__(self, n: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n, self.input_spec = check_count("RepeatVector", "n", n), InputSpec(ndim=2)

    def call(self, inputs: Array) -> Array:
        """The repeated inputs."""
        return jnp.repeat(inputs[:, None], self.n, axis=1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, n, features)."""
        return (input_shape[0], self.n, input_shape[1])

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "n": self.n}
