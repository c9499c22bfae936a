"""What a person sees while a run goes on: a live line in a terminal or notebook, plain lines elsewhere."""

import os
import sys
import time

BAR = 24


def make_progress(verbose, *, kind, stream=None):
    """The progress display for `verbose`: "auto" or 1 live, 2 a line an epoch, 0 nothing.

    Raises:
        ValueError: `verbose` is something else.
    """
    if verbose not in ("auto", 0, 1, 2):
        raise ValueError(f"verbose is 'auto', 0, 1 or 2; got {verbose!r}.")
    stream = stream or sys.stdout
    if verbose == 0:
        return Silent()
    live = verbose in ("auto", 1) and (_is_terminal(stream) or _in_notebook())
    return Lines(stream, live=live)


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

    def epoch_end(self, step, logs):
        """An epoch ended."""

    task_end = epoch_end

    def close(self):
        """The run ended, however."""


class Lines(Silent):
    """One line an epoch or task; while it goes on the line is live where the stream is a terminal or a notebook."""

    def __init__(self, stream, live):
        self._stream, self._live = stream, live
        self._label, self._steps, self._begun, self._shown, self._open, self._running = "", None, 0.0, 0.0, False, False

    def epoch_begin(self, epoch, epochs, steps):
        """Start the line of an epoch."""
        width = len(str(epochs))
        self._begin(f"Epoch {epoch + 1:>{width}}/{epochs}", steps)

    def task_begin(self, kind, steps):
        """Start the line of an evaluation or prediction."""
        self._begin(kind, steps)

    def running(self):
        """Start the clock: the time of a step does not count compilation."""
        if not self._running:
            self._running, self._begun = True, time.perf_counter()

    def update(self, step, logs):
        """Redraw the live line, at most ten times a second."""
        now = self._last = time.perf_counter()
        if self._live and now - self._shown > 0.1:
            self._shown = now
            self._draw(step, logs, now)

    def epoch_end(self, step, logs):
        """Print the final line."""
        self._draw(step, logs, self._last or time.perf_counter(), final=True)  # validation is not a step

    task_end = epoch_end

    def close(self):
        """Leave the cursor on a line of its own."""
        if self._open:
            self._stream.write("\n")
            self._stream.flush()
            self._open = False

    def _begin(self, label, steps):
        self._label, self._steps, self._running = label, steps, False
        self._begun = self._shown = time.perf_counter()
        self._last = None

    def _draw(self, step, logs, now, final=False):
        of = f"{step}/{self._steps}" if self._steps and not final else f"{step} step{'s' * (step != 1)}"
        parts = [self._label, self._bar(step, final), of, duration((now - self._begun) / max(step, 1)) + "/step"]
        parts += [f"{name} {number(value)}" for name, value in logs.items()]
        line = "  ".join(part for part in parts if part)
        if not self._live:
            self._stream.write(line + "\n")
        else:
            self._stream.write("\r\x1b[2K" + (line if final else _fitted(line, self._stream)) + ("\n" if final else ""))
        self._open = self._live and not final
        self._stream.flush()

    def _bar(self, step, final):
        if not self._live or not self._steps or final:
            return ""
        done = min(BAR, BAR * step // self._steps)
        return "━" * done + "╌" * (BAR - done)


def number(value):
    """Four significant digits, without an exponent where there is room."""
    if not isinstance(value, int | float):
        return str(value)
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e3 or value == 0 else f"{value:.3e}" if value == value else "nan"


def duration(seconds):
    """A time with its unit: 18 µs, 2.4 ms, 1.3 s."""
    for limit, factor, unit in ((1e-3, 1e6, "µs"), (1, 1e3, "ms")):
        if seconds < limit:
            return f"{seconds * factor:.3g} {unit}"
    return f"{seconds:.3g} s"


def _fitted(line, stream):
    """The line cut to the terminal's width."""
    try:
        width = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError, AttributeError):
        width = 120
    return line if len(line) < width else line[: max(0, width - 2)] + "…"


def _is_terminal(stream):
    return hasattr(stream, "isatty") and stream.isatty()


def _in_notebook():
    """Whether an IPython kernel runs this process."""
    return "ipykernel" in sys.modules and "IPython" in sys.modules
