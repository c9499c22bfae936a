"""Optimizer: a pure update of arrays, and the shell that Keras users know."""

import jax
import jax.numpy as jnp
import numpy as np

from phasewise import naming, registry
from phasewise.optimizers import clipping
from phasewise.optimizers.schedules import LearningRateSchedule

KIND = "optimizer"


class Optimizer:
    """Subclass it with `slots` (names of arrays kept for each parameter) and `step`.

    Args:
        learning_rate: positive number, a schedule, or a function of the step. A number can be assigned at any time and
            holds from the next step on.
        weight_decay: the fraction of each parameter taken off, times the learning rate, in every step (Loshchilov &
            Hutter 2019), or None.
        clipnorm, clipvalue, global_clipnorm: at most one: bound on each gradient's norm, its entries, the norm of all.
        use_ema: keep exponential moving averages of the parameters; they replace the parameters when `fit` ends.
        ema_momentum: in [0, 1].
        ema_overwrite_frequency: also replace them every so many steps.
        loss_scale_factor: number by which gradients are divided, or None.
        gradient_accumulation_steps: average the gradients of this many steps, then update once.
        name: str.
    """

    slots = ()

    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=None,
        clipnorm=None,
        clipvalue=None,
        global_clipnorm=None,
        use_ema=False,
        ema_momentum=0.99,
        ema_overwrite_frequency=None,
        loss_scale_factor=None,
        gradient_accumulation_steps=None,
        name=None,
        **kwargs,
    ):
        if kwargs:
            raise ValueError(f"{type(self).__name__} has no argument {next(iter(kwargs))!r}.")
        self.name = name or naming.unique_name(type(self).__name__)
        self.schedule = _schedule(learning_rate)
        self._initial_rate = None if self.schedule else check_rate(learning_rate)
        self.clipping = clipping.Clipping(clipnorm, clipvalue, global_clipnorm)
        self.weight_decay = None if weight_decay is None else check_range("weight_decay", weight_decay, 0, None)
        self.use_ema, self.ema_overwrite_frequency = use_ema, ema_overwrite_frequency
        self.ema_momentum = check_range("ema_momentum", ema_momentum, 0, 1)
        self.loss_scale_factor = loss_scale_factor
        if gradient_accumulation_steps is not None and gradient_accumulation_steps < 2:
            raise ValueError(
                f"gradient_accumulation_steps must be at least 2 or None; got {gradient_accumulation_steps!r}."
            )
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._undecayed = set()
        self._undecayed_names = []
        self.state, self._known = None, []

    # -- the pure part

    def init(self, params, variables=None):
        """The state before the first step, for a list of arrays: a dict of NumPy arrays."""
        state = {"iterations": np.int32(0), "slots": {slot: [_zeros(p) for p in params] for slot in self.slots}}
        if self.schedule is None:
            state["learning_rate"] = np.float32(self._initial_rate)
        state.update(self.init_extra(params))
        if self.use_ema:
            state["ema"] = [np.array(p) for p in params]
        if self.gradient_accumulation_steps:
            state["accumulated"] = [_zeros(p) for p in params]
        return state

    def init_extra(self, params):
        """More entries of the state, for a subclass that needs them."""
        return {}

    def update(self, grads, state, params, variables=None):
        """One step. Pure.

        Args:
            grads, params: lists of arrays.
            state: as `init` made it.
            variables: the `Variable`s behind the parameters, for constraints and exclusions; or None.

        Returns:
            (new params, new state).
        """
        if any(g is None for g in grads):
            raise ValueError("A gradient is None: every parameter needs one.")
        if not self.gradient_accumulation_steps:
            return self._apply(grads, state, params, variables)
        return self._accumulate(grads, state, params, variables)

    def step(self, grad, param, slots, rate, iteration):
        """The new value of one parameter and of its slots.

        Args:
            grad, param: arrays; slots: dict name -> array.
            rate: scalar; iteration: float scalar, 1 in the first step.

        Returns:
            (new param, dict of new slots).
        """
        raise NotImplementedError(f"{type(self).__name__} must define `step`.")

    def finalize(self, params, state):
        """The parameters when training ends: their averages where they are kept."""
        return list(state["ema"]) if self.use_ema else params

    def _apply(self, grads, state, params, variables):
        rate = self._rate(state)
        iteration = (jnp.asarray(state["iterations"]) + 1).astype(jnp.float32)
        if self.loss_scale_factor:
            grads = [g / self.loss_scale_factor for g in grads]
        grads = self.clipping(grads)
        variables = variables or [None] * len(params)
        new_params, new_slots = [], {slot: [] for slot in state["slots"]}
        for i, (grad, param, variable) in enumerate(zip(grads, params, variables, strict=True)):
            grad, before = grad.astype(param.dtype), param
            if self.weight_decay is not None and not self._is_excluded(variable):
                before = param - param * (self.weight_decay * rate).astype(param.dtype)
            slots = {slot: values[i] for slot, values in state["slots"].items()}
            value, slots = self.step(grad, before, slots, rate, iteration)
            value = value.astype(param.dtype)
            if variable is not None and variable.constraint is not None:
                value = variable.constraint(value)
            new_params.append(value)
            for slot, new in slots.items():
                new_slots[slot].append(new)
        new_state = {
            **state,
            "iterations": state["iterations"] + 1,
            "slots": new_slots,
            **self.update_extra(state, iteration),
        }
        return self._averaged(new_params, new_state) if self.use_ema else (new_params, new_state)

    def update_extra(self, state, iteration):
        """New values of what `init_extra` made."""
        return {}

    def _rate(self, state):
        if self.schedule is not None:
            return jnp.asarray(self.schedule(state["iterations"]), jnp.float32)
        return jnp.asarray(state["learning_rate"], jnp.float32)

    def _averaged(self, params, state):
        m = self.ema_momentum
        # The first step copies the parameters, as Keras does.
        m = jnp.where(state["iterations"] == 1, 0.0, m)
        ema = [(m * old + (1 - m) * new).astype(new.dtype) for old, new in zip(state["ema"], params)]
        if self.ema_overwrite_frequency:
            now = state["iterations"] % self.ema_overwrite_frequency == 0
            params = [jnp.where(now, average, p) for average, p in zip(ema, params)]
        return params, {**state, "ema": ema}

    def _accumulate(self, grads, state, params, variables):
        every = self.gradient_accumulation_steps
        total = [a + g for a, g in zip(state["accumulated"], grads)]
        inner = {**state, "iterations": state["iterations"] // every}
        new_params, new_inner = self._apply([t / every for t in total], inner, params, variables)
        due = (state["iterations"] + 1) % every == 0

        def pick(new, old):
            return jnp.where(due, new, old)

        kept = {k: jax.tree.map(pick, new_inner[k], state[k]) for k in state if k not in ("iterations", "accumulated")}
        kept["accumulated"] = [jnp.where(due, jnp.zeros_like(t), t) for t in total]
        kept["iterations"] = state["iterations"] + 1
        return [pick(n, p) for n, p in zip(new_params, params)], kept

    # -- the shell

    def prepare(self, variables):
        """Make the state for these variables. Where some are known already, their slots and averages are kept."""
        if self.state is not None and [id(v) for v in variables] == [id(v) for v in self._known]:
            return
        fresh = self.init([v.raw for v in variables], variables)
        if self.state is not None:
            fresh = _carried_over(self.state, self._known, fresh, variables)
        self.state, self._known = fresh, list(variables)

    def apply(self, grads, trainable_variables):
        """Update the variables by hand with a list of gradients."""
        variables = list(trainable_variables)
        self.prepare(variables)
        values, self.state = self.update(
            [jnp.asarray(g) if g is not None else None for g in grads],
            self.state,
            [jnp.asarray(v.raw) for v in variables],
            variables,
        )
        for variable, value in zip(variables, values):
            variable.assign(value)

    def apply_gradients(self, grads_and_vars):
        """As `apply`, from (gradient, variable) pairs."""
        grads, variables = zip(*grads_and_vars)
        self.apply(list(grads), list(variables))

    @property
    def built(self):
        """Whether there is a state."""
        return self.state is not None

    @property
    def iterations(self):
        """Number of updates so far."""
        count = 0 if self.state is None else int(self.state["iterations"])
        return count // (self.gradient_accumulation_steps or 1)

    @property
    def learning_rate(self):
        """The rate of the next step. Assignable, unless a schedule sets it."""
        if self.schedule is not None:
            return float(self.schedule(np.int32(self.iterations)))
        return self._initial_rate if self.state is None else float(self.state["learning_rate"])

    @learning_rate.setter
    def learning_rate(self, value):
        if isinstance(value, LearningRateSchedule):
            raise TypeError("Make a new optimizer to give it a schedule: the rate of this one is a number.")
        if self.schedule is not None:
            raise TypeError(
                "This optimizer's learning rate follows a schedule: it cannot be assigned. Pass a number instead."
            )
        self._initial_rate = check_rate(value)
        if self.state is not None:
            self.state = {**self.state, "learning_rate": np.float32(self._initial_rate)}

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        """Leave variables out of the weight decay, by object or by a part of their path."""
        self._undecayed |= {id(v) for v in var_list or ()}
        self._undecayed_names += list(var_names or ())

    def _is_excluded(self, variable):
        if variable is None:
            return False
        return id(variable) in self._undecayed or any(name in variable.path for name in self._undecayed_names)

    def get_config(self):
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
    def from_config(cls, config):
        """An optimizer from what `get_config` returned."""
        return cls(**config)


def check_rate(value):
    """A learning rate as a float.

    Raises:
        ValueError: it is negative or no number.
    """
    try:
        rate = float(value)
    except (TypeError, ValueError):
        rate = float("nan")
    if not 0 <= rate < float("inf") or isinstance(value, bool | str):
        raise ValueError(
            f"A learning rate is a number of at least 0, a schedule, or a function of the step; got {value!r}."
        )
    return rate


def check_range(name, value, low, high, *, high_included=True):
    """`value` as a float between `low` and `high`.

    Raises:
        ValueError: it is not.
    """
    inside = isinstance(value, int | float) and value >= low
    inside = inside and (high is None or value < high or (high_included and value == high))
    if not inside:
        bound = f"at least {low}" if high is None else f"in [{low}, {high}{']' if high_included else ')'}"
        raise ValueError(f"An optimizer's {name} must be {bound}; got {value!r}.")
    return float(value)


def _schedule(rate):
    if isinstance(rate, dict):
        return registry.deserialize("schedule", rate)
    return rate if isinstance(rate, LearningRateSchedule) or callable(rate) else None


def _zeros(param):
    return np.zeros(np.shape(param), np.asarray(param).dtype if not hasattr(param, "dtype") else param.dtype)


def _carried_over(old, known, fresh, variables):
    """`fresh` with the slots and averages of the variables that `old` knew."""
    places = {id(v): i for i, v in enumerate(known)}

    def carry(old_values, new_values):
        return [old_values[places[id(v)]] if id(v) in places else new for v, new in zip(variables, new_values)]

    state = {**fresh, "iterations": old["iterations"]}
    if "learning_rate" in old:
        state["learning_rate"] = old["learning_rate"]
    state["slots"] = {slot: carry(old["slots"][slot], values) for slot, values in fresh["slots"].items()}
    for name in ("ema", "accumulated"):
        if name in old:
            state[name] = carry(old[name], fresh[name])
    for name in old.keys() - state.keys() | ({"momentum_product"} & old.keys()):
        state[name] = old[name]
    return state
