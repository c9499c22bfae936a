"""What a person sees while a run goes on."""

import sys

from phasewise.core import defaults
from phasewise.training.progress.lines import Lines, Silent
from phasewise.training.progress.live import Notebook, Terminal


def make_progress(verbose, *, stream=None):
    """The display for `verbose`: "auto" or 1 live in a terminal or notebook ("auto" not where interactive logging is disabled), 2 a line an epoch, 0 nothing.

    Raises:
        ValueError: `verbose` is something else.
    """
    if verbose not in ("auto", 0, 1, 2):
        raise ValueError(f"verbose is 'auto', 0, 1 or 2; got {verbose!r}.")
    stream = stream or sys.stdout
    if verbose == 0:
        return Silent()
    if verbose == "auto" and not defaults.is_interactive_logging_enabled():
        return Lines(stream)
    if verbose != 2 and _in_notebook():
        return Notebook(stream)
    if verbose != 2 and hasattr(stream, "isatty") and stream.isatty():
        return Terminal(stream)
    return Lines(stream)


def _in_notebook():
    """Whether an IPython kernel runs this process."""
    return "ipykernel" in sys.modules and "IPython" in sys.modules
