"""SGD and RMSprop."""

from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, Config
from phasewise.optimizers.arguments import Rate
from phasewise.optimizers.optimizer import KIND, Optimizer
from phasewise.optimizers.slots import Slots


@register(KIND, "sgd")
class SGD(Optimizer):
    """w - rate * g; with momentum m: v = m v - rate * g, w + v (or, `nesterov`, w + m v - rate * g)."""

    is_elementwise = True
    ranges: ClassVar = {"momentum": (0, 1)}
    flags = ("nesterov",)

    def __init__(
        self,
        learning_rate: Rate = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
        *shared: Any,
        **named: Any,
    ):
        super().__init__(learning_rate, *shared, **named)
        self.momentum, self.nesterov = momentum, nesterov
        self.slots = self.own_slots()

    def own_slots(self) -> tuple[str, ...]:
        """The velocity, where there is momentum."""
        return ("momentum",) if self.momentum else ()

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
    ranges: ClassVar = {"rho": (0, 1), "momentum": (0, 1), "epsilon": (0, None)}
    flags = ("centered",)

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
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered
        self.slots = self.own_slots()

    def own_slots(self) -> tuple[str, ...]:
        """The mean square, and what momentum and centring need."""
        return (
            "velocity",
            *(("momentum",) if self.momentum else ()),
            *(("average_gradient",) if self.centered else ()),
        )

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """Each slot for all variables, in Keras's order."""
        return tuple((slot,) for slot in self.own_slots())

    def step(self, grad: Array, param: Array, slots: Slots, rate: Array, iteration: Array) -> tuple[Array, Slots]:
        new = {"velocity": self.rho * slots["velocity"] + (1 - self.rho) * grad * grad}
        spread = new["velocity"] + self.epsilon
        if self.centered:
            new["average_gradient"] = self.rho * slots["average_gradient"] + (1 - self.rho) * grad
            spread = spread - new["average_gradient"] * new["average_gradient"]
        move = rate.astype(param.dtype) * grad / jnp.sqrt(spread)
        if self.momentum:
            move = new["momentum"] = self.momentum * slots["momentum"] + move
        return param - move, new

    def get_config(self) -> Config:
        """Every argument."""
        mine = {"rho": self.rho, "momentum": self.momentum, "epsilon": self.epsilon, "centered": self.centered}
        return {**super().get_config(), **mine}
