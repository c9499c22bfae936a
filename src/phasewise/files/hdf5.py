"""HDF5 through h5py, with errors of the disk that are told as such and nothing read from outside of a file."""

import contextlib
import os
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

from phasewise.files.file_error import FileError, told_as_damage
from phasewise.files.hdf5_heaps import check_heaps, heaps_to_check
from phasewise.files.hdf5_limits import check
from phasewise.files.missing import check_is_file


class WritableThrough:
    """A file for HDF5 to write to that keeps the first error of the disk to itself, so that the library can end in good order.

    HDF5 cannot close a file that takes no more: it says so in words of its own, and tries once more when the process ends.
    """

    def __init__(self, file: BinaryIO):
        self._file, self.error = file, None

    @classmethod
    def fill(cls, file: BinaryIO, fill: Callable[[Any], None]) -> None:
        """Call `fill` with an `h5py.File` that is written to `file`.

        Raises:
            OSError: what went wrong with the disk.
        """
        import h5py  # here: most runs write no file

        through = cls(file)
        try:
            with h5py.File(through, "w") as target:
                fill(target)
        except Exception:
            if through.error is None:
                raise
        if through.error is not None:
            raise through.error

    def _tried(self, action, otherwise):
        if self.error is not None:
            return otherwise
        try:
            return action()
        except OSError as error:
            self.error = error
            return otherwise

    def write(self, data):
        return self._tried(lambda: self._file.write(data), len(data))

    def truncate(self, size=None):
        return self._tried(lambda: self._file.truncate(size), size)

    def flush(self):
        self._tried(self._file.flush, None)

    def seek(self, offset, whence=os.SEEK_SET):
        return self._tried(lambda: self._file.seek(offset, whence), offset)

    def tell(self):
        return self._tried(self._file.tell, 0)

    def readinto(self, buffer):
        return self._tried(lambda: self._file.readinto(buffer), len(buffer))

    def read(self, size=-1):
        return self._tried(lambda: self._file.read(size), b"")


@contextlib.contextmanager
def opened(path: str, file: BinaryIO | None = None) -> Iterator[Any]:
    """The `h5py.File` at `path` (or in `file`) for reading.

    Raises:
        OSError: there is none; it is no HDF5 file; it is cut off; it holds what is never read (see `hdf5_limits`).
    """
    import h5py

    if file is None:
        check_is_file(path, "there are no weights to load")
    try:
        source = h5py.File(path if file is None else file, "r")
    except (OSError, ValueError, RuntimeError, OverflowError) as error:
        what = "is cut off" if "truncated" in str(error) else "is no HDF5 file"
        raise FileError(f"{path!r} {what}: {error}") from error
    with source:
        with told_as_damage(f"{path!r} is damaged"):
            check(source, path)
        with heaps_to_check(source, path, file):
            yield source


def attribute(item: Any, name: str) -> Any:
    """An attribute, whose texts may lie in a heap of the file; None where there is none.

    Raises:
        FileError: such a heap is damaged.
    """
    if name not in item.attrs:
        return None
    if item.attrs.get_id(name).dtype.kind == "O":
        check_heaps(item)
    return item.attrs[name]


def text_attribute(item: Any, name: str) -> str | None:
    """The attribute of this name where it is one text, else None: nothing else is read."""
    import h5py

    if name not in item.attrs:
        return None
    found = item.attrs.get_id(name)
    if found.shape != () or (found.dtype.kind != "S" and h5py.check_string_dtype(found.dtype) is None):
        return None
    text = attribute(item, name)
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
