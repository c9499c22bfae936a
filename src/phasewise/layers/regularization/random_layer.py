"""What layers share that disturb their input at random in training and are the identity in inference."""

from typing import Any

from phasewise.core.types import Array, Config, Shape
from phasewise.layer.layer import Layer


class RandomLayer(Layer):
    """Subclass it with `disturb(inputs)` and `disturbance()`, a few words for `explain`.

    Args:
        seed: int; the draw is then a function of it, the step and the layer's path, else of the run's seed.
    """

    supports_masking = True

    def __init__(self, *, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if isinstance(seed, str | float | bool):
            raise ValueError(f"{type(self).__name__}'s seed is an integer or None; got {seed!r}.")
        self.seed = seed

    def call(self, inputs: Array, training: bool | None = None) -> Array:
        """The inputs, disturbed in training."""
        return self.disturb(inputs) if training else inputs

    def disturb(self, inputs: Array) -> Array:
        """The inputs as a call in training returns them."""
        raise NotImplementedError(f"{type(self).__name__} must define `disturb`.")

    def disturbance(self) -> str:
        """In a few words, what training does."""
        raise NotImplementedError(f"{type(self).__name__} must define `disturbance`.")

    def phase_action(self, training: bool, statistics: str | None = None) -> str:
        """The disturbance, or that the input passes through."""
        return self.disturbance() if training else "passes through"

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return input_shape

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "seed": self.seed}


def check_rate(layer: Layer, rate: float, *, one_included: bool = True) -> float:
    """`rate` when it is a fraction to drop.

    Raises:
        ValueError: it is not.
    """
    inside = isinstance(rate, int | float) and not isinstance(rate, bool) and 0 <= rate <= 1
    if not inside or (rate == 1 and not one_included):
        bounds = "[0, 1]" if one_included else "[0, 1)"
        raise ValueError(f"{type(layer).__name__}'s rate is the fraction to drop, in {bounds}; got {rate!r}.")
    return rate
