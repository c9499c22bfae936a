"""audit: does what a model is given still fit the statistics that it normalizes with, and what would help?"""

import dataclasses
import pathlib
from typing import Any

import numpy as np

from phasewise.models.model import Model
from phasewise.shift.audit_text import text
from phasewise.shift.gathering import LEAST_ROWS, gathered
from phasewise.shift.layer_shift import LayerShift, layer_shifts
from phasewise.shift.remedies import Remedies, remedies
from phasewise.shift.verdict import Verdict, verdict_of


def audit(
    model: Model,
    data: Any,
    *,
    reference: Any = None,
    labels: Any = None,
    alpha: float = 0.01,
    batch_size: int | None = None,
    steps: int | None = None,
    verbose: int | str = 0,
) -> "Audit":
    """Hold data against the statistics that every batch normalization, and every `Normalization`, of a model normalizes with.

    One pass over the data, as `predict` makes it, gives each row's mean and mean square at every normalization call; nothing is kept
    of a row but sums, so that memory does not depend on their number. What other statistics would do is tried on a sample of up to
    256 rows from all over the data. The model is not changed.

    Effects, for each channel: the displacement (mean - moving mean) / s with s = sqrt(moving variance + epsilon), the log ratio of the
    standard deviations, and the KL divergence of the two Gaussians, (r + displacement² - 1 - log r) / 2 with r the ratio of the
    variances. For each layer their root mean square.

    Tests: the unit is the row, since positions within a row go together. For the mean a t-test of the row means against the moving
    mean; for the variance one of the rows' mean squared standardized values; both with the uncertainty of the moving average
    itself, which is that of batch * (1 + momentum) / (1 - momentum) rows, or after `recalibrate` that of its rows. In the first layer, of up to 128
    channels, also a t-test of each channel's mean given the other channels of a row (`phasewise.shift.given_the_others`): of inputs that go
    together it finds much smaller displacements of one. `batch` is that of the last `fit`; 32 where a model came from a file. A `Normalization` has the rows that it was adapted to behind it; one from a file, or
    with given statistics, is taken to have 6,368. With reference data Welch's two-sample test instead. Holm's correction over the
    channels of a layer, three quarters of the level for means, and over layers, four fifths of it for the first: where nothing has shifted,
    an audit finds something with a probability of about `alpha`. What can be found at most is worked out in `phasewise.shift.layer_shift`. Formulas, and where variances of few rows are treated with more care than t alone, in `phasewise.shift.significance`. Where
    a few rows in a thousand carry much of a channel's variance, data without them look as if it varied less: so a smaller variance needs more evidence the farther
    the largest row stands out, and where one carries most of it, an alarm may still be that.

    Moving statistics follow weights that still change: where `fit` ended amid large steps, they lag, and that is found as well. `recalibrate` over training
    data makes them exact.

    Sources: Holm (1979); Welch (1947); Rao (1948); Hawkins (1991); for batch statistics under shift Nado et al. (2020) and Schneider et al. (2020).

    Args:
        model: a model with batch normalization layers, also inside recurrent ones, or with `Normalization`.
        data: what `predict` takes; of a plan of tuples the second part is taken for labels.
        reference: unshifted data, such as were trained on, in the place of the moving statistics.
        labels: array, with arrays: with them remedies are judged by accuracy and by the model's own metrics.
        alpha: level of the tests, in (0, 0.5].
        batch_size: rows normalized together where batch statistics are tried, 32 by default; only with arrays.
        steps: how many batches to take; needed for an endless plan.
        verbose: as in `predict`.

    Returns:
        `Audit`.

    Raises:
        TypeError: `model` is no model.
        ValueError: it has no such layer; fewer than 8 rows; data that do not fit, or hold NaN (the row is named).
    """
    if isinstance(alpha, bool) or not isinstance(alpha, int | float | np.floating) or not 0 < alpha <= 0.5:
        raise ValueError(f"audit's alpha, the level of its tests, is a number above 0 and up to 0.5; got {alpha!r}.")
    options = {"batch_size": batch_size, "steps": steps, "verbose": verbose}
    found = _enough(gathered(model, data, labels, **options), "data")
    given = None if reference is None else _enough(gathered(model, reference, has_labels=False, **options), "reference")
    layers = layer_shifts(found.calls, given and given.calls, float(alpha))
    tried = remedies(model, *found.sample, found.batch_rows, any(call.average._layer._averages for call in found.calls))
    source = "reference data" if given else "moving statistics"
    return Audit(model.name, found.rows, layers, tried, verdict_of(layers, tried, found.rows), float(alpha), source)


def _enough(found, name):
    if found.rows < LEAST_ROWS:
        raise ValueError(
            f"audit needs at least {LEAST_ROWS} rows, since a row is what it counts by; `{name}` has {found.rows}."
        )
    return found


@dataclasses.dataclass(frozen=True, repr=False)
class Audit:
    """What `audit` found. `str()` is a table, `plot()` a figure, `report(path)` a page.

    Attributes:
        model: its name.
        rows: number of rows.
        layers: a `LayerShift` for each normalization call, in order; `audit["bn"]` finds one by name.
        remedies: what other statistics would do: `Remedies`.
        verdict: `Verdict`.
        alpha: the level.
        against: "moving statistics" or "reference data".
    """

    model: str
    rows: int
    layers: list[LayerShift]
    remedies: Remedies
    verdict: Verdict
    alpha: float
    against: str

    @property
    def is_shifted(self) -> bool:
        """Whether the data have shifted, at `alpha`."""
        return self.verdict.is_shifted

    def __getitem__(self, name: str) -> LayerShift:
        for layer in self.layers:
            if layer.layer == name:
                return layer
        raise KeyError(f"No layer called {name!r} was audited; these were: {[layer.layer for layer in self.layers]}.")

    def to_dict(self) -> dict[str, Any]:
        """Everything, as dicts and lists, ready for JSON."""
        return {
            "model": self.model,
            "rows": self.rows,
            "alpha": self.alpha,
            "against": self.against,
            "verdict": dataclasses.asdict(self.verdict),
            "layers": [layer.to_dict() for layer in self.layers],
            "remedies": dataclasses.asdict(self.remedies),
        }

    def plot(self, path: str | pathlib.Path | None = None) -> Any:
        """A matplotlib figure: a row a layer, statistics of training beside the data's, worst channels first.

        Args:
            path: a file to write it to as well.

        Raises:
            ImportError: matplotlib is not installed.
        """
        from phasewise.shift.audit_plot import plot

        figure = plot(self)
        if path is not None:
            figure.savefig(path, dpi=120)
        return figure

    def report(self, path: str | pathlib.Path) -> pathlib.Path:
        """Write a page that holds all of it: one file, no network, for screen, phone and paper. Returns its path."""
        from phasewise.shift.page import page

        path = pathlib.Path(path)
        path.write_text(page(self), encoding="utf-8")
        return path

    def __str__(self):
        return text(self)

    __repr__ = __str__
