"""Entries in a folder, each in a file of its own, of which many processes read, write and discard at once without waiting for one another.

A file is there whole or not at all, since it comes by being renamed; one that was cut off later, or lost a bit, says so by its digest
and is discarded. A process that is killed, stopped or out of disk space at any moment leaves nothing behind that another stumbles on.
"""

import contextlib
import hashlib
import os
import pathlib
import tempfile
import time

from jax._src import compilation_cache  # JAX lets nobody else keep its programs, and its own way locks the folder
from jax._src.compilation_cache_interface import CacheInterface

ENDING = ".program"
DIGEST_BYTES = 16
ABANDONED_AFTER = 3600  # seconds: a file that still has no name then was never finished


class ProgramFolder(CacheInterface):
    """At most `most_bytes` of entries; those not used for longest go first.

    Args:
        path: a folder that is there.
        most_bytes: what all files in it may take.
    """

    def __init__(self, path: str | os.PathLike[str], most_bytes: int):
        self._path, self._most_bytes = pathlib.Path(path), most_bytes

    def get(self, key: str) -> bytes | None:
        """What was put under `key`; None where there is nothing, or nothing whole."""
        path = self._path / (key + ENDING)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        digest, value = content[:DIGEST_BYTES], content[DIGEST_BYTES:]
        is_whole = digest == _digest(value)
        with contextlib.suppress(OSError):
            if is_whole:
                os.utime(path)  # used now
            else:
                path.unlink()
        return value if is_whole else None

    def put(self, key: str, value: bytes) -> None:
        """Keep `value` under `key`, if it can be kept."""
        if len(value) > self._most_bytes:
            return
        with contextlib.suppress(OSError):  # a full disk costs time, next time, and no more
            handle, unfinished = tempfile.mkstemp(dir=self._path, prefix=".")
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(_digest(value) + value)
                os.replace(unfinished, self._path / (key + ENDING))
            except OSError:
                os.unlink(unfinished)
            self._discard_oldest()

    def _discard_oldest(self):
        now, files = time.time(), []
        for entry in os.scandir(self._path):
            with contextlib.suppress(OSError):  # another process has discarded it
                about = entry.stat()
                is_abandoned = entry.name.startswith(".") and now - about.st_mtime > ABANDONED_AFTER
                files.append((0 if is_abandoned else about.st_mtime, about.st_size, entry.path))
        held = sum(size for _, size, _ in files)
        for used, size, path in sorted(files):
            if used and held <= self._most_bytes:
                break
            held -= size
            with contextlib.suppress(OSError):
                os.unlink(path)


def keep_programs_in(folder: str, most_bytes: int) -> None:
    """Let JAX keep the programs that it compiles in a `ProgramFolder`, should it be told of this folder; of others it takes care itself."""
    by_jax = compilation_cache.get_file_cache

    def get_file_cache(path):
        return (ProgramFolder(path, most_bytes), path) if path == folder else by_jax(path)

    compilation_cache.get_file_cache = get_file_cache


def _digest(value):
    return hashlib.blake2b(value, digest_size=DIGEST_BYTES).digest()
