"""A record of the moments that normalization layers see while a model is traced: what recalibration gathers."""

import contextlib
from contextvars import ContextVar

_record = ContextVar("phasewise_collected_moments", default=None)


@contextlib.contextmanager
def collected_moments():
    """Yields a list that receives (layer, count, mean in two parts, variance) for every batch normalization inside."""
    entries = []
    token = _record.set(entries)
    try:
        yield entries
    finally:
        _record.reset(token)


def is_collecting():
    """Whether someone asks for moments."""
    return _record.get() is not None


def record_moments(layer, count, moments):
    """What `layer` sees in the call that is being traced.

    Args:
        count: how many values each mean is taken over.
        moments: `phasewise.kernels.moments.Moments`.
    """
    entries = _record.get()
    if entries is not None:
        entries.append((layer, count, moments))
