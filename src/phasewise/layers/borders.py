"""Layers that add to the borders of the spatial axes, or take from them."""

from collections.abc import Sequence
from typing import Any, ClassVar, TypeAlias

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Shape
from phasewise.layers.spatial import Spatial, check_borders, check_data_format

Borders: TypeAlias = int | Sequence[int] | Sequence[Sequence[int]]


class _Borders(Spatial):
    """As many entries more, or fewer, before and behind each spatial axis as an argument says."""

    def pairs(self, borders: tuple[Any, ...]) -> tuple[tuple[int, int], ...]:
        """(before, behind) for each spatial axis: of one axis, the argument is its pair."""
        return borders if self.spatial_axes > 1 else (borders,)


class _ZeroPadding(_Borders):
    """Zeros before and behind the entries of each spatial axis."""

    rules: ClassVar = {"padding": check_borders, "data_format": check_data_format}

    def __init__(self, padding: Borders, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.padding, self.data_format = padding, data_format

    def call(self, inputs: Array) -> Array:
        """The padded inputs."""
        return jnp.pad(inputs, self.over_axes(self.pairs(self.padding), (0, 0)))

    def output_sizes(self, sizes: Shape) -> Shape:
        """The sizes with the zeros."""
        return tuple(None if size is None else size + sum(pair) for size, pair in zip(sizes, self.pairs(self.padding)))

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


@register("layer")
class ZeroPadding1D(_ZeroPadding):
    """Zeros before and behind the steps.

    Args:
        padding: int of at least 0, or a pair (before, behind).
        data_format: "channels_last" (the default), or "channels_first" for (batch, channels, steps).

    Input: (batch, steps, channels). Output: (batch, before + steps + behind, channels), of the input's dtype. A mask ends here,
    as in Keras.
    """

    spatial_axes = 1

    def __init__(self, padding: int | Sequence[int] = 1, data_format: str | None = None, **kwargs: Any):
        super().__init__(padding, data_format, **kwargs)


@register("layer")
class ZeroPadding2D(_ZeroPadding):
    """As `ZeroPadding1D` for images: (batch, height, width, channels), or channels first.

    `padding` is an int for all borders, an int for each axis, or ((top, bottom), (left, right)).
    """

    spatial_axes = 2

    def __init__(self, padding: Borders = (1, 1), data_format: str | None = None, **kwargs: Any):
        super().__init__(padding, data_format, **kwargs)


@register("layer")
class ZeroPadding3D(_ZeroPadding):
    """As `ZeroPadding1D` for volumes: (batch, depth, height, width, channels), or channels first.

    `padding` is an int for all borders, an int for each axis, or a pair (before, behind) for each.
    """

    spatial_axes = 3

    def __init__(self, padding: Borders = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any):
        super().__init__(padding, data_format, **kwargs)


class _Cropping(_Borders):
    """Entries at both ends of each spatial axis are left out."""

    rules: ClassVar = {"cropping": check_borders, "data_format": check_data_format}

    def __init__(self, cropping: Borders, **kwargs: Any):
        super().__init__(**kwargs)
        self.cropping = cropping

    def call(self, inputs: Array) -> Array:
        """The cropped inputs."""
        self.compute_output_shape(inputs.shape)  # raises where nothing would be left
        kept = [
            slice(before, inputs.shape[axis] - behind)
            for axis, (before, behind) in zip(self.axes, self.pairs(self.cropping))
        ]
        return inputs[self.over_axes(kept, slice(None))]

    def output_sizes(self, sizes: Shape) -> Shape:
        """The sizes without what is cropped.

        Raises:
            ValueError: nothing is left of an axis.
        """
        if any(size is not None and size <= sum(pair) for size, pair in zip(sizes, self.pairs(self.cropping))):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has cropping={self.cropping}, which leaves nothing of its input's spatial axes of "
                f"sizes {sizes}. Crop less."
            )
        return tuple(None if size is None else size - sum(pair) for size, pair in zip(sizes, self.pairs(self.cropping)))

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "cropping": self.cropping}


@register("layer")
class Cropping1D(_Cropping):
    """Leaves out the first and the last steps.

    Args:
        cropping: int of at least 0, or a pair (before, behind).

    Input: (batch, steps, channels). Output: (batch, steps - before - behind, channels), of the input's dtype. A mask ends here,
    as in Keras.
    """

    spatial_axes = 1

    def __init__(self, cropping: int | Sequence[int] = (1, 1), **kwargs: Any):
        super().__init__(cropping, **kwargs)


class _CroppingWithFormat(_Cropping):
    """A cropping whose channels may come first."""

    def __init__(self, cropping: Borders, data_format: str | None = None, **kwargs: Any):
        super().__init__(cropping, **kwargs)
        self.data_format = data_format

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "data_format": self.data_format}


@register("layer")
class Cropping2D(_CroppingWithFormat):
    """As `Cropping1D` for images: (batch, height, width, channels), or channels first by `data_format`.

    `cropping` is an int for all borders, an int for each axis, or ((top, bottom), (left, right)).
    """

    spatial_axes = 2

    def __init__(self, cropping: Borders = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)


@register("layer")
class Cropping3D(_CroppingWithFormat):
    """As `Cropping1D` for volumes: (batch, depth, height, width, channels), or channels first by `data_format`.

    `cropping` is an int for all borders, an int for each axis, or a pair (before, behind) for each.
    """

    spatial_axes = 3

    def __init__(self, cropping: Borders = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any):
        super().__init__(cropping, data_format, **kwargs)
