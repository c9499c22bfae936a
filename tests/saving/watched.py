"""What the process does while a file is opened, as Python's own audit tells it."""

import contextlib
import os
import sys

_NEVER = (
    "os.system",
    "os.exec",
    "os.spawn",
    "os.posix_spawn",
    "subprocess.Popen",
    "socket.connect",
    "socket.getaddrinfo",
    "urllib.Request",
    "marshal.loads",
    "pickle.find_class",
    "ctypes.dlopen",
    "exec",
    "compile",
    "import",
)
_seen = None


def _hook(event, args):
    if _seen is not None and (event == "open" or event in _NEVER):
        _seen.append((event, args))


sys.addaudithook(_hook)


@contextlib.contextmanager
def nothing_happens(*paths):
    """In the block nothing is run, imported or fetched, and no file is opened but those at `paths` or in a temporary folder made since."""
    global _seen
    known = {os.path.abspath(os.fspath(path)) for path in paths}
    _seen = events = []
    try:
        yield
    finally:
        _seen = None
    for event, args in events:
        if event != "open":
            raise AssertionError(f"{event} {args!r} while a file was opened")
        path = args[0]
        is_known = not isinstance(path, str | bytes | os.PathLike) or os.path.abspath(os.fsdecode(path)) in known
        assert is_known or "/tmp" in os.fsdecode(path)[:5], f"{path!r} was opened"
