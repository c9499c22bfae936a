"""How arrays of the step being traced were made, so that what follows can be computed from that instead.

An operation leaves beside its result what it was made of: the logits of probabilities, say, or how a normalization could do more in
the same pass over memory. The next one that asks for that very array takes it up; where nobody reads what was made first any more,
XLA leaves it out. As for masks, a table holds the arrays, so an identity is never reused while it counts.
"""

import contextlib
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

from phasewise.core.types import Array

_table: ContextVar[dict[int, tuple[Array, Any]] | None] = ContextVar("phasewise_made_by", default=None)


@contextlib.contextmanager
def remembered() -> Iterator[None]:
    """Arrays are remembered inside the block, which is the trace of one step."""
    token = _table.set({})
    try:
        yield
    finally:
        _table.reset(token)


def note(array: Array, maker: Any) -> Array:
    """`array`, remembered to come from `maker`."""
    table = _table.get()
    if table is not None:
        table[id(array)] = array, maker
    return array


def of(array: Array) -> Any:
    """What `array` comes from; None where that is not known."""
    table = _table.get()
    return table[id(array)][1] if table and id(array) in table else None
