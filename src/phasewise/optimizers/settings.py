"""What can be set on an optimizer, at any time: checked, and in force from the next step on."""

import inspect
import itertools
import numbers
from typing import Any, ClassVar

import jax
import numpy as np

from phasewise.core import former, registry, settings
from phasewise.core.arguments import check_flag
from phasewise.core.variable import Variable
from phasewise.optimizers.arguments import Rate, check_count, check_range, check_rate, schedule_of
from phasewise.optimizers.clipping import Clipping
from phasewise.optimizers.live import Live

# Set again and again while a program runs: none of them is compiled into it.
_NOT_COMPILED = frozenset(
    {"state", "revision", "learning_rate", "iterations", "name", "_known", "_resting", "_initial_rate", "_first_step"}
)
_revisions = itertools.count(1)  # of all optimizers, so that no two agree
_INTERNAL = frozenset({"schedule", "clipping", "slots", "transformation"})
_OLD_NAMES = {"lr": "learning_rate", "decay": "weight_decay", "clip_norm": "clipnorm", "clip_value": "clipvalue"}


def new_revision() -> int:
    """A number that no optimizer of this process has had as its `revision`."""
    return next(_revisions)


class Settings(settings.Settings):
    """The attributes of an optimizer. A subclass says what its own may be.

    Attributes:
        ranges: dict from the name of a setting to the arguments (low, high) of `check_range`, and whether high is included.
        counts: dict from the name of one that is a whole number to the least that it may be.
        flags: names of those that are True or False.
        optional: names of those that may be None.
        fixed: names of those that a state, once made, depends on.
        revision: another number whenever something was set that is compiled into a step; no two optimizers have the same.
    """

    ranges: ClassVar = {"weight_decay": (0, None), "ema_momentum": (0, 1), "loss_scale_factor": (0, None)}
    counts: ClassVar = {"ema_overwrite_frequency": 1, "gradient_accumulation_steps": 2}
    flags = ("use_ema",)
    optional = ("weight_decay", "loss_scale_factor", "ema_overwrite_frequency", "gradient_accumulation_steps")
    fixed = ("use_ema", "gradient_accumulation_steps")
    revision = 0
    state = None
    _first_step = 0

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _NOT_COMPILED:
            object.__setattr__(self, name, value)
            return
        self._refuse_unknown(name)
        value = self._checked(name, value)
        if name in self.fixed and self.state is not None and value != getattr(self, name):
            raise AttributeError(
                f"{name} of {type(self).__name__} cannot be set once training has begun, since what is kept for each weight "
                f"depends on it. Make a new optimizer with {name}={value!r} and compile with it."
            )
        before = self.own_slots() if "slots" in vars(self) else None
        object.__setattr__(self, name, value)
        self.revision = new_revision()
        if before is not None and self.own_slots() != before:
            self._change_slots(before, self.own_slots())

    def own_slots(self) -> tuple[str, ...]:
        """The slots that the present settings ask for."""
        return self.slots

    def _change_slots(self, before, after):
        """Begin to keep what a setting now asks for, as before the first step, and forget what it no longer does."""
        kept = [slot for slot in self.slots if slot in after or slot not in before]
        self.slots = (*kept, *(slot for slot in after if slot not in kept))
        if self.state is not None:
            old = self.state["slots"]
            slots = {s: old[s] if s in old else [self.init_slot(s, v.raw, v) for v in self._known] for s in self.slots}
            self.state = {**self.state, "slots": slots}

    def __getattr__(self, name):
        if name in former.ATTRIBUTES:
            raise AttributeError(former.attribute(type(self).__name__, name), name=name)
        return object.__getattribute__(self, name)  # raises what the first look-up raised

    def _refuse_unknown(self, name):
        """Raises AttributeError for a name that no step reads: it would be set without an effect."""
        cls = type(self)
        takes = [p.name for p in inspect.signature(cls).parameters.values() if p.kind is not p.VAR_KEYWORD]
        is_ours = cls.__module__.startswith("phasewise.")
        if name[0] == "_" or name in takes or name in _INTERNAL or hasattr(self, name):
            return
        if is_ours or name == "lr":
            near = _OLD_NAMES.get(name) or registry.nearest(name, takes)
            hint = f" Did you mean {near!r}?" if near else ""
            raise AttributeError(f"{cls.__name__} has no setting {name!r}.{hint} It has: {', '.join(takes)}.")

    def _checked(self, name, value):
        owner = type(self).__name__
        if self._declares("flags", name):
            return check_flag(owner, name, value)
        may_be_none = self._declares("optional", name)
        if value is None and may_be_none:
            return None
        least = self._declared("counts", name)
        if least is not None:
            return check_count(name, value, least, may_be_none)
        bounds = self._declared("ranges", name)
        return value if bounds is None else check_range(name, value, *bounds)

    def _declares(self, kind, name):
        return any(name in vars(cls).get(kind, ()) for cls in type(self).__mro__)

    def _declared(self, kind, name):
        return next((vars(cls)[kind][name] for cls in type(self).__mro__ if name in vars(cls).get(kind, ())), None)

    # -- bounds on gradients

    @property
    def clipnorm(self) -> float | None:
        """Bound on each gradient's norm, or None. One of the three bounds at most can be set."""
        return self.clipping.get_config()["clipnorm"]

    @clipnorm.setter
    def clipnorm(self, value: float | None) -> None:
        self.clipping = Clipping(**{**self.clipping.get_config(), "clipnorm": value})

    @property
    def clipvalue(self) -> float | None:
        """Bound on the entries of gradients, or None."""
        return self.clipping.get_config()["clipvalue"]

    @clipvalue.setter
    def clipvalue(self, value: float | None) -> None:
        self.clipping = Clipping(**{**self.clipping.get_config(), "clipvalue": value})

    @property
    def global_clipnorm(self) -> float | None:
        """Bound on the norm of all gradients together, or None."""
        return self.clipping.get_config()["global_clipnorm"]

    @global_clipnorm.setter
    def global_clipnorm(self, value: float | None) -> None:
        self.clipping = Clipping(**{**self.clipping.get_config(), "global_clipnorm": value})

    # -- the rate and the count

    @property
    def iterations(self) -> Variable:
        """Number of updates so far: a variable, which can be assigned. Inside `update_step`, an array."""
        return vars(self)["_now"]["iterations"] if "_now" in vars(self) else Live(self, "iterations", "int32")

    @iterations.setter
    def iterations(self, value: int) -> None:
        count = np.asarray(value)
        if count.shape or not isinstance(count.item(), numbers.Integral) or count < 0 or count.dtype == bool:
            raise ValueError(f"An optimizer's iterations are an integer of at least 0; got {value!r}.")
        self._first_step = int(count) * (self.gradient_accumulation_steps or 1)
        if self.state is not None:
            self.state = {**self.state, "iterations": np.int32(self._first_step)}
            if "accumulated" in self.state:  # a new round begins
                self.state["accumulated"] = [np.zeros(a.shape, a.dtype) for a in self.state["accumulated"]]

    @property
    def learning_rate(self) -> Variable:
        """The rate of the next step: a variable. Assignable, unless a schedule sets it; also by another schedule, for which the
        step is compiled anew. A number compiles nothing. Inside `update_step`, an array."""
        return vars(self)["_now"]["learning_rate"] if "_now" in vars(self) else Live(self, "learning_rate", "float32")

    @learning_rate.setter
    def learning_rate(self, value: Rate) -> None:
        schedule = schedule_of(value)
        if schedule is not None:
            self.schedule, self._initial_rate = schedule, None
            if self.state is not None:
                kept = {name: part for name, part in self.state.items() if name != "learning_rate"}
                self.state = {**kept, "rate": np.float32(0)}
            return
        if self.schedule is not None:
            raise TypeError(
                "This optimizer's learning rate follows a schedule: a number cannot be assigned to it. Assign another schedule, or "
                "make the optimizer with a number."
            )
        self._initial_rate = check_rate(value)
        if self.state is not None:
            self.state = {**self.state, "learning_rate": np.float32(self._initial_rate)}

    def _present(self, name):
        if name == "iterations":
            return self._steps() // (self.gradient_accumulation_steps or 1)
        if self.schedule is not None:
            return self.schedule(
                self._steps() if isinstance(self._steps(), jax.core.Tracer) else np.int32(self._steps())
            )
        return self._initial_rate if self.state is None else self.state["learning_rate"]

    def _steps(self):
        if self.state is None:
            return self._first_step
        count = self.state["iterations"]
        return count if isinstance(count, jax.core.Tracer) else int(count)
