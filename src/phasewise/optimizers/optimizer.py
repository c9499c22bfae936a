"""Optimizer: a pure update of arrays, and the shell that Keras users know."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core import naming, registry
from phasewise.core.pickling import Portable
from phasewise.core.types import Array, ArrayLike, Config
from phasewise.core.variable import Variable
from phasewise.kernels.finite import magnitude
from phasewise.optimizers.arguments import Rate, check_rate, schedule_of, spelled_out
from phasewise.optimizers.clipping import Clipping
from phasewise.optimizers.schedules import KIND as SCHEDULE
from phasewise.optimizers.settings import Settings, new_revision
from phasewise.optimizers.slots import Slots, State, by_variable, filled, whole
from phasewise.optimizers.weight_decay import Exclusions

KIND = "optimizer"
MODERATE_GRADIENT, MODERATE_RATE = 1e15, 1e3  # up to which an update by a tame rule stays below 1e30
LEAST_EPSILON = 1e-12


class Optimizer(Settings, Portable):
    """Subclass it with `slots` (names of arrays kept for each parameter) and `step`.

    Args:
        learning_rate: positive number, a schedule, or a function of the step.
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

    slots = ()
    is_elementwise = False  # whether `step` computes each entry from the same entries of its arrays alone

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
            raise ValueError(f"{type(self).__name__} has no argument {next(iter(kwargs))!r}.")
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

    # -- the pure part

    def init(self, params: Sequence[ArrayLike], variables: Sequence[Variable] | None = None) -> State:
        """The state before the first step, for a list of arrays: a dict of NumPy arrays."""
        state = {"iterations": np.int32(0), "slots": {slot: [_zeros_like(p) for p in params] for slot in self.slots}}
        if self.schedule is None:
            state["learning_rate"] = np.float32(self._initial_rate)
        state.update(self.init_extra(params))
        if self.use_ema:
            state["ema"] = [np.array(p) for p in params]
        if self.gradient_accumulation_steps:
            state["accumulated"] = [_zeros_like(p) for p in params]
        return state

    def init_extra(self, params: Sequence[ArrayLike]) -> State:
        """More entries of the state, none of them for a single parameter, for a subclass that needs them."""
        return {}

    def update(
        self,
        grads: Sequence[Array],
        state: State,
        params: Sequence[Array],
        variables: Sequence[Variable] | None = None,
    ) -> tuple[list[Array], State]:
        """One step. Pure.

        Args:
            grads, params: lists of arrays.
            state: as `init` made it.
            variables: the `Variable`s behind the parameters, for constraints and exclusions; or None.

        Returns:
            (new params, new state).

        Raises:
            ValueError: a gradient is None. (Keras warns and leaves its parameter alone.)
        """
        if any(g is None for g in grads):
            raise ValueError("A gradient is None: every parameter needs one.")
        step = self._accumulate if self.gradient_accumulation_steps else self._apply
        return step(grads, state, params, variables or [None] * len(params), self._rate(state))

    def step(self, grad: Array, param: Array, slots: Slots, rate: Array, iteration: Array) -> tuple[Array, Slots]:
        """The new value of one parameter and of its slots.

        Args:
            grad, param: arrays; slots: dict name -> array.
            rate: scalar; iteration: float scalar, 1 in the first update.

        Returns:
            (new param, dict of new slots).
        """
        raise NotImplementedError(f"{type(self).__name__} must define `step`.")

    def update_extra(self, state: State, iteration: Array) -> State:
        """New values of what `init_extra` made."""
        return {}

    def kind_of(self, variable: Variable) -> bool | None:
        """What must agree for two parameters to be updated as one array; None: this one is updated by itself.

        Only where the update of an entry depends on that entry alone.
        """
        alone = not self._says("is_elementwise") or self.clipping.is_by_array or variable.constraint is not None
        return None if alone else variable in self._undecayed

    def is_tame(self, variables: Sequence[Variable]) -> bool:
        """Whether an update of these from finite values by moderate gradients (see `is_moderate`) cannot overflow."""
        return (
            self._says("is_elementwise")
            and getattr(self, "epsilon", 1) >= LEAST_EPSILON
            and not getattr(self, "centered", False)  # a difference that can come out below zero, under a root
            and (self.weight_decay or 0) <= 1
            and (self.loss_scale_factor or 1) >= 1
            and all(jnp.finfo(v.dtype).max > 1e38 and v.constraint is None for v in variables)
        )

    def is_moderate(self, grads: Sequence[Array], state: State) -> Array:
        """Whether gradients and rate are finite and of a usual size, by far: a boolean scalar. Costs one look at the gradients."""
        return (magnitude(grads) <= MODERATE_GRADIENT) & (self._rate(state) <= MODERATE_RATE)

    def _says(self, attribute):
        """What the class that defines `step` says: a subclass with a rule of its own must say it again."""
        return next(vars(cls).get(attribute, False) for cls in type(self).__mro__ if "step" in vars(cls))

    def finalize(self, params: Sequence[Array], state: State) -> Sequence[Array]:
        """The parameters when training ends: their averages where they are kept."""
        return list(state["ema"]) if self.use_ema else params

    def scale_loss(self, loss: Array, state: State | None = None) -> Array:
        """What the gradients are to be taken of in a step from `state`: `loss` times `loss_scale_factor`."""
        return loss * self.loss_scale_factor if self.loss_scale_factor else loss

    def _apply(self, grads, state, params, variables, rate):
        iteration = (jnp.asarray(state["iterations"]) + 1).astype(jnp.float32)
        if self.loss_scale_factor:
            grads = [g / self.loss_scale_factor for g in grads]
        values, slots = [], {slot: [] for slot in state["slots"]}
        for i, (grad, param, variable) in enumerate(zip(self.clipping(grads), params, variables, strict=True)):
            before = {slot: kept[i] for slot, kept in state["slots"].items()}
            decayed = self._decayed(param, variable, rate)
            value, after = self.step(grad.astype(param.dtype), decayed, before, rate, iteration)
            values.append(_constrained(value.astype(param.dtype), variable))
            for slot, new in after.items():
                slots[slot].append(new)
        extra = self.update_extra(state, iteration)
        state = {**state, "iterations": state["iterations"] + 1, "slots": slots, **extra}
        return self._averaged(values, state, variables) if self.use_ema else (values, state)

    def _rate(self, state):
        if self.schedule is not None:
            return jnp.asarray(self.schedule(state["iterations"]), jnp.float32)
        return jnp.asarray(state["learning_rate"], jnp.float32)

    def _decayed(self, param, variable, rate):
        if self.weight_decay is None or variable in self._undecayed:
            return param
        return param - param * (self.weight_decay * rate).astype(param.dtype)

    def _averaged(self, params, state, variables):
        # The first update copies the parameters, as Keras does.
        m = jnp.where(state["iterations"] == 1, 0.0, self.ema_momentum)
        ema = [(m * old + (1 - m) * new).astype(new.dtype) for old, new in zip(state["ema"], params)]
        if self.ema_overwrite_frequency:
            now = state["iterations"] % self.ema_overwrite_frequency == 0
            params = [jnp.where(now, _constrained(e, v), p) for e, p, v in zip(ema, params, variables)]
        return params, {**state, "ema": ema}

    def _accumulate(self, grads, state, params, variables, rate):
        every = self.gradient_accumulation_steps
        total = [a + g for a, g in zip(state["accumulated"], grads)]
        inner = {**state, "iterations": state["iterations"] // every}
        new_params, new_inner = self._apply([t / every for t in total], inner, params, variables, rate)
        due = (state["iterations"] + 1) % every == 0

        def pick(new, old):
            return jnp.where(due, new, old)

        kept = {k: jax.tree.map(pick, new_inner[k], state[k]) for k in state if k not in ("iterations", "accumulated")}
        kept["accumulated"] = [jnp.where(due, jnp.zeros_like(t), t) for t in total]
        kept["iterations"] = state["iterations"] + 1
        return [pick(n, p) for n, p in zip(new_params, params)], kept

    # -- the shell

    def prepare(self, variables: Iterable[Variable]) -> None:
        """Make the state for these variables. What was kept for a variable that is known is found again, also when it
        was left out (frozen) for a while."""
        variables = list(variables)
        if self.state is not None and [id(v) for v in variables] == [id(v) for v in self._known]:
            return
        fresh = self.init([v.raw for v in variables], variables)
        if self.state is None:
            self._undecayed.warn_of_unused(variables)
            fresh["iterations"] = np.int32(self._first_step)
        else:
            kept = {**self._resting, **by_variable(self.state, self._known)}
            fresh = filled({**fresh, **whole(self.state)}, kept, variables)
            active = {id(v) for v in variables}
            self._resting = {key: part for key, part in kept.items() if key not in active}
        self.state, self._known = fresh, variables

    def knows(self, variables: Iterable[Variable]) -> bool:
        """Whether there is a state for all of these."""
        known = {*map(id, self._known), *self._resting}
        return all(id(variable) in known for variable in variables)

    def begin_anew(self) -> None:
        """Forget the variables and what was kept for them; the learning rate holds on."""
        if self.schedule is None and self.state is not None and "learning_rate" in self.state:
            self._initial_rate = float(self.state["learning_rate"])
        self.state, self._known, self._resting = None, [], {}

    def build(self, variables: Iterable[Variable]) -> None:
        """`prepare`, under Keras's name."""
        self.prepare(variables)

    def apply(self, grads: Sequence[ArrayLike], trainable_variables: Iterable[Variable] | None = None) -> None:
        """Update the variables, those of the last time by default, by hand with a list of gradients.

        Raises:
            ValueError: a gradient is None, there is not one for each variable, or none are known yet.
        """
        if trainable_variables is None and self.state is None:
            raise ValueError("This optimizer knows no variables yet: give them, apply(grads, variables).")
        variables = self._known if trainable_variables is None else list(trainable_variables)
        if len(grads) != len(variables):
            raise ValueError(f"apply needs one gradient for each variable; got {len(grads)} for {len(variables)}.")
        self.prepare(variables)
        grads = [None if g is None else jnp.asarray(g) for g in grads]
        values, self.state = self.update(grads, self.state, [jnp.asarray(v.raw) for v in variables], variables)
        for variable, value in zip(variables, values):
            variable.assign(value)

    def apply_gradients(self, grads_and_vars: Iterable[tuple[ArrayLike, Variable]]) -> int:
        """As `apply`, from (gradient, variable) pairs. Returns the number of updates so far."""
        grads, variables = zip(*grads_and_vars)
        self.apply(list(grads), list(variables))
        return int(self.iterations)

    def finalize_variable_values(self, var_list: Iterable[Variable]) -> None:
        """Give the variables their averages, where averages are kept; `fit` does this when it ends."""
        self.prepare(var_list)
        for variable, value in zip(self._known, self.finalize([v.raw for v in self._known], self.state)):
            variable.assign(value)

    @property
    def built(self) -> bool:
        """Whether there is a state."""
        return self.state is not None

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


def _constrained(value, variable):
    return value if variable is None or variable.constraint is None else variable.constraint(value)


def _zeros_like(param):
    return np.zeros(np.shape(param), param.dtype)  # unlike np.zeros_like, costs no memory before it is used
