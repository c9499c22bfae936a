"""SGD and RMSprop."""

from typing import Any

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, Config
from phasewise.optimizers.arguments import Rate, check_range
from phasewise.optimizers.optimizer import KIND, Optimizer
from phasewise.optimizers.slots import Slots


@register(KIND, "sgd")
class SGD(Optimizer):
    """w - rate * g; with momentum m: v = m v - rate * g, w + v (or, `nesterov`, w + m v - rate * g)."""

    is_elementwise = True

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *shared: Any,
        **named: Any,
    ):
        super().__init__(learning_rate, *shared, **named)
        self.momentum, self.nesterov = check_range("momentum", momentum, 0, 1), nesterov
        self.slots = ("momentum",) if self.momentum else ()

    def step(self, grad: Array, param: Array, slots: Slots, rate: Array, iteration: Array) -> tuple[Array, Slots]:
        move = -rate.astype(param.dtype) * grad
        if not self.momentum:
            return param + move, {}
        velocity = slots["momentum"] * self.momentum + move
        return param + (velocity * self.momentum + move if self.nesterov else velocity), {"momentum": velocity}

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}


@register(KIND, "rmsprop")
class RMSprop(Optimizer):
    """Gradients over the root of a moving average of their squares (Tieleman & Hinton 2012); `centered` takes the variance."""

    is_elementwise = True

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.9,
        momentum: float = 0.0,
        epsilon: float = 1e-7,
        centered: bool = False,
        *shared: Any,
        **named: Any,
    ):
        super().__init__(learning_rate, *shared, **named)
        self.rho, self.momentum = check_range("rho", rho, 0, 1), check_range("momentum", momentum, 0, 1)
        self.epsilon, self.centered = check_range("epsilon", epsilon, 0, None), centered
        self.slots = ("velocity", *(("momentum",) if momentum else ()), *(("average",) if centered else ()))

    def step(self, grad: Array, param: Array, slots: Slots, rate: Array, iteration: Array) -> tuple[Array, Slots]:
        new = {"velocity": self.rho * slots["velocity"] + (1 - self.rho) * grad * grad}
        spread = new["velocity"] + self.epsilon
        if self.centered:
            new["average"] = self.rho * slots["average"] + (1 - self.rho) * grad
            spread = spread - new["average"] * new["average"]
        move = rate.astype(param.dtype) * grad / jnp.sqrt(spread)
        if self.momentum:
            move = new["momentum"] = self.momentum * slots["momentum"] + move
        return param - move, new

    def get_config(self) -> Config:
        """Every argument."""
        mine = {"rho": self.rho, "momentum": self.momentum, "epsilon": self.epsilon, "centered": self.centered}
        return {**super().get_config(), **mine}
