"""Python's collector of cycles, which looks again and again at a hundred thousand objects that never die: modules, classes, functions."""

import atexit
import contextlib
import gc
import io
import itertools
import sys
import types
from collections.abc import Iterator
from typing import Any

_SUSPENDED = types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType
_HOLD_NOTHING_BACK = io.BytesIO, io.StringIO, io.FileIO  # of what is written to them
_FREE_MEMORY_ALONE = ("jax", "jaxlib", "filelock")  # what their finalizers do, the end of the process does too


@contextlib.contextmanager
def paused() -> Iterator[None]:
    """A block of imports: nothing is collected in it, and what is there then is taken for old, so that only full collections look at it."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # else somebody has frozen objects, which are to stay so
            gc.freeze()
            gc.unfreeze()  # into the oldest generation
        if was_on:
            gc.enable()


def shorten_exit() -> None:
    """Let the process end without taking apart, cycle by cycle, all that it has imported: that takes JAX alone 0.2 s.

    So it ends only if nothing alive has a finalizer with something to do: a file that holds back what was written to it, a generator in the
    middle of its work, an object with a `__del__` of its own.
    """
    atexit.register(_leave_to_system)


def _leave_to_system():
    with contextlib.suppress(
        Exception
    ):  # a stream that was detached, say, tells nothing of itself: then the end is as ever
        alive = gc.get_objects()
        kinds = list(map(type, alive))
        finalized = {kind for kind in set(kinds) if hasattr(kind, "__del__") and not _is_one_of_theirs(kind)}
        standard = _standard_files()
        # A hundred thousand objects are looked at by C code, the few that may have something to do by ours.
        chosen = itertools.compress(alive, map(finalized.__contains__, kinds))
        if not any(_has_something_to_do(item, standard) for item in chosen):
            gc.freeze()


def _is_one_of_theirs(kind):
    return str(kind.__module__).split(".")[0] in _FREE_MEMORY_ALONE


def _standard_files():
    """Those of the process, which Python itself flushes at the end, and what stands behind them."""
    files: list[Any] = [sys.stdin, sys.stdout, sys.stderr, sys.__stdin__, sys.__stdout__, sys.__stderr__]
    return [*files, *(getattr(file, "buffer", None) for file in files)]


def _has_something_to_do(item, standard):
    if isinstance(item, _SUSPENDED):
        frame = getattr(item, "gi_frame", None) or getattr(item, "cr_frame", None) or getattr(item, "ag_frame", None)
        return frame is not None and frame.f_globals.get("__name__", "").split(".")[0] not in _FREE_MEMORY_ALONE
    if type(item) in _HOLD_NOTHING_BACK or any(item is file for file in standard):
        return False
    return not (isinstance(item, io.IOBase) and (item.closed or not item.writable()))
