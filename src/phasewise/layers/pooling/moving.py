"""Pooling with a window that moves over the spatial axes."""

from collections.abc import Sequence
from typing import Any, ClassVar

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Shape
from phasewise.kernels.pooling import average_pool, max_pool
from phasewise.layers.spatial import Spatial, check_data_format, check_sizes, check_word


class _Pooling(Spatial):
    """A window moves over the spatial axes; a subclass defines `pool`, what becomes of the entries in it."""

    rules: ClassVar = {
        "pool_size": check_sizes,
        "strides": check_sizes,
        "padding": check_word("valid", "same"),
        "data_format": check_data_format,
    }

    def __init__(
        self,
        pool_size: int | Sequence[int],
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(name=name, **kwargs)
        self.pool_size, self.strides = pool_size, pool_size if strides is None else strides
        self.padding, self.data_format = padding, data_format

    def call(self, inputs: Array) -> Array:
        """The pooled inputs."""
        self.compute_output_shape(inputs.shape)  # raises where the window does not fit
        return self.pool(inputs, self.over_axes(self.pool_size, 1), self.over_axes(self.strides, 1))

    def pool(self, inputs: Array, window: Sequence[int], strides: Sequence[int]) -> Array:
        """The pooled inputs, for a window and strides over all axes."""
        raise NotImplementedError(f"{type(self).__name__} must define `pool`.")

    def output_sizes(self, sizes: Shape) -> Shape:
        """How many places the window has along each axis."""
        if self.padding == "same":
            return tuple(None if n is None else -(-n // stride) for n, stride in zip(sizes, self.strides))
        if any(n is not None and n < width for n, width in zip(sizes, self.pool_size)):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has pool_size={self.pool_size}, which is larger than its input's spatial axes "
                f"of sizes {sizes}. Take a smaller pool_size, or padding='same'."
            )
        found = zip(sizes, self.pool_size, self.strides)
        return tuple(None if n is None else (n - width) // stride + 1 for n, width, stride in found)

    def get_config(self) -> Config:
        """Every argument."""
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
        }


class _MaxPooling(_Pooling):
    def pool(self, inputs: Array, window: Sequence[int], strides: Sequence[int]) -> Array:
        """The largest entries."""
        return max_pool(inputs, window, strides, self.padding)


class _AveragePooling(_Pooling):
    def pool(self, inputs: Array, window: Sequence[int], strides: Sequence[int]) -> Array:
        """The means."""
        return average_pool(inputs, window, strides, self.padding)


@register("layer", "MaxPool1D")
class MaxPooling1D(_MaxPooling):
    """The largest entry of each channel in a window that moves along the steps. Also called `MaxPool1D`.

    The gradient goes to the largest entry, the first where there are several.

    Args:
        pool_size: positive int, or a tuple of one, the width of the window.
        strides: positive int, or a tuple of one, how far the window moves; `pool_size` when None.
        padding: "valid", windows inside the input: `(steps - pool_size) // strides + 1`; "same", `ceil(steps / strides)`
            windows that reach over both ends, where nothing counts.
        data_format: "channels_last" (the default), or "channels_first" for (batch, channels, steps).

    Input: (batch, steps, channels). Output: (batch, windows, channels), of the input's dtype. A mask ends here, as in Keras.
    """

    spatial_axes = 1

    def __init__(
        self,
        pool_size: int | Sequence[int] = 2,
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


@register("layer", "MaxPool2D")
class MaxPooling2D(_MaxPooling):
    """As `MaxPooling1D` for images: (batch, height, width, channels), or channels first. Also called `MaxPool2D`.

    `pool_size` and `strides` are an int for both axes, or a pair.
    """

    spatial_axes = 2

    def __init__(
        self,
        pool_size: int | Sequence[int] = (2, 2),
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


@register("layer", "MaxPool3D")
class MaxPooling3D(_MaxPooling):
    """As `MaxPooling1D` for volumes: (batch, depth, height, width, channels), or channels first. Also called `MaxPool3D`.

    `pool_size` and `strides` are an int for all three axes, or three.
    """

    spatial_axes = 3

    def __init__(
        self,
        pool_size: int | Sequence[int] = (2, 2, 2),
        strides: int | Sequence[int] | None = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


@register("layer", "AvgPool1D")
class AveragePooling1D(_AveragePooling):
    """The mean of each channel in a window that moves along the steps. Also called `AvgPool1D`.

    Where the window reaches over an end (padding "same"), the mean is over the entries that are there.

    Args:
        pool_size: positive int, or a tuple of one, the width of the window.
        strides: positive int, or a tuple of one, how far the window moves; `pool_size` when None.
        padding: "valid", windows inside the input: `(steps - pool_size) // strides + 1`; "same", `ceil(steps / strides)`
            windows that reach over both ends.
        data_format: "channels_last" (the default), or "channels_first" for (batch, channels, steps).

    Input: (batch, steps, channels). Output: (batch, windows, channels), of the input's dtype, float32 for integers. Sums are
    accumulated in float32 or wider. A mask ends here, as in Keras.

    Where it differs from Keras: bfloat16 and float16 are accumulated in float32.
    """

    spatial_axes = 1


@register("layer", "AvgPool2D")
class AveragePooling2D(_AveragePooling):
    """As `AveragePooling1D` for images: (batch, height, width, channels), or channels first. Also called `AvgPool2D`.

    `pool_size` and `strides` are an int for both axes, or a pair.
    """

    spatial_axes = 2


@register("layer", "AvgPool3D")
class AveragePooling3D(_AveragePooling):
    """As `AveragePooling1D` for volumes: (batch, depth, height, width, channels), or channels first. Also called `AvgPool3D`.

    `pool_size` and `strides` are an int for all three axes, or three.
    """

    spatial_axes = 3
