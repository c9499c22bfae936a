"""A nest of dicts, lists, numbers, strings and arrays as one file: a zip of NumPy arrays and a JSON that says where each belongs.

Every part has a checksum, so that a damaged file is found out. Reading one runs no code: nothing is pickled.
"""

import io
import json
import os
import zipfile
from typing import Any

import jax
import ml_dtypes
import numpy as np

from phasewise.files.atomic_file import written_whole

_TREE, _ARRAY = "tree.json", "$array"


class DamagedFileError(OSError):
    """A record that cannot be read: cut off, changed, or no record."""


def write(path: str | os.PathLike[str], nest: Any) -> None:
    """Write the record to `path`, whole or not at all.

    Args:
        nest: dicts with strings as keys, lists, tuples (which become lists), numbers, strings, booleans, None and arrays.

    Raises:
        OSError: it could not be written.
        TypeError: it holds something else.
    """
    arrays = []
    tree = json.dumps(_taken_apart(nest, arrays))
    with written_whole(path) as file, zipfile.ZipFile(file, "w") as archive:
        for number, array in enumerate(arrays):
            with archive.open(f"{number}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, _plain(array), allow_pickle=False)
        archive.writestr(_TREE, tree)


def read(path: str | os.PathLike[str]) -> Any:
    """What `write` was given, arrays as NumPy arrays.

    Raises:
        DamagedFileError: it is damaged, or no record.
        FileNotFoundError: there is none.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            tree = json.loads(archive.read(_TREE))
            return _put_together(tree, archive)
    except FileNotFoundError:
        raise
    except (zipfile.BadZipFile, OSError, KeyError, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
        raise DamagedFileError(f"{os.fspath(path)!r} is damaged: {error}") from error


def _taken_apart(item, arrays):
    if isinstance(item, np.generic) and item.dtype.kind in "fiub" and item.dtype.itemsize <= 8:
        item = np.asarray(item)
    if isinstance(item, np.ndarray | jax.Array):
        arrays.append(np.asarray(item))
        return {_ARRAY: len(arrays) - 1, "dtype": str(item.dtype)}
    if isinstance(item, dict):
        if not all(isinstance(key, str) for key in item):
            raise TypeError(f"A record's keys are strings; got {list(item)!r}.")
        return {key: _taken_apart(value, arrays) for key, value in item.items()}
    if isinstance(item, list | tuple):
        return [_taken_apart(value, arrays) for value in item]
    if item is None or isinstance(item, bool | int | float | str):
        return item
    raise TypeError(
        f"A record holds numbers, strings, arrays and nests of them; got {item!r} of type {type(item).__name__}."
    )


def _put_together(item, archive):
    if isinstance(item, list):
        return [_put_together(value, archive) for value in item]
    if not isinstance(item, dict):
        return item
    if _ARRAY not in item:
        return {key: _put_together(value, archive) for key, value in item.items()}
    stored = io.BytesIO(archive.read(f"{item[_ARRAY]}.npy"))  # all of it, so that its checksum is looked at
    array = np.lib.format.read_array(stored, allow_pickle=False)
    dtype = getattr(ml_dtypes, item["dtype"], item["dtype"])
    return array.view(dtype) if np.dtype(dtype) != array.dtype else array


def _plain(array):
    """An array in a dtype that the format knows, of the same bits."""
    return array if array.dtype.kind in "fiubc" else array.view(f"u{array.dtype.itemsize}")
