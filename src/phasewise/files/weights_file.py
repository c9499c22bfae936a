"""`.weights.h5`: the weights of a model in HDF5, in the layout that Keras 3 reads and writes."""

import contextlib
import os
import zipfile
from collections.abc import Iterator
from typing import Any, NamedTuple

import ml_dtypes
import numpy as np

from phasewise.core.registry import nearest
from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.files.atomic_file import written_whole
from phasewise.files.hdf5 import WritableThrough, is_plain, opened
from phasewise.files.layout import places
from phasewise.files.skeleton import Group, fill, filled, pieces

SUFFIX = ".weights.h5"
_OPTIMIZER = "optimizer"
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
        raise ValueError(f"A file of weights is called by a name that ends in {SUFFIX!r}; got {path!r}.")
    return path


def load(model: Any, path: str | os.PathLike[str], skip_mismatch: bool = False) -> None:
    """Give a built model the weights of a `.weights.h5` file, of ours or Keras's, or those in a `.keras` file.

    All of them or, unless `skip_mismatch` is set, none: nothing is changed where something does not fit.

    Raises:
        ValueError: weights that are missing, of another shape, or there and not in the model; the message names the layers.
        OSError: there is no such file, it is no HDF5 file, or it is cut off.
    """
    path = os.fspath(path)
    _require_built(model, "load")
    with _source(path) as file:
        take(model, file, path, skip_mismatch)


def take(model: Any, file: Any, path: str, skip_mismatch: bool = False) -> None:
    """As `load`, from an open `h5py.File`, which errors call `path`."""
    found, problems, known = _matched(model, file)
    problems += _strangers(file, known)
    optimizer = _optimizer_values(model, file)
    if problems and not skip_mismatch:
        raise ValueError(
            f"{path!r} does not fit the model {model.name!r}, which is left as it is:\n  "
            + "\n  ".join(problems[:8])
            + (f"\n  … and {len(problems) - 8} more" if len(problems) > 8 else "")
        )
    if problems:
        warn(f"Of {path!r} only what fits was loaded. Left out: {'; '.join(problems)}", PhasewiseWarning)
    for variable, value in found:
        variable.assign(value)
    for layer, store in known.own:
        layer.load_own_variables(store)
    for layer in model.all_layers():
        layer.note_loaded()
    if optimizer is not None:
        model.optimizer.build(model.trainable_variables)
        model.optimizer.load_own_variables(optimizer)


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
        groups.append(Group(f"{_OPTIMIZER}/vars", optimizer.name, _own_arrays(optimizer)))
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


class _Known(NamedTuple):
    """What of a file a model has asked for: the paths of all its layers, and (layer, arrays) of those that load themselves."""

    paths: set
    own: list


def _source(path):
    if not path.endswith(".keras"):
        return opened(path)
    return _inside_archive(path)


@contextlib.contextmanager
def _inside_archive(path):
    try:
        with zipfile.ZipFile(path) as archive, archive.open("model.weights.h5") as member, opened(path, member) as file:
            yield file
    except (zipfile.BadZipFile, KeyError) as error:
        raise OSError(f"{path!r} is no .keras file, or it is cut off: {error}") from error


def _matched(model, file):
    """([(variable, value)], [problems], `_Known`)."""
    found, problems, known = [], [], _Known(set(), [])
    for path, layer, variables in places(model):
        known.paths.add(path)
        stored = _arrays(file, path)
        if hasattr(layer, "load_own_variables"):
            known.own.append((layer, {name: _value(dataset) for name, dataset in stored.items()}))
            continue
        whose = f"{type(layer).__name__} {layer.name!r} ({path or 'the model itself'})"
        if len(stored) != len(variables):
            problems.append(_counts_differ(whose, variables, stored, file, path))
            continue
        for number, variable in enumerate(variables):
            dataset = stored.get(str(number))
            if dataset is None or tuple(dataset.shape) != variable.shape:
                shape = "nothing" if dataset is None else tuple(dataset.shape)
                problems.append(f"{whose}: {variable.name} has shape {variable.shape}; the file has {shape}")
                continue
            found.append((variable, _value(dataset)))
    return found, problems, known


def _counts_differ(whose, variables, stored, file, path):
    shapes = [tuple(dataset.shape) for _, dataset in sorted(stored.items())]
    text = f"{whose} has {len(variables)} weights, of shapes {[v.shape for v in variables]}; the file has {len(stored)}"
    if shapes:
        return f"{text}, of shapes {shapes}"
    near = nearest(path, list(_paths_with_arrays(file)))
    return text + (f" there; it has some at {near!r}" if near and near != path else "")


def _strangers(file, known):
    return [
        f"the file has weights of shapes {shapes} at {path!r}, where the model has no layer"
        for path, shapes in _paths_with_arrays(file).items()
        if path not in known.paths and path.split("/")[0] != _OPTIMIZER
    ]


def _paths_with_arrays(file):
    found = {}

    def look(name, item):
        if hasattr(item, "shape"):
            path = name.rpartition("/")[0].removesuffix("vars").rstrip("/")
            found.setdefault(path, []).append(tuple(item.shape))

    file.visititems(look)
    return found


def _arrays(file, path):
    """dict name -> dataset of the layer at `path`."""
    where = f"{path}/vars".lstrip("/")
    group = file.get(where)
    if group is None or hasattr(group, "shape"):
        return {}
    for name in group:
        if not is_plain(group, name):
            raise OSError(f"{file.filename!r} keeps {where}/{name} outside of itself, in another file: it is not read.")
    return dict(group.items())


def _value(dataset):
    value = dataset[()]
    if dataset.attrs.get("dtype") == "bfloat16":
        return np.asarray(value).view(ml_dtypes.bfloat16)
    return np.asarray(value)


def _optimizer_values(model, file):
    """What the file has for the model's optimizer; None where there is nothing, or nobody to take it."""
    if not hasattr(model.optimizer, "load_own_variables"):
        return None
    stored = _arrays(file, _OPTIMIZER)
    return {name: _value(dataset) for name, dataset in stored.items()} or None
