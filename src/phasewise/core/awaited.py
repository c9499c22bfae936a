"""First values that need not be made, because those of a file are about to be assigned."""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any

import jax.numpy as jnp
import numpy as np

from phasewise.core.types import DTypeLike, Shape

_awaited = ContextVar("phasewise_values_to_come", default=None)


class Awaited:
    """The variables that hold no value yet."""

    def __init__(self):
        self._waiting = []

    @staticmethod
    def place(shape: Shape, dtype: DTypeLike) -> np.ndarray:
        """Zeros that take no memory, whatever the shape."""
        return np.broadcast_to(np.zeros((), jnp.dtype(dtype)), shape)

    def note(self, variable: Any, place: np.ndarray, make: Callable[[], Any]) -> None:
        """`make()` would be the first value of this variable, which holds `place` meanwhile."""
        self._waiting.append((variable, place, make))

    def fill(self) -> None:
        """Make the first values of those that were assigned none."""
        for variable, place, make in self._waiting:
            variable.make_first_value(place, make)
        self._waiting.clear()


@contextlib.contextmanager
def values_to_come() -> Iterator[Awaited]:
    """Variables made inside the block get no first values: a file's will be assigned, then `fill` makes what is left.

    So opening a file costs the memory of its weights once, and a config that asks for a weight of any size costs nothing.
    """
    token = _awaited.set(Awaited())
    try:
        yield _awaited.get()
    finally:
        _awaited.reset(token)


def now() -> Awaited | None:
    """What is awaited where variables are being made."""
    return _awaited.get()
