"""Adagrad and Adadelta: a rate for each entry, from the squares of its past gradients."""

from collections.abc import Sequence
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config
from phasewise.core.variable import Variable
from phasewise.optimizers.arguments import Rate
from phasewise.optimizers.optimizer import KIND, Optimizer
from phasewise.optimizers.slots import Slots


@register(KIND)
class Adagrad(Optimizer):
    """a = a + g², w - rate * g / sqrt(a + epsilon): entries that moved much move less (Duchi, Hazan & Singer 2011, section 1.3).

    Args:
        learning_rate: see `Optimizer`; the paper's own form has 1.0.
        initial_accumulator_value: `a` before the first step, at least 0.
        epsilon: at least 0, under the root.

    Further arguments: see `Optimizer`.
    """

    is_elementwise = True
    slots = ("accumulator",)
    ranges: ClassVar = {"initial_accumulator_value": (0, None), "epsilon": (0, None)}
    fixed = (*Optimizer.fixed, "initial_accumulator_value")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        *shared: Any,
        **named: Any,
    ):
        super().__init__(learning_rate, *shared, **named)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def init_slot(self, slot: str, param: ArrayLike, variable: Variable | None = None) -> np.ndarray:
        """`initial_accumulator_value` everywhere."""
        return np.full(np.shape(param), self.initial_accumulator_value, param.dtype)

    def step(self, grad: Array, param: Array, slots: Slots, rate: Array, iteration: Array) -> tuple[Array, Slots]:
        total = slots["accumulator"] + grad * grad
        return param - rate.astype(param.dtype) * grad / jnp.sqrt(total + self.epsilon), {"accumulator": total}

    def get_config(self) -> Config:
        """Every argument."""
        mine = {"initial_accumulator_value": self.initial_accumulator_value, "epsilon": self.epsilon}
        return {**super().get_config(), **mine}


@register(KIND)
class Adadelta(Optimizer):
    """A step as long as the latest steps, in units of the latest gradients (Zeiler 2012, algorithm 1).

        a = rho a + (1 - rho) g²
        d = -sqrt(b + epsilon) / sqrt(a + epsilon) * g
        b = rho b + (1 - rho) d²
        w = w + rate * d

    Args:
        learning_rate: see `Optimizer`; the paper's own form has 1.0.
        rho: in [0, 1].
        epsilon: at least 0.

    Further arguments: see `Optimizer`.
    """

    is_elementwise = True
    slots = ("accumulated_grad", "accumulated_delta_var")
    ranges: ClassVar = {"rho": (0, 1), "epsilon": (0, None)}

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        rho: float = 0.95,
        epsilon: float = 1e-7,
        *shared: Any,
        **named: Any,
    ):
        super().__init__(learning_rate, *shared, **named)
        self.rho, self.epsilon = rho, epsilon

    def is_tame(self, variables: Sequence[Variable]) -> bool:
        """As other rules, if the present gradient counts in what it is divided by."""
        return self.rho < 1 and super().is_tame(variables)

    def step(self, grad: Array, param: Array, slots: Slots, rate: Array, iteration: Array) -> tuple[Array, Slots]:
        squares = self.rho * slots["accumulated_grad"] + (1 - self.rho) * grad * grad
        moved = slots["accumulated_delta_var"]
        move = jnp.sqrt(moved + self.epsilon) * grad / jnp.sqrt(squares + self.epsilon)
        moved = self.rho * moved + (1 - self.rho) * move * move
        new = {"accumulated_grad": squares, "accumulated_delta_var": moved}
        return param - rate.astype(param.dtype) * move, new

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}
