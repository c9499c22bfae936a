"""A progress bar for a loop of one's own."""

import math
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from phasewise.core.defaults import is_interactive_logging_enabled
from phasewise.core.keywords import Told
from phasewise.core.registry import one_of
from phasewise.training.progress.lines import duration, number


class Progbar(Told):
    """A bar that rewrites itself in a terminal; elsewhere, one line when the last step is done.

    Args:
        target: number of steps, None where that is not known.
        width: of the bar, in characters.
        verbose: 0 shows nothing, 1 the bar, 2 only the last line.
        interval: least seconds between two pictures of the bar.
        stateful_metrics: names of the values that are shown as they come; all others are averaged over the steps.
        stateless_metrics: instead, the names of those that are averaged; all others are shown as they come.
        unit_name: what a step is called.

    Unlike in Keras, the last line shows the averages too: there the values of the last step take their place.

    Raises:
        ValueError: both lists of names, or a number out of range.
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError(
                "Progbar takes stateful_metrics or stateless_metrics, not both: one is what the other is not."
            )
        if target is not None and target < 0:
            raise ValueError(f"Progbar's target is a number of steps, or None; got {target!r}.")
        self.target, self.width, self.interval, self.unit_name = target, width, interval, unit_name
        self.verbose = one_of("Progbar", "verbose", verbose, (0, 1, 2))
        self._shown_as_is = None if stateful_metrics is None else set(stateful_metrics)
        self._averaged = None if stateless_metrics is None else set(stateless_metrics)
        self._sums, self._steps = {}, 0
        self._begun = time.perf_counter()
        self._last_shown, self._length = -math.inf, 0

    def update(
        self, current: int, values: Sequence[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Note that `current` steps are done.

        Args:
            values: (name, value) pairs of the steps since the last call.
            finalize: whether this is the last call; by default, whether `target` is reached.
        """
        made = current - self._steps
        for name, value in values or ():
            self._note(name, float(value), made)
        self._steps = current
        is_last = finalize if finalize is not None else self.target is not None and current >= self.target
        if self.verbose:
            self._show(is_last)

    def add(self, n: int, values: Sequence[tuple[str, Any]] | None = None) -> None:
        """Note `n` more steps."""
        self.update(self._steps + n, values)

    def _note(self, name, value, made):
        total, weight = self._sums.get(name, (0.0, 0))
        if not self._is_averaged(name) or weight == 0 or made <= 0:
            # At the end of an epoch a loop may tell its own averages, without a step.
            self._sums[name] = (value * max(made, 1), max(made, 1))
        else:
            self._sums[name] = (total + value * made, weight + made)

    def _is_averaged(self, name):
        return name in self._averaged if self._averaged is not None else name not in (self._shown_as_is or ())

    def _show(self, is_last):
        now, stream = time.perf_counter(), sys.stdout
        is_live = self.verbose == 1 and is_interactive_logging_enabled() and stream.isatty()
        if not is_last and (not is_live or now - self._last_shown < self.interval):
            return
        self._last_shown = now
        line = self._line(now - self._begun, is_last)
        stream.write(("\r" + line.ljust(self._length) if is_live else line) + ("\n" if is_last else ""))
        stream.flush()
        self._length = 0 if is_last else len(line)

    def _line(self, seconds, is_last):
        parts = [f"{self._steps}/{self.target or '?'}"]
        if self.verbose == 1:
            share = min(self._steps / self.target, 1) if self.target else float(is_last)
            filled = round(share * self.width)
            parts.append("━" * filled + "─" * (self.width - filled))
        per_step = seconds / max(self._steps, 1)
        parts.append(f"{duration(per_step)}/{self.unit_name}")
        if not is_last and self.target:
            parts.append(f"{duration(per_step * (self.target - self._steps))} left")
        return "  ".join(
            [*parts, *(f"{name} {number(total / weight)}" for name, (total, weight) in self._sums.items())]
        )
