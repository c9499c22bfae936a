"""The values that variables have inside a pure call, and a note of those that are read there though no value was given.

What was not given a value is read in the scope around, and at last in the variable's own cell: that would be a constant of the
program that is traced, so it is noted, for the program to be traced again with it as an argument.
"""

import contextlib
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any, Self

_noticed = ContextVar("phasewise_noticed_variables", default=None)
_MISSING = object()


class Scope:
    """The values that variables have inside a pure call.

    Args:
        variables: the variables whose values are given.
        values: their arrays, in the same order.
        outer: the scope around this one, or None: what has no value here is read there.
    """

    def __init__(self, variables: Iterable[Any], values: Iterable[Any], outer: Self | None = None):
        self._values = {id(v): x for v, x in zip(variables, values, strict=True)}
        self._outer = outer
        self.written = {}  # the variables that were, by identity
        self.wrote_others = False  # whether a variable was written that had no value here

    def read(self, variable: Any) -> Any:
        """The value of this scope or of one around it; the cell's where none was given one."""
        value = self._values.get(id(variable), _MISSING)
        if value is not _MISSING:
            return value
        if self._outer is not None:
            return self._outer.read(variable)
        _note(variable)
        return variable._value

    def write(self, variable: Any, value: Any) -> None:
        """Record a new value."""
        if id(variable) not in self._values:
            self.wrote_others = True
            _note(variable)
        self._values[id(variable)], self.written[id(variable)] = value, variable

    def own(self, variable: Any) -> Any:
        """The value that the variable was given or has been assigned in this very scope, else None."""
        return self._values.get(id(variable))

    def has_written(self, variable: Any) -> bool:
        """Whether the variable was written in this scope or in one around it."""
        return id(variable) in self.written or (self._outer is not None and self._outer.has_written(variable))

    def collect(self, variables: Iterable[Any]) -> list[Any]:
        """The present values of `variables`, in order."""
        return [self.read(v) for v in variables]


@contextlib.contextmanager
def noticing() -> Iterator[dict[int, Any]]:
    """Yields a dict that receives the variables for which a scope inside the block has no value, by identity."""
    token = _noticed.set(noticed := {})
    try:
        yield noticed
    finally:
        _noticed.reset(token)


def _note(variable):
    noticed = _noticed.get()
    if noticed is not None:
        noticed[id(variable)] = variable
