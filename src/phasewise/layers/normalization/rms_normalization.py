"""Root mean square normalization: each row by its own size, alike in both phases."""

from typing import Any

import jax

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Shape
from phasewise.kernels.moments import wide
from phasewise.layer.layer import Layer
from phasewise.layers.normalization.affine import Axes, as_axes, check_axes, check_number, known_sizes
from phasewise.layers.normalization.converting import Convertible


@register("layer")
class RMSNormalization(Convertible, Layer):
    """`x / sqrt(mean(x²) + epsilon) * scale`: Zhang & Sennrich (2019), equation 4.

    Args:
        axis: int or list of int, the axes that the mean is taken over, which `scale` has one entry for.
        epsilon: at least 0.

    Input: any shape with the axes. Output: the input's shape and dtype; computed in float32 or wider.

    Where it differs from Keras: a mask passes through.
    """

    supports_masking = True
    fixed_by_build = ("axis",)

    def __init__(self, axis: Axes = -1, epsilon: float = 1e-6, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = as_axes(self, axis)
        self.epsilon = check_number(self, "epsilon", epsilon, 0, low_included=True)

    def build(self, input_shape: Shape) -> None:
        """Makes scale, of the shape of the normalized axes."""
        axes = check_axes(self, self.axis, len(input_shape))
        self.scale = self.add_weight(known_sizes(self, axes, input_shape), "ones", name="scale")
        self.built = True

    def call(self, x: Array) -> Array:
        """The normalized inputs."""
        axes = check_axes(self, self.axis, x.ndim)
        shape = [size if i in axes else 1 for i, size in enumerate(x.shape)]
        values = wide(x)
        factor = jax.lax.rsqrt((values * values).mean(axes, keepdims=True) + self.epsilon)
        return (values * factor * self.scale.raw.reshape(shape)).astype(x.dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return input_shape

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}
