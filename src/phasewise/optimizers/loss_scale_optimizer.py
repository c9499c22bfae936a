"""Dynamic loss scaling: what keeps gradients from vanishing in float16."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import jax.numpy as jnp
import numpy as np

from phasewise.core import registry
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config
from phasewise.core.variable import Variable
from phasewise.kernels.finite import all_finite, where
from phasewise.optimizers.arguments import check_count, check_range
from phasewise.optimizers.in_step import note_scaled
from phasewise.optimizers.kept import Entry
from phasewise.optimizers.optimizer import KIND, Optimizer
from phasewise.optimizers.slots import State

LARGEST = 2.0**64  # from there on a doubled scale would not be finite for long


def _of_inner(name):
    def of_inner(self) -> Any:
        return getattr(self.inner_optimizer, name)

    return property(of_inner, doc=f"The inner optimizer's `{name}`.")


_OWN = frozenset({"inner_optimizer", "initial_scale", "dynamic_growth_steps", "name"})


@register(KIND)
class LossScaleOptimizer(Optimizer):
    """Another optimizer, with gradients taken of `scale * loss` and divided by the scale again (Micikevicius et al. 2018).

    Below 6e-8 a float16 number is 0, and above 65504 infinite. After `dynamic_growth_steps` finite steps in a row the scale is
    doubled; when a gradient is not finite, the scale is halved and the step is left out: weights, the optimizer's state and its
    `iterations` stay as they were. Everything else (learning rate, clipping, averages …) is the inner optimizer's and can be read
    and set through this one.

    `compile` wraps the optimizer of a model that computes in "mixed_float16", itself or in one of its layers, unless
    `auto_scale_loss=False`. (Keras looks at the model's own policy alone.)

    Args:
        inner_optimizer: the optimizer that makes the steps.
        initial_scale: positive number.
        dynamic_growth_steps: positive int.
        name: str.

    Where it differs from Keras: the scale is not halved below 1 (or `initial_scale`, if that is less). A gradient that is not
    finite at this scale is no matter of scaling; the step is made, so that `fit(on_nonfinite=...)` finds what it led to. Keras
    leaves such steps out for ever and says nothing.

    Raises:
        ValueError: an argument is out of range, or `inner_optimizer` is no optimizer.
    """

    wraps_others = True
    state, revision, slots, _first_step = map(_of_inner, ("state", "revision", "slots", "_first_step"))

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
    ):
        if not isinstance(inner_optimizer, Optimizer) or isinstance(inner_optimizer, LossScaleOptimizer):
            raise ValueError(
                f"LossScaleOptimizer wraps an optimizer that does not scale losses; got {inner_optimizer!r}."
            )
        self.inner_optimizer = inner_optimizer
        self.initial_scale = check_range("initial_scale", initial_scale, 0, LARGEST)
        if not self.initial_scale:
            raise ValueError("An optimizer's initial_scale must be above 0; got 0.")
        self.dynamic_growth_steps = check_count("dynamic_growth_steps", dynamic_growth_steps, 1)
        self.name = name or "loss_scale_optimizer"

    def __getattr__(self, name):
        if name in _OWN or name.startswith("__"):
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")
        return getattr(self.inner_optimizer, name)

    def __setattr__(self, name, value):
        if name in _OWN:
            super().__setattr__(name, value)
        else:
            setattr(self.inner_optimizer, name, value)

    # -- the pure part

    def init(self, params: Sequence[ArrayLike], variables: Sequence[Variable] | None = None) -> State:
        """The inner optimizer's state, with "dynamic_scale" and "finite_steps", those since it last changed."""
        return {**self.inner_optimizer.init(params, variables), **self._initial()}

    def _initial(self):
        return {"dynamic_scale": np.float32(self.initial_scale), "finite_steps": np.int32(0)}

    def update(
        self,
        grads: Sequence[Array],
        state: State,
        params: Sequence[Array],
        variables: Sequence[Variable] | None = None,
    ) -> tuple[list[Array], State]:
        """One step with the gradients of the scaled loss, or none where these are not finite. Pure."""
        scale, least = jnp.asarray(state["dynamic_scale"]), min(1.0, self.initial_scale)
        finite = all_finite(list(grads))
        unscaled = [g.astype(jnp.promote_types(g.dtype, jnp.float32)) / scale for g in grads]
        made = self.inner_optimizer.update(unscaled, state, params, variables)
        values, after = where(finite | (scale <= least), made, (list(params), state))
        count = state["finite_steps"] + 1
        grows = count >= self.dynamic_growth_steps
        grown = jnp.where(grows, jnp.minimum(2 * scale, LARGEST), scale)
        after["dynamic_scale"] = jnp.where(finite, grown, jnp.maximum(scale / 2, least)).astype(jnp.float32)
        after["finite_steps"] = jnp.where(finite & ~grows, count, 0).astype(jnp.int32)
        return values, after

    def scale_loss(self, loss: Array, state: State | None = None) -> Array:
        """`loss` times the scale of `state`, by default the present one."""
        note_scaled(self)
        return self.inner_optimizer.scale_loss(loss * self._scale_in(self.state if state is None else state))

    def _scale_in(self, state):
        return (state or {}).get("dynamic_scale", self.initial_scale)

    def kind_of(self, variable: Variable) -> bool | None:
        """The inner optimizer's."""
        return self.inner_optimizer.kind_of(variable)

    def is_tame(self, variables: Sequence[Variable]) -> bool:
        """As the inner optimizer, where the gradients that are looked at are not smaller than those that it gets."""
        return self.initial_scale >= 1 and self.inner_optimizer.is_tame(variables)

    def is_moderate(self, grads: Sequence[Array], state: State) -> Array:
        """The inner optimizer's answer for the scaled gradients."""
        return self.inner_optimizer.is_moderate(grads, state)

    def wrong_rate(self, state: State) -> str | None:
        """The inner optimizer's."""
        return self.inner_optimizer.wrong_rate(state)

    def finalize(self, params: Sequence[Array], state: State) -> Sequence[Array]:
        """The inner optimizer's."""
        return self.inner_optimizer.finalize(params, state)

    # -- the shell

    def prepare(self, variables: Iterable[Variable]) -> None:
        """Make the inner optimizer's state for these variables; the scale stays what it is."""
        before = self.inner_optimizer.state or {}
        self.inner_optimizer.prepare(variables)
        if "dynamic_scale" not in self.inner_optimizer.state:
            kept = {name: before.get(name, first) for name, first in self._initial().items()}
            self.inner_optimizer.state = {**self.inner_optimizer.state, **kept}

    @property
    def dynamic_scale(self) -> float:
        """The present scale."""
        return float(self._scale_in(self.state))

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's; assignable where that is."""
        return self.inner_optimizer.learning_rate

    @property
    def iterations(self) -> Any:
        """The updates that were made: those that were left out do not count."""
        return self.inner_optimizer.iterations

    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """As the inner optimizer's."""
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def entries(self) -> list[Entry]:
        """As in Keras: a count and a rate that stay 0, the finite steps and the scale, and the inner optimizer's."""
        unused = [Entry(f"{self.name}/iteration", (), _no_count), Entry(f"{self.name}/learning_rate", (), _no_rate)]
        names = () if self.state is None else (("step_counter", "finite_steps"), ("dynamic_scale", "dynamic_scale"))
        own = [Entry(f"{self.name}/{name}", (place,)) for name, place in names]
        return [*unused, *own, *self.inner_optimizer.entries()]

    def _read(self, entry):
        return self.inner_optimizer._read(entry)

    def _write(self, values):
        self.inner_optimizer._write(values)

    def get_config(self) -> Config:
        """Every argument."""
        return {
            "name": self.name,
            "inner_optimizer": registry.serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new one around a new inner optimizer."""
        return cls(**{**config, "inner_optimizer": registry.deserialize(KIND, config["inner_optimizer"])})


def _no_count(state):
    return np.int32(0)


def _no_rate(state):
    return np.float32(0)


def scaled_where_needed(optimizer: Optimizer | None, layers: Iterable[Any]) -> Optimizer | None:
    """`optimizer`, with a dynamic loss scale where one of the layers computes in float16 with wider weights."""
    needed = any(layer.dtype_policy.name == "mixed_float16" for layer in layers)
    if optimizer is None or isinstance(optimizer, LossScaleOptimizer) or not needed:
        return optimizer
    return LossScaleOptimizer(optimizer)
