"""Layers that Keras keeps beside its `keras.applications`, so that files of those models open. People use Dropout and Rescaling."""

from typing import Any

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Shape
from phasewise.initializers import Constant
from phasewise.layer.layer import Layer
from phasewise.layers.regularization.random_layer import RandomLayer, check_rate, drawn_to_keep, thinned

KIND = "layer of an application"


@register(KIND)
class StochasticDepth(RandomLayer):
    """In training, drops each row with probability `drop_path_rate` and scales the others by 1 / (1 - drop_path_rate).

    Huang et al. (2016), in ConvNeXt. The identity in inference.

    Args:
        drop_path_rate: in [0, 1].

    Input: (batch, ...). Output: the same shape.
    """

    def __init__(self, drop_path_rate: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.drop_path_rate = check_rate(self, drop_path_rate, "drop_path_rate")

    def disturb(self, inputs: Array) -> Array:
        """The inputs, some rows 0."""
        shape = (inputs.shape[0],) + (1,) * (inputs.ndim - 1)
        return thinned(inputs, self.drop_path_rate, lambda: drawn_to_keep(self, shape, self.drop_path_rate, self.seed))

    def disturbance(self) -> str:
        """The share of rows that are dropped."""
        return f"drops {self.drop_path_rate:g} of the rows"

    def get_config(self) -> Config:
        """Every argument that Keras's class takes."""
        config = {**super().get_config(), "drop_path_rate": self.drop_path_rate}
        return {name: value for name, value in config.items() if name != "seed" or value is not None}


@register(KIND)
class LayerScale(Layer):
    """x * gamma, one trained factor a channel (Touvron et al. 2021), in ConvNeXt.

    Args:
        init_values: what each factor begins at.
        projection_dim: number of channels.

    Input: (batch, ..., channels). Output: the same shape.
    """

    def __init__(self, init_values: float, projection_dim: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.init_values, self.projection_dim = init_values, projection_dim

    def build(self, input_shape: Shape) -> None:
        """Adds `gamma`, (channels,)."""
        self.gamma = self.add_weight((self.projection_dim,), Constant(self.init_values), name="gamma")
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The inputs, scaled."""
        return inputs * self.gamma

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return input_shape

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "init_values": self.init_values, "projection_dim": self.projection_dim}


@register(KIND)
class CustomScaleLayer(Layer):
    """a + b * scale, in InceptionResNetV2.

    Args:
        scale: number.

    Input: two arrays of one shape. Output: that shape.
    """

    def __init__(self, scale: float, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs: list[Array]) -> Array:
        """The sum."""
        return inputs[0] + inputs[1] * self.scale

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "scale": self.scale}
