"""Where the file of a data set lies, and how it is read without running anything that it says."""

import io
import os
import pickle
import zipfile
from collections.abc import Sequence
from typing import Any

import numpy as np

from phasewise.utils.cached_file import keras_home

OF_GOOGLE = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
_ALLOWED = {(room, "_reconstruct") for room in ("numpy.core.multiarray", "numpy._core.multiarray")}
_ALLOWED |= {("numpy", "ndarray"), ("numpy", "dtype")}


def find(owner: str, names: Sequence[str], origin: str, subfolder: str = "datasets", has_path: bool = False) -> str:
    """The path of the first of several files or folders that is there: as a path of its own, or in Keras's cache folder.

    Args:
        owner: the data set.
        names: paths, or names in the cache folder.
        origin: where the first can be fetched.
        subfolder: of the cache folder.
        has_path: whether `load_data` takes a path, so that the message can say so.

    Raises:
        FileNotFoundError: there is none; the message says what to put where.
    """
    folder = os.path.join(keras_home(), subfolder)
    for name in names:
        for path in (os.path.expanduser(name), os.path.join(folder, name)):
            if os.path.exists(path):
                return path
    wanted = os.path.join(folder, os.path.basename(names[0]))
    otherwise = ", or say where it lies: load_data(path=...)" if has_path else ""
    raise FileNotFoundError(
        f"The data set {owner} is not on this machine, and phasewise opens no connections. Fetch {origin} by another way and put it at "
        f"{wanted}{otherwise}."
    )


def arrays_of(owner: str, path: str, names: Sequence[str]) -> list[np.ndarray]:
    """Arrays of an `.npz` file by their names.

    Raises:
        ValueError: it is no such file, lacks one of them, or holds more than arrays and lists of numbers.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            missing = [name for name in names if f"{name}.npy" not in archive.namelist()]
            if not missing:
                return [_array(archive.read(f"{name}.npy")) for name in names]
            held = ", ".join(name.removesuffix(".npy") for name in archive.namelist())
    except (zipfile.BadZipFile, pickle.UnpicklingError, EOFError, ValueError) as error:
        raise ValueError(f"The file {path} of the data set {owner} cannot be read: {error}") from error
    raise ValueError(f"The file {path} holds {held}; the data set {owner} needs {', '.join(names)}.")


def unpickled(content: bytes, encoding: str = "ASCII") -> Any:
    """What was pickled, as far as it is made of numbers, strings, lists, dicts and arrays.

    Raises:
        pickle.UnpicklingError: it names anything else, which unpickling would run.
    """
    return _Unpickler(io.BytesIO(content), encoding=encoding).load()


def _array(content):
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version[0] == 1 else np.lib.format.read_array_header_2_0
    _, _, dtype = read(file)
    # Arrays of lists of unequal lengths are pickled in such files.
    return unpickled(file.read()) if dtype.hasobject else np.lib.format.read_array(io.BytesIO(content))


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) == ("_codecs", "encode"):
            return _latin1
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, which would be run: phasewise runs nothing of a file's."
            )
        return super().find_class(module, name)


def _latin1(text, encoding):
    """Bytes, which are written as text in pickles of the form that older NumPy gave to files."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it holds bytes written as {encoding!r}.")
    return text.encode("latin1")
