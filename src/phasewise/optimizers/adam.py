"""Adam and its relatives."""

from typing import Any, ClassVar

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, Config
from phasewise.kernels.adam import adam, moments_after
from phasewise.optimizers.arguments import Rate
from phasewise.optimizers.beforehand import beforehand, computed
from phasewise.optimizers.optimizer import KIND, Optimizer
from phasewise.optimizers.slots import Slots


@register(KIND, "adam")
class Adam(Optimizer):
    """Adaptive moments (Kingma & Ba 2015, the form before section 2.1: epsilon stands outside of the correction, as in
    Keras); `amsgrad` keeps the largest second moment (Reddi et al. 2018)."""

    is_elementwise = True
    ranges: ClassVar = {"beta_1": (0, 1, False), "beta_2": (0, 1, False), "epsilon": (0, None)}
    flags = ("amsgrad",)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *shared: Any,
        **named: Any,
    ):
        super().__init__(learning_rate, *shared, **named)
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad
        self.slots = self.own_slots()

    def own_slots(self) -> tuple[str, ...]:
        """The two moments, and the largest second one where that counts."""
        return ("momentum", "velocity", *(("velocity_hat",) if self.amsgrad else ()))

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """The moments of a variable side by side, then the largest ones of all."""
        return self.slots[:2], self.slots[2:]

    def step(self, grad: Array, param: Array, slots: Slots, rate: Array, iteration: Array) -> tuple[Array, Slots]:
        corrected = computed(_corrected, rate, self.beta_1, self.beta_2, iteration)
        corrected, moments = corrected.astype(param.dtype), (slots["momentum"], slots["velocity"])
        how = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
        if not self.amsgrad:
            param, *moments = adam(grad, param, *moments, corrected, **how)
            return param, dict(zip(self.slots, moments))
        momentum, velocity = moments_after(grad, *moments, self.beta_1, self.beta_2)
        largest = jnp.maximum(slots["velocity_hat"], velocity)
        moved = param - momentum * corrected / (jnp.sqrt(largest) + self.epsilon)
        return moved, {"momentum": momentum, "velocity": velocity, "velocity_hat": largest}

    def _stepped(self, grads, state, params, rate, iteration):
        with beforehand(_corrected, rate, self.beta_1, self.beta_2, iteration):
            return super()._stepped(grads, state, params, rate, iteration)

    def get_config(self) -> Config:
        """Every argument."""
        mine = {"beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon, "amsgrad": self.amsgrad}
        return {**super().get_config(), **mine}


@register(KIND, "adamw", "adam_w")
class AdamW(Adam):
    """Adam with a weight decay of 0.004 unless another is given (Loshchilov & Hutter 2019)."""

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        weight_decay: float = 0.004,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        amsgrad: bool = False,
        *shared: Any,
        **named: Any,
    ):
        if weight_decay is None:
            raise ValueError("AdamW needs a weight_decay; without one, use Adam.")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, *shared, **named)


def _corrected(rate, beta_1, beta_2, iteration):
    """The rate for moments that are still near the zeros they began with."""
    return rate * jnp.sqrt(1 - beta_2**iteration) / (1 - beta_1**iteration)
