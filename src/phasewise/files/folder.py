"""A folder with the members of a `.keras` archive as files."""

import contextlib
import os
import stat
from collections.abc import Iterator
from typing import BinaryIO

from phasewise.files.archive import MOST_MEMBERS
from phasewise.files.file_error import FileError


class Folder:
    """The files below `path`; links are not followed.

    Raises:
        FileError: there are too many, or one of them is a link.
    """

    def __init__(self, path: str):
        self.path, self._members = path, {}
        for where, folders, names in os.walk(path):
            for name in (*folders, *names):
                self._enter(os.path.join(where, name))

    def _enter(self, full):
        name, mode = os.path.relpath(full, self.path).replace(os.sep, "/"), os.lstat(full).st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise FileError(
                f"{self.path!r} has {name!r}, which is a link or another thing that is no file. It is not opened."
            )
        if stat.S_ISREG(mode):
            self._members[name] = full
        if len(self._members) > MOST_MEMBERS:
            raise FileError(f"{self.path!r} has more than {MOST_MEMBERS:,} files; it is not a saved model.")

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def names(self) -> list[str]:
        """The files."""
        return list(self._members)

    def read(self, name: str, most: int) -> bytes:
        """A whole file.

        Raises:
            FileError: there is none, or it has more than `most` bytes.
        """
        with self.opened(name) as file:
            found = file.read(most + 1)
        if len(found) > most:
            raise FileError(f"{self.path!r} has a file {name!r} of more than {most:,} bytes. It is not read.")
        return found

    def copy(self, name: str, to: BinaryIO, most: int) -> None:
        """Write a file to `to`. Raises as `read`."""
        to.write(self.read(name, most))

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[BinaryIO]:
        """A file, open for reading."""
        if name not in self._members:
            raise FileError(f"{self.path!r} is not a saved model: it has no {name!r}.")
        with open(self._members[name], "rb") as file:
            yield file
