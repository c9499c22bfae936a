"""Muon: orthogonal steps for matrices, Adam for the rest."""

import re
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
class Muon(Optimizer):
    """A matrix moves by the orthogonal matrix that is nearest to its momentum, about (Jordan et al. 2024; Liu et al. 2025).

        m = momentum m + g,  u = g + momentum m (`nesterov`) or m
        u = u / |u|, transposed where it has more rows than columns; then `ns_steps` times
            A = u uᵀ,  u = muon_a u + (muon_b A + muon_c A A) u
        w = w - rate * rms_rate * sqrt(max(rows, columns)) * u

    Adam updates, with a rate of `adam_lr_ratio` times the other, what is no matrix (also kernels of convolutions), embeddings, and what
    `exclude_layers` names: the last layer should be named there.

    Args:
        learning_rate: see `Optimizer`.
        adam_beta_1, adam_beta_2: in [0, 1); epsilon: at least 0: of Adam.
        adam_weight_decay: the weight decay of what Adam updates, or None.
        weight_decay: that of matrices, or None.
        exclude_layers: regular expressions found in the paths of variables (`model/layer/kernel`) that Adam is to update.
        exclude_embeddings: whether Adam updates what has "embedding" in its path.
        muon_a, muon_b, muon_c: numbers of the iteration, which takes singular values of 0 to 1 to about 1.
        adam_lr_ratio: at least 0.
        momentum: in [0, 1].
        ns_steps: int of at least 0.
        nesterov: bool.
        rms_rate: number by which, and by the root of the larger side, a step is multiplied so that it is about as long as one of
            Adam; None leaves it as it is.

    Further arguments: see `Optimizer`. A single expression may be given for `exclude_layers`. (Keras takes its letters for expressions.)

    Raises:
        ValueError: an argument is out of its range, or one of `exclude_layers` is no regular expression.
    """

    slots = ("momentum", "velocity")
    ranges: ClassVar = {
        "adam_beta_1": (0, 1, False),
        "adam_beta_2": (0, 1, False),
        "adam_weight_decay": (0, None),
        "epsilon": (0, None),
        "adam_lr_ratio": (0, None),
        "momentum": (0, 1),
        "rms_rate": (0, None),
        "muon_a": (None, None),
        "muon_b": (None, None),
        "muon_c": (None, None),
    }
    counts: ClassVar = {"ns_steps": 0}
    flags = ("nesterov", "exclude_embeddings")
    optional = ("adam_weight_decay", "rms_rate")
    fixed = (*Optimizer.fixed, "exclude_layers", "exclude_embeddings")

    def __init__(
        self,
        learning_rate: Rate = 0.001,
        adam_beta_1: float = 0.9,
        adam_beta_2: float = 0.999,
        adam_weight_decay: float | None = 0.004,
        epsilon: float = 1e-7,
        weight_decay: float | None = 0.004,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        exclude_layers: Sequence[str] | None = None,
        exclude_embeddings: bool = True,
        muon_a: float = 3.4445,
        muon_b: float = -4.775,
        muon_c: float = 2.0315,
        adam_lr_ratio: float = 1,
        momentum: float = 0.95,
        ns_steps: int = 5,
        nesterov: bool = True,
        rms_rate: float | None = 0.2,
        **kwargs: Any,
    ):
        shared = (weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency)
        super().__init__(learning_rate, *shared, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.adam_beta_1, self.adam_beta_2, self.epsilon = adam_beta_1, adam_beta_2, epsilon
        self.adam_weight_decay, self.adam_lr_ratio = adam_weight_decay, adam_lr_ratio
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.momentum, self.ns_steps, self.nesterov, self.rms_rate = momentum, ns_steps, nesterov, rms_rate
        self.exclude_layers, self.exclude_embeddings = _expressions(exclude_layers), exclude_embeddings

    def is_for_adam(self, param: ArrayLike, variable: Variable | None) -> bool:
        """Whether Adam updates this parameter."""
        if np.ndim(param) != 2 or variable is None:
            return np.ndim(param) != 2
        if self.exclude_embeddings and "embedding" in variable.path.lower():
            return True
        return any(re.search(expression, variable.path) for expression in self.exclude_layers)

    def init_slot(self, slot: str, param: ArrayLike, variable: Variable | None = None) -> np.ndarray | None:
        """A matrix has a momentum alone."""
        is_needed = slot == "momentum" or self.is_for_adam(param, variable)
        return super().init_slot(slot, param, variable) if is_needed else None

    def kind_of(self, variable: Variable) -> bool | None:
        """What Adam updates can be updated with others."""
        alone = not self.is_for_adam(variable, variable) or self.clipping.is_by_array or variable.constraint is not None
        return None if alone else variable in self._undecayed

    def decay_of(self, param: Array, variable: Variable | None) -> float | None:
        """Matrices have a weight decay of their own."""
        return self.adam_weight_decay if self.is_for_adam(param, variable) else self.weight_decay

    def step(self, grad: Array, param: Array, slots: Slots, rate: Array, iteration: Array) -> tuple[Array, Slots]:
        if slots["velocity"] is not None:
            return self._adam(grad, param, slots, rate * self.adam_lr_ratio, iteration)
        m = self.momentum * slots["momentum"] + grad
        move = self.orthogonal(grad + self.momentum * m if self.nesterov else m)
        size = 1 if self.rms_rate is None else self.rms_rate * max(param.shape) ** 0.5
        return param - rate * size * move, {"momentum": m, "velocity": None}

    def orthogonal(self, matrix: Array) -> Array:
        """About U Vᵀ of a matrix U S Vᵀ, by the iteration of Newton and Schulz."""
        x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
        x = x / (jnp.sqrt(jnp.sum(x * x)) + 1e-7)
        for _ in range(self.ns_steps):
            squares = x @ x.T
            x = self.muon_a * x + (self.muon_b * squares + self.muon_c * squares @ squares) @ x
        return x.T if matrix.shape[0] > matrix.shape[1] else x

    def _adam(self, grad, param, slots, rate, iteration):
        corrected = rate * jnp.sqrt(1 - self.adam_beta_2**iteration) / (1 - self.adam_beta_1**iteration)
        m, v = slots["momentum"], slots["velocity"]
        m, v = m + (grad - m) * (1 - self.adam_beta_1), v + (grad * grad - v) * (1 - self.adam_beta_2)
        return param - m * corrected / (jnp.sqrt(v) + self.epsilon), {"momentum": m, "velocity": v}

    def get_config(self) -> Config:
        """Every argument."""
        shared = super().get_config()
        own = [name for name in Muon.__signature__.parameters if name not in {*shared, "kwargs"}]
        return {**shared, **{name: getattr(self, name) for name in own}}


def _expressions(given):
    """A list of regular expressions."""
    expressions = [given] if isinstance(given, str) else list(given or ())
    for expression in expressions:
        try:
            re.compile(expression)
        except (re.error, TypeError) as error:
            raise ValueError(
                f"Muon's exclude_layers takes regular expressions; {expression!r} is none: {error}."
            ) from None
    return expressions
