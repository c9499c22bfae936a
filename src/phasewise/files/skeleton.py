"""Arrays as an HDF5 file, whose bytes around the arrays are found once for all files of the same names, shapes and dtypes."""

import functools
import io
from collections.abc import Iterator
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from phasewise.files.holes import Holes


class Group(NamedTuple):
    """A group of a file: its path, its attribute "name", and its arrays by name."""

    path: str
    name: str
    arrays: dict[str, np.ndarray]


class Skeleton(NamedTuple):
    """A file without its arrays.

    Attributes:
        order: numbers of the arrays as they follow in the file.
        between: the bytes before each of them, and behind the last.
    """

    order: list[int]
    between: list[bytes]


def fill(file: Any, groups: list[Group]) -> None:
    """Write the groups to an empty `h5py.File`."""
    for path, name, arrays in groups:
        group = _group(file, path, name)
        for key, array in arrays.items():
            dataset = group.create_dataset(key, data=array)
            if array.dtype == ml_dtypes.bfloat16:
                dataset.attrs["dtype"] = "bfloat16"


def filled(groups: list[Group]) -> bytes:
    """The file that has these groups."""
    return b"".join(pieces(groups))


def pieces(groups: list[Group]) -> Iterator[bytes | memoryview]:
    """The file that has these groups, from its beginning to its end; the arrays are in it as they are, not as copies."""
    arrays = [array for group in groups for array in group.arrays.values()]
    if any(array.dtype.hasobject for array in arrays):  # strings stand in a heap of the file's own
        yield _through_hdf5(groups)
        return
    shapes = [(path, name, tuple((key, a.shape, a.dtype) for key, a in held.items())) for path, name, held in groups]
    order, between = _skeleton(tuple(shapes))
    yield between[0]
    for number, after in zip(order, between[1:], strict=True):
        yield memoryview(np.ascontiguousarray(arrays[number]).reshape(-1).view("u1"))
        yield after


@functools.lru_cache(maxsize=8)
def _skeleton(shapes):
    """`Skeleton` of the file of (path, name, ((key, shape, dtype), …)) for each group."""
    import h5py  # here: most runs write no file

    made, file = h5py.h5p.create(h5py.h5p.DATASET_CREATE), Holes()
    made.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    made.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    with h5py.File(file, "w") as target:
        datasets = []
        for path, name, held in shapes:
            group = _group(target, path, name)
            datasets += [_space(group, key, shape, dtype, made) for key, shape, dtype in held]
        places = [(dataset.id.get_offset(), dataset.nbytes) for dataset in datasets]
    order = sorted((i for i, (start, size) in enumerate(places) if start is not None and size), key=places.__getitem__)
    ends = [0, *(sum(places[i]) for i in order)]
    starts = [*(places[i][0] for i in order), file.size]
    return Skeleton(order, [file.between(end, start) for end, start in zip(ends, starts, strict=True)])


def _group(file, path, name):
    group = file.create_group(path)
    group.attrs["name"] = name
    return group


def _space(group, key, shape, dtype, made):
    """A dataset whose place in the file is known, and to which nothing is written."""
    import h5py

    kind = h5py.h5t.py_create(dtype, logical=True)
    space = h5py.h5s.create_simple(shape) if shape else h5py.h5s.create(h5py.h5s.SCALAR)
    dataset = h5py.Dataset(h5py.h5d.create(group.id, key.encode(), kind, space, made))
    if dtype == ml_dtypes.bfloat16:
        dataset.attrs["dtype"] = "bfloat16"
    return dataset


def _through_hdf5(groups):
    import h5py

    file = io.BytesIO()
    with h5py.File(file, "w") as target:
        fill(target, groups)
    return file.getvalue()
