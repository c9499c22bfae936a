"""Arrays as an HDF5 file, whose bytes around the arrays are found once for all files of the same names, shapes and dtypes."""

import functools
import io
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np


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


def fill(file: Any, groups: list[Group]) -> list[Any]:
    """Write the groups to an empty `h5py.File`; the datasets."""
    datasets = []
    for path, name, arrays in groups:
        group = file.create_group(path)
        group.attrs["name"] = name
        for key, array in arrays.items():
            datasets.append(group.create_dataset(key, data=array))
            if array.dtype == ml_dtypes.bfloat16:
                datasets[-1].attrs["dtype"] = "bfloat16"
    return datasets


def filled(groups: list[Group]) -> bytes:
    """The file that has these groups."""
    arrays = [array for group in groups for array in group.arrays.values()]
    if any(array.dtype.hasobject for array in arrays):  # strings stand in a heap of the file's own
        return _through_hdf5(groups)[0]
    shapes = [(path, name, tuple((key, a.shape, a.dtype) for key, a in held.items())) for path, name, held in groups]
    order, between = _skeleton(tuple(shapes))
    return b"".join(
        [between[0], *(part for i, after in zip(order, between[1:]) for part in (arrays[i].tobytes(), after))]
    )


@functools.lru_cache(maxsize=8)
def _skeleton(shapes):
    """`Skeleton` of the file of (path, name, ((key, shape, dtype), …)) for each group."""
    groups = [Group(path, name, {key: np.zeros(*kind) for key, *kind in held}) for path, name, held in shapes]
    content, places = _through_hdf5(groups)
    order = sorted((i for i, (start, _) in enumerate(places) if start is not None), key=places.__getitem__)
    ends = [0, *(sum(places[i]) for i in order)]
    starts = [*(places[i][0] for i in order), len(content)]
    return Skeleton(order, [content[end:start] for end, start in zip(ends, starts, strict=True)])


def _through_hdf5(groups):
    """(the file, [(where it stands or None, bytes) of each array])."""
    import h5py  # here: most runs write no file

    file = io.BytesIO()
    with h5py.File(file, "w") as target:
        places = [(dataset.id.get_offset(), dataset.nbytes) for dataset in fill(target, groups)]
    return file.getvalue(), places
