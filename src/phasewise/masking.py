"""Masks that travel with arrays through one model call.

JAX arrays carry no attributes, so a table that lives as long as the outermost call maps an array to its mask. It holds
the arrays, so an identity is never reused while it counts.
"""

import contextlib
from contextvars import ContextVar

_table = ContextVar("phasewise_masks", default=None)


@contextlib.contextmanager
def table():
    """One table for the outermost call and all calls inside it."""
    if _table.get() is not None:
        yield
        return
    token = _table.set({})
    try:
        yield
    finally:
        _table.reset(token)


def attach(array, mask):
    """From here on `array` has `mask` (boolean, its leading axes), until the outermost call ends."""
    held = _table.get()
    if held is not None and mask is not None:
        held[id(array)] = (array, mask)


def of(array):
    """The mask of `array`, or None."""
    held = _table.get()
    entry = held.get(id(array)) if held else None
    return entry[1] if entry is not None else None
