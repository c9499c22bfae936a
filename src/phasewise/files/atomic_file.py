"""A file that is there whole or not at all: written aside, flushed to the disk, then put in its place by its name."""

import contextlib
import os
from collections.abc import Iterator
from typing import BinaryIO


@contextlib.contextmanager
def written_whole(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file to write (and read) whose content is at `path` once the block has ended, and not before.

    Whatever goes wrong, in the block or with the disk, leaves what was at `path` as it was; so does a crash.

    Raises:
        OSError: the disk is full, or the folder does not exist or takes no file. The message names `path`.
    """
    with written_by_name(path) as aside, open(aside, "w+b") as file:
        yield file


@contextlib.contextmanager
def written_by_name(path: str | os.PathLike[str]) -> Iterator[str]:
    """As `written_whole`, for libraries that write a file by its name: the name to write to, in the same folder.

    Raises:
        OSError: as there.
    """
    path = os.path.abspath(os.fspath(path))
    aside = f"{path}.{os.getpid()}.part"
    try:
        with open(aside, "wb"):
            pass  # a folder that is not there, or takes no file, is found out before anything is computed
        yield aside
        with open(aside, "rb") as file:
            os.fsync(file.fileno())
        os.replace(aside, path)
        _flush_folder(os.path.dirname(path))
    except OSError as error:
        raise _explained(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(aside)


def check_writable(path: str | os.PathLike[str]) -> None:
    """Find out whether `written_whole(path)` will find a folder that takes its file; the folder is made where it is missing.

    Raises:
        OSError: it does not; the message names `path`.
    """
    path = os.path.abspath(os.fspath(path))
    if os.path.isdir(path):
        raise IsADirectoryError(f"{path!r} is a folder; give the path of a file.")
    probe = f"{path}.{os.getpid()}.part"
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(probe, "wb"):
            pass
        os.unlink(probe)
    except OSError as error:
        raise type(error)(error.errno, f"{path!r} cannot be written: {error.strerror}") from error


def _explained(error, path):
    kept = " What was there before is whole." if os.path.exists(path) else ""
    folder = os.path.dirname(path)
    why = (error.strerror or error) if os.path.isdir(folder) else f"the folder {folder!r} does not exist; make it first"
    return type(error)(error.errno, f"{path!r} could not be written: {why}.{kept}")


def _flush_folder(folder):
    """The new name reaches the disk too, where the system can be asked for that."""
    with contextlib.suppress(OSError):
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
