"""The orders that a shuffle puts its data in, one a pass."""

import contextlib
from contextvars import ContextVar

import numpy as np

from phasewise.core import random

_looking = ContextVar("phasewise_data_looking", default=False)


class Orders:
    """The sequence of random generators of one shuffle.

    Args:
        seed: int; None takes the next of the sequence that `set_random_seed` fixes, when the plan is made.
        reshuffle: whether every pass has another order.
    """

    def __init__(self, seed, reshuffle):
        self._seed = random.fresh_seed() if seed is None else int(seed) % 2**64
        self._reshuffle, self._passes = reshuffle, 0

    @property
    def place(self):
        """[seed, number of the next pass]."""
        return [self._seed, self._passes]

    def go_to(self, seed, number):
        """Go on as the orders did whose `place` this was."""
        self._seed, self._passes = seed, number

    def generator(self):
        """The generator of the next pass."""
        number = self._passes if self._reshuffle else 0
        if not _looking.get():
            self._passes += 1
        return np.random.default_rng([self._seed, number])


@contextlib.contextmanager
def looking():
    """Passes begun inside the block do not count: the data are looked at, not used."""
    token = _looking.set(True)
    try:
        yield
    finally:
        _looking.reset(token)
