"""A penalty on activations, as a layer."""

from typing import Any

from phasewise import regularizers
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Shape
from phasewise.layer.layer import Layer


@register("layer")
class ActivityRegularization(Layer):
    """Its input; adds l1 * sum(|x|) + l2 * sum(x²), divided by the number of rows, to the loss; 0 for no rows.

    Args:
        l1, l2: at least 0.
    """

    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1, self.l2 = l1, l2

    def call(self, inputs: Array) -> Array:
        """The inputs."""
        return inputs

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return input_shape

    def get_config(self) -> Config:
        """Every argument."""
        config = {**super().get_config(), "l1": self.l1, "l2": self.l2}
        del config["activity_regularizer"]
        return config
