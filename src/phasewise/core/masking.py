"""Masks that travel with arrays through one model call.

JAX arrays carry no attributes, so a table that lives as long as the outermost call maps an array to its mask. It holds
the arrays, so an identity is never reused while it counts.
"""

import contextlib
from contextvars import ContextVar

import jax

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


def masks_of(arrays):
    """The masks of a nest of arrays, in its structure."""
    return jax.tree.map(of, arrays)


def attach_all(arrays, masks):
    """Each array of a nest gets its mask; None attaches none."""
    if masks is None:
        return
    leaves = jax.tree.leaves(arrays)
    masks = (
        [masks] if len(leaves) == 1 and not isinstance(masks, list | tuple) else jax.tree.leaves(masks, is_leaf=_none)
    )
    for leaf, mask in zip(leaves, masks):
        attach(leaf, mask)


def _none(leaf):
    return leaf is None
