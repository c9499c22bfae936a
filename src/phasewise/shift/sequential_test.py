"""A test for a shift that may be asked after every batch, without being wrong more often for it."""

import dataclasses
import math

import jax
import numpy as np

from phasewise.shift.confidence import log_evidence
from phasewise.shift.row_statistics import RowStatistics
from phasewise.shift.significance import spread_under_hypothesis

LEAST_ROWS = 64  # rows of a test before it says anything
PRIOR = 256.0  # rows at which evidence grows fastest
_OF_STATISTICS = ("scale", "centre", "positions", "rows", "first", "second", "largest")


@dataclasses.dataclass(frozen=True)
class Alarm:
    """A shift that has become certain.

    Attributes:
        layer: the first layer in which it shows; channel: the one with the most evidence.
        kind: "displaced" or "scaled".
        displacement: of that channel, in standard deviations of training; log_ratio: of its standard deviation to theirs.
        rows: how many rows had been looked at.
    """

    layer: str
    channel: int
    kind: str
    displacement: float
    log_ratio: float
    rows: int


class SequentialTest:
    """One of the tests that begin one after the other.

    Args:
        number: from 1.
    """

    def __init__(self, number):
        self.number, self.rows, self.statistics = number, 0, []

    @classmethod
    def of_state(cls, held, number, rows, count):
        """That of which a file holds so many statistics."""
        made = cls(number)
        made.rows = rows
        made.statistics = [
            RowStatistics.of_state({name: held[f"{number}/{place}/{name}"] for name in _OF_STATISTICS})
            for place in range(count)
        ]
        return made

    def add(self, owners, sums, steps, rows):
        """Take the rows of a feed into account."""
        if not self.statistics:
            self.statistics = [RowStatistics(np.asarray(o.used()[1], np.float64).reshape(-1)) for o in owners]
        for statistics, part in zip(self.statistics, sums):
            statistics.add(jax.tree.map(lambda each: np.asarray(each)[:steps], part))
        self.rows += rows

    def alarm(self, owners, alpha, tolerance, seen):
        """The `Alarm`, where there is evidence enough; else None."""
        if self.rows < LEAST_ROWS:
            return None
        channels = sum(len(statistics.scale) for statistics in self.statistics)
        border = math.log(4 * channels * (math.pi * self.number) ** 2 / (6 * alpha))  # two sides, mean and variance
        for owner, statistics in zip(owners, self.statistics):
            found, mean = statistics.summary(), np.asarray(owner.used_now()[0], np.float64).reshape(-1)
            displacement = (found.centre - mean) / found.scale
            added = owner.epsilon / found.scale**2
            between = np.maximum(found.variance_of_means, 1 / found.positions)
            _, of_squares = spread_under_hypothesis(found, found.square + added, added)
            evidence = np.stack(
                [
                    _beyond(np.abs(displacement) - tolerance, between, found.rows),
                    _beyond(np.abs(found.square + added - 1) - 2 * tolerance, of_squares, found.rows),
                ]
            )
            if evidence.max() > border:
                kind, channel = np.unravel_index(evidence.argmax(), evidence.shape)
                ratio = math.log(max(float((found.square + added)[channel]), 1e-30)) / 2
                shift = float(displacement[channel])
                return Alarm(owner._layer.name, int(channel), ("displaced", "scaled")[kind], shift, ratio, seen)
        return None


def _beyond(excess, variance, rows):
    """Evidence that a mean is further off than it may be."""
    total = np.maximum(excess, 0) * rows
    return np.where(excess > 0, log_evidence(total, variance * rows, rows, PRIOR * variance), 0)
