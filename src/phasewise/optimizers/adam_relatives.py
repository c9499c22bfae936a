"""Relatives of Adam that measure the spread of gradients, or look ahead, in another way."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config
from phasewise.kernels.moving_average import share_seen
from phasewise.optimizers.arguments import Rate
from phasewise.optimizers.optimizer import KIND, Optimizer
from phasewise.optimizers.slots import Slots, State


@register(KIND)
class Adamax(Optimizer):
    """Adam with the largest gradient, decayed, in the place of the root of the mean square (Kingma & Ba 2015, section 7.1).

        m = beta_1 m + (1 - beta_1) g
        u = max(beta_2 u, |g|)
        w = w - rate * m / ((1 - beta_1 ** t) (u + epsilon))

    Args:
        learning_rate: see `Optimizer`.
        beta_1, beta_2: in [0, 1).
        epsilon: at least 0.

    Further arguments: see `Optimizer`.
    """

    is_elementwise = True
    slots = ("momentum", "norm")
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
        m, u = slots["momentum"], slots["norm"]
        m, u = m + (grad - m) * (1 - self.beta_1), jnp.maximum(self.beta_2 * u, jnp.abs(grad))
        corrected = (rate / (1 - self.beta_1**iteration)).astype(param.dtype)
        return param - corrected * m / (u + self.epsilon), {"momentum": m, "norm": u}

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}


@register(KIND)
class Nadam(Optimizer):
    """Adam with Nesterov's momentum (Dozat 2016, algorithm 2), whose beta_1 grows along the steps:

        mu_t = beta_1 (1 - 0.5 * 0.96 ** t),  p_t = mu_1 mu_2 … mu_t
        m, v = moving averages of g and g², with beta_1 and beta_2
        n    = mu_{t+1} m / (1 - p_{t+1}) + (1 - mu_t) g / (1 - p_t)
        w    = w - rate * n / (sqrt(v / (1 - beta_2 ** t)) + epsilon)

    Args:
        learning_rate: see `Optimizer`.
        beta_1, beta_2: in [0, 1).
        epsilon: at least 0.

    Further arguments: see `Optimizer`. The product p is kept in float32 whatever the weights are in. (Keras: in the dtype of the first.)
    """

    is_elementwise = True
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

    def init_extra(self, params: Sequence[ArrayLike]) -> State:
        """The product of no momenta."""
        return {"momentum_product": np.float32(1)}

    def update_extra(self, state: State, iteration: Array) -> State:
        """The product with that of this step."""
        return {"momentum_product": state["momentum_product"] * self._momentum(iteration)}

    def _momentum(self, iteration):
        return self.beta_1 * (1 - 0.5 * 0.96**iteration)

    def step(self, grad: Array, param: Array, slots: Slots, rate: Array, iteration: Array) -> tuple[Array, Slots]:
        m, v = slots["momentum"], slots["velocity"]
        m, v = m + (grad - m) * (1 - self.beta_1), v + (grad * grad - v) * (1 - self.beta_2)
        now, then, product = self._momentum(iteration), self._momentum(iteration + 1), slots["momentum_product"]
        ahead = then / (1 - product * then) * m + (1 - now) / (1 - product) * grad
        spread = jnp.sqrt(v / share_seen(self.beta_2, iteration)) + self.epsilon
        return param - rate * ahead / spread, {"momentum": m, "velocity": v}

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
