"""What layers share that disturb their input at random in training and are the identity in inference."""

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np

from phasewise.core import random, registry
from phasewise.core.types import Array, Config, Shape
from phasewise.layer.layer import Layer

Seed: TypeAlias = int | random.SeedGenerator | None
"""What a random layer draws from."""


class RandomLayer(Layer):
    """Subclass it with `disturb(inputs)` and `disturbance()`, a few words for `explain`.

    Args:
        seed: int or `phasewise.random.SeedGenerator`; the draw is then a function of it, the step and the layer's place in the
            model, else of the run's seed.

    Raises:
        ValueError: `seed` is none of these.
    """

    supports_masking = True

    def __init__(self, *, seed: Seed = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed = as_seed(self, seed)

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
        return {**super().get_config(), "seed": registry.serialize(self.seed)}


def as_seed(layer: Layer, seed: Any) -> Seed:
    """What a layer draws from, from what its user or its config gave.

    Raises:
        ValueError: it is no integer, no `SeedGenerator` and not None.
    """
    if isinstance(seed, Mapping):  # as `get_config` gave it
        return random.SeedGenerator.from_config(seed.get("config", {}))
    if seed is None or isinstance(seed, random.SeedGenerator):
        return seed
    return random.checked_seed(type(layer).__name__, seed)


def check_rate(layer: Layer | str, rate: float, name: str = "rate", *, one_included: bool = True) -> float:
    """The argument `name` of a layer, or of the class of that name, when it is a fraction to drop.

    Raises:
        ValueError: it is not.
    """
    inside = isinstance(rate, int | float) and not isinstance(rate, bool) and 0 <= rate <= 1
    if not inside or (rate == 1 and not one_included):
        bounds = "[0, 1]" if one_included else "[0, 1)"
        owner = layer if isinstance(layer, str) else type(layer).__name__
        raise ValueError(f"{owner}'s {name} is the fraction to drop, in {bounds}; got {rate!r}.")
    return rate


def thinned(inputs: Array, rate: float, kept: Callable[[], Array]) -> Array:
    """`inputs` where `kept()` is True, divided by 1 - rate; 0 elsewhere. Nothing is drawn for a rate of 0 or 1."""
    if rate == 0:
        return inputs
    if rate == 1:
        return jnp.zeros_like(inputs)
    return jnp.where(kept(), inputs / (1 - rate), 0).astype(inputs.dtype)


def drawn_to_keep(layer: Layer, shape: Shape, rate: float, seed: Seed) -> Array:
    """A random mask of this shape, drawn by `layer`: True with probability 1 - rate, to within 2**-33."""
    return layer.draw_bits(shape, seed) >= np.uint32(min(round(rate * 2**32), 2**32 - 1))
