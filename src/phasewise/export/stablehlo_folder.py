"""An archive as a folder of StableHLO files, one for each endpoint, and of arrays; and such a folder opened."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

import phasewise.export.stablehlo as stablehlo
from phasewise.core.registry import did_you_mean
from phasewise.export.endpoint import Endpoint
from phasewise.files import json_text
from phasewise.files.array_files import opened_arrays, write_arrays
from phasewise.files.atomic_folder import folder_written_whole
from phasewise.files.file_error import FileError, told_as_damage

INDEX, ARRAYS, SUFFIX = "archive.json", "collections.npz", ".stablehlo"


class ServedArchive:
    """The endpoints of an archive, each an attribute that is called on its inputs (several arguments are one tuple), and its collections of
    variables, each an attribute that is a list of NumPy arrays.

    Attributes:
        endpoints: dict of name and `Served`, the first that was added first.
        collections: dict of name and list of arrays.
    """

    def __init__(self, endpoints: dict[str, Any], collections: dict[str, list[np.ndarray]]):
        self.endpoints, self.collections = endpoints, collections

    def __getattr__(self, name: str) -> Any:
        held = {**vars(self).get("collections", {}), **vars(self).get("endpoints", {})}
        if name not in held:
            raise AttributeError(
                f"The archive has no {name!r}.{did_you_mean(name, held)} It has: {', '.join(held)}.", name=name
            )
        return held[name]

    def __dir__(self):
        return [*super().__dir__(), *self.endpoints, *self.collections]

    def __repr__(self):
        return f"<ServedArchive: {', '.join([*self.endpoints, *self.collections])}>"


def write(path: str, endpoints: Mapping[str, Endpoint], collections: Mapping[str, list[Any]]) -> None:
    """Write the folder, whole or not at all.

    Args:
        path: of the folder. endpoints: by name. collections: variables by the name under which they are found again.

    Raises:
        FileExistsError: there is something else at `path`.
        ValueError: a layer needs sizes that are left open, or the weights are too large.
        OSError: it could not be written.
    """
    if os.path.exists(path) and not os.path.isfile(os.path.join(path, INDEX)):
        raise FileExistsError(f"{path!r} is no archive of StableHLO files, so it is not replaced. Give another path.")
    lowered = {name: stablehlo.lowered(each.inference, **each.options) for name, each in endpoints.items()}
    arrays = {f"{name}/{number}": v.numpy() for name, held in collections.items() for number, v in enumerate(held)}
    index = {"endpoints": list(endpoints), "collections": {name: len(held) for name, held in collections.items()}}
    with folder_written_whole(path) as aside:
        os.makedirs(aside)
        for name, exported in lowered.items():
            with open(os.path.join(aside, name + SUFFIX), "wb") as file:
                file.write(exported.serialize())
                file.flush()
                os.fsync(file.fileno())
        if arrays:
            write_arrays(os.path.join(aside, ARRAYS), arrays)
        with open(os.path.join(aside, INDEX), "wb") as file:
            file.write(json_text.written(index))
            file.flush()
            os.fsync(file.fileno())


def read(path: str, open_program: Any) -> ServedArchive:
    """The archive in a folder.

    Args:
        open_program: `path of a StableHLO file -> Served`.

    Raises:
        FileError: it is none, or is damaged. A program that may not be run: what `open_program` raises.
    """
    with told_as_damage(f"{path!r} is no archive of StableHLO files", besides=(ValueError, OSError)):
        index = _index(path)
        endpoints = {name: open_program(os.path.join(path, name + SUFFIX)) for name in index["endpoints"]}
        if not index["collections"]:
            return ServedArchive(endpoints, {})
        with opened_arrays(os.path.join(path, ARRAYS)) as arrays:
            collections = {
                name: [arrays[f"{name}/{number}"].read() for number in range(count)]
                for name, count in index["collections"].items()
            }
    return ServedArchive(endpoints, collections)


def _index(path):
    name = os.path.join(path, INDEX)
    if not os.path.isfile(name):
        raise FileError(f"{path!r} is a folder without {INDEX!r}: no archive that ExportArchive.write_out has written.")
    with open(name, "rb") as file:
        index = json_text.parsed(file.read(json_text.MOST_BYTES + 1), repr(name))
    endpoints, collections = index.get("endpoints"), index.get("collections")
    names = [*endpoints, *collections] if isinstance(endpoints, list) and isinstance(collections, dict) else [None]
    counts = collections.values() if isinstance(collections, dict) else []
    if not all(isinstance(each, str) and each.isidentifier() for each in names) or not all(
        type(count) is int and 0 <= count < 1_000_000 for count in counts
    ):
        raise FileError(f"{name!r} does not say what the endpoints and collections of the archive are.")
    return index
