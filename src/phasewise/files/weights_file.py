"""`.weights.h5`: the weights of a model in HDF5, in the layout that Keras 3 reads and writes."""

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.files.array_files import NPZ, SAFETENSORS, write_arrays
from phasewise.files.atomic_file import written_whole
from phasewise.files.hdf5 import WritableThrough
from phasewise.files.layout import copies, places
from phasewise.files.named_weights import arrays_by_name
from phasewise.files.shards import INDEX_SUFFIX, write_shards
from phasewise.files.skeleton import Group, fill, filled, pieces
from phasewise.files.stored_weights import OPTIMIZER

SUFFIX = ".weights.h5"
SMALL_BYTES = 16 << 20
"""Up to this size a file is put together in memory; a larger one is written array by array, without a second copy of the weights."""


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Write the weights of a built model, and what its optimizer keeps, where it can tell.

    Raises:
        ValueError: the name does not end in `.weights.h5`, or the model is not built.
        OSError: the file could not be written; what was there before is whole.
    """
    path = checked(path)
    require_built(model, "save")
    groups = _groups(model)
    with written_whole(path) as file:
        if _is_small(groups):
            file.write(filled(groups))
        else:
            WritableThrough.fill(file, lambda target: fill(target, groups))


def save_in_any_form(model: Any, path: str | os.PathLike[str], max_shard_size: float | None = None) -> None:
    """Write the weights of a built model in the form that the ending says: `*.weights.h5`, several of them beside an index `*.weights.json`
    (given `max_shard_size`, gigabytes of a file), `*.npz`, `*.safetensors`.

    Raises:
        ValueError: another ending, a weight that is larger than a file may be, two weights of one name where names matter.
        ImportError: safetensors is not installed.
        OSError: something could not be written; what was there is whole.
    """
    path = os.fspath(path)
    require_built(model, "save")
    if max_shard_size is not None:
        write_shards(_index_path(path), _groups(model), max_shard_size)
    elif path.endswith(INDEX_SUFFIX):
        raise ValueError(
            f"{path!r} is the index of several files: say how large each may be, max_shard_size=... (gigabytes)."
        )
    elif path.endswith((NPZ, SAFETENSORS)):
        write_arrays(path, arrays_by_name(model))
    else:
        save(model, path)


def _index_path(path):
    if path.endswith(SUFFIX):
        index = path.removesuffix(SUFFIX) + INDEX_SUFFIX
        warn(f"Several files of weights have an index: {index!r} is written instead of {path!r}.", PhasewiseWarning)
        return index
    if not path.endswith(INDEX_SUFFIX):
        raise ValueError(
            f"The index of several files of weights has a name that ends in {INDEX_SUFFIX!r}; got {path!r}."
        )
    return path


def pieces_of(model: Any) -> Iterator[bytes | memoryview]:
    """The bytes of what `save` writes, from the beginning to the end, without a copy of the arrays; of a model that is not built too."""
    return pieces(_groups(model))


def content(model: Any) -> bytes | None:
    """What `save` writes; None where that is too much to hold in memory beside the weights.

    Raises:
        ValueError: the model is not built.
    """
    require_built(model, "save")
    groups = _groups(model)
    return filled(groups) if _is_small(groups) else None


def shapes_of(model: Any) -> dict[str, dict[str, tuple[int, ...]]]:
    """The shapes of what `save` writes of each layer that has something, by its path and by the names of its arrays.

    Raises:
        ValueError: the model is not built.
    """
    require_built(model, "compare")
    groups = {path.rpartition("vars")[0].rstrip("/"): arrays for path, _, arrays in _groups(model) if arrays}
    return {path: {name: array.shape for name, array in arrays.items()} for path, arrays in groups.items()}


def checked(path: str | os.PathLike[str]) -> str:
    """The path of a file of weights.

    Raises:
        ValueError: the name does not end in `.weights.h5`.
    """
    path = os.fspath(path)
    if not path.endswith(SUFFIX):
        raise ValueError(
            f"A file of weights is called by a name that ends in {SUFFIX!r}; got {path!r}.{_instead(path)}"
        )
    return path


def _instead(path):
    """What to do about a name with another ending."""
    if path.endswith(".keras"):
        return " A whole model is written to a .keras file by model.save."
    if path.endswith((".h5", ".hdf5")):
        return " Keras's legacy .h5 files are read, not written: a whole model goes to a .keras file, by model.save."
    return f" Weights by name go to {SAFETENSORS!r} or {NPZ!r}, several files to {INDEX_SUFFIX!r} with max_shard_size."


def require_built(model: Any, task: str) -> None:
    """Raises ValueError where there are no weights to `task`."""
    if not model.built or not model._inventory().layers:
        raise ValueError(
            f"{model.name!r} has no weights to {task} yet, because the shape of its input is unknown: call it on data, or call "
            "build(input_shape), first."
        )


# -- writing


def _groups(model):
    """What a file has of the model, a `Group` for each layer and one for the optimizer."""
    groups = [
        Group(f"{path}/vars".lstrip("/"), place.layer.name, _arrays_of(place))
        for place in _known_places(model)
        for path in (place.path, *copies(place))
    ]
    optimizer = getattr(model, "optimizer", None)
    if getattr(optimizer, "built", False) and hasattr(optimizer, "save_own_variables"):
        groups.append(Group(f"{OPTIMIZER}/vars", optimizer.name, _own_arrays(optimizer)))
    return groups


def _known_places(model):
    """`places`, looked up once for as long as the layers stay the same."""
    notes = model._inventory().notes
    if "places" not in notes:
        notes["places"] = list(places(model))
    return notes["places"]


def _arrays_of(place):
    if place.layer.stores_itself:  # a layer of the user's own, as in Keras
        return _own_arrays(place.layer)
    return {str(n): np.asarray(place.layer.value_on_file(v)) for n, v in enumerate(place.variables)}


def _own_arrays(owner):
    store = {}
    owner.save_own_variables(store)
    return {name: np.asarray(value) for name, value in store.items()}


def _is_small(groups):
    return sum(array.nbytes for group in groups for array in group.arrays.values()) <= SMALL_BYTES
