"""Monitor: looks on while a model predicts, and says when a shift has become certain."""

import dataclasses
import math
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from phasewise.core.arguments import check_number
from phasewise.core.keywords import Told
from phasewise.core.warning import ShiftWarning, warn
from phasewise.files.atomic_file import written_whole
from phasewise.files.file_error import told_as_damage
from phasewise.models.model import Model
from phasewise.shift.row_program import RowProgram
from phasewise.shift.sequential_test import Alarm, SequentialTest
from phasewise.training.loop import MapProgram
from phasewise.training.programs import program, shapes_of
from phasewise.training.step import predict_step
from phasewise.training.weights import Weights

BLOCK = 4096  # rows after which a new test begins beside the one before
BUDGET = 0.02  # the share of predict's time that is spent


class Monitor(Told):
    """Looks on while `model.predict` runs, with the false-alarm rate `alpha` over its whole life.

    The same sums of rows that `audit` makes are taken inside of `predict`'s own pass; where that would cost more than a fiftieth of its time, only
    some of the calls are looked at. Held against the moving statistics are each channel's mean and mean squared standardized value, with a tolerance, since an
    average of batches is not exact: with S the sum of what the rows exceed the tolerance by, and V that of their variances, the evidence
    against "no shift" is sqrt(rho / (rho + V)) exp(S² / (2 (rho + V))), which ever exceeds 1 / a with a probability of at most a (Robbins 1970, equation 14; with
    estimated variances, for many rows: Waudby-Smith et al. 2021; that of squares as an audit takes it where few rows carry much of it). Every 4,096 rows a new test begins, so that a late shift is found as soon as an early
    one: test number j has a = alpha * 6 / (pi j)² / 2, divided by the number of channels, and all together stay below alpha.

    Args:
        model: a model with batch normalization, or an adapted `Normalization`; built.
        alpha: in (0, 0.5]: how probable an alarm may be where nothing ever shifts.
        tolerance: at least 0: displacements up to so many standard deviations, and variances off by up to twice this share, are none.
        on_shift: a function of the `Alarm`, called once; left out, a `ShiftWarning` tells.

    Attributes:
        alarm: `Alarm`, or None as long as no shift is certain.
        rows: how many rows were looked at.

    Raises:
        ValueError: the model has no moving statistics, or is monitored already.

    Example:
        >>> monitor = phasewise.Monitor(model)
        >>> model.predict(requests)
        >>> monitor.alarm
    """

    def __init__(
        self,
        model: Model,
        *,
        alpha: float = 0.01,
        tolerance: float = 0.1,
        on_shift: Callable[[Alarm], Any] | None = None,
    ):
        if not hasattr(model, "predict"):
            raise TypeError(f"Monitor takes a model; got {model!r}.")
        if not 0 < check_number("Monitor", "alpha", alpha) <= 0.5:
            raise ValueError(f"Monitor's alpha is a number above 0 and up to 0.5; got {alpha!r}.")
        self.alpha, self.tolerance = float(alpha), float(check_number("Monitor", "tolerance", tolerance, 0))
        if not any(layer._averages or layer.is_audited for layer in model._inventory().layers):
            raise ValueError(
                f"{model.name!r} has no built layer with moving statistics, so there is nothing to monitor."
            )
        if model._watcher is not None:
            raise ValueError(f"{model.name!r} is monitored already: call close() of its monitor first.")
        self.model, self.on_shift = model, on_shift
        self.alarm, self.rows = None, 0
        self._tests, self._number = [], 0
        self._seconds, self._spent, self._pace = 0.0, 0.0, None
        model._watcher = self

    def close(self) -> None:
        """Look on no more."""
        if self.model._watcher is self:
            self.model._watcher = None

    def __enter__(self) -> "Monitor":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    # -- what predict calls

    def _run(self, task, calls, own, state, feed, on_compiled, on_chunk):
        """The outputs of a feed, which is looked at where there is time for it."""
        looks = not calls.rows_mix and self._spent <= BUDGET * self._seconds
        weights = Weights.of(self.model._inventory())

        def made():
            step = predict_step(self.model, task, calls.draws, own)
            return RowProgram(step, weights) if looks else MapProgram(step, weights.variables, weights.numbers)

        loop = program(self.model, (task, "watched") if looks else task, shapes_of(feed.arrays), made)
        is_new, begun = loop._run is None, time.perf_counter()
        found = loop.run(state, feed, on_compiled, on_chunk)
        if looks:
            found, sums = found
            self._take(loop.owners, sums, feed)
        self._account(looks, is_new, time.perf_counter() - begun, int(feed.real_rows.sum()))
        return found

    def _account(self, looked, is_new, seconds, rows):
        """Keep count of the time; what compiling takes does not count."""
        if is_new:
            return
        self._seconds += seconds
        if not looked:
            self._pace = seconds / rows if self._pace is None else 0.9 * self._pace + 0.1 * seconds / rows
        else:
            usual = 0.9 * seconds if self._pace is None else self._pace * rows
            self._spent += max(seconds - usual, 0)

    def _take(self, owners, sums, feed):
        rows = int(feed.real_rows.sum())
        if not self._tests or self._tests[-1].rows >= BLOCK:
            self._number += 1
            self._tests = [*self._tests[-1:], SequentialTest(self._number)]
        self.rows += rows
        for test in self._tests:
            test.add(owners, sums, feed.steps, rows)
        if self.alarm is None:
            self._judge(owners)

    def _judge(self, owners):
        for test in self._tests:
            self.alarm = test.alarm(owners, self.alpha, self.tolerance, self.rows)
            if self.alarm is not None:
                self._tell()
                return

    def _tell(self):
        if self.on_shift is not None:
            self.on_shift(self.alarm)
            return
        found = self.alarm
        what = (
            f"{found.displacement:+.2f} standard deviations"
            if found.kind == "displaced"
            else f"{math.exp(found.log_ratio):.2g} times the spread"
        )
        warn(
            f"What {self.model.name!r} predicts has shifted: it shows in {found.layer!r}, channel {found.channel} ({what} of training), after "
            f"{found.rows:,} rows. phasewise.audit(model, data) says more.",
            ShiftWarning,
        )

    # -- state

    def save(self, path: str | os.PathLike) -> None:
        """Write what was seen to a file (NumPy's .npz), for `load`."""
        arrays = {"alpha": self.alpha, "tolerance": self.tolerance, "rows": self.rows, "number": self._number}
        arrays["tests"] = np.array([(test.number, test.rows, len(test.statistics)) for test in self._tests]).reshape(
            -1, 3
        )
        for test in self._tests:
            for place, statistics in enumerate(test.statistics):
                for name, value in statistics.state().items():
                    arrays[f"{test.number}/{place}/{name}"] = value
        if self.alarm is not None:
            arrays["alarm"] = np.array([str(value) for value in dataclasses.astuple(self.alarm)])
        with written_whole(path) as file:
            np.savez(file, **arrays)

    @classmethod
    def load(cls, model: Model, path: str | os.PathLike, **options: Any) -> "Monitor":
        """A monitor of `model` that goes on where the one that was saved was.

        Raises:
            FileError: the file is damaged, or none that `save` wrote; the model is not monitored then.
        """
        complaint = f"{os.fspath(path)!r} is damaged, or not what a monitor saved"
        with told_as_damage(complaint, besides=(FileNotFoundError,)), np.load(path, allow_pickle=False) as held:
            limits = {name: float(held[name]) for name in ("alpha", "tolerance")}
            rows, number = int(held["rows"]), int(held["number"])
            tests = [SequentialTest.of_state(held, *of_test) for of_test in held["tests"].tolist()]
            alarm = _alarm_of(held["alarm"].tolist()) if "alarm" in held else None
        made = cls(model, **limits, **options)
        made.rows, made._number, made._tests, made.alarm = rows, number, tests, alarm
        return made

    def __reduce__(self):
        return type(None), ()  # a copy of the model is not monitored

    def __repr__(self):
        return f"<Monitor of {self.model.name!r}, {self.rows:,} rows, {self.alarm or 'no shift'}>"


def _alarm_of(texts):
    layer, channel, kind, displacement, ratio, rows = texts
    return Alarm(layer, int(channel), kind, float(displacement), float(ratio), int(rows))
