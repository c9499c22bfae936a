"""`.weights.h5`: the weights of a model in HDF5, in the layout that Keras 3 reads and writes."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.files import archive
from phasewise.files.array_files import NPZ, SAFETENSORS, opened_arrays, write_arrays
from phasewise.files.atomic_file import written_whole
from phasewise.files.by_name import fit_by_name
from phasewise.files.by_place import fit_by_place
from phasewise.files.file_error import told_as_damage
from phasewise.files.fit import LoadedWeights
from phasewise.files.hdf5 import WritableThrough, opened
from phasewise.files.layout import places
from phasewise.files.legacy_weights import fit_legacy, fit_legacy_by_name, is_legacy
from phasewise.files.missing import check_is_file
from phasewise.files.named_weights import arrays_by_name, fit_named
from phasewise.files.names import WEIGHTS
from phasewise.files.shards import INDEX_SUFFIX, is_shard, opened_shards, write_shards
from phasewise.files.skeleton import Group, fill, filled, pieces
from phasewise.files.stored_weights import OPTIMIZER, StoredWeights

SUFFIX = ".weights.h5"
_PICKLES = (".pt", ".pth", ".ckpt", ".pkl", ".bin")
SMALL_BYTES = 16 << 20
"""Up to this size a file is put together in memory; a larger one is written array by array, without a second copy of the weights."""


def save(model: Any, path: str | os.PathLike[str]) -> None:
    """Write the weights of a built model, and what its optimizer keeps, where it can tell.

    Raises:
        ValueError: the name does not end in `.weights.h5`, or the model is not built.
        OSError: the file could not be written; what was there before is whole.
    """
    path = checked(path)
    _require_built(model, "save")
    groups = _groups(model)
    with written_whole(path) as file:
        if _is_small(groups):
            file.write(filled(groups))
        else:
            WritableThrough.fill(file, lambda target: fill(target, groups))


def pieces_of(model: Any) -> Iterator[bytes | memoryview]:
    """The bytes of what `save` writes, from the beginning to the end, without a copy of the arrays; of a model that is not built too."""
    return pieces(_groups(model))


def save_in_any_form(model: Any, path: str | os.PathLike[str], max_shard_size: float | None = None) -> None:
    """Write the weights of a built model in the form that the ending says: `*.weights.h5`, several of them beside an index `*.weights.json`
    (given `max_shard_size`, gigabytes of a file), `*.npz`, `*.safetensors`.

    Raises:
        ValueError: another ending, a weight that is larger than a file may be, two weights of one name where names matter.
        ImportError: safetensors is not installed.
        OSError: something could not be written; what was there is whole.
    """
    path = os.fspath(path)
    if max_shard_size is not None:
        _require_built(model, "save")
        write_shards(_index_path(path), _groups(model), max_shard_size)
    elif path.endswith(INDEX_SUFFIX):
        raise ValueError(
            f"{path!r} is the index of several files: say how large each may be, max_shard_size=... (gigabytes)."
        )
    elif path.endswith((NPZ, SAFETENSORS)):
        _require_built(model, "save")
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


def content(model: Any) -> bytes | None:
    """What `save` writes; None where that is too much to hold in memory beside the weights.

    Raises:
        ValueError: the model is not built.
    """
    _require_built(model, "save")
    groups = _groups(model)
    return filled(groups) if _is_small(groups) else None


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


def load(
    model: Any, path: str | os.PathLike[str], skip_mismatch: bool = False, by_name: bool | None = None
) -> LoadedWeights:
    """Give a built model the weights of a file, of ours or Keras's: `.weights.h5`, one or in shards, `.keras`, or legacy `.h5`.

    All of them or, unless `skip_mismatch` is set, none: nothing is changed where something does not fit.

    Args:
        by_name: find layers by their names instead of their places; those of only one side are left out.

    Raises:
        ValueError: weights that are missing, of another shape, or there and not in the model; the message names the layers.
        OSError: there is no such file, it is no HDF5 file, or it is cut off.
    """
    path = os.fspath(path)
    _require_built(model, "load")
    if path.endswith((NPZ, SAFETENSORS)):
        with opened_arrays(path) as arrays:
            return fit_named(model, path, arrays, by_name).take(skip_mismatch)
    with told_as_damage(f"{path!r} cannot be read", besides=(OSError, ValueError)), _opened(path) as source:
        return _fit(model, path, source, by_name).take(skip_mismatch)


def _instead(path):
    """What to do about a name with another ending."""
    if path.endswith(".keras"):
        return " A whole model is written to a .keras file by model.save."
    if path.endswith((".h5", ".hdf5")):
        return " Keras's legacy .h5 files are read, not written: a whole model goes to a .keras file, by model.save."
    return f" Weights by name go to {SAFETENSORS!r} or {NPZ!r}, several files to {INDEX_SUFFIX!r} with max_shard_size."


@contextlib.contextmanager
def _opened(path):
    """The `StoredWeights` of a file, or an `h5py.File` of the legacy form."""
    if path.endswith(INDEX_SUFFIX):
        with opened_shards(path) as stored:
            yield stored
        return
    if path.endswith(_PICKLES):
        raise ValueError(
            f"{path!r} is a pickle of PyTorch's, which runs code when it is opened: it is never read. Write the state dict to a safetensors "
            "file there, and give it to phasewise.saving.load_torch_weights."
        )
    with _inside_archive(path) if _is_archive(path) else opened(path) as file:
        if is_shard(file):
            raise ValueError(
                f"{path!r} is one of several shards: load the index that stands beside it, a file *{INDEX_SUFFIX}."
            )
        yield file if is_legacy(file) else StoredWeights(path, [file])


def _fit(model, path, source, by_name):
    if not isinstance(source, StoredWeights):
        return (fit_legacy_by_name if by_name else fit_legacy)(model, path, source)
    return (fit_by_name if by_name else fit_by_place)(model, source)


def _require_built(model, task):
    if not model.built or not model._inventory().layers:
        raise ValueError(
            f"{model.name!r} has no weights to {task} yet, because the shape of its input is unknown: call it on data, or call "
            "build(input_shape), first."
        )


# -- writing


def _groups(model):
    """What a file has of the model, a `Group` for each layer and one for the optimizer."""
    groups = [Group(f"{place.path}/vars".lstrip("/"), place.layer.name, _arrays_of(place)) for place in places(model)]
    optimizer = model.optimizer
    if getattr(optimizer, "built", False) and hasattr(optimizer, "save_own_variables"):
        groups.append(Group(f"{OPTIMIZER}/vars", optimizer.name, _own_arrays(optimizer)))
    return groups


def _arrays_of(place):
    if hasattr(place.layer, "save_own_variables"):  # a layer of the user's own, as in Keras
        return _own_arrays(place.layer)
    return {str(n): np.asarray(place.layer.value_on_file(v)) for n, v in enumerate(place.variables)}


def _own_arrays(owner):
    store = {}
    owner.save_own_variables(store)
    return {name: np.asarray(value) for name, value in store.items()}


def _is_small(groups):
    return sum(array.nbytes for group in groups for array in group.arrays.values()) <= SMALL_BYTES


# -- reading


def _is_archive(path):
    """By its name, or by its first bytes: people give archives other names."""
    if path.endswith(".keras") or not os.path.isfile(path):
        return path.endswith(".keras")
    with open(path, "rb") as file:
        return file.read(4) == b"PK\x03\x04"


@contextlib.contextmanager
def _inside_archive(path):
    check_is_file(path, "there are no weights to load")
    with archive.opened(path) as members, members.opened(WEIGHTS) as member, opened(path, member) as file:
        yield file
