"""A named array that a layer owns, and the scope that makes calls pure.

Outside a scope a variable is an ordinary mutable cell. Inside `Scope` every read and write goes to the scope's own
values, so that a function which calls layers can be traced, differentiated and compiled: what it read came in as
arguments, what it wrote is in `scope.values` at the end, and the cells are untouched.
"""

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from types import MappingProxyType
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core import awaited, defaults, registry, structure
from phasewise.core.arguments import check_flag
from phasewise.core.first_value import first_value, is_named, stored
from phasewise.core.keywords import Told
from phasewise.core.operators import Operators, resolved
from phasewise.core.scope import Scope
from phasewise.core.types import Array, ArrayLike, DTypeLike, Named, Shape

_scope = ContextVar("phasewise_variable_scope", default=None)
_stand_ins = ContextVar("phasewise_stand_ins", default=MappingProxyType({}))
_autocast = ContextVar("phasewise_autocast", default=None)


class Variable(Operators, Told):
    """A named array with a fixed shape and dtype.

    Args:
        initializer: an array, a number; or the name, the config or an object of an initializer, or any callable
            `(shape, dtype) -> array` (then `shape` is required).
        shape: tuple of int; taken from the array when `initializer` is one.
        dtype: name of a dtype; default float32 for floating values, else the array's own.
        trainable: whether gradients update it.
        autocast: whether a layer under mixed precision reads it in its compute dtype.
        regularizer: name, or callable `array -> scalar` added to the loss, or None.
        constraint: name, or callable `array -> array` applied after each update, or None.
        name: last part of its path.
    """

    def __init__(
        self,
        initializer: ArrayLike | Named,
        shape: Shape | None = None,
        dtype: DTypeLike | None = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Named = None,
        constraint: Named = None,
        name: str = "variable",
        path: str | None = None,
    ):
        come = awaited.now()
        if come is not None and is_named(initializer) and shape is not None:
            dtype = dtype or defaults.floatx()
            make = registry.resolve("initializer", initializer)
            self._value = come.place(tuple(shape), dtype)
            come.note(self, self._value, lambda: stored(make(tuple(shape), dtype), dtype))
        else:
            self._value = stored(first_value(initializer, shape, dtype, name), dtype)
        self.name = name
        self.path = path or name
        self._trainable = check_flag("Variable", "trainable", trainable)
        self.made_trainable = (
            self._trainable
        )  # fixes its place among a layer's weights, whatever becomes of `trainable`
        self.autocast = check_flag("Variable", "autocast", autocast)
        self._regularizer = registry.resolve("regularizer", regularizer)
        self._constraint = registry.resolve("constraint", constraint)
        self.is_memory = False  # what a layer remembers from batch to batch, in every task: no weight
        self.revision = 0  # how often a rule of it was set anew: part of the key of what was compiled with the old one

    @property
    def trainable(self) -> bool:
        """Whether gradients update it. Assigning takes effect at the next call."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = check_flag("Variable", "trainable", value)
        structure.changed()

    @property
    def regularizer(self) -> Callable[[Array], Array] | None:
        """The penalty on its value, or None. Assigning takes effect at the next step."""
        return self._regularizer

    @regularizer.setter
    def regularizer(self, value: Named) -> None:
        self._regularizer = registry.resolve("regularizer", value)
        self._note_new_rule()

    @property
    def constraint(self) -> Callable[[Array], Array] | None:
        """The projection applied after each update, or None. Assigning takes effect at the next step."""
        return self._constraint

    @constraint.setter
    def constraint(self, value: Named) -> None:
        self._constraint = registry.resolve("constraint", value)
        self._note_new_rule()

    def _note_new_rule(self):
        self.revision += 1
        structure.changed()

    @property
    def value(self) -> Array | np.ndarray:
        """The array, from the active scope if there is one; in the compute dtype inside an autocasting layer."""
        array, dtype = self.raw, self._cast_to()
        return array if dtype is None or array.dtype == dtype else jnp.asarray(array).astype(dtype)

    def _cast_to(self):
        """The dtype of the autocasting layer that is being called, where this variable is read in it; else None."""
        dtype = _autocast.get()
        casts = dtype is not None and self.autocast and jnp.issubdtype(self._value.dtype, jnp.floating)
        return dtype if casts else None

    @property
    def shape(self) -> tuple[int, ...]:
        """Tuple of int."""
        return tuple(self._value.shape)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return self._value.ndim

    @property
    def dtype(self) -> str:
        """Name of the dtype that `value` has: the stored one, inside an autocasting layer the compute dtype."""
        return str(self._cast_to() or self._value.dtype)

    def assign(self, value: ArrayLike | Self) -> Self:
        """Replace the value. Inside a scope the write stays in the scope.

        Raises:
            ValueError: the shape differs from the variable's, the value is traced and there is no scope, or another value
                stands in for it.
        """
        value = resolved(value)
        if tuple(np.shape(value)) != self.shape:
            raise ValueError(
                f"Variable {self.path!r} has shape {self.shape}; it cannot take a value of shape {tuple(np.shape(value))}."
            )
        if id(self) in _stand_ins.get():
            raise ValueError(f"Variable {self.path!r} was assigned while another value stands in for it.")
        scope = _scope.get()
        if scope is not None:
            scope.write(self, jnp.asarray(value, self._value.dtype))
        elif isinstance(value, jax.core.Tracer):
            raise ValueError(
                f"Variable {self.path!r} was assigned inside a jax.jit or jax.grad of your own, where it has no value to "
                "keep. phasewise.pure(model) gives a function that returns the new values instead."
            )
        else:
            self._value = stored(value, self._value.dtype)
        return self

    def take(self, value: np.ndarray) -> None:
        """As `assign`, of a NumPy array that nobody else holds: it is kept without being copied. For files."""
        is_fresh = isinstance(value, np.ndarray) and value.dtype == self._value.dtype and value.shape == self.shape
        if is_fresh and value.flags.owndata and value.flags.c_contiguous and _scope.get() is None:
            value.flags.writeable = False
            self._value = value
        else:
            self.assign(value)

    def make_first_value(self, place: np.ndarray, make: Callable[[], Any]) -> None:
        """Hold what `make` gives, where nothing has been assigned since `place` was put here; see `awaited`."""
        if self._value is place:
            self._value = make()

    def assign_add(self, value: ArrayLike | Self) -> Self:
        """Add `value` in place; shapes as in `assign`."""
        return self.assign(self.raw + jnp.asarray(resolved(value), self._value.dtype))

    def assign_sub(self, value: ArrayLike | Self) -> Self:
        """Subtract `value` in place; shapes as in `assign`."""
        return self.assign(self.raw - jnp.asarray(resolved(value), self._value.dtype))

    @property
    def raw(self) -> Array | np.ndarray:
        """The array in its stored dtype, whatever autocast says."""
        stand_ins = _stand_ins.get()
        if id(self) in stand_ins:
            return stand_ins[id(self)]
        scope = _scope.get()
        return self._value if scope is None else scope.read(self)

    def numpy(self) -> np.ndarray:
        """The value as a NumPy array, which is the caller's. `np.asarray(variable)` gives one that cannot be written to, and copies nothing."""
        return np.array(self.raw)

    def __jax_array__(self):
        return jnp.asarray(self.value)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.raw, dtype=dtype) if copy else np.asarray(self.raw, dtype=dtype)

    def __repr__(self):
        return f"<Variable path={self.path} shape={self.shape} dtype={self.dtype}>"


