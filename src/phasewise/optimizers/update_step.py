"""Rules in Keras's form: variables that the optimizer makes in `build` and assigns in `update_step`, pure all the same."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from phasewise.core.types import Array, ArrayLike, DTypeLike, Named, Shape
from phasewise.core.variable import Variable, scope
from phasewise.optimizers.kept import Entry, Kept
from phasewise.optimizers.slots import State


class OwnVariable(Kept):
    """A variable of an optimizer: in its state once there is one, before that by itself."""

    def __init__(self, owner: Any, entry: Entry, initial: ArrayLike):
        super().__init__(owner, entry)
        self._initial = initial

    @property
    def _value(self):
        state = self._owner.state
        return self._initial if state is None or "own" not in state else Kept._value.fget(self)

    @_value.setter
    def _value(self, value):
        if self._owner.state is None:
            self._initial = value
        else:
            Kept._value.fset(self, value)


class UpdateStep:
    """What a subclass calls that defines `update_step` (and `build`) as in Keras."""

    _begun, _own, _trainable_variables = False, (), ()

    def update_step(self, gradient: Array, variable: Variable, learning_rate: Array) -> None:
        """Assign a new value to a variable, and to what was made for it; in the place of `step`.

        It is traced: what it reads and assigns must be variables, those of the model and those that `add_variable` made.
        `self.iterations` is the number of updates before this one.

        Args:
            gradient: array of the variable's shape; learning_rate: scalar.
        """
        raise NotImplementedError(f"{type(self).__name__} must define `step`, or `update_step` as in Keras.")

    def _has_update_step(self):
        return type(self).update_step is not UpdateStep.update_step

    def add_variable(
        self,
        shape: Shape,
        initializer: Named = "zeros",
        dtype: DTypeLike | None = None,
        aggregation: str = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """A variable that the optimizer keeps; to be called in `build`. `aggregation` and `layout` have no effect.

        Raises:
            ValueError: the optimizer defines no `update_step`, which alone could read it.
        """
        if not self._has_update_step():
            raise ValueError(
                f"{type(self).__name__} defines no `update_step`, which alone could read a variable of add_variable. With `step`, "
                "name what is kept for each parameter in `slots`."
            )
        first = Variable(initializer, shape=tuple(shape), dtype=dtype or "float32").raw
        entry = Entry(f"{self.name}/{name or 'variable'}", ("own", len(self._own)))
        self._own = [*self._own, OwnVariable(self, entry, np.asarray(first))]
        return self._own[-1]

    def add_variable_from_reference(
        self, reference_variable: Variable, name: str | None = None, initializer: Named = "zeros"
    ) -> Variable:
        """One of the shape and dtype of another."""
        path = f"{reference_variable.path.replace('/', '_')}_{name or 'var'}"
        return self.add_variable(reference_variable.shape, initializer, str(reference_variable.raw.dtype), name=path)

    def add_optimizer_variables(
        self, trainable_variables: Sequence[Variable], name: str | Sequence[str], initializer: Any = "zeros"
    ) -> list[Variable] | tuple[list[Variable], ...]:
        """One for each trained variable; for several names a tuple of such lists.

        Raises:
            ValueError: there is not one initializer, or one for each name.
        """
        names = [name] if isinstance(name, str) else list(name)
        one = isinstance(name, str) or not isinstance(initializer, list | tuple)
        initializers = [initializer] * len(names) if one else list(initializer)
        if len(initializers) != len(names):
            raise ValueError(f"add_optimizer_variables got {len(names)} names and {len(initializers)} initializers.")
        made = tuple([] for _ in names)
        for variable in trainable_variables:
            for found, each, first in zip(made, names, initializers):
                found.append(self.add_variable_from_reference(variable, each, first))
        return made[0] if isinstance(name, str) else made

    def assign(self, variable: Variable, value: ArrayLike) -> None:
        """Give the variable this value."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: ArrayLike) -> None:
        """Add to the variable."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: ArrayLike) -> None:
        """Subtract from the variable."""
        variable.assign_sub(value)

    def _get_variable_index(self, variable):
        for number, known in enumerate(self._trainable_variables):
            if known is variable:
                return number
        raise ValueError(
            f"Variable {variable.path!r} is none of those that {type(self).__name__} was built for: what it keeps for each was made "
            "then. Build it for all of them, or make a new one."
        )

    def _updated(
        self,
        grads: Sequence[Array],
        state: State,
        params: Sequence[Array],
        variables: Sequence[Variable | None],
        rate: Array,
    ) -> tuple[list[Array], State]:
        """`update_step` for each parameter: (new values, the new part of the state)."""
        if any(variable is None for variable in variables):
            raise ValueError(f"{type(self).__name__}.update_step needs the variables behind the parameters.")
        values = [*params, *state["own"]]
        with self._at(state["iterations"], rate), scope([*variables, *self._own], values) as held:
            for grad, variable in zip(grads, variables):
                self.update_step(grad, variable, rate)
            return held.collect(variables), {"own": held.collect(self._own)}

    @contextlib.contextmanager
    def _at(self, iterations: Array, rate: Array) -> Iterator[None]:
        """Inside the block `iterations` and `learning_rate` are those of the step, as arrays."""
        vars(self)["_now"] = {"iterations": iterations, "learning_rate": rate}
        try:
            yield
        finally:
            del vars(self)["_now"]
