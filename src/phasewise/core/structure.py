"""A count of the changes to what models consist of: layers, weights, and what of them is trained.

What a look through a tree of layers has found stays true while this number stands still, so that a call need not look again.
"""

import itertools

_changes = itertools.count(1)
_now = 0


def changed() -> None:
    """Something changed that a look through a tree of layers would find."""
    global _now
    _now = next(_changes)


def version() -> int:
    """The number of changes so far in this process."""
    return _now
