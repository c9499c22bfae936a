"""Dropout: entries set to 0 at random in training; the identity in inference."""

from collections.abc import Sequence
from typing import Any

from phasewise.core.defaults import image_data_format
from phasewise.core.precision import DTypePolicy
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Shape
from phasewise.layer.input_spec import InputSpec
from phasewise.layers.regularization.random_layer import RandomLayer, Seed, check_rate, drawn_to_keep, thinned


@register("layer")
class Dropout(RandomLayer):
    """In training, sets each entry to 0 with probability `rate` and scales the others by 1 / (1 - rate).

    Srivastava et al. (2014). The identity in inference.

    Args:
        rate: in [0, 1].
        noise_shape: shape of the mask that is drawn, None for axes taken from the input; size 1 broadcasts.
        seed: int or `phasewise.random.SeedGenerator`; the draw is then a function of it, the step and the layer's place in the
            model, else of the run's seed.

    Input: any shape. Output: the same shape.
    """

    def __init__(self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Seed = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        self.rate = check_rate(self, rate)
        self.noise_shape = _checked_shape(self, noise_shape)

    def disturb(self, inputs: Array) -> Array:
        """The inputs, thinned."""
        check_rate(self, self.rate)  # it may have been assigned
        return thinned(inputs, self.rate, lambda: self.kept(inputs))

    def kept(self, inputs: Array) -> Array:
        """A random mask that broadcasts against the inputs, True with probability 1 - rate, to within 2**-33."""
        given = self.mask_shape(inputs.ndim)
        if len(given) != inputs.ndim:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has noise_shape={given}; its input has {inputs.ndim} axes, {inputs.shape}."
            )
        shape = tuple(size if n is None else n for n, size in zip(given, inputs.shape))
        return drawn_to_keep(self, shape, self.rate, self.seed)

    def mask_shape(self, rank: int) -> Shape:
        """The shape of the mask, None for axes taken from the input."""
        return self.noise_shape or (None,) * rank

    def disturbance(self) -> str:
        """Drops."""
        return f"drops {self.rate:.0%}"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape}


class SpatialDropout(Dropout):
    """Dropout of whole channels (Tompson et al. 2015). A subclass says over how many axes they extend."""

    spatial_axes = 0

    def __init__(
        self,
        rate: float,
        seed: Seed = None,
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
        **kwargs: Any,
    ):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.input_spec = InputSpec(ndim=self.spatial_axes + 2)

    def mask_shape(self, rank: int) -> Shape:
        """One entry for each row and channel."""
        return (None, *(1,) * self.spatial_axes, None)

    def disturbance(self) -> str:
        """Drops channels."""
        return f"drops {self.rate:.0%} of the channels"

    def get_config(self) -> Config:
        """Every argument."""
        config = super().get_config()
        del config["noise_shape"]
        if config["trainable"]:
            del config["trainable"]  # Keras's takes no such argument
        return config


@register("layer")
class SpatialDropout1D(SpatialDropout):
    """In training, sets whole channels to 0 with probability `rate`, the others scaled by 1 / (1 - rate).

    Tompson et al. (2015). The identity in inference. `rate` and `seed` are those of `Dropout`.

    Input and output: (batch, steps, channels).
    """

    spatial_axes = 1


class _WithDataFormat(SpatialDropout):
    """A spatial dropout whose channels may come first."""

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: Seed = None,
        name: str | None = None,
        dtype: str | DTypePolicy | None = None,
        **kwargs: Any,
    ):
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        if data_format not in (None, "channels_last", "channels_first"):
            raise ValueError(
                f"{type(self).__name__}'s data_format is 'channels_last' or 'channels_first'; got {data_format!r}."
            )
        self.data_format = data_format or image_data_format()

    def mask_shape(self, rank: int) -> Shape:
        """One entry for each row and channel."""
        ones = (1,) * self.spatial_axes
        return (None, None, *ones) if self.data_format == "channels_first" else (None, *ones, None)

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "data_format": self.data_format}


@register("layer")
class SpatialDropout2D(_WithDataFormat):
    """As `SpatialDropout1D` for images: (batch, height, width, channels), or channels first by `data_format`."""

    spatial_axes = 2


@register("layer")
class SpatialDropout3D(_WithDataFormat):
    """As `SpatialDropout1D` for volumes: (batch, depth, height, width, channels), or channels first by `data_format`."""

    spatial_axes = 3


def _checked_shape(layer, shape):
    if shape is None:
        return None
    valid = isinstance(shape, tuple | list) and all(
        n is None or (isinstance(n, int) and not isinstance(n, bool) and n > 0) for n in shape
    )
    if not valid:
        raise ValueError(
            f"{type(layer).__name__}'s noise_shape is a tuple of positive integers and None; got {shape!r}."
        )
    return tuple(shape)
