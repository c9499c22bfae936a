"""Adafactor: second moments of a matrix kept as those of its rows and of its columns."""

from collections.abc import Callable
from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config
from phasewise.core.variable import Variable
from phasewise.optimizers.arguments import Rate
from phasewise.optimizers.optimizer import KIND, Optimizer
from phasewise.optimizers.slots import Slots, State


@register(KIND)
class Adafactor(Optimizer):
    """Adaptive rates at little memory: for a matrix of n rows and m columns n + m numbers are kept (Shazeer & Stern 2018, algorithms 4
    and 5, without momentum). Of an array with more axes, the last two are taken for rows and columns.

        beta = 1 - t ** beta_2_decay
        r, c = moving averages (with beta) of the means of g² + epsilon_1 over the last axis, over the last but one
        v    = r c / mean(r)                     (a vector: the moving average of g² + epsilon_1 itself)
        u    = g / sqrt(v), and u / max(1, rms(u) / clip_threshold)
        w    = w - max(epsilon_2, rms(w)) * rho * u

    Args:
        learning_rate: rho; see `Optimizer`.
        beta_2_decay: at most 0.
        epsilon_1, epsilon_2: at least 0.
        clip_threshold: above 0.
        relative_step: whether a rate that is a number is 1 / sqrt(t) at most; t counts the updates from 1.

    Further arguments: see `Optimizer`.

    Where it differs from Keras: `relative_step=False`, or a schedule, does let a rate stay above 1 / sqrt(t); Keras holds it below in
    any case. The full v of a matrix is not kept, which is the point of the method; `variables` shows it all the same, for the
    sake of files, computed from rows and columns.
    """

    slots = ("row", "column", "velocity")
    ranges: ClassVar = {
        "beta_2_decay": (None, 0),
        "epsilon_1": (0, None),
        "epsilon_2": (0, None),
        "clip_threshold": (0, None, True, False),
    }
    flags = ("relative_step",)

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        beta_2_decay: float = -0.8,
        epsilon_1: float = 1e-30,
        epsilon_2: float = 1e-3,
        clip_threshold: float = 1.0,
        relative_step: bool = True,
        *shared: Any,
        **named: Any,
    ):
        super().__init__(learning_rate, *shared, **named)
        self.beta_2_decay, self.epsilon_1, self.epsilon_2 = beta_2_decay, epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step

    def init_slot(self, slot: str, param: ArrayLike, variable: Variable | None = None) -> np.ndarray | None:
        """Rows and columns for a matrix, all squares for a vector."""
        shape = np.shape(param)
        if (len(shape) < 2) != (slot == "velocity"):
            return None
        kept = {"row": shape[:-1], "column": (*shape[:-2], *shape[-1:]), "velocity": shape}
        return np.zeros(kept[slot], param.dtype)

    def shown_instead(self, slot: str, place: int) -> Callable[[State], ArrayLike]:
        """What Keras keeps besides: v of a matrix, and a whole number 0 for rows and for columns of a vector."""
        if slot != "velocity":
            return lambda state: np.int32(0)
        return lambda state: _product(*(state["slots"][each][place] for each in ("row", "column")))

    def step(self, grad: Array, param: Array, slots: Slots, rate: Array, iteration: Array) -> tuple[Array, Slots]:
        if self.relative_step and self.schedule is None:
            rate = jnp.minimum(rate, 1 / jnp.sqrt(iteration))
        beta, squares = 1 - iteration**self.beta_2_decay, grad * grad + self.epsilon_1
        if slots["velocity"] is None:
            row = _moved(slots["row"], squares.mean(-1), beta)
            column = _moved(slots["column"], squares.mean(-2), beta)
            new = {"row": row, "column": column, "velocity": None}
            spread = _product(row, column)
        else:
            spread = _moved(slots["velocity"], squares, beta)
            new = {"row": None, "column": None, "velocity": spread}
        move = grad / jnp.sqrt(spread)
        move = move / jnp.maximum(1.0, _rms(move) / self.clip_threshold)
        return param - jnp.maximum(self.epsilon_2, _rms(param)) * rate * move, new

    def get_config(self) -> Config:
        """Every argument."""
        mine = {"beta_2_decay": self.beta_2_decay, "epsilon_1": self.epsilon_1, "epsilon_2": self.epsilon_2}
        mine |= {"clip_threshold": self.clip_threshold, "relative_step": self.relative_step}
        return {**super().get_config(), **mine}


def _moved(average, value, beta):
    return beta * average + (1 - beta) * value


def _product(row, column):
    total = row.mean(-1, keepdims=True)
    part = jnp.where(total > 0, row / jnp.where(total > 0, total, 1), 0)
    return part[..., None] * column[..., None, :]


def _rms(x):
    return jnp.sqrt(jnp.mean(x * x))
