"""`optimizer.variables`: what an optimizer keeps, as a list of variables in Keras's order, to read, assign, save and load."""

from collections.abc import Callable, Mapping, MutableMapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core.types import Array, ArrayLike
from phasewise.core.variable import Variable
from phasewise.optimizers.slots import State

_SHARED = (("average", "ema"), ("gradient_accumulator", "accumulated"))
_COUNT, _RATE = ("iterations",), ("learning_rate",)


class Entry(NamedTuple):
    """One of the variables: its path, and the keys that lead to it in the state; or, where it is not kept, a function of the
    state that gives it."""

    path: str
    place: tuple[Any, ...] = ()
    made: Callable[[State], ArrayLike] | None = None

    def of(self, state: State) -> Array:
        """Its value in this state."""
        if self.made is not None:
            return self.made(state)
        for key in self.place:
            state = getattr(state, key) if isinstance(key, str) and not isinstance(state, Mapping) else state[key]
        return state


class Kept(Variable):
    """One of `optimizer.variables`: what is in the state whenever it is looked at. What is not kept takes no value."""

    trainable = made_trainable = autocast = False
    regularizer = constraint = None
    revision = 0

    def __init__(self, owner: Any, entry: Entry):
        self._owner, self._entry = owner, entry
        self.path, self.name = entry.path, entry.path.split("/")[-1]

    @property
    def _value(self):
        value = self._owner._read(self._entry)
        return value if isinstance(value, jax.Array) else np.asarray(value)

    @_value.setter
    def _value(self, value):
        if self._entry.place:
            self._owner._write({self._entry.place: value})


