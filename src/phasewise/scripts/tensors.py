"""`tensor.numpy()`, which scripts for TensorFlow write, and which neither arrays of JAX have nor elements of a plan."""

import numpy as np
from jax._src.array import ArrayImpl  # the class of every array; to ask an array for it would start JAX's devices

from phasewise.data.plan import Plan
from phasewise.data.structure import map_leaves

_ITER, _AS_NUMPY = Plan.__iter__, Plan.as_numpy_iterator


class Element(np.ndarray):
    """An array that a loop over a plan hands out."""

    def numpy(self) -> np.ndarray:
        """The array."""
        return np.asarray(self)


def give_numpy() -> None:
    """Arrays of JAX, and what loops over plans hand out, have `numpy()`, in this process."""
    ArrayImpl.numpy = lambda self: np.asarray(self)
    Plan.__iter__ = lambda self: (map_leaves(_element, each) for each in _ITER(self))
    Plan.as_numpy_iterator = _ITER


def take_numpy() -> None:
    """They have it no more."""
    del ArrayImpl.numpy
    Plan.__iter__, Plan.as_numpy_iterator = _ITER, _AS_NUMPY


def _element(value):
    return np.asarray(value).view(Element)
