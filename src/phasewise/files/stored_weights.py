"""What a `.weights.h5` file holds, or the shards of one: arrays by the path of their layer, none of which is read before it is asked for."""

from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np

from phasewise.files.hdf5 import text_attribute

OPTIMIZER = "optimizer"


class Stored:
    """An array in a file. Its shape is known at once; `read` reads it.

    Args:
        dataset: an `h5py.Dataset`.
        where: what messages call it.

    """

    def __init__(self, dataset: Any, where: str):
        self._dataset, self.shape, self.where = dataset, tuple(dataset.shape or ()), where

    @property
    def is_number(self) -> bool:
        """Whether it holds numbers or booleans."""
        return self._dataset.dtype.kind in "biuf" or self._is_bfloat16

    @property
    def _is_bfloat16(self):
        return text_attribute(self._dataset, "dtype") == "bfloat16" and self._dataset.dtype.itemsize == 2

    def read(self) -> np.ndarray:
        """The array.

        Raises:
            OSError: it cannot be read.
        """
        try:
            value = np.asarray(self._dataset[()])
        except (OSError, RuntimeError, ValueError) as error:
            raise OSError(f"{self.where} cannot be read: {error}") from error
        return value.view(ml_dtypes.bfloat16) if self._is_bfloat16 else value

    def check_readable(self) -> None:
        """Read what stands in compressed pieces once and forget it: such a piece may be damaged where the file is whole.

        Raises:
            OSError: it is.
        """
        if self._dataset.chunks is not None:
            self.read()


class StoredWeights:
    """The arrays in HDF5 files that make up one set of weights.

    Args:
        title: what messages call the set.
        files: open `h5py.File`s, of which `hdf5.opened` has seen that nothing in them leads out of them.
    """

    def __init__(self, title: str, files: list[Any]):
        self.title = title
        self._groups = {}  # path of a layer -> the groups with its arrays
        for file in files:
            for path, group in _groups_of_layers(file):
                self._groups.setdefault(path, []).append(group)

    def arrays(self, path: str) -> dict[str, Stored]:
        """The arrays of the layer at `path`, by name; "" is the model itself."""
        found = {}
        for group in self._groups.get(path, ()):
            where = group.name.lstrip("/")
            for name in group:
                if hasattr(group[name], "shape"):
                    found[name] = Stored(group[name], f"{where}/{name} in {self.title!r}")
        return found

    def files_with(self, path: str) -> set[str]:
        """The names of the files that have arrays of the layer at `path`."""
        return {group.file.filename for group in self._groups.get(path, ()) if len(group)}

    def shapes(self) -> dict[str, list[tuple[int, ...]]]:
        """The shapes of the arrays at each path where there are some, the optimizer's left out."""
        found = {path: [array.shape for array in self.arrays(path).values()] for path in self._groups}
        return {path: shapes for path, shapes in found.items() if shapes and path.split("/")[0] != OPTIMIZER}

    def names(self) -> dict[str, str]:
        """The names of the layers by their paths, where the file tells them."""
        named = {}
        for path, groups in self._groups.items():
            told = [name for name in (text_attribute(group, "name") for group in groups) if name is not None]
            if told and path.split("/")[0] != OPTIMIZER:
                named[path] = told[0]
        return named


def _groups_of_layers(file: Any) -> Iterator[tuple[str, Any]]:
    """(path of a layer, group with its arrays) for all layers in a file, in the order of their paths."""
    waiting = [("", file)]
    while waiting:
        path, group = waiting.pop()
        for name in reversed(list(group)):
            item = group[name]
            if not hasattr(item, "shape"):
                waiting.append((f"{path}/{name}".lstrip("/"), item))
        if path.rpartition("/")[2] == "vars":
            yield path.rpartition("/")[0], group
