"""What all rows of a run say of the statistics of one normalization call, put together in float64, whatever their number."""

import dataclasses

import numpy as np

from phasewise.kernels.row_moments import SUMS

_ORDER = {name: place for place, name in enumerate(SUMS)}
_PRODUCTS = (("nn", "nu", "nv"), ("nu", "uu", "uv"), ("nv", "uv", "vv"))


class RowStatistics:
    """Sums over rows, about a point near the mean that moves along.

    Each row r has n (the share of its positions that count), u = mean of z and v = mean of z², z = (x - centre) / scale. About another
    centre, d units higher, they are (n, u - d n, v - 2 d u + d² n): linear, so that sums and products of sums move with it exactly
    (as Chan, Golub & LeVeque 1979 merge means and variances).

    Args:
        scale: (channels,), the unit, sqrt(moving variance + epsilon).
    """

    def __init__(self, scale):
        self.scale = np.asarray(scale, np.float64)
        self.centre, self.positions = None, 1.0
        self._rows = np.zeros_like(self.scale)
        self._first = np.zeros((3, *self.scale.shape))
        self._second = np.zeros((3, 3, *self.scale.shape))
        self._largest = np.zeros((2, *self.scale.shape))  # about its batch's mean, and how far below the centre that is
        self._products = None

    def add(self, part):
        """Take the rows of batches into account.

        Args:
            part: `phasewise.kernels.row_moments.RowSums` of NumPy arrays, of one batch or stacked over several.
        """
        channels = len(self.scale)
        shift, offset = (np.asarray(each, np.float64).reshape(-1, channels) for each in part[:2])
        sums = np.asarray(part.sums, np.float64).reshape(len(shift), len(SUMS), channels)
        rows = sums[:, _ORDER["rows"]]
        centre = shift + self.scale * offset
        if self.centre is None or not self._rows.all():
            first = np.take_along_axis(centre, (rows > 0).argmax(0)[None], 0)[0]
            self.centre = first if self.centre is None else np.where(self._rows > 0, self.centre, first)
        first = np.stack([sums[:, _ORDER[name]] for name in "nuv"])
        second = np.stack([np.stack([sums[:, _ORDER[name]] for name in row]) for row in _PRODUCTS])
        if part.means is not None:
            means = np.asarray(part.means, np.float64).reshape(-1, channels)
            self._add_products(means, rows[:, :1], first[1], self._away(centre).reshape(centre.shape))
        # A batch is as a channel to what is linear.
        away = self._away(centre)
        first, second = _moved(*(each.reshape(*each.shape[:-2], -1) for each in (first, second)), away)
        largest = np.stack([np.asarray(part.largest, np.float64).ravel(), away]).reshape(2, -1, channels)
        self._keep_largest(np.where(rows > 0, largest, 0))
        self._rows = self._rows + rows.sum(0)
        self._first = self._first + first.reshape(3, -1, channels).sum(1)
        self._second = self._second + second.reshape(3, 3, -1, channels).sum(2)
        self.positions = float(np.ravel(part.positions)[0])

    def _away(self, centre):
        return ((self.centre - centre) / self.scale).ravel()

    def _keep_largest(self, rows):
        """Of rows (2, batches, channels) that which is the largest so far."""
        rows = np.concatenate([self._largest[:, None], rows], 1)
        self._largest = np.take_along_axis(rows, _about_centre(rows).argmax(0)[None, None], 1)[:, 0]

    def _add_products(self, means, rows, first, away):
        """Sums of u u' over rows.

        Args:
            means: (rows of all batches, channels), u about centres `away` (batches, channels) units below the one here; rows that are none have 0.
            rows: (batches, 1), how many are some. first: (batches, channels), the sums of u.
        """
        crossed = away.T @ first
        moved = means.T @ means - crossed - crossed.T + (rows * away).T @ away
        self._products = moved if self._products is None else self._products + moved

    def _covariance(self, offset):
        """Of the means of rows, where each has all its positions."""
        n = self._rows.max()
        if self._products is None or n < 2 or not (self._second[0, 0] == n).all():
            return None
        return (self._products - n * np.outer(offset, offset)) / (n - 1)

    def summary(self):
        """The `Rows` so far."""
        total = np.where(self._first[0] > 0, self._first[0], 1)
        offset = self._first[1] / total
        (n, _, v), second = _moved(self._first, self._second, offset)
        rows = self._rows
        share = n / np.maximum(rows, 1)
        square = v / total
        largest = self._largest[0] / np.where(share > 0, share, 1), self._largest[1] + offset
        unit = np.maximum(rows - 1, 1) * np.where(share > 0, share, 1) ** 2
        return Rows(
            scale=self.scale,
            rows=rows,
            positions=np.maximum(share * self.positions, 1e-30),
            centre=self.centre + self.scale * offset,
            square=square,
            largest=_about_centre(largest),
            variance_of_means=np.maximum(second[1, 1], 0) / unit,
            variance_of_squares=np.maximum(second[2, 2] - 2 * square * second[0, 2] + square**2 * second[0, 0], 0)
            / unit,
            covariance_of_means=self._covariance(offset),
        )

    def state(self):
        """What `of_state` makes it again from: a dict of arrays."""
        return {
            "scale": self.scale,
            "centre": np.full_like(self.scale, np.nan) if self.centre is None else self.centre,
            "positions": np.float64(self.positions),
            "rows": self._rows,
            "first": self._first,
            "second": self._second,
            "largest": self._largest,
        }

    @classmethod
    def of_state(cls, state):
        """The statistics whose `state()` this is."""
        made = cls(state["scale"])
        made.centre = None if np.isnan(state["centre"]).all() else np.asarray(state["centre"])
        made.positions = float(state["positions"])
        made._rows, made._first, made._second, made._largest = (
            np.array(state[name]) for name in ("rows", "first", "second", "largest")
        )
        return made


@dataclasses.dataclass(frozen=True)
class Rows:
    """What was found, each array (channels,) in float64.

    Attributes:
        scale: the unit.
        rows: how many rows have a position that counts.
        positions: how many of a row's positions count, on average.
        centre: the mean over all positions that count.
        square: mean of ((x - centre) / scale)² over these.
        largest: about that of the row in which it is largest: it is known about the mean of its batch, and counts as the rows of a batch do on average.
        variance_of_means: variance between rows of their means of x / scale: where rows have different numbers of positions, that of
            (sum of x / scale - centre) / mean number, the linearized ratio (Cochran 1977, "Sampling Techniques", equation 6.13).
        variance_of_squares: likewise of their means of ((x - centre) / scale)².
        covariance_of_means: (channels, channels), of the means of x / scale; None where it was not gathered, or rows lack positions.
    """

    scale: np.ndarray
    rows: np.ndarray
    positions: np.ndarray
    centre: np.ndarray
    square: np.ndarray
    largest: np.ndarray
    variance_of_means: np.ndarray
    variance_of_squares: np.ndarray
    covariance_of_means: np.ndarray | None = None


def _about_centre(rows):
    """Mean squares [about a batch's mean, how far that is off] about the centre, but for the direction of the row."""
    return rows[0] + np.square(rows[1])


def _moved(first, second, offset):
    """Sums (3, channels) and sums of products (3, 3, channels) about a centre `offset` units higher."""
    one, zero = np.ones_like(offset), np.zeros_like(offset)
    matrix = np.stack(
        [np.stack([one, zero, zero]), np.stack([-offset, one, zero]), np.stack([offset**2, -2 * offset, one])]
    )
    return np.einsum("ijc,jc->ic", matrix, first), np.einsum("ijc,jkc,lkc->ilc", matrix, second, matrix)
