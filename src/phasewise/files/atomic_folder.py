"""A folder that is there whole or not at all: written aside, then put in its place by its name."""

import contextlib
import os
import shutil
from collections.abc import Iterator


@contextlib.contextmanager
def folder_written_whole(path: str | os.PathLike[str]) -> Iterator[str]:
    """The name of a folder to make and fill, whose content is at `path` once the block has ended, and not before.

    A folder that is at `path` is replaced. Whatever goes wrong in the block leaves it as it was.

    Raises:
        OSError: `path` is a file, or its parent does not exist or takes no folder.
    """
    path = os.path.abspath(os.fspath(path))
    aside = f"{path}.{os.getpid()}.part"
    try:
        yield aside
        _put_in_place(aside, path)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _put_in_place(aside, path):
    old = f"{path}.{os.getpid()}.old"
    if os.path.isdir(path):
        os.rename(path, old)
    try:
        os.rename(aside, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.rename(old, path)
        raise
    shutil.rmtree(old, ignore_errors=True)
