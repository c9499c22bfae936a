"""Plain lines: one an epoch or task, readable in a log."""

import time


class Silent:
    """Shows nothing."""

    def epoch_begin(self, epoch, epochs, steps):
        """An epoch begins."""

    def task_begin(self, kind, steps):
        """An evaluation or prediction begins."""

    def running(self):
        """The program is compiled and its first step begins."""

    def update(self, step, logs):
        """Steps were made."""

    def end(self, step, logs):
        """The epoch or task ended."""

    def close(self):
        """The run ended, however."""


class Lines(Silent):
    """Writes a line when an epoch or task has ended.

    Args:
        stream: a text stream.
    """

    def __init__(self, stream):
        self.stream = stream
        self.label, self.steps, self.is_running = "", None, False
        self._begun = self._last = None

    def epoch_begin(self, epoch, epochs, steps):
        """Name the epoch."""
        self.begin(f"Epoch {epoch + 1:>{len(str(epochs))}}/{epochs}", steps)

    def task_begin(self, kind, steps):
        """Name the evaluation or prediction."""
        self.begin(kind, steps)

    def begin(self, label, steps):
        """Start the clock; compilation may still come."""
        self.label, self.steps, self.is_running = label, steps, False
        self._begun, self._last = time.perf_counter(), None

    def running(self):
        """Start the clock anew: the time of a step does not count compilation."""
        if not self.is_running:
            self.is_running, self._begun = True, time.perf_counter()

    def update(self, step, logs):
        """Note the time: validation, which follows the last update, is not a step."""
        self._last = time.perf_counter()

    def end(self, step, logs):
        """Write the line."""
        self.stream.write(self.line(step, logs) + "\n")
        self.stream.flush()

    def line(self, step, logs):
        """The line of an epoch or task that has ended."""
        return f"{self.label}  {step} step{'s' * (step != 1)}  {self.status(step, logs)}"

    def status(self, step, logs):
        """The time of a step and the logs."""
        seconds = (self._last or time.perf_counter()) - self._begun
        parts = [f"{duration(seconds / max(step, 1))}/step"]
        return "  ".join([*parts, *(f"{name} {number(value)}" for name, value in logs.items())])


def number(value):
    """Four digits, without an exponent where there is room."""
    if not isinstance(value, int | float):
        return str(value)
    plain = value != value or value == 0 or 1e-3 <= abs(value) < 1e3
    return f"{value:.4f}" if plain else f"{value:.3e}"


def duration(seconds):
    """A time with its unit: 18 µs, 2.4 ms, 1.3 s."""
    for factor, unit in ((1e6, "µs"), (1e3, "ms")):
        rounded = float(f"{seconds * factor:.3g}")
        if rounded < 1000:
            return f"{rounded:g} {unit}"
    return f"{float(f'{seconds:.3g}'):g} s"
