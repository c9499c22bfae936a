"""Pooling over the whole of the spatial axes."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from phasewise.core.arguments import check_flag
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Shape
from phasewise.kernels.pooling import global_average, global_max
from phasewise.layers.spatial import Spatial, check_data_format


def _check_flag(layer, name, value):
    return check_flag(type(layer).__name__, name, value)


class _GlobalPooling(Spatial):
    """One value for each row and channel; a subclass says which."""

    rules: ClassVar = {"data_format": check_data_format, "keepdims": _check_flag}

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format, self.keepdims = data_format, keepdims

    def call(self, inputs: Array) -> Array:
        """The pooled inputs."""
        self.compute_output_shape(inputs.shape)  # raises where there is nothing to pool
        return self.pool(inputs)

    def pool(self, inputs: Array, mask: Array | None = None) -> Array:
        """The pooled inputs, from the positions where `mask` is True."""
        raise NotImplementedError(f"{type(self).__name__} must define `pool`.")

    def output_sizes(self, sizes: Shape) -> Shape:
        """1 along each axis.

        Raises:
            ValueError: an axis has no entries.
        """
        if 0 in sizes:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} pools over spatial axes of sizes {sizes}: there is no entry to take."
            )
        return (1,) * len(sizes)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """(batch, channels), with axes of size 1 in place of the spatial ones by `keepdims`."""
        kept = super().compute_output_shape(input_shape)
        return kept if self.keepdims else tuple(n for axis, n in enumerate(kept) if axis not in self.axes)

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}


class _GlobalMaxPooling(_GlobalPooling):
    def pool(self, inputs: Array, mask: Array | None = None) -> Array:
        """The largest entries."""
        return global_max(inputs, self.axes, keepdims=self.keepdims, mask=mask)


class _GlobalAveragePooling(_GlobalPooling):
    def pool(self, inputs: Array, mask: Array | None = None) -> Array:
        """The means."""
        return global_average(inputs, self.axes, keepdims=self.keepdims, mask=mask)


class _OfSequences(_GlobalPooling):
    """Steps that the mask leaves out do not count; after the layer there are no steps, and no mask."""

    spatial_axes = 1
    supports_masking = True
    checks_mask = True

    def call(self, inputs: Array, mask: Array | None = None) -> Array:
        """The pooled inputs.

        Raises:
            ValueError: the mask is not of shape (batch, steps).
        """
        self.compute_output_shape(inputs.shape)  # raises where there is nothing to pool
        return self.pool(inputs, None if mask is None else self._over_channels(mask, inputs.shape))

    def compute_mask(self, inputs: Array, previous_mask: Array | None) -> None:
        """None."""
        return None

    def _over_channels(self, mask, shape):
        (axis,) = self.axes
        wanted = (shape[0], shape[axis])
        if tuple(np.shape(mask)) != wanted:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} was given a mask of shape {tuple(np.shape(mask))} for an input of shape "
                f"{tuple(shape)}: a mask is boolean, of shape {wanted}, one entry for each row and step."
            )
        return jnp.expand_dims(jnp.asarray(mask, bool), 3 - axis)


@register("layer", "GlobalMaxPool1D")
class GlobalMaxPooling1D(_OfSequences, _GlobalMaxPooling):
    """The largest entry of each channel over all steps. Also called `GlobalMaxPool1D`.

    Args:
        data_format: "channels_last" (the default), or "channels_first" for (batch, channels, steps).
        keepdims: whether to keep the spatial axes, with size 1.

    Input: (batch, steps, channels). Output: (batch, channels), of the input's dtype. Several largest entries share the gradient.

    `mask`, boolean of shape (batch, steps): steps where it is False do not count. A row without any gives 0, with no gradient.

    Where it differs from Keras: it heeds the mask, so that a sequence's padding cannot be its largest entry.
    """


@register("layer", "GlobalMaxPool2D")
class GlobalMaxPooling2D(_GlobalMaxPooling):
    """As `GlobalMaxPooling1D` for images: (batch, height, width, channels), or channels first. Also called `GlobalMaxPool2D`.

    It takes no mask.
    """

    spatial_axes = 2


@register("layer", "GlobalMaxPool3D")
class GlobalMaxPooling3D(_GlobalMaxPooling):
    """As `GlobalMaxPooling1D` for volumes: (batch, depth, height, width, channels), or channels first.

    It takes no mask. Also called `GlobalMaxPool3D`.
    """

    spatial_axes = 3


@register("layer", "GlobalAvgPool1D")
class GlobalAveragePooling1D(_OfSequences, _GlobalAveragePooling):
    """The mean of each channel over all steps. Also called `GlobalAvgPool1D`.

    Args:
        data_format: "channels_last" (the default), or "channels_first" for (batch, channels, steps).
        keepdims: whether to keep the spatial axes, with size 1.

    Input: (batch, steps, channels). Output: (batch, channels), of the input's dtype, float32 for integers. Sums are
    accumulated in float32 or wider.

    `mask`, boolean of shape (batch, steps): steps where it is False do not count. A row without any gives 0, with no gradient.

    Where it differs from Keras: a row that is wholly masked gives 0, not NaN; bfloat16 and float16 steps are counted in float32.
    """


@register("layer", "GlobalAvgPool2D")
class GlobalAveragePooling2D(_GlobalAveragePooling):
    """As `GlobalAveragePooling1D` for images: (batch, height, width, channels), or channels first.

    It takes no mask. Also called `GlobalAvgPool2D`.
    """

    spatial_axes = 2


@register("layer", "GlobalAvgPool3D")
class GlobalAveragePooling3D(_GlobalAveragePooling):
    """As `GlobalAveragePooling1D` for volumes: (batch, depth, height, width, channels), or channels first.

    It takes no mask. Also called `GlobalAvgPool3D`.
    """

    spatial_axes = 3
