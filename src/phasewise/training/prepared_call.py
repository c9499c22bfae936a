"""A call on a few rows with next to nothing around its program: what an earlier call of the kind has found out is kept.

A tile of rows takes microseconds to compute, and to find out once more what `x` is, which calls the model makes, whether rows see each
other and which program that asks for many times as long. All that this depends on is part of the key under which a `PreparedCall` is
filed: a change of the switch, of a layer or of an attribute leads past it, to the way that finds out anew.
"""

import jax
import numpy as np

from phasewise.core.host_memory import empty
from phasewise.data.feed import Feed
from phasewise.layers.embedding.ids import check_ids_of
from phasewise.training.programs import known_program, program

TILE = 32  # rows of the one batch shape at which rows that do not see each other are computed


class PreparedCall:
    """The program for one tile of the only input of a model, with all that a call of it needs.

    Args:
        loop: the `MapProgram` for a feed of one tile.
        weights: the model's `Weights`.
        array: the input as the program takes it, of any number of rows.
        calls: the `observe.Calls` of a trace.
        state: what the program is given at each call beside the weights.
    """

    def __init__(self, loop, weights, array, calls, state):
        self._loop, self._weights, self._state = loop, weights, state
        self._shape, self._dtype, self.calls = (1, TILE, *array.shape[1:]), array.dtype, calls

    def tile_of(self, x):
        """The rows of `x` as the program takes them, filled up by the first to a tile, in memory of their own."""
        tile, rows = empty(self._shape, self._dtype), len(x)
        tile[0, :rows], tile[0, rows:] = x, x[0]
        return tile

    def outputs(self, tile, rows, locate):
        """The outputs of the first `rows` rows: on the device where it is one, else as NumPy arrays that share memory with the device's.

        Args:
            locate: names a row, for messages.

        Raises:
            ValueError: an id that is outside of an embedding's range.
        """
        if self.calls.looked_up:
            check_ids_of(self.calls.looked_up, [tile[0, :rows]], locate)
        real = np.full(1, rows, np.int32)
        feed = Feed({"batches": (tile,), "valid": real}, 1, TILE, real)
        stacked, first = self._loop.one_batch({**self._state, "weights": self._weights.now()}, feed)
        return first if rows == 1 else jax.tree.map(lambda leaf: np.asarray(leaf)[0, :rows], stacked)


def prepared_call(model, kind, x):
    """The `PreparedCall` of this kind for `x`; None where there is none, or `x` is not one array of NumPy's of 1 to `TILE` rows.

    Args:
        kind: "call" or "predict".
    """
    if type(x) is not np.ndarray or not x.ndim or not 0 < len(x) <= TILE:
        return None
    return known_program(model, (kind, "prepared"), (x.shape[1:], x.dtype))


def prepare_call(model, kind, x, loop, weights, array, calls, state):
    """See to it that `prepared_call` finds one for rows like those of `x`, where copying these into a tile makes them `array`.

    Args:
        x: as the user gave it.
        loop, weights, array, calls, state: as for `PreparedCall`.
    """
    if type(x) is not np.ndarray or not (x.dtype == array.dtype or (x.dtype.kind == "f" and array.dtype == np.float32)):
        return
    program(model, (kind, "prepared"), (x.shape[1:], x.dtype), lambda: PreparedCall(loop, weights, array, calls, state))
