"""One step of an optimizer: a pure function of gradients, state and parameters."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core.types import Array, ArrayLike
from phasewise.core.variable import Variable
from phasewise.kernels.finite import magnitude
from phasewise.optimizers.in_step import note_scaled
from phasewise.optimizers.settings import Settings
from phasewise.optimizers.slots import Slots, State
from phasewise.optimizers.update_step import UpdateStep

MODERATE_GRADIENT, MODERATE_RATE = 1e15, 1e3  # up to which an update by a tame rule stays below 1e30
LEAST_EPSILON = 1e-12


class UpdateRule(UpdateStep, Settings):
    """How gradients change parameters: what is kept for each (`slots`), how one is updated (`step`), and what all rules share around
    that: clipping, weight decay, constraints, averages, accumulation."""

    slots = ()
    is_elementwise = False  # whether `step` computes each entry from the same entries of its arrays alone

    def init(self, params: Sequence[ArrayLike], variables: Sequence[Variable] | None = None) -> State:
        """The state before the first step, for a list of arrays: a dict of NumPy arrays."""
        behind = variables or [None] * len(params)
        slots = {slot: [self.init_slot(slot, p, v) for p, v in zip(params, behind, strict=True)] for slot in self.slots}
        state = {"iterations": np.int32(0), "slots": slots}
        if self.schedule is None:
            state["learning_rate"] = np.float32(self._initial_rate)
        else:
            state["rate"] = np.float32(0)
        state.update(self.init_extra(params))
        if self._has_update_step():
            state["own"] = [np.array(v.raw) for v in self._own]
        if self.use_ema:
            state["ema"] = [np.array(p) for p in params]
        if self.gradient_accumulation_steps:
            state["accumulated"] = [zeros_like(p) for p in params]
        return state

    def init_slot(self, slot: str, param: ArrayLike, variable: Variable | None = None) -> np.ndarray | None:
        """What a slot of one parameter holds before the first step: zeros of its shape and dtype, unless a subclass says otherwise.
        None: this parameter has no such slot."""
        return zeros_like(param)

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
        rate = self._rate(state)
        if self.schedule is None:
            return step(grads, state, params, variables or [None] * len(params), rate)
        if not isinstance(rate, jax.core.Tracer) and rate < 0:
            raise ValueError(f"The learning rate of step {int(state['iterations'])} is negative: {self._gave(rate)}.")
        # A negative one is taken as 0, and noted as what is found to be no number.
        values, state = step(grads, state, params, variables or [None] * len(params), jnp.maximum(rate, 0))
        return values, {**state, "rate": jnp.where(rate < 0, jnp.nan, rate)}

    def step(self, grad: Array, param: Array, slots: Slots, rate: Array, iteration: Array) -> tuple[Array, Slots]:
        """The new value of one parameter and of its slots.

        Args:
            grad, param: arrays; slots: dict name -> array, and the new values of what `update_extra` gives.
            rate: scalar; iteration: float scalar, 1 in the first update.

        Returns:
            (new param, dict of new slots).
        """
        raise NotImplementedError(f"{type(self).__name__} must define `step`, or `update_step` as in Keras.")

    def update_extra(self, state: State, iteration: Array) -> State:
        """New values of what `init_extra` made; made before the parameters are updated."""
        return {}

    def decay_of(self, param: Array, variable: Variable | None) -> float | None:
        """The weight decay of one parameter that is not excluded from it."""
        return self.weight_decay

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
        rate = self._rate(state)
        return (magnitude(grads) <= MODERATE_GRADIENT) & (rate >= 0) & (rate <= MODERATE_RATE)

    def wrong_rate(self, state: State) -> str | None:
        """What is to be said of the rate of the next step from this state if it is negative, else None."""
        rate = self._rate(state)
        return f"the learning rate is negative: {self._gave(rate)}" if rate < 0 else None

    def _gave(self, rate):
        schedule = getattr(self.schedule, "__name__", type(self.schedule).__name__)
        return f"the schedule {schedule} gave {float(rate):.6g}. It must be at least 0 at every step"

    def _says(self, attribute):
        """What the class that defines `step` says: a subclass with a rule of its own must say it again."""
        return next(vars(cls).get(attribute, False) for cls in type(self).__mro__ if "step" in vars(cls))

    def finalize(self, params: Sequence[Array], state: State) -> Sequence[Array]:
        """The parameters when training ends: their averages where they are kept."""
        return list(state["ema"]) if self.use_ema else params

    def scale_loss(self, loss: Array, state: State | None = None) -> Array:
        """What the gradients are to be taken of in a step from `state`: `loss` times `loss_scale_factor`."""
        note_scaled(self)
        return loss * self.loss_scale_factor if self.loss_scale_factor else loss

    def _apply(self, grads, state, params, variables, rate):
        iteration = (jnp.asarray(state["iterations"]) + 1).astype(jnp.float32)
        if self.loss_scale_factor:
            grads = [g / self.loss_scale_factor for g in grads]
        decayed = [self._decayed(p, v, rate) for p, v in zip(params, variables, strict=True)]
        if self._has_update_step():
            values, new = self._updated(self.clipping(grads), state, decayed, variables, rate)
        else:
            values, new = self._stepped(self.clipping(grads), state, decayed, rate, iteration)
        values = [_constrained(x.astype(p.dtype), v) for x, p, v in zip(values, params, variables)]
        state = {**state, "iterations": state["iterations"] + 1, **new}
        return self._averaged(values, state, variables) if self.use_ema else (values, state)

    def _stepped(self, grads, state, params, rate, iteration):
        """`step` for each parameter: (new values, the new part of the state)."""
        extra = self.update_extra(state, iteration)
        values, slots = [], {slot: [] for slot in state["slots"]}
        for i, (grad, param) in enumerate(zip(grads, params, strict=True)):
            before = {slot: kept[i] for slot, kept in state["slots"].items()}
            value, after = self.step(grad.astype(param.dtype), param, {**extra, **before}, rate, iteration)
            values.append(value)
            for slot, old in before.items():
                slots[slot].append(None if old is None else after[slot].astype(old.dtype))
        return values, {"slots": slots, **extra}

    def _rate(self, state):
        if self.schedule is not None:
            return jnp.asarray(self.schedule(state["iterations"]), jnp.float32)
        return jnp.asarray(state["learning_rate"], jnp.float32)

    def _decayed(self, param, variable, rate):
        decay = None if variable in self._undecayed else self.decay_of(param, variable)
        return param if decay is None else param - param * (decay * rate).astype(param.dtype)

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


def _constrained(value, variable):
    return value if variable is None or variable.constraint is None else variable.constraint(value)


def zeros_like(param: ArrayLike) -> np.ndarray:
    """Zeros of the shape and dtype of an array."""
    return np.zeros(np.shape(param), param.dtype)  # unlike np.zeros_like, costs no memory before it is used
