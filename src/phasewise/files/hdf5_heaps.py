"""Heaps of an HDF5 file, where texts of any length lie: the library goes through a damaged one without end, and nothing can stop it."""

import contextlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from phasewise.files.file_error import FileError

_SIGNATURE = b"GCOL\x01"
_BLOCK = 1 << 20
_unchecked = {}  # by the name of an open file: its path, and the file that it is read from where it is none of its own


@contextlib.contextmanager
def heaps_to_check(source: Any, path: str, file: BinaryIO | None) -> Iterator[None]:
    """Around the use of an open `h5py.File` that is read from `path`, or from `file`: `check_heaps` can be asked."""
    _unchecked[source.filename] = path, file
    try:
        yield
    finally:
        _unchecked.pop(source.filename, None)


def check_heaps(item: Any) -> None:
    """Look at the heaps of the file that an HDF5 object lies in, once, before a text of any length is read from it.

    Raises:
        FileError: one of them would be gone through without end.
    """
    path, file = _unchecked.pop(item.file.filename, (None, None))
    if path is None:
        return
    sizes = item.file.id.get_create_plist().get_sizes()[1]
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open(path, "rb")) if file is None else file
        for start in list(_starts(file)):
            if not _comes_to_an_end(file, start, sizes):
                raise FileError(f"{path!r} is damaged: its heap of texts at byte {start:,} goes on without end.")


def _starts(file):
    """Where heaps begin: wherever their signature stands."""
    file.seek(0)
    before, block = 0, file.read(_BLOCK)
    while block:
        place = block.find(_SIGNATURE)
        while place >= 0:
            yield before + place
            place = block.find(_SIGNATURE, place + 1)
        kept = block[-len(_SIGNATURE) + 1 :]
        before += len(block) - len(kept)
        more = file.read(_BLOCK)
        block = kept + more if more else b""


def _comes_to_an_end(file, start, width):
    """Whether the sizes of the objects in a heap lead from one to the next; `width` bytes say a size. What leads out of it is refused."""
    file.seek(start)
    head = file.read(8 + width)
    heap = memoryview(head + file.read(max(0, int.from_bytes(head[8:], "little") - len(head))))
    header, place = _aligned(8 + width), _aligned(8 + width)
    while place + header <= len(heap):
        number = int.from_bytes(heap[place : place + 2], "little")
        size = int.from_bytes(heap[place + 8 : place + 8 + width], "little")
        if size >= 1 << (8 * width - 1) or (number == 0 and size == 0):
            return False
        place += header + _aligned(size) if number else size
    return True


def _aligned(size):
    return (size + 7) // 8 * 8
