"""Ctrl-C held back for a moment, where an interrupt between two lines would lose what a model has learnt."""

import contextlib
import os
import signal
import threading


@contextlib.contextmanager
def held_back():
    """Inside the block SIGINT waits; it is delivered at the end. It only ever reaches the main thread."""
    usual = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or usual is None:
        yield
        return
    arrived = []
    signal.signal(signal.SIGINT, lambda number, frame: arrived.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, usual)
        if arrived:
            os.kill(os.getpid(), signal.SIGINT)
