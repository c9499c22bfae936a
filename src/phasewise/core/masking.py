"""Masks that travel with arrays from layer to layer.

JAX arrays carry no attributes, so a table that lives as long as the outermost call maps an array to its mask. It holds
the arrays, so an identity is never reused while it counts. Between calls, where layers are called one by one, a mask is kept
as long as its array lives.
"""

import contextlib
import weakref
from contextvars import ContextVar

import jax

_table = ContextVar("phasewise_masks", default=None)
_kept = {}  # identity of an array that an outermost call has left behind -> (weak reference to it, its mask)


@contextlib.contextmanager
def table():
    """One table for the outermost call and all calls inside it."""
    if _table.get() is not None:
        yield
        return
    held = {}
    token = _table.set(held)
    try:
        yield
    finally:
        _table.reset(token)
        for array, mask in held.values():
            _keep(array, mask)


def _keep(array, mask):
    place, forget = id(array), _kept.pop  # bound here: names of a module are gone when the interpreter ends
    _kept[place] = weakref.ref(array, lambda _: forget(place, None)), mask


def attach(array, mask):
    """From here on `array` has `mask` (boolean, its leading axes)."""
    held = _table.get()
    if held is not None and mask is not None:
        held[id(array)] = (array, mask)


def of(array):
    """The mask of `array`, or None."""
    held = _table.get()
    entry = held.get(id(array)) if held else None
    if entry is None and _kept and id(array) in _kept:
        reference, mask = _kept[id(array)]
        return mask if reference() is array else None
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
