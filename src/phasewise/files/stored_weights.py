"""What a `.weights.h5` file holds, or the shards of one: arrays by the path of their layer, none of which is read before it is asked for."""

from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np

from phasewise.files.file_error import FileError
from phasewise.files.hdf5 import text_attribute
from phasewise.files.hdf5_heaps import check_heaps

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
        if self._dataset.dtype.kind == "O":
            check_heaps(self._dataset)
        try:
            value = np.asarray(self._dataset[()])
        except (OSError, RuntimeError, ValueError) as error:
            raise FileError(f"{self.where} cannot be read: {error}") from error
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
        self._arrays, self._groups, self._files = {}, {}, {}  # by the path of a layer
        for file in files:
            name = file.filename
            for path, group, datasets in _groups_of_layers(file):
                self._groups.setdefault(path, []).append(group)
                self._arrays.setdefault(path, {}).update(datasets)
                if datasets:
                    self._files.setdefault(path, set()).add(name)

    def arrays(self, path: str) -> dict[str, Stored]:
        """The arrays of the layer at `path`, by name; "" is the model itself."""
        where = f"{path}/vars".lstrip("/")
        return {
            name: Stored(each, f"{where}/{name} in {self.title!r}") for name, each in self._arrays.get(path, {}).items()
        }

    def paths(self) -> list[str]:
        """Where there are arrays, the optimizer's included."""
        return [path for path, arrays in self._arrays.items() if arrays]

    def files_with(self, path: str) -> set[str]:
        """The names of the files that have arrays of the layer at `path`."""
        return self._files.get(path, set())

    def shapes(self) -> dict[str, list[tuple[int, ...]]]:
        """The shapes of the arrays at each path where there are some, the optimizer's left out."""
        found = {
            path: list(arrays.values()) for path, arrays in self._arrays.items() if path.split("/")[0] != OPTIMIZER
        }
        return {path: [tuple(each.shape or ()) for each in arrays] for path, arrays in found.items() if arrays}

    def names(self) -> dict[str, str]:
        """The names of the layers by their paths, where the file tells them."""
        named = {path: self.name(path) for path in self._groups if path.split("/")[0] != OPTIMIZER}
        return {path: name for path, name in named.items() if name is not None}

    def name(self, path: str) -> str | None:
        """The name of what is at `path`, where the file tells it."""
        told = (text_attribute(group, "name") for group in self._groups.get(path, ()))
        return next((name for name in told if name is not None), None)


def _groups_of_layers(file: Any) -> Iterator[tuple[str, Any, dict[str, Any]]]:
    """(path of a layer, its group, its arrays by name) for all layers in a file, in the order of their paths."""
    waiting = [("", file)]
    while waiting:
        path, group = waiting.pop()
        items = list(group.items())
        inner = [(f"{path}/{name}".lstrip("/"), item) for name, item in items if not hasattr(item, "shape")]
        waiting.extend(reversed(inner))
        layer, _, last = path.rpartition("/")
        if last == "vars":
            yield layer, group, {name: item for name, item in items if hasattr(item, "shape")}
