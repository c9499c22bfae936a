"""Weights spread over several HDF5 files, with an index that says which file has what: Keras's `.weights.json`.

The index is written last and is put in its place whole; before that no file that the old index speaks of is touched, so that whatever
goes wrong, and whenever, one of the two sets can be read. A set is called like Keras's (`x_00000.weights.h5` …), or, where it replaces one
of these names, `x_other_00000.weights.h5` …, in turn. Keras opens `x_00000.weights.h5` in any case, so that one is always there.
"""

import contextlib
import json
import os
import re
from collections.abc import Iterator
from typing import Any

from phasewise.files import json_text
from phasewise.files.atomic_file import written_whole
from phasewise.files.file_error import FileError
from phasewise.files.hdf5 import WritableThrough, attribute, opened
from phasewise.files.missing import check_is_file
from phasewise.files.skeleton import Group, fill
from phasewise.files.stored_weights import StoredWeights

INDEX_SUFFIX, _SUFFIX = ".weights.json", ".weights.h5"
_SET = "phasewise_set"
_GIGABYTE = 1 << 30


def write_shards(path: str, groups: list[Group], max_shard_size: float) -> None:
    """Write the groups to shards beside the index at `path`.

    Args:
        max_shard_size: gigabytes (of 2**30 bytes) that the arrays of one shard have at most.

    Raises:
        ValueError: an array is larger than that; nothing is written.
        OSError: something could not be written; the set that was there is whole.
    """
    shards = _spread(groups, int(max_shard_size * _GIGABYTE))
    base, before = path.removesuffix(INDEX_SUFFIX), _named_by(path)
    names = _free_names(os.path.basename(base), len(shards), before)
    folder, mark = os.path.dirname(path), os.urandom(8).hex()
    first = f"{base}_{0:05}{_SUFFIX}"
    if not os.path.exists(first) and os.path.basename(first) not in names:
        _write(first, [], mark)
    for name, shard in zip(names, shards):
        _write(os.path.join(folder, name), shard, mark)
    with written_whole(path) as file:
        file.write(json.dumps(_index(names, shards, mark), indent=4).encode())
    _clear_away(folder, before - set(names), os.path.basename(first))


@contextlib.contextmanager
def opened_shards(path: str) -> Iterator[StoredWeights]:
    """The weights of the set whose index is at `path`, for reading.

    Raises:
        FileNotFoundError: the index or a shard does not exist.
        OSError: the index is none; a shard belongs to another set, or lacks what the index says that it has.
    """
    index = _read_index(path)
    weight_map, mark = index["weight_map"], index["metadata"].get(_SET)
    names = list(dict.fromkeys(name for entry in weight_map.values() for name in _listed(entry)))
    with contextlib.ExitStack() as stack:
        shards = []
        for name in names:
            where = os.path.join(os.path.dirname(path), name)
            if not os.path.isfile(where):
                raise FileNotFoundError(f"{where!r} does not exist: it is one of the {len(names)} shards of {path!r}.")
            shards.append(stack.enter_context(opened(where)))
            if mark is not None and attribute(shards[-1], _SET) != mark:
                raise FileError(
                    f"{where!r} belongs to another set of weights than {path!r}, which was written at another time."
                )
        stored = StoredWeights(path, shards)
        _check_map(weight_map, stored, path)
        yield stored


def is_shard(file: Any) -> bool:
    """Whether an open HDF5 file says that it is one of several."""
    return _SET in file.attrs


# -- writing


def _spread(groups, limit):
    """The groups of each shard; one that is cut in two is in both, with its arrays divided."""
    shards, used = [[]], 0
    for path, name, arrays in groups:
        shards[-1].append(Group(path, name, {}))
        for key, array in arrays.items():
            if array.nbytes > limit:
                raise ValueError(
                    f"max_shard_size allows {limit:,} bytes in a file; {path.removesuffix('/vars')!r} ({name!r}) has a weight of shape "
                    f"{array.shape} with {array.nbytes:,} bytes. Give a max_shard_size of at least {array.nbytes / _GIGABYTE:.4g} (gigabytes)."
                )
            if used + array.nbytes > limit:
                shards.append([Group(path, name, {})])
                used = 0
            shards[-1][-1].arrays[key] = array
            used += array.nbytes
    return shards


def _free_names(base, count, taken):
    """Names of so many shards, none of which is taken."""
    plain = [f"{base}_{number:05}{_SUFFIX}" for number in range(count)]
    return plain if taken.isdisjoint(plain) else [f"{base}_other_{number:05}{_SUFFIX}" for number in range(count)]


def _write(path, groups, mark):
    def write(target):
        target.attrs[_SET] = mark
        fill(target, groups)

    with written_whole(path) as file:
        WritableThrough.fill(file, write)


def _index(names, shards, mark):
    weight_map = {}
    for name, shard in zip(names, shards):
        for group in shard:
            if group.arrays:
                weight_map.setdefault(f"/{group.path}", []).append(name)
    total = sum(array.nbytes for shard in shards for group in shard for array in group.arrays.values())
    entries = {path: found[0] if len(found) == 1 else found for path, found in weight_map.items()}
    return {"metadata": {"total_size": total, _SET: mark}, "weight_map": entries}


def _named_by(path):
    """The files that the index at `path` speaks of; none where there is none that can be read."""
    with contextlib.suppress(OSError):
        return {name for entry in _read_index(path)["weight_map"].values() for name in _listed(entry)}
    return set()


def _clear_away(folder, names, first):
    """Remove the files of the old set, which nobody speaks of any more."""
    for name in names - {first}:
        with contextlib.suppress(OSError):
            os.unlink(os.path.join(folder, name))
    if first in names:  # the large file of an old set, where a small one does
        _write(os.path.join(folder, first), [], "")


# -- reading


def _read_index(path):
    check_is_file(path, "there are no weights to load")
    with open(path, "rb") as file:
        text = file.read(json_text.MOST_BYTES + 1)
    try:
        index = json_text.parsed(text, "it")
    except FileError as error:
        raise FileError(f"{path!r} is no index of sharded weights, or it is damaged: {error}") from error
    weight_map, metadata = index.get("weight_map"), index.get("metadata", {})
    if not isinstance(weight_map, dict) or not isinstance(metadata, dict):
        raise FileError(f"{path!r} is no index of sharded weights: it has no map from weights to files.")
    for entry in weight_map.values():
        for name in _listed(entry):
            if not isinstance(name, str) or not re.fullmatch(r"[^/\\\0]+", name) or name in (".", ".."):
                raise FileError(f"{path!r} speaks of a file {name!r}; shards stand beside their index, nowhere else.")
    return {"weight_map": weight_map, "metadata": metadata}


def _check_map(weight_map, stored, path):
    """Raise where a shard lacks what the index says that it has."""
    for group, entry in weight_map.items():
        there = stored.files_with(group.strip("/").removesuffix("vars").rstrip("/"))
        for name in _listed(entry):
            if os.path.join(os.path.dirname(path), name) not in there:
                raise FileError(
                    f"{path!r} says that {group!r} is in {name!r}, and it is not: the shard is of another set."
                )


def _listed(entry):
    return entry if isinstance(entry, list) else [entry]