class KeptVariables:
    """The part of an optimizer that shows its state as variables."""

    @property
    def variables(self) -> list[Variable]:
        """What is kept: "iteration" (the steps, also those that only accumulate), "learning_rate" where no schedule sets it, and
        once there is a state the averages, the accumulated gradients and the slots of each trained variable. In Keras's order,
        with its shapes, and in a file under its numbers. Assigning to one compiles nothing."""
        return [Kept(self, entry) for entry in self.entries()]

    def slot_groups(self) -> tuple[tuple[str, ...], ...]:
        """The slots; in `variables`, those of a group lie beside each other for each trained variable."""
        return (tuple(self.slots),)

    def shown_instead(self, slot: str, place: int) -> Callable[[State], ArrayLike] | None:
        """What `variables` shows for a slot that a parameter does not have: a function of the state, or None for nothing."""
        return None

    def entries(self) -> list[Entry]:
        """The variables, as places in the state."""
        rate = [] if self.schedule is not None else [Entry(f"{self.name}/learning_rate", _RATE)]
        found = [Entry(f"{self.name}/iteration", _COUNT), *rate]
        if not self._has_state():
            return found
        for name, part in _SHARED:
            if part in self.state:
                found += [Entry(self._path(v, name), (part, place)) for place, v in enumerate(self._known)]
        for group in self.slot_groups():
            for place, variable in enumerate(self._known):
                for slot in group:
                    found += self._slot(slot, place, variable)
        extra = self.init_extra([v.raw for v in self._known])
        found += [variable._entry for variable in self._own]
        return found + [Entry(f"{self.name}/{name}", (name,)) for name in sorted(extra)]

    def _has_state(self):
        if self.state is None and self._begun:  # one with `update_step` was built, and not used yet
            self.prepare(self._trainable_variables)
        return self.state is not None

    def _slot(self, slot, place, variable):
        path = self._path(variable, slot)
        if self.state["slots"][slot][place] is not None:
            return [Entry(path, ("slots", slot, place))]
        made = self.shown_instead(slot, place)
        return [] if made is None else [Entry(path, (), made)]

    def _path(self, variable, name):
        return f"{self.name}/{variable.path.replace('/', '_')}_{name}"

    def _read(self, entry):
        if entry.place == _COUNT:
            return np.int32(self._steps())
        return np.float32(self._present("learning_rate")) if entry.place == _RATE else entry.of(self.state)

    def _write(self, values):
        """Put these in their places. dict place -> value."""
        values = dict(values)
        if _RATE in values:
            self.learning_rate = np.asarray(values.pop(_RATE))
        if _COUNT in values:
            self._first_step = int(values[_COUNT])
        if self.state is not None:
            self.state = replaced(self.state, values)

    def set_weights(self, weights: Sequence[ArrayLike]) -> None:
        """Give all `variables` these values, in their order.

        Raises:
            ValueError: there is no state yet, or number or shapes are others.
        """
        if not self._has_state():
            raise ValueError(
                f"{type(self).__name__} has no variables to set yet: call optimizer.build(trainable_variables) first."
            )
        entries, weights = self.entries(), list(weights)
        if len(weights) != len(entries):
            raise ValueError(
                f"{type(self).__name__} keeps {len(entries)} variables; got {len(weights)} values. They fit an optimizer of the "
                "same class and settings, built for the same variables."
            )
        values = {}
        for entry, weight in zip(entries, weights):
            now, new = self._read(entry), np.asarray(weight)
            if np.shape(now) != new.shape:
                raise ValueError(f"Optimizer variable {entry.path!r} has shape {np.shape(now)}; got {new.shape}.")
            if entry.place:
                values[entry.place] = np.array(new, now.dtype)
        self._write(values)

    def save_own_variables(self, store: MutableMapping[str, Any]) -> None:
        """Put the values of all `variables` into `store`, under "0", "1" … as Keras does."""
        for number, entry in enumerate(self.entries()):
            store[str(number)] = np.asarray(self._read(entry))

    def load_own_variables(self, store: Mapping[str, Any]) -> None:
        """Take the values of all `variables` from what `save_own_variables` made, here or in Keras.

        Raises:
            ValueError: number or shapes are others. (Keras warns and goes on with a state of zeros where the number differs.)
        """
        self.set_weights([np.asarray(store[str(number)]) for number in range(len(store))])

    def stateless_apply(
        self, optimizer_variables: Sequence[Array], grads: Sequence[Array], trainable_variables: Sequence[Array]
    ) -> tuple[list[Array], list[Array]]:
        """`apply` as a pure function, for a loop of one's own: arrays in, arrays out, nothing is changed.

        Args:
            optimizer_variables: the values of `variables`; grads, trainable_variables: of what the optimizer was built for.

        Returns:
            (new values of the trained variables, new values of `variables`).

        Raises:
            ValueError: there is no state yet, or a list has another length.
        """
        if not self._has_state():
            raise ValueError("stateless_apply needs an optimizer that is built: call optimizer.build(variables) first.")
        entries, lengths = self.entries(), (len(optimizer_variables), len(grads), len(trainable_variables))
        due = (len(entries), len(self._known), len(self._known))
        if lengths != due:
            raise ValueError(
                f"stateless_apply takes the values of {due[0]} optimizer variables, {due[1]} gradients and {due[2]} trainable "
                f"variables; got {lengths[0]}, {lengths[1]} and {lengths[2]}."
            )
        given = {entry.place: value for entry, value in zip(entries, optimizer_variables) if entry.place}
        params = [jnp.asarray(value) for value in trainable_variables]
        values, state = self.update(list(grads), replaced(self.state, given), params, self._known)
        return values, [entry.of(state) for entry in entries]


def replaced(state: State, values: Mapping[tuple[Any, ...], ArrayLike]) -> State:
    """The state with other values at these places."""

    return jax.tree_util.tree_map_with_path(lambda path, old: values.get(keys_of(path), old), state)


def keys_of(path: Sequence[Any]) -> tuple[Any, ...]:
    """The keys, numbers and names on a path of JAX's through a tree."""
    return tuple(getattr(key, "key", getattr(key, "idx", getattr(key, "name", None))) for key in path)
