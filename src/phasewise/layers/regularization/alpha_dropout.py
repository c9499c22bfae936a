"""Dropout that keeps the mean and variance of standard normal inputs."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array
from phasewise.layers.regularization.dropout import Dropout
from phasewise.layers.regularization.random_layer import Seed, check_rate

SATURATION = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717  # where SELU ends on the left


@register("layer")
class AlphaDropout(Dropout):
    """In training, sets entries to the value at which SELU saturates, then scales and shifts all.

    With q = 1 - rate and s = -1.7581: a * (x or s) + b, where a = (q * (1 + rate * s²))**-0.5 and b = -a * s * rate, so that
    mean 0 and variance 1 stay (Klambauer et al. 2017, section "New dropout technique"). The identity in inference.

    Args:
        rate: in [0, 1).
        noise_shape, seed: as in `Dropout`.

    Input: any shape. Output: the same shape.
    """

    def __init__(self, rate: float, noise_shape: Sequence[int | None] | None = None, seed: Seed = None, **kwargs: Any):
        super().__init__(rate, noise_shape, seed, **kwargs)
        check_rate(self, rate, one_included=False)

    def disturb(self, inputs: Array) -> Array:
        """The inputs, some of them saturated."""
        check_rate(self, self.rate, one_included=False)  # it may have been assigned
        if self.rate == 0:
            return inputs
        factor = ((1 - self.rate) * (1 + self.rate * SATURATION**2)) ** -0.5
        x = jnp.where(self.kept(inputs), inputs, SATURATION)
        return (factor * x - factor * SATURATION * self.rate).astype(inputs.dtype)

    def disturbance(self) -> str:
        """Saturates."""
        return f"saturates {self.rate:.0%}"
