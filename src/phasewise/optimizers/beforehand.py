"""What the steps of all parameters have in common is computed once, before them."""

import contextlib
import threading
from collections.abc import Callable, Iterator

from phasewise.core.types import Array

_local = threading.local()


@contextlib.contextmanager
def beforehand(function: Callable[..., Array], *arguments: Array | float) -> Iterator[None]:
    """In this block, `computed` with the same function and the very same arguments is what it is computed to be here.

    XLA would merge equal computations, but only after each of them was traced and lowered.
    """
    outside = getattr(_local, "known", ())
    _local.known = function, arguments, function(*arguments)
    try:
        yield
    finally:
        _local.known = outside


def computed(function: Callable[..., Array], *arguments: Array | float) -> Array:
    """`function(*arguments)`."""
    known = getattr(_local, "known", ())
    if known and known[0] is function and all(a is b for a, b in zip(known[1], arguments, strict=True)):
        return known[2]
    return function(*arguments)
