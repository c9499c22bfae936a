"""The zip archive that a `.keras` file is: found out to be harmless before anything of it is used."""

import contextlib
import io
import os
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from phasewise.files.file_error import FileError, told_as_damage

MOST_MEMBERS = 10_000
MOST_EXPANSION = 100
"""How many times its size in the file a compressed member may have, once it has more than `FREE_BYTES`; numbers compress to a third."""
FREE_BYTES = 64 << 20
_KINDS = {zipfile.ZIP_STORED: "stored", zipfile.ZIP_DEFLATED: "deflated"}
_ENCRYPTED = 1
_BLOCK = 1 << 20


class Archive:
    """A checked archive.

    Args:
        file: the open file.
        path: what errors call it.

    Raises:
        FileError: it is no zip archive or is cut off; it has too many members, a name twice, a name that leads out of a folder, a link,
            an encrypted or strangely compressed member, or one that would become far larger than the file.
    """

    def __init__(self, file: BinaryIO, path: str):
        self.path, self._file = path, file
        self._size = file.seek(0, io.SEEK_END)
        with told_as_damage(f"{path!r} is no .keras file, or it is cut off"):
            self._zip = zipfile.ZipFile(file)
        self._members = {}
        members = self._zip.infolist()
        if len(members) > MOST_MEMBERS:
            raise FileError(f"{path!r} has {len(members):,} members; at most {MOST_MEMBERS:,} are read.")
        for member in members:
            self._check(member)
            self._members[member.filename] = member

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def names(self) -> list[str]:
        """The members that are files."""
        return [name for name in self._members if not name.endswith("/")]

    def _check(self, member):
        name = member.filename
        if complaint := _complaint_of_name(name) or _complaint_of_kind(member):
            raise FileError(f"{self.path!r} has a member {name!r} that {complaint}. It is not opened.")
        if name in self._members:
            raise FileError(f"{self.path!r} has two members {name!r}: which is meant cannot be told.")
        if member.compress_size > self._size or _is_bomb(member.file_size, member.compress_size):
            raise FileError(
                f"{self.path!r} has a member {name!r} of {member.compress_size:,} bytes that says it holds {member.file_size:,}. "
                "It is not opened."
            )

    def read(self, name: str, most: int) -> bytes:
        """A whole member.

        Raises:
            FileError: there is none, it is damaged, or has more than `most` bytes, whatever it says of itself.
        """
        part = io.BytesIO()
        self.copy(name, part, most)
        return part.getvalue()

    def copy(self, name: str, to: BinaryIO, most: int) -> None:
        """Write a member to `to`. Raises as `read`."""
        member = self._member(name)
        with told_as_damage(f"{self.path!r} is damaged in {name!r}"), self._zip.open(member) as source:
            count = 0
            while block := source.read(_BLOCK):
                count += len(block)
                if count > most or count > member.file_size:
                    raise FileError(f"{self.path!r} has a member {name!r} of more than {most:,} bytes. It is not read.")
                to.write(block)

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[BinaryIO]:
        """A member as a file that can be read at any place; its checksum has been looked at.

        What is stored as it is is read where it lies. What is compressed goes to a file without a name first, never to memory.
        """
        member = self._member(name)
        if member.compress_type == zipfile.ZIP_STORED:
            part = self._stored(member)
            self._check_sum(part, member)
            yield part
            return
        with tempfile.TemporaryFile() as aside:
            self.copy(name, aside, member.file_size)
            aside.seek(0)
            yield aside

    def _member(self, name):
        if name not in self._members:
            raise FileError(
                f"{self.path!r} is no .keras file: it has no {name!r}, but {', '.join(self.names()[:8]) or 'nothing'}."
            )
        return self._members[name]

    def _stored(self, member):
        with told_as_damage(f"{self.path!r} is damaged in {member.filename!r}"):
            self._zip.open(member).close()  # holds the two headers of the member against each other
            self._file.seek(member.header_offset + 26)
            lengths = self._file.read(4)
            start = member.header_offset + 30 + sum(int.from_bytes(lengths[i : i + 2], "little") for i in (0, 2))
            if member.compress_size != member.file_size or start + member.file_size > self._size:
                raise FileError("its sizes do not fit the file")
        return Part(self._file, start, member.file_size)

    def _check_sum(self, part, member):
        found = 0
        while block := part.read(_BLOCK):
            found = zlib.crc32(block, found)
        part.seek(0)
        if found != member.CRC:
            raise FileError(f"{self.path!r} is damaged in {member.filename!r}: its checksum is another.")


class Part(io.RawIOBase):
    """A stretch of a file as a file of its own, for reading."""

    def __init__(self, file: BinaryIO, start: int, length: int):
        self._file, self._start, self._length, self._at = file, start, length, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = max(0, {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence] + offset)
        return self._at

    def readinto(self, buffer) -> int:
        view = memoryview(buffer).cast("B")[: max(0, self._length - self._at)]
        self._file.seek(self._start + self._at)
        count = self._file.readinto(view) if len(view) else 0
        self._at += count
        return count


@contextlib.contextmanager
def opened(path: str) -> Iterator[Archive]:
    """The archive at `path`. Raises as `Archive`, and OSError where the file cannot be opened."""
    with open(path, "rb") as file:
        yield Archive(file, path)


def _complaint_of_name(name):
    parts = name.replace("\\", "/").split("/")
    if "\0" in name or "\\" in name or not name:
        return "has a name that no file should have"
    if name.startswith("/") or (len(name) > 1 and name[1] == ":"):
        return "says where it belongs on the disk"
    if ".." in parts:
        return "leads out of its folder"
    return None


def _complaint_of_kind(member):
    kind = stat.S_IFMT(member.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is a link, or another thing that is no file"
    if member.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if member.compress_type not in _KINDS:
        return f"is compressed by a method (number {member.compress_type}) that is none of a .keras file"
    return None


def _is_bomb(becomes, stored):
    return becomes > FREE_BYTES and becomes > MOST_EXPANSION * stored
