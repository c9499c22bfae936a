"""What random layers draw from in inference, where they are pinned to training: Monte Carlo dropout.

Each run draws anew. In it a row's draws depend on its place in the data, not on how these are cut into batches.
"""

import jax
import numpy as np

_NOTHING_DRAWN = {"seed": np.uint32(0), "step": np.int32(0)}


class Draws:
    """Those of one run of a model in inference.

    Args:
        model: what is run. A run in which nothing is drawn takes no number from its sequence.
    """

    def __init__(self, model):
        self._model, self._call, self._rows = model, None, 0

    def arguments(self, calls):
        """What a program's state holds for them: "seed" and "step", the number of the call; where something is drawn, "row" too,
        the number of the first row, and "words", which stand for what `calls` have drawn.

        Args:
            calls: the `observe.Calls` of a step.
        """
        if not calls.draws:
            return _NOTHING_DRAWN
        if self._call is None:
            self._call = self._model._seeds.next_call()
        seed, number = self._call
        return {"seed": seed, "step": number, "row": np.int32(self._rows), "words": jax.device_put(list(calls.draws))}

    def advance(self, rows):
        """So many more rows have been computed."""
        self._rows += int(rows)
