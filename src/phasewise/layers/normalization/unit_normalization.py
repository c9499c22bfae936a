"""Unit normalization: each row divided by its length, alike in both phases."""

from typing import Any

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Shape
from phasewise.kernels.unit_vectors import unit_vectors
from phasewise.layer.layer import Layer
from phasewise.layers.normalization.affine import Axes, as_axes, check_axes

EPSILON = 1e-12  # Keras's: a shorter vector is divided by this


@register("layer")
class UnitNormalization(Layer):
    """`x / max(norm(x), 1e-12)`, with the Euclidean norm over `axis`.

    Args:
        axis: int, or list or tuple of int, the axes over which the norm is 1.

    Input: any shape with the axes. Output: the input's shape and dtype; computed in float32 or wider.

    Where it differs from Keras: entries whose squares overflow (from 1e19 in float32, from 256 in float16) or vanish are
    right, and the gradient at a zero vector is finite.
    """

    supports_masking = True

    def __init__(self, axis: Axes = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = as_axes(self, axis)

    def call(self, inputs: Array) -> Array:
        """The normalized inputs."""
        axes = check_axes(self, self.axis, inputs.ndim)
        return unit_vectors(inputs, axes, epsilon=EPSILON).astype(inputs.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        check_axes(self, self.axis, len(input_shape))
        return input_shape

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "axis": self.axis}
