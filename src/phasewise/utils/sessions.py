"""A fresh start within a process."""

import gc

from phasewise.switch import backend


def clear_session(free_memory: bool = True) -> None:
    """Start counting layer names again.

    Args:
        free_memory: whether Python looks for objects that nobody holds any more, so that models that were dropped give back their
            memory and programs.
    """
    backend.clear_session()
    if free_memory:
        gc.collect()
