"""Arrays of any library, recognized by what they can do. Nothing is imported for it."""

import sys

import numpy as np


def to_array(value):
    """A NumPy array from a JAX array, a pandas object, a PyTorch tensor, a list of numbers, or anything array-like."""
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
    return np.asarray(value)


def is_array_like(value):
    """Whether `value` is one array: not a nest, not a source of batches. A list of numbers is one, a list of arrays not."""
    if isinstance(value, np.ndarray | np.generic) or hasattr(value, "to_numpy") or _is_hugging_face_column(value):
        return True
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        return True
    return isinstance(value, list) and all(isinstance(item, list | tuple) or not _has_rows(item) for item in value)


def _has_rows(item):
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
