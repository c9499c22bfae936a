"""Layers that give several values for each entry of the spatial axes."""

from collections.abc import Sequence
from typing import Any, ClassVar

from phasewise.core.arguments import check_count
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Shape
from phasewise.kernels.interpolation import KERNELS, upsampled
from phasewise.layers.spatial import Spatial, check_data_format, check_sizes, check_word


class _UpSampling(Spatial):
    """`size` values for each entry: one number for each spatial axis, under the name that the class gives it."""

    interpolation = "nearest"

    def factors(self) -> tuple[int, ...]:
        """How many values each entry becomes along each spatial axis."""
        return self.size

    def call(self, inputs: Array) -> Array:
        """The values in between."""
        return upsampled(inputs, self.axes, self.factors(), self.interpolation)

    def output_sizes(self, sizes: Shape) -> Shape:
        """The sizes, as many times as large."""
        return tuple(None if size is None else size * factor for size, factor in zip(sizes, self.factors()))


def _check_one(layer, name, value):
    return check_count(type(layer).__name__, name, value)


@register("layer")
class UpSampling1D(_UpSampling):
    """Each step `size` times.

    Args:
        size: positive int.

    Input: (batch, steps, channels). Output: (batch, steps * size, channels), of the input's dtype. A mask ends here, as in Keras.
    """

    spatial_axes = 1
    rules: ClassVar = {"size": _check_one}

    def __init__(self, size: int = 2, **kwargs: Any):
        super().__init__(**kwargs)
        self.size = size

    def factors(self) -> tuple[int, ...]:
        """The one number."""
        return (self.size,)

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "size": self.size}


@register("layer")
class UpSampling2D(_UpSampling):
    """Images of `size` times as many rows and columns.

    Args:
        size: positive int, or a pair (rows, columns).
        data_format: "channels_last" (the default), or "channels_first" for (batch, channels, height, width).
        interpolation: "nearest" repeats each pixel. "bilinear", "bicubic" (Keys 1981), "lanczos3" and "lanczos5" (Duchon 1979)
            weigh the pixels near the middle of each new one; beyond the border there are none.

    Input: (batch, height, width, channels). Output: (batch, height * rows, width * columns, channels), of the input's dtype,
    float32 for integers that are not only repeated. Computed in float32 or wider.
    """

    spatial_axes = 2
    rules: ClassVar = {
        "size": check_sizes,
        "data_format": check_data_format,
        "interpolation": check_word("nearest", *KERNELS),
    }

    def __init__(
        self,
        size: int | Sequence[int] = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.size, self.data_format = size, data_format
        self.interpolation = interpolation

    def get_config(self) -> Config:
        """Every argument."""
        mine = {"size": self.size, "data_format": self.data_format, "interpolation": self.interpolation}
        return {**super().get_config(), **mine}


@register("layer")
class UpSampling3D(_UpSampling):
    """Each entry of a volume `size` times along each axis.

    Args:
        size: positive int, or three (depth, height, width).
        data_format: "channels_last" (the default), or "channels_first" for (batch, channels, depth, height, width).

    Input: (batch, depth, height, width, channels). Output: the sizes of the three axes times `size`, of the input's dtype.
    """

    spatial_axes = 3
    rules: ClassVar = {"size": check_sizes, "data_format": check_data_format}

    def __init__(self, size: int | Sequence[int] = (2, 2, 2), data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.size, self.data_format = size, data_format

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}
