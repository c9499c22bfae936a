"""Rows of a stream that are kept: as many of each predicted class as can be, and of a class at random over its time."""

from typing import Any

import numpy as np


class BalancedReservoir:
    """Prediction-balanced reservoir sampling: Gong et al. (2022), algorithm 1.

    While there is room every row is kept. Then a row of a class of which the memory has not the most takes the place of a row, drawn
    at random, of a class of which it has the most; one of a class of which it has the most takes the place of one of its own class, with the
    probability (kept of its class) / (seen of its class).

    Args:
        room: how many rows.
        seed: of the draws.
    """

    def __init__(self, room: int, seed: int):
        self.room, self.rows, self.classes = room, [], []
        self._seen, self._rng = {}, np.random.default_rng(seed)

    def offer(self, row: Any, label: int) -> None:
        """A row of the stream, and the class that it was predicted as."""
        self._seen[label] = self._seen.get(label, 0) + 1
        if len(self.rows) < self.room:
            self.rows.append(row)
            self.classes.append(label)
            return
        kept = np.bincount(self.classes, minlength=label + 1)
        if kept[label] < kept.max():
            majority = np.flatnonzero(kept == kept.max())
            self._replace(self._rng.choice(np.flatnonzero(np.isin(self.classes, majority))), row, label)
        elif self._rng.random() < kept[label] / self._seen[label]:
            self._replace(self._rng.choice(np.flatnonzero(np.equal(self.classes, label))), row, label)

    def _replace(self, place, row, label):
        self.rows[place], self.classes[place] = row, label
