"""Python's collector of cycles, which looks again and again at a hundred thousand objects that never die: modules, classes, functions."""

import contextlib
import gc
from collections.abc import Iterator


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
