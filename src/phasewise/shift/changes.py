"""What a recalibration changed."""

import dataclasses
from collections.abc import Iterable
from typing import Any, Self

import numpy as np

from phasewise.layer.layer import Layer
from phasewise.models.table import Column, fitted


@dataclasses.dataclass(frozen=True)
class Change:
    """One layer.

    Attributes:
        layer: its name.
        values: how many values each mean is taken over.
        mean_shift: how far the mean moved, in standard deviations of the population: (mean over channels, largest).
        variance_ratio: variance before over variance now: (geometric mean over channels, the one farthest from 1).
        mean, variance: float64 arrays (channels,), of a recurrent term (steps, channels): what the layer has now.
    """

    layer: str
    values: int
    mean_shift: tuple[float, float]
    variance_ratio: tuple[float, float]
    mean: np.ndarray
    variance: np.ndarray

    @classmethod
    def between(
        cls, layer: Layer, count: np.ndarray, before: tuple[np.ndarray, np.ndarray], now: tuple[np.ndarray, np.ndarray]
    ) -> Self:
        """The change of `layer` from the (mean, variance) `before` to those of `now`, of `count` values, an array like them: where
        there are none nothing has changed, and it is not averaged over."""
        is_found = np.reshape(count > 0, now[0].shape) if count.any() else np.full(now[0].shape, True)
        old_mean, old_variance, mean, variance = (part[is_found] for part in (*before, *now))
        spread = np.sqrt(variance + layer.epsilon)
        shift = np.abs(old_mean - mean) / np.where(spread > 0, spread, 1)
        logs = np.log(np.maximum(old_variance, 1e-30) + layer.epsilon) - np.log(
            np.maximum(variance, 1e-30) + layer.epsilon
        )
        ratios = (float(np.exp(logs.mean())), float(np.exp(logs[np.abs(logs).argmax()])))
        return cls(layer.name, int(np.max(count)), (float(shift.mean()), float(shift.max())), ratios, *now)


class Recalibration(list):
    """A list of `Change`s, a layer a row; `recalibration["bn"]` finds one by name; `str()` gives the table."""

    def __init__(self, changes: Iterable[Change], method: str):
        super().__init__(changes)
        self.method = method

    def __getitem__(self, key: str | int | slice) -> Change | list[Change]:
        if not isinstance(key, str):
            return super().__getitem__(key)
        for change in self:
            if change.layer == key:
                return change
        raise KeyError(f"No layer called {key!r} was recalibrated; these were: {[change.layer for change in self]}.")

    def to_dict(self) -> list[dict[str, Any]]:
        """The rows as dicts and lists, ready for JSON."""
        rows = [dataclasses.asdict(change) for change in self]
        return [{**row, "mean": row["mean"].tolist(), "variance": row["variance"].tolist()} for row in rows]

    def __str__(self):
        numbers = ("values", "mean moved by", "at most", "variance was", "farthest")
        columns = ["layer", *(Column(name, "right") for name in numbers)]
        rows = [
            [
                change.layer,
                f"{change.values:,}",
                *(f"{shift:.3g} std" for shift in change.mean_shift),
                *(f"{ratio:.3g} ×" for ratio in change.variance_ratio),
            ]
            for change in self
        ]
        title = f"Population statistics ({self.method}) in place of moving averages"
        return fitted(title, columns, rows, ("farthest", "at most", "values"))

    __repr__ = __str__
