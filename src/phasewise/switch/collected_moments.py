"""A record of the moments that normalization layers see while a model is traced: what recalibration gathers."""

import contextlib
from contextvars import ContextVar

_record = ContextVar("phasewise_collected_moments", default=None)


@contextlib.contextmanager
def collected_moments():
    """Yields a list that receives (average, count, moments) for every call inside of a layer whose averages follow batches."""
    entries = []
    token = _record.set(entries)
    try:
        yield entries
    finally:
        _record.reset(token)


def is_collecting():
    """Whether someone asks for moments."""
    return _record.get() is not None


def record_moments(average, count, moments):
    """What a layer sees in the call that is being traced.

    Args:
        average: which of the layer's averages follows it.
        count: (parts, channels), how many values each mean is taken over.
        moments: `phasewise.kernels.moments.Moments`, each (parts, channels); a part is a batch, or a ghost batch.
    """
    entries = _record.get()
    if entries is not None:
        entries.append((average, count, moments))
