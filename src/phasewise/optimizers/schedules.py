"""Learning rates that are functions of the step."""

import itertools
import math
import numbers
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp

from phasewise.core import registry
from phasewise.core.registry import Configurable, register
from phasewise.core.settings import Settings
from phasewise.core.types import Array, ArrayLike, Config, Named

__all__ = [
    "CosineDecay",
    "CosineDecayRestarts",
    "ExponentialDecay",
    "InverseTimeDecay",
    "LearningRateSchedule",
    "PiecewiseConstantDecay",
    "PolynomialDecay",
    "deserialize",
    "serialize",
]

KIND = "schedule"


class LearningRateSchedule(Configurable, Settings):
    """Subclass it with `__call__(step)` and `get_config`; `step` may be traced."""

    def __call__(self, step: ArrayLike) -> ArrayLike:
        """The rate of this step (from 0)."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(self, step).")


def serialize(learning_rate_schedule: Named) -> Config | str | None:
    """Class name and config."""
    return registry.serialize(learning_rate_schedule)


def deserialize(
    config: Named, custom_objects: Mapping[str, Any] | None = None
) -> Callable[[ArrayLike], ArrayLike] | None:
    """The schedule that `serialize` described; `custom_objects` are classes and functions by name that it may mean."""
    return registry.deserialize(KIND, config, custom_objects)


@register(KIND)
class ExponentialDecay(LearningRateSchedule):
    """initial_learning_rate * decay_rate ** (step / decay_steps); whole powers only with `staircase`."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = "ExponentialDecay",
    ):
        self.initial_learning_rate = _from_0(self, "initial_learning_rate", initial_learning_rate)
        self.decay_rate = _from_0(self, "decay_rate", decay_rate)
        self.decay_steps, self.staircase, self.name = _positive(decay_steps), staircase, name

    def __call__(self, step: ArrayLike) -> Array:
        power = jnp.asarray(step, jnp.float32) / self.decay_steps
        return self.initial_learning_rate * self.decay_rate ** (jnp.floor(power) if self.staircase else power)


@register(KIND)
class InverseTimeDecay(LearningRateSchedule):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps)."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        decay_rate: float,
        staircase: bool = False,
        name: str | None = "InverseTimeDecay",
    ):
        self.initial_learning_rate = _from_0(self, "initial_learning_rate", initial_learning_rate)
        self.decay_rate = _from_0(self, "decay_rate", decay_rate)
        self.decay_steps, self.staircase, self.name = _positive(decay_steps), staircase, name

    def __call__(self, step: ArrayLike) -> Array:
        part = jnp.asarray(step, jnp.float32) / self.decay_steps
        return self.initial_learning_rate / (1 + self.decay_rate * (jnp.floor(part) if self.staircase else part))


@register(KIND)
class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i] up to and including step boundaries[i], the last value beyond."""

    def __init__(self, boundaries: Sequence[int], values: Sequence[float], name: str | None = "PiecewiseConstant"):
        if len(values) != len(boundaries) + 1:
            raise ValueError(
                f"PiecewiseConstantDecay needs one value more than boundaries; got {len(boundaries)} and {len(values)}."
            )
        if any(later <= earlier for earlier, later in itertools.pairwise(boundaries)):
            raise ValueError(f"PiecewiseConstantDecay's boundaries must increase; got {list(boundaries)}.")
        for number, value in enumerate(values):
            _from_0(self, f"values[{number}]", value)
        self.boundaries, self.values, self.name = list(boundaries), list(values), name

    def __call__(self, step: ArrayLike) -> Array:
        passed = (jnp.asarray(step) > jnp.asarray(self.boundaries)).sum()
        return jnp.asarray(self.values, jnp.float32)[passed]


@register(KIND)
class PolynomialDecay(LearningRateSchedule):
    """From initial_learning_rate to end_learning_rate over decay_steps, along a power; `cycle` begins again further out."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        end_learning_rate: float = 0.0001,
        power: float = 1.0,
        cycle: bool = False,
        name: str | None = "PolynomialDecay",
    ):
        self.initial_learning_rate = _from_0(self, "initial_learning_rate", initial_learning_rate)
        self.end_learning_rate = _from_0(self, "end_learning_rate", end_learning_rate)
        self.decay_steps, self.power = _positive(decay_steps), _from_0(self, "power", power)
        self.cycle, self.name = cycle, name

    def __call__(self, step: ArrayLike) -> Array:
        step, steps = jnp.asarray(step, jnp.float32), float(self.decay_steps)
        if self.cycle:
            steps = steps * jnp.where(step == 0, 1.0, jnp.ceil(step / steps))
        else:
            step = jnp.minimum(step, steps)
        span = self.initial_learning_rate - self.end_learning_rate
        return span * (1 - step / steps) ** self.power + self.end_learning_rate


