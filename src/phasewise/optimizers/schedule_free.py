"""AdamW without a schedule."""

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config
from phasewise.core.variable import Variable
from phasewise.kernels.moving_average import share_seen
from phasewise.optimizers.arguments import Rate
from phasewise.optimizers.optimizer import KIND, Optimizer
from phasewise.optimizers.slots import Slots


@register(KIND)
class ScheduleFreeAdamW(Optimizer):
    """AdamW whose averages make a schedule of the rate needless (Defazio et al. 2024, algorithm 1 with equal weights).

    Three points for each parameter: z, where plain steps go; x, the mean of all z so far; and y, between them, where gradients are
    taken. The model's weights are y.

        v = moving average of g² (with beta_2)
        z = z - rate * min(1, t / warmup_steps) * g / (sqrt(v / (1 - beta_2 ** t)) + epsilon)
        x = (1 - 1/t) x + z / t
        y = (1 - beta_1) z + beta_1 x

    Args:
        learning_rate: see `Optimizer`.
        beta_1: in [0, 1]; how far y is on the way from z to x.
        beta_2: in [0, 1).
        epsilon: at least 0.
        warmup_steps: int of at least 0.

    Further arguments: see `Optimizer`.

    x is not kept: it is (y - (1 - beta_1) z) / beta_1, with y the weights and z the slot "momentum". As in Keras, the model has y
    also when training ends, where the paper would take x.

    Where it differs from Keras: nothing is divided by beta_1, so that it may be 0. (Keras: NaN.)
    """

    is_elementwise = True
    slots = ("momentum", "velocity")
    ranges: ClassVar = {"beta_1": (0, 1), "beta_2": (0, 1, False), "epsilon": (0, None)}
    counts: ClassVar = {"warmup_steps": 0}

    def __init__(
        self,
        learning_rate: Rate = 0.0025,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-8,
        warmup_steps: int = 0,
        *shared: Any,
        **named: Any,
    ):
        super().__init__(learning_rate, *shared, **named)
        self.beta_1, self.beta_2, self.epsilon, self.warmup_steps = beta_1, beta_2, epsilon, warmup_steps

    def init_slot(self, slot: str, param: ArrayLike, variable: Variable | None = None) -> np.ndarray:
        """z begins at the parameter."""
        return np.array(param) if slot == "momentum" else super().init_slot(slot, param, variable)

    def step(self, grad: Array, param: Array, slots: Slots, rate: Array, iteration: Array) -> tuple[Array, Slots]:
        z, v = slots["momentum"], slots["velocity"]
        if self.warmup_steps:
            rate = rate * jnp.minimum(iteration / self.warmup_steps, 1)
        v = v + (grad * grad - v) * (1 - self.beta_2)
        move = rate * grad / (jnp.sqrt(v / share_seen(self.beta_2, iteration)) + self.epsilon)
        new = (z - move).astype(z.dtype)
        share = 1 / iteration
        mean = (1 - share) * (param - (1 - self.beta_1) * z) + share * self.beta_1 * new  # beta_1 x
        return (1 - self.beta_1) * new + mean, {"momentum": new, "velocity": v}

    def get_config(self) -> Config:
        """Every argument."""
        mine = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        return {**super().get_config(), **mine, "warmup_steps": self.warmup_steps}
