"""Masking: the steps of a sequence that hold nothing."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Shape
from phasewise.layer.layer import Layer


@register("layer")
class Masking(Layer):
    """Masks the steps of a sequence in which every entry is `mask_value`: layers behind that know masks leave them out.

    Args:
        mask_value: a number, or an array that broadcasts against the entries of a step.

    Input: (batch, time, ..., features). Output: the same, the masked steps zero, with the mask, True where a step counts, of the
    input's shape without its last axis.
    """

    supports_masking = True

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        if np.asarray(mask_value).dtype.kind not in "biuf":
            raise ValueError(f"Masking's mask_value is a number, or an array of numbers; got {mask_value!r}.")
        self.autocast = False  # what differs from `mask_value` may not once it is rounded
        self.mask_value = mask_value if isinstance(mask_value, int | float) else np.asarray(mask_value)

    def call(self, inputs: Array) -> Array:
        """The inputs, zero where they are masked."""
        outputs = jnp.where(self._counts(inputs)[..., None], inputs, 0)
        return outputs.astype(self.compute_dtype) if jnp.issubdtype(inputs.dtype, jnp.floating) else outputs

    def compute_mask(self, inputs: Array, previous_mask: Array | None = None) -> Array:
        """True where an entry differs from `mask_value`."""
        return self._counts(inputs)

    def _counts(self, inputs):
        return (inputs != self.mask_value).any(-1)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return input_shape

    def get_config(self) -> Config:
        """Every argument."""
        value = self.mask_value
        return {
            **super().get_config(),
            "mask_value": value if isinstance(value, int | float) else value.tolist(),
        }
