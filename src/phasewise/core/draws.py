"""What the random draws of one call mix into the seed: a hash of the place in the model that asks, and how often it has asked."""

import hashlib
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np

from phasewise.core import naming
from phasewise.core.types import Array, ArrayLike


def hash32(*parts: object) -> int:
    """A 32-bit hash of the parts, the same in every process."""
    digest = hashlib.blake2b("\0".join(map(str, parts)).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "little")


class Draws:
    """The random draws of one call: `drawn` is what each mixed into the seed, in order. Arguments as of `random.scope`."""

    def __init__(
        self,
        seed: ArrayLike,
        step: ArrayLike,
        expected: Sequence[np.uint32],
        given: Sequence[Array],
        first_row: ArrayLike | None,
        rows: int | None,
    ):
        self.seed, self.step, self.first_row = seed, step, first_row
        self.times = ()  # the numbers of the steps of the loops over time that are being traced, the outermost first
        self.drawn = []
        self._expected, self._given, self._rows = expected, given, rows
        self._counts, self._strangers = {}, {}

    def mixed(self, seed: int | None) -> Array | np.uint32:
        """What the next draw mixes into the seed: a number, or the argument of the program that stands for it."""
        place = self._place()
        count = self._counts[place] = self._counts.get(place, -1) + 1
        number, position = np.uint32(hash32(place, count, seed)), len(self.drawn)
        self.drawn.append(number)
        foreseen = position < len(self._expected) and self._expected[position] == number
        return self._given[position] if foreseen else number

    def entries_before(self, shape: tuple[int, ...]) -> Array | None:
        """How many entries of such arrays the rows before the batch have, as uint32; None where it is the first or has no rows."""
        if self.first_row is None or not shape or shape[0] % self._rows:
            return None
        return jnp.asarray(self.first_row).astype(jnp.uint32) * np.uint32(np.prod(shape) // self._rows % 2**32)

    def _place(self):
        """The numbers that lead from the outermost layer to the one that is called: in its tree, or by when it was met."""
        callers = naming.callers()
        found = []
        for layer in reversed(callers):
            number = callers[0]._inventory().numbers.get(id(layer))
            if number is not None:
                return (number, *found)
            found.insert(0, f"stranger {self._strangers.setdefault(id(layer), len(self._strangers))}")
        return ()
