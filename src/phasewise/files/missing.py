"""What is said of a file that is not there."""

import os

from phasewise.core.registry import nearest


def check_is_file(path: str, needed: str) -> None:
    """See whether there is a file at `path`.

    Args:
        needed: the end of the message, which says what there is not.

    Raises:
        FileNotFoundError: there is none; the message has the nearest name in the folder.
    """
    if os.path.isfile(path):
        return
    if os.path.isdir(path):
        raise FileNotFoundError(f"{path!r} is a folder: {needed}.")
    raise FileNotFoundError(missing(path, needed))


def missing(path: str, needed: str) -> str:
    """The message of a path at which there is nothing. Arguments as of `check_is_file`."""
    folder, name = os.path.split(path)
    if not os.path.isdir(folder or "."):
        return f"{path!r} does not exist, nor does its folder {folder!r}: {needed}."
    near = nearest(name, sorted(os.listdir(folder or "."))[:10_000])
    hint = f" Did you mean {os.path.join(folder, near)!r}?" if near else ""
    return f"{path!r} does not exist: {needed}.{hint}"
