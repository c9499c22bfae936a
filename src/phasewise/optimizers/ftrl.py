"""Follow the regularized leader."""

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
class Ftrl(Optimizer):
    """Follow the regularized leader, for sparse linear models: each weight is the minimum of all past linearized losses and of a
    growing penalty, so that an L1 term makes zeros (McMahan et al. 2013, algorithm 1).

        n' = n + g²,  p = -learning_rate_power
        z  = z + g + 2 shrinkage w - (n' ** p - n ** p) / rate * w
        w  = (clip(z, -l1, l1) - z) / (n' ** p / rate + 2 l2 + beta / rate)

    Args:
        learning_rate: see `Optimizer`.
        learning_rate_power: at most 0; at 0 the rate does not fall.
        initial_accumulator_value: n before the first step, at least 0. What n begins with pulls the first weights to 0.
        l1_regularization_strength, l2_regularization_strength: at least 0.
        l2_shrinkage_regularization_strength: at least 0; a penalty on the present weight, which comes with its gradient.
        beta: at least 0.

    Further arguments: see `Optimizer`.

    Where it differs from Keras: with a rate of 0 nothing moves, and where all that would hold a weight is 0 (no gradient yet, n = 0) it
    stays as it is. Keras gives NaN in both cases.
    """

    is_elementwise = True
    slots = ("accumulator", "linear")
    ranges: ClassVar = {
        "learning_rate_power": (None, 0),
        "initial_accumulator_value": (0, None),
        "l1_regularization_strength": (0, None),
        "l2_regularization_strength": (0, None),
        "l2_shrinkage_regularization_strength": (0, None),
        "beta": (0, None),
    }
    fixed = (*Optimizer.fixed, "initial_accumulator_value")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
        *shared: Any,
        **named: Any,
    ):
        super().__init__(learning_rate, *shared, **named)
        self.learning_rate_power, self.initial_accumulator_value = learning_rate_power, initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    def init_slot(self, slot: str, param: ArrayLike, variable: Variable | None = None) -> np.ndarray:
        """n is `initial_accumulator_value` everywhere, z is 0."""
        first = self.initial_accumulator_value if slot == "accumulator" else 0
        return np.full(np.shape(param), first, param.dtype)

    def is_tame(self, variables: Sequence[Variable]) -> bool:
        """No: it divides by the rate, and raises squares to a power that may be large."""
        return False

    def step(self, grad: Array, param: Array, slots: Slots, rate: Array, iteration: Array) -> tuple[Array, Slots]:
        moves = rate > 0
        rate = jnp.where(moves, rate, 1).astype(param.dtype)
        before, power = slots["accumulator"], -self.learning_rate_power
        total = before + grad * grad
        pull = grad + 2 * self.l2_shrinkage_regularization_strength * param
        linear = slots["linear"] + pull - (total**power - before**power) / rate * param
        weight = total**power / rate + 2 * self.l2_regularization_strength + self.beta / rate
        l1, is_held = self.l1_regularization_strength, weight > 0
        value = (jnp.clip(linear, -l1, l1) - linear) / jnp.where(is_held, weight, 1)
        new = {"accumulator": jnp.where(moves, total, before), "linear": jnp.where(moves, linear, slots["linear"])}
        return jnp.where(moves & is_held, value, param), new

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), **{name: getattr(self, name) for name in Ftrl.ranges}}
