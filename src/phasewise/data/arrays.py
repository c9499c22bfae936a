"""Arrays of any library, recognized by what they can do. Nothing is imported for it.

Whose memory it is, an array tells by itself: one that can be written to has a single holder, who may do with it what they like; one
that several hold, or a plan keeps for later, is read-only. So nothing is copied twice, and nothing that is kept changes.
"""

import sys

import jax
import numpy as np


def to_array(value):
    """A NumPy array from a JAX array, a pandas object, a PyTorch tensor, a list of numbers, or anything array-like.

    It may share memory with `value`.

    Raises:
        ValueError: lists of different lengths.
    """
    if isinstance(value, np.ndarray | np.generic):
        return value
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        value = value.detach().cpu()
        return (value.float() if value.dtype is torch.bfloat16 else value).numpy()
    if hasattr(value, "to_numpy"):
        return _of_pandas(value)
    if _is_hugging_face_column(value):
        return np.asarray(value.source.with_format("numpy")[value.column_name][:])
    return _of_lists(value) if isinstance(value, list | tuple) else np.asarray(value)


def owned(value, narrow=True):
    """As `to_array`, in memory that nobody else writes to, for an element of a plan.

    A file that is mapped into memory stays where it is, read-only.

    Args:
        narrow: whether Python's own numbers become int32 and float32 (int64 where they do not fit), as in tf.data.
    """
    if isinstance(value, np.memmap):
        return frozen(value)
    array = to_array(value)
    if isinstance(value, list | tuple | int | float) and not isinstance(value, np.generic):
        array = _narrowed(value, array) if narrow else array
    elif array.ndim and not isinstance(value, jax.Array):  # what is JAX's never changes
        array = array.copy()
    is_scalar = isinstance(array, np.generic)  # of which one that is a string takes no index ()
    return array if is_scalar or array.ndim or array.dtype.kind == "O" else array[()]


def frozen(array):
    """The array, read-only; what else is no array stays."""
    if not isinstance(array, np.ndarray) or not array.flags.writeable:
        return array
    view = array.view()
    view.flags.writeable = False
    return view


def released(array):
    """The array for somebody who may write to it; what else is no array stays."""
    return array.copy() if isinstance(array, np.ndarray) and not array.flags.writeable else array


def is_array_like(value):
    """Whether `value` is one array: not a nest, not a source of batches. A list of numbers is one, a list of arrays not."""
    if isinstance(value, np.ndarray | np.generic) or hasattr(value, "to_numpy") or _is_hugging_face_column(value):
        return True
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return True
    return isinstance(value, list) and not any(map(_has_rows, value))


def _of_lists(value):
    try:
        return np.asarray(value)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise ValueError(
            "Lists of different lengths make no array. Fill them up to one length, or give a tuple where they are several "
            "arrays."
        ) from None


def _narrowed(value, array):
    """Python's numbers in 32 bits, where they fit; numbers of NumPy keep their dtype."""
    while isinstance(value, list | tuple) and value:
        value = value[0]
    narrow = {"i": np.int32, "f": np.float32}.get(array.dtype.kind)
    if narrow is None or isinstance(value, np.generic) or not isinstance(value, int | float | list | tuple):
        return array
    if narrow is np.int32 and array.size and not -(2**31) <= array.min() <= array.max() < 2**31:
        return array
    with np.errstate(over="ignore"):
        return array.astype(narrow)


def _has_rows(item):
    while isinstance(item, list | tuple):  # of lists of numbers the first number tells
        if not item:
            return False
        item = item[0]
    if isinstance(item, int | float | np.generic):
        return False
    return isinstance(item, dict) or (is_array_like(item) and np.ndim(item) > 0)


def _is_hugging_face_column(value):
    return hasattr(value, "column_name") and hasattr(value, "source") and hasattr(value.source, "with_format")


def _of_pandas(value):
    """Columns of numbers and booleans mixed, or with missing values, come as objects: they become float, missing NaN."""
    array = value.to_numpy()
    if array.dtype != object:
        return array
    dtypes = getattr(value, "dtypes", value.dtype if hasattr(value, "dtype") else None)
    kinds = {getattr(dtype, "kind", "O") for dtype in (dtypes if hasattr(dtypes, "__iter__") else [dtypes])}
    return value.to_numpy(dtype=np.float64, na_value=np.nan) if kinds <= set("biuf") else array
