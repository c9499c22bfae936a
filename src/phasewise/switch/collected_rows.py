"""A record of what each row says to normalization layers while a model is traced: what an audit and a monitor gather."""

import contextlib
from contextvars import ContextVar

_record = ContextVar("phasewise_collected_rows", default=None)


@contextlib.contextmanager
def collected_rows(rows):
    """Yields a list that receives (average, `RowMoments`) for every call inside of a layer that has moving statistics.

    Args:
        rows: how many rows the batch has, padding included. A layer around may have folded another axis into them.
    """
    entries = []
    token = _record.set((rows, entries))
    try:
        yield entries
    finally:
        _record.reset(token)


def rows_asked_for():
    """How many rows the batch has, where someone collects what they say; else None."""
    record = _record.get()
    return None if record is None else record[0]


def record_rows(average, rows):
    """What the rows say in the call that is being traced.

    Args:
        average: which of the layer's averages they are held against.
        rows: `phasewise.kernels.row_moments.RowMoments`.
    """
    record = _record.get()
    if record is not None:
        record[1].append((average, rows))
