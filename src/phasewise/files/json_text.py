"""JSON from a file: bounded in size and depth, and of one meaning only."""

import json
from typing import Any

from phasewise.files.file_error import FileError

MOST_BYTES = 64 << 20
DEEPEST = 400
"""A nested model takes some eight levels; Python's own limit lies at a thousand calls."""


def parsed(text: bytes, what: str) -> dict[str, Any]:
    """The JSON object in `text`.

    Args:
        what: what an error calls it.

    Raises:
        FileError: it is too long or too deep, is no JSON object in UTF-8, has NaN in it or a key twice.
    """
    if len(text) > MOST_BYTES:
        raise FileError(f"{what} has {len(text):,} bytes; at most {MOST_BYTES:,} are read.")
    try:
        found = json.loads(text.decode("utf-8"), object_pairs_hook=_once, parse_constant=_constant)
    except FileError as error:
        raise FileError(f"{what} {error}") from None
    except (ValueError, RecursionError) as error:
        raise FileError(f"{what} is no JSON that can be read: {error}") from None
    if not isinstance(found, dict):
        raise FileError(f"{what} holds {type(found).__name__}; expected an object, {{...}}.")
    _check_depth(found, what)
    return found


def _once(pairs):
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise FileError(f"has the key {twice!r} twice in one object: which of the two is meant cannot be told.")
    return found


def _constant(name):
    if name == "NaN":
        raise FileError("has NaN in it, which is no JSON and no setting of a layer.")
    return float(name)  # Infinity, which Python writes for limits that are none


def _check_depth(found, what):
    level, depth = [found], 0
    while level:
        depth += 1
        if depth > DEEPEST:
            raise FileError(f"{what} is nested more than {DEEPEST} levels deep.")
        level = [item for each in level for item in _inner(each) if isinstance(item, dict | list)]


def _inner(item):
    return item.values() if isinstance(item, dict) else item


def written(described: Any) -> bytes:
    """JSON of a description.

    Raises:
        ValueError: it holds something that is no number, string, list or dict; the message says where.
    """
    try:
        return json.dumps(described).encode()
    except TypeError:
        where, item = _stranger(described, "config")
        raise ValueError(
            f"{where} is {item!r} of type {type(item).__name__}, which JSON cannot hold: let get_config return numbers, strings, lists and dicts."
        ) from None


def _stranger(item, where):
    """The first entry that JSON cannot hold, and where it lies."""
    if isinstance(item, dict | list | tuple):
        pairs = item.items() if isinstance(item, dict) else enumerate(item)
        found = (_stranger(value, f"{where}[{key!r}]") for key, value in pairs)
        return next((each for each in found if each is not None), None)
    return None if item is None or isinstance(item, str | int | float | bool) else (where, item)
