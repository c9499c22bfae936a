"""Lamb and Lion: steps whose length does not follow that of the gradient."""

from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, Config
from phasewise.optimizers.arguments import Rate
from phasewise.optimizers.optimizer import KIND, Optimizer
from phasewise.optimizers.slots import Slots


@register(KIND)
class Lamb(Optimizer):
    """Adam's step, as long for each variable as its weights are, times the rate (You et al. 2020, algorithm 2).

        m, v = moving averages of g and g², corrected for their begin
        u    = m / (sqrt(v) + epsilon)
        w    = w - rate * |w| / |u| * u          (1 in the place of |w| / |u| where either is 0)

    Args:
        learning_rate: see `Optimizer`.
        beta_1, beta_2: in [0, 1).
        epsilon: at least 0.

    Further arguments: see `Optimizer`. The weight decay is taken off before the step, as by all optimizers here and in Keras; in the
    paper it is part of u.
    """

    slots = ("momentum", "velocity")
    ranges: ClassVar = {"beta_1": (0, 1, False), "beta_2": (0, 1, False), "epsilon": (0, None)}

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        *shared: Any,
        **named: Any,
    ):
        super().__init__(learning_rate, *shared, **named)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def step(self, grad: Array, param: Array, slots: Slots, rate: Array, iteration: Array) -> tuple[Array, Slots]:
        m, v = slots["momentum"], slots["velocity"]
        m, v = m + (grad - m) * (1 - self.beta_1), v + (grad * grad - v) * (1 - self.beta_2)
        spread = jnp.sqrt(v / (1 - self.beta_2**iteration)) + self.epsilon
        move = m / (1 - self.beta_1**iteration) / spread
        size, length = jnp.sqrt(jnp.sum(param * param)), jnp.sqrt(jnp.sum(move * move))
        ratio = jnp.where((size > 0) & (length > 0), size / jnp.where(length > 0, length, 1), 1)
        return param - ratio * rate * move, {"momentum": m, "velocity": v}

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}


@register(KIND)
class Lion(Optimizer):
    """Every entry moves by the rate, in the direction of a moving average of its gradients (Chen et al. 2023, algorithm 2).

        w = w - rate * sign(beta_1 m + (1 - beta_1) g)
        m = beta_2 m + (1 - beta_2) g

    Args:
        learning_rate: see `Optimizer`; a third to a tenth of what one would give AdamW.
        beta_1: in (0, 1].
        beta_2: in [0, 1].

    Further arguments: see `Optimizer`.
    """

    is_elementwise = True
    slots = ("momentum",)
    ranges: ClassVar = {"beta_1": (0, 1, True, False), "beta_2": (0, 1)}

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.99,
        *shared: Any,
        **named: Any,
    ):
        super().__init__(learning_rate, *shared, **named)
        self.beta_1, self.beta_2 = beta_1, beta_2

    def step(self, grad: Array, param: Array, slots: Slots, rate: Array, iteration: Array) -> tuple[Array, Slots]:
        m = slots["momentum"]
        move = rate.astype(param.dtype) * jnp.sign(m * self.beta_1 + grad * (1 - self.beta_1))
        return param - move, {"momentum": m * self.beta_2 + grad * (1 - self.beta_2)}

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}
