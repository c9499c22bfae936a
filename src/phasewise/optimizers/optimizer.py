"""Optimizer: a pure update of arrays, and the shell that Keras users know."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import jax.numpy as jnp
import numpy as np

from phasewise.core import constructors, naming, registry
from phasewise.core.keywords import message, told
from phasewise.core.pickling import Portable
from phasewise.core.types import ArrayLike, Config
from phasewise.core.variable import Variable
from phasewise.optimizers.arguments import Rate, check_rate, schedule_of, spelled_out
from phasewise.optimizers.clipping import Clipping
from phasewise.optimizers.in_step import ready
from phasewise.optimizers.kept import KeptVariables
from phasewise.optimizers.schedules import KIND as SCHEDULE
from phasewise.optimizers.settings import new_revision
from phasewise.optimizers.slots import by_variable, filled, whole
from phasewise.optimizers.update_rule import UpdateRule
from phasewise.optimizers.weight_decay import Exclusions

KIND = "optimizer"


class Optimizer(UpdateRule, KeptVariables, Portable):
    """Subclass it with `slots` (names of arrays kept for each parameter) and `step`; or, as in Keras, with `build` and `update_step`.

    Args:
        learning_rate: number of at least 0, a schedule, or a function of the step. Where one of these gives less than 0, `fit` and
            `apply` raise; elsewhere it is taken as 0. (Keras goes up the loss.)
        weight_decay: the fraction of each parameter taken off, times the learning rate, in every step (Loshchilov &
            Hutter 2019), or None.
        clipnorm, clipvalue, global_clipnorm: at most one: bound on each gradient's norm, its entries, the norm of all.
        use_ema: keep exponential moving averages of the parameters; they replace the parameters when `fit` ends. They
            are averages of what the constraints leave, taken once an update; Keras takes them before the constraints,
            and under gradient accumulation also in the steps that update nothing.
        ema_momentum: in [0, 1].
        ema_overwrite_frequency: also replace them every so many updates.
        loss_scale_factor: number by which `fit` multiplies the loss, and by which gradients are divided, or None.
        gradient_accumulation_steps: average the gradients of this many steps, then update once. A schedule counts the
            steps, everything else the updates.
        name: str.

    What is set later holds from the next step on, for which the step is compiled anew unless it is a learning rate or
    `iterations`; what a step would not read is refused.
    """

    wraps_others = False  # whether it hands gradients on to other optimizers

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.__signature__ = spelled_out(cls, Optimizer.__init__)

    def __init__(
        self,
        learning_rate: Rate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ):
        if kwargs:
            raise ValueError(message(type(self).__name__, list(kwargs), constructors.names(type(self))))
        self.name = name or naming.unique_name(type(self).__name__)
        self.schedule = schedule_of(learning_rate)
        self._initial_rate = None if self.schedule else check_rate(learning_rate)
        self.clipping = Clipping(clipnorm, clipvalue, global_clipnorm)
        self.weight_decay = weight_decay
        self.use_ema, self.ema_momentum = use_ema, ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._undecayed = Exclusions()
        self.state, self._known, self._resting = None, [], {}

    def __getstate__(self):
        return {**super().__getstate__(), "_resting": list(self._resting.values())}

    def __setstate__(self, state):
        vars(self).update(state, _resting={id(v): (v, part) for v, part in state["_resting"]}, revision=new_revision())

    def prepare(self, variables: Iterable[Variable]) -> None:
        """Make the state for these variables. What was kept for a variable that is known is found again, also when it
        was left out (frozen) for a while."""
        variables = list(variables)
        if self._has_update_step() and not self._begun:
            self.build(variables)
        if self.state is not None and [id(v) for v in variables] == [id(v) for v in self._known]:
            return
        fresh = self.init([v.raw for v in variables], variables)
        if self.state is None:
            self._undecayed.warn_of_unused(variables)
            self._check_schedule()
            fresh["iterations"] = np.int32(self._first_step)
        else:
            kept = {**self._resting, **by_variable(self.state, self._known)}
            fresh = filled({**fresh, **whole(self.state)}, kept, variables)
            active = {id(v) for v in variables}
            self._resting = {key: part for key, part in kept.items() if key not in active}
        self.state, self._known = fresh, variables

    def _check_schedule(self):
        """Raises ValueError where a schedule does not give a number of at least 0 for the first step."""
        if self.schedule is None:
            return
        first = self.schedule(np.int32(self._first_step))
        if np.shape(first) != () or not np.asarray(first) >= 0:
            raise ValueError(
                f"The learning rate must be a number of at least 0 at every step; at step {self._first_step} its schedule gave "
                f"{first!r}."
            )

    def knows(self, variables: Iterable[Variable]) -> bool:
        """Whether there is a state for all of these."""
        known = {*map(id, self._known), *self._resting}
        return all(id(variable) in known for variable in variables)

    def begin_anew(self) -> None:
        """Forget the variables and what was kept for them; the learning rate holds on."""
        if self.schedule is None and self.state is not None and "learning_rate" in self.state:
            self._initial_rate = float(self.state["learning_rate"])
        self.state, self._known, self._resting = None, [], {}
        self._begun, self._own, self._trainable_variables = False, (), ()

    @told
    def build(self, var_list: Iterable[Variable]) -> None:
        """`prepare`, under Keras's name. A subclass with `update_step` makes its variables here, after `super().build(var_list)`."""
        if self._has_update_step():
            self._trainable_variables, self._begun = list(var_list), True
        else:
            self.prepare(var_list)

    @told
    def apply(self, grads: Sequence[ArrayLike], trainable_variables: Iterable[Variable] | None = None) -> None:
        """Update the variables, those of the last time by default, by hand with a list of gradients; also in a `train_step`.

        Raises:
            ValueError: a gradient is None, there is not one for each variable, or none are known yet.
        """
        if trainable_variables is None and self.state is None:
            raise ValueError("This optimizer knows no variables yet: give them, apply(grads, variables).")
        variables = self._known if trainable_variables is None else list(trainable_variables)
        if len(grads) != len(variables):
            raise ValueError(f"apply needs one gradient for each variable; got {len(grads)} for {len(variables)}.")
        ready(self, variables)
        grads = [None if g is None else jnp.asarray(g) for g in grads]
        values, self.state = self.update(grads, self.state, [jnp.asarray(v.raw) for v in variables], variables)
        for variable, value in zip(variables, values):
            variable.assign(value)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[ArrayLike, Variable]]) -> int:
        """As `apply`, from (gradient, variable) pairs. Returns the number of updates so far."""
        grads, variables = zip(*grads_and_vars)
        self.apply(list(grads), list(variables))
        return self._present("iterations")

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Give the variables their averages, where averages are kept; `fit` does this when it ends."""
        self.prepare(var_list)
        for variable, value in zip(self._known, self.finalize([v.raw for v in self._known], self.state)):
            variable.assign(value)

    @property
    def built(self) -> bool:
        """Whether there is a state, or what it will be made of."""
        return self._begun or self.state is not None

    @told
    def exclude_from_weight_decay(
        self, var_list: Iterable[Variable] | None = None, var_names: Iterable[str] | None = None
    ) -> None:
        """Leave variables out of the weight decay, by object or by a regular expression found in their name or path. One that no
        trained variable has is warned of at the first step.

        Raises:
            ValueError: the optimizer was used already, or an expression is none.
        """
        if self.built:
            raise ValueError("exclude_from_weight_decay must be called before the first step: the step is compiled.")
        self._undecayed.add(var_list, var_names)

    def get_config(self) -> Config:
        """Every argument."""
        return {
            "name": self.name,
            "learning_rate": registry.serialize(self.schedule) if self.schedule is not None else self._initial_rate,
            "weight_decay": self.weight_decay,
            **self.clipping.get_config(),
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """An optimizer from what `get_config` returned.

        Raises:
            ValueError: the learning rate was a function that is not registered.
        """
        rate = config.get("learning_rate")
        if isinstance(rate, str):
            config = {**config, "learning_rate": registry.deserialize(SCHEDULE, rate)}
        return cls(**config)
