"""A file in memory of which only what was written takes memory: the arrays that are left out of it are holes."""

import os

_PAGE = 1 << 14


class Holes:
    """A binary file to write and read at any place. What was never written reads as zeros."""

    def __init__(self):
        self.size, self._at, self._pages = 0, 0, {}

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self.size}[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def flush(self) -> None:
        """Nothing waits."""

    def truncate(self, size: int | None = None) -> int:
        self.size = self._at if size is None else size
        return self.size

    def write(self, data: bytes) -> int:
        view, done = memoryview(data).cast("B"), 0
        while done < len(view):
            number, inside = divmod(self._at, _PAGE)
            count = min(_PAGE - inside, len(view) - done)
            page = self._pages.setdefault(number, bytearray(_PAGE))
            page[inside : inside + count] = view[done : done + count]
            self._at, done = self._at + count, done + count
        self.size = max(self.size, self._at)
        return done

    def between(self, start: int, end: int) -> bytes:
        """The bytes from `start` to before `end`."""
        found = []
        while start < end:
            number, inside = divmod(start, _PAGE)
            count = min(_PAGE - inside, end - start)
            page = self._pages.get(number)
            found.append(bytes(count) if page is None else bytes(page[inside : inside + count]))
            start += count
        return b"".join(found)

    def read(self, count: int = -1) -> bytes:
        end = self.size if count < 0 else min(self.size, self._at + count)
        found = self.between(self._at, end)
        self._at += len(found)
        return found

    def readinto(self, buffer) -> int:
        found = self.read(len(buffer))
        buffer[: len(found)] = found
        return len(found)