@register(KIND)
class CosineDecay(LearningRateSchedule):
    """A half cosine from initial_learning_rate (or, after a linear warm-up, warmup_target) to its `alpha`-th part
    (Loshchilov & Hutter 2017)."""

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str | None = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ):
        self.initial_learning_rate = _from_0(self, "initial_learning_rate", initial_learning_rate)
        self.decay_steps, self.alpha, self.name = _positive(decay_steps), _from_0(self, "alpha", alpha), name
        self.warmup_target = None if warmup_target is None else _from_0(self, "warmup_target", warmup_target)
        self.warmup_steps = _from_0(self, "warmup_steps", warmup_steps)

    def __call__(self, step: ArrayLike) -> Array:
        step, begin = jnp.asarray(step, jnp.float32), self.initial_learning_rate
        if self.warmup_target is None:
            return self._decayed(step, begin)
        warming = begin + (self.warmup_target - begin) * step / max(self.warmup_steps, 1)
        return jnp.where(step < self.warmup_steps, warming, self._decayed(step - self.warmup_steps, self.warmup_target))

    def _decayed(self, step, begin):
        part = jnp.clip(step / self.decay_steps, 0, 1)
        return begin * ((1 - self.alpha) * 0.5 * (1 + jnp.cos(math.pi * part)) + self.alpha)


@register(KIND)
class CosineDecayRestarts(LearningRateSchedule):
    """Cosine periods, each `t_mul` times longer and `m_mul` times lower than the last (Loshchilov & Hutter 2017)."""

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str | None = "SGDRDecay",
    ):
        self.initial_learning_rate = _from_0(self, "initial_learning_rate", initial_learning_rate)
        self.first_decay_steps, self.t_mul = _positive(first_decay_steps), _from_1(self, "t_mul", t_mul)
        self.m_mul, self.alpha, self.name = _from_0(self, "m_mul", m_mul), _from_0(self, "alpha", alpha), name

    def __call__(self, step: ArrayLike) -> Array:
        part = jnp.asarray(step, jnp.float32) / self.first_decay_steps
        if self.t_mul == 1.0:
            period = jnp.floor(part)
            part = part - period
        else:
            period = jnp.floor(jnp.log1p(part * (self.t_mul - 1)) / math.log(self.t_mul))
            begun = (1 - self.t_mul**period) / (1 - self.t_mul)
            part = (part - begun) / self.t_mul**period
        height = 0.5 * self.m_mul**period * (1 + jnp.cos(math.pi * part))
        return self.initial_learning_rate * ((1 - self.alpha) * height + self.alpha)


def _from_0(schedule, name, value):
    return _from(0, schedule, name, value)


def _from_1(schedule, name, value):
    return _from(1, schedule, name, value)


def _from(least, schedule, name, value):
    """`value`, which no learning rate below 0 can come from."""
    if not isinstance(value, numbers.Real) or isinstance(value, bool) or not least <= value < math.inf:
        raise ValueError(f"{type(schedule).__name__}'s {name} must be a number of at least {least}; got {value!r}.")
    return value


def _positive(steps):
    if not isinstance(steps, numbers.Real) or isinstance(steps, bool) or not 0 < steps < math.inf:
        raise ValueError(f"A schedule's number of steps must be positive; got {steps!r}.")
    return steps
