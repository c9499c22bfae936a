"""`.npz` and `.safetensors`: files of arrays by name. Neither runs code when it is read."""

import contextlib
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import ml_dtypes
import numpy as np

from phasewise.files.atomic_file import written_by_name, written_whole
from phasewise.files.file_error import FileError
from phasewise.files.missing import check_is_file
from phasewise.files.named_weights import holds_numbers

SAFETENSORS, NPZ = ".safetensors", ".npz"
_METADATA = {"format": "phasewise", "content": "weights of a model by the paths of its variables, in Keras's layout"}


def write_arrays(path: str, arrays: Mapping[str, np.ndarray], metadata: Mapping[str, str] = _METADATA) -> None:
    """Write `*.npz` or `*.safetensors`, whole or not at all; `metadata` stands in the latter.

    Raises:
        ImportError: safetensors is not installed.
        OSError: it could not be written.
    """
    if path.endswith(NPZ):
        _write_npz(path, arrays)
        return
    library = _library(path)
    with written_by_name(path) as aside:
        try:
            library.numpy.save_file({name: _dense(array) for name, array in arrays.items()}, aside, dict(metadata))
        except library.SafetensorError as error:
            raise OSError(None, str(error)) from error


@contextlib.contextmanager
def opened_arrays(path: str) -> Iterator[dict[str, Any]]:
    """dict from name to array, none read before it is asked for.

    Raises:
        FileNotFoundError, ImportError: there is no such file, or no library to read it.
        OSError: it is cut off, or nothing of this kind.
    """
    check_is_file(path, "there are no weights to load")
    with (_opened_npz if path.endswith(NPZ) else _opened_safetensors)(path) as arrays:
        yield arrays


class _Lazy:
    """An array in a file, as `Fit` takes it."""

    def __init__(self, where, shape, is_number, load, is_checked):
        self.where, self.shape, self.is_number = where, tuple(shape), is_number
        self._load, self._is_checked = load, is_checked

    def read(self):
        try:
            value = np.asarray(self._load())
        except Exception as error:
            raise FileError(f"{self.where} cannot be read: {error}") from error
        return value.view(ml_dtypes.bfloat16) if value.dtype == np.dtype("V2") else value

    def check_readable(self):
        if not self._is_checked:
            self.read()


def _dense(array):
    return np.ascontiguousarray(array) if array.ndim else np.array(array)


# -- NumPy's


def _write_npz(path, arrays):
    with written_whole(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, array, allow_pickle=False)


@contextlib.contextmanager
def _opened_npz(path):
    with contextlib.ExitStack() as stack:
        try:
            archive = stack.enter_context(zipfile.ZipFile(path))
            found = {name.removesuffix(".npy"): _member(archive, name, path) for name in archive.namelist()}
        except (zipfile.BadZipFile, ValueError, EOFError, NotImplementedError, RuntimeError) as error:
            raise FileError(f"{path!r} is no .npz file, or it is damaged: {error}") from error
        yield found


def _member(archive, name, path):
    with archive.open(name) as member:
        shape, _, dtype = _header(member)

    def load():
        with archive.open(name) as member:
            value = np.lib.format.read_array(member, allow_pickle=False)
            member.read(1)  # to the end, where its checksum is looked at
        return value

    return _Lazy(f"{name!r} in {path!r}", shape, holds_numbers(dtype), load, False)


def _header(member):
    version = np.lib.format.read_magic(member)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(member)


# -- safetensors


def _library(path):
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(f"{path!r} needs the package safetensors: pip install 'phasewise[safetensors]'.") from error
    return safetensors


@contextlib.contextmanager
def _opened_safetensors(path):
    library = _library(path)
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(library.safe_open(path, framework="np"))
            names = file.keys()
            found = {name: _tensor(file, name, path) for name in names}
        except library.SafetensorError as error:
            raise FileError(f"{path!r} is no safetensors file, or it is damaged: {error}") from error
        yield found


def _tensor(file, name, path):
    part = file.get_slice(name)
    is_number = part.get_dtype() in _NUMBERS
    return _Lazy(f"{name!r} in {path!r}", part.get_shape(), is_number, lambda: file.get_tensor(name), True)


_NUMBERS = {"F64", "F32", "F16", "BF16", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL"}
