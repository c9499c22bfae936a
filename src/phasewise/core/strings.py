"""Strings on the host: arrays of them, whatever holds them."""

from typing import Any

import numpy as np

STRING = "string"  # the dtype of a symbolic tensor of strings


def is_string_dtype(dtype: Any) -> bool:
    """Whether `dtype` names strings: "string", "str", `str`, `bytes`, or a NumPy dtype of them."""
    if isinstance(dtype, str) and dtype in (STRING, "str"):
        return True
    return dtype in (str, bytes) or (isinstance(dtype, np.dtype) and dtype.kind in "USO")


def holds_strings(value: Any) -> bool:
    """Whether an array, scalar or nested list is of strings (or bytes), as far as its first entry tells. A list of arrays is not."""
    if isinstance(value, np.ndarray):
        return value.dtype.kind in "US" or (value.dtype == object and (not value.size or holds_strings(value.flat[0])))
    while isinstance(value, list | tuple) and value:
        value = value[0]
    return isinstance(value, str | bytes)


def is_list_of_entries(value: list) -> bool:
    """Whether a list is an array, of strings or numbers, rather than a list of arrays."""
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, str | bytes | int | float | np.generic)


def as_host_array(value: Any) -> np.ndarray:
    """A NumPy array; strings in lists become objects, each as long as it is.

    Raises:
        ValueError: lists of different lengths.
    """
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "to_numpy"):
        return np.asarray(value.to_numpy())
    if not holds_strings(value):
        return np.asarray(value)
    array = np.array(value, object)
    if any(isinstance(entry, list | tuple) for entry in array.ravel().tolist()[:1]):
        raise ValueError(
            "Lists of different lengths make no array of strings. Fill them up to one length, or join the words of each to one string."
        )
    return array


def texts_of(array: np.ndarray, encoding: str = "utf-8") -> list[str]:
    """The entries of an array of strings, bytes or objects, in order, as str.

    Raises:
        TypeError: an entry is no string; the message gives it and its place.
    """
    if array.dtype.kind == "U":
        return array.ravel().tolist()
    if array.dtype.kind == "S":
        return [entry.decode(encoding) for entry in array.ravel().tolist()]
    entries = array.ravel().tolist()
    for place, entry in enumerate(entries):
        if isinstance(entry, bytes):
            entries[place] = entry.decode(encoding)
        elif not isinstance(entry, str):
            raise TypeError(
                f"expects strings; got {entry!r} of type {type(entry).__name__} at entry {place} of an array of shape {array.shape} and "
                f"dtype {array.dtype}. Fill missing values in, and turn numbers into strings, first."
            )
    return entries
