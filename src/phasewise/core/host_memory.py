"""Memory of the host that the device may read where it is."""

import math

import numpy as np

ALIGNMENT = 64  # bytes; arrays that begin there are read by the device where they are


def empty(shape, dtype):
    """An uninitialized array that the device can read where it is. Pages that are never written cost nothing."""
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    raw = np.empty(size + ALIGNMENT, np.uint8)
    start = -_address(raw) % ALIGNMENT
    return raw[start : start + size].view(dtype).reshape(shape)


def unaliased(array):
    """The array in memory that the device will not read where it is, of a NumPy array that its owner may write to.

    An array at such an address is not copied by the device, and is read while the caller goes on.
    """
    if isinstance(array, np.ndarray) and _address(array) % ALIGNMENT == 0:
        return array.copy()
    return array


def _address(array):
    return array.__array_interface__["data"][0]