@contextlib.contextmanager
def scope(variables: Iterable[Variable], values: Iterable[Any]) -> Iterator[Scope]:
    """Reads and writes of all variables inside the block go to the yielded `Scope`."""
    active = Scope(variables, values, _scope.get())
    token = _scope.set(active)
    try:
        yield active
    finally:
        _scope.reset(token)


@contextlib.contextmanager
def eager() -> Iterator[None]:
    """Lifts the scope: weights that a layer makes while something is traced are ordinary cells."""
    token = _scope.set(None)
    try:
        yield
    finally:
        _scope.reset(token)


@contextlib.contextmanager
def standing_in(variable: Variable, value: Array | np.ndarray) -> Iterator[None]:
    """Inside the block `variable` is read as `value`, in a scope and outside of one; what it holds is left alone.

    Args:
        variable: a `Variable`. An assignment to it inside the block is a ValueError.
        value: array of its shape and stored dtype; may be traced.
    """
    token = _stand_ins.set({**_stand_ins.get(), id(variable): value})
    try:
        yield
    finally:
        _stand_ins.reset(token)


def values_of(variables: Iterable[Variable]) -> list[Any]:
    """The arrays of the variables in their stored dtypes, as a list; as `[v.raw for v in variables]`, but fast."""
    if _scope.get() is None and not _stand_ins.get():
        return [v._value for v in variables]
    return [v.raw for v in variables]


def is_written(variable: Variable) -> bool:
    """Whether the variable was written in the scope that is active, or in one around it."""
    active = _scope.get()
    return active is not None and active.has_written(variable)


def in_scope() -> bool:
    """True while a pure call is being traced."""
    return _scope.get() is not None


@contextlib.contextmanager
def autocast(dtype: DTypeLike | None) -> Iterator[None]:
    """Floating variables that allow it are read in `dtype` inside the block; None reads them as stored."""
    token = _autocast.set(jnp.dtype(dtype) if dtype is not None else None)
    try:
        yield
    finally:
        _autocast.reset(token)
