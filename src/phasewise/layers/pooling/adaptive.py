"""Pooling to a number of windows, whatever the size of the input."""

from collections.abc import Sequence
from typing import Any, ClassVar

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Shape
from phasewise.kernels.pooling import adaptive_average_pool, adaptive_max_pool
from phasewise.layers.spatial import Spatial, check_data_format, check_sizes


class _AdaptivePooling(Spatial):
    """`output_size` windows divide each spatial axis; a subclass defines `pool`, what becomes of the entries in one."""

    rules: ClassVar = {"output_size": check_sizes, "data_format": check_data_format}

    def __init__(self, output_size: int | Sequence[int], data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.output_size, self.data_format = output_size, data_format

    def call(self, inputs: Array) -> Array:
        """The pooled inputs."""
        self.compute_output_shape(inputs.shape)  # raises where there is nothing to pool
        return self.pool(inputs)

    def pool(self, inputs: Array) -> Array:
        """The pooled inputs."""
        raise NotImplementedError(f"{type(self).__name__} must define `pool`.")

    def output_sizes(self, sizes: Shape) -> Shape:
        """`output_size`.

        Raises:
            ValueError: an axis has no entries.
        """
        if 0 in sizes:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} pools over spatial axes of sizes {sizes}: there is no entry to take."
            )
        return self.output_size

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "output_size": self.output_size, "data_format": self.data_format}


class _AdaptiveMaxPooling(_AdaptivePooling):
    def pool(self, inputs: Array) -> Array:
        """The largest entries."""
        return adaptive_max_pool(inputs, self.axes, self.output_size)


class _AdaptiveAveragePooling(_AdaptivePooling):
    def pool(self, inputs: Array) -> Array:
        """The means."""
        return adaptive_average_pool(inputs, self.axes, self.output_size)


@register("layer")
class AdaptiveMaxPooling1D(_AdaptiveMaxPooling):
    """The largest entry of each channel in each of `output_size` windows that divide the steps, however many these are.

    Window i of m over n steps holds those from `floor(i n / m)` up to, and without, `ceil((i + 1) n / m)`.

    Args:
        output_size: positive int, or a tuple of one, the number of windows.
        data_format: "channels_last" (the default), or "channels_first" for (batch, channels, steps).

    Input: (batch, steps, channels). Output: (batch, output_size, channels), of the input's dtype. A mask ends here, as in Keras.
    """

    spatial_axes = 1


@register("layer")
class AdaptiveMaxPooling2D(_AdaptiveMaxPooling):
    """As `AdaptiveMaxPooling1D` for images: (batch, height, width, channels), or channels first.

    `output_size` is an int for both axes, or a pair.
    """

    spatial_axes = 2


@register("layer")
class AdaptiveMaxPooling3D(_AdaptiveMaxPooling):
    """As `AdaptiveMaxPooling1D` for volumes: (batch, depth, height, width, channels), or channels first.

    `output_size` is an int for all three axes, or three.
    """

    spatial_axes = 3


@register("layer")
class AdaptiveAveragePooling1D(_AdaptiveAveragePooling):
    """The mean of each channel in each of `output_size` windows that divide the steps, however many these are.

    Window i of m over n steps holds those from `floor(i n / m)` up to, and without, `ceil((i + 1) n / m)`.

    Args:
        output_size: positive int, or a tuple of one, the number of windows.
        data_format: "channels_last" (the default), or "channels_first" for (batch, channels, steps).

    Input: (batch, steps, channels). Output: (batch, output_size, channels), of the input's dtype, float32 for integers. Sums
    are accumulated in float32 or wider. A mask ends here, as in Keras.
    """

    spatial_axes = 1


@register("layer")
class AdaptiveAveragePooling2D(_AdaptiveAveragePooling):
    """As `AdaptiveAveragePooling1D` for images: (batch, height, width, channels), or channels first.

    `output_size` is an int for both axes, or a pair.
    """

    spatial_axes = 2


@register("layer")
class AdaptiveAveragePooling3D(_AdaptiveAveragePooling):
    """As `AdaptiveAveragePooling1D` for volumes: (batch, depth, height, width, channels), or channels first.

    `output_size` is an int for all three axes, or three.
    """

    spatial_axes = 3
