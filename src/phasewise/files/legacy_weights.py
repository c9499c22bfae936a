"""Weights in the `.h5` files of Keras 1 and 2, which Keras 3 reads and writes too: a group for each layer of the model, by its name.

Attributes tell the layers' names in their order, and for each the names of its weights, those that are trained first. A list that is too
long for one attribute is in several, with numbers behind the name.
"""

from typing import Any

from phasewise.core.variable import Variable
from phasewise.files.by_name import check_any, tell
from phasewise.files.file_error import FileError
from phasewise.files.fit import Fit, whose
from phasewise.files.hdf5 import attribute
from phasewise.files.stored_weights import Stored
from phasewise.layer.layer import Layer

_TOP = "top_level_model_weights"
_NO_WEIGHTS = ("StateVar", "seed_generator_state", "seed_state")  # where random layers of Keras were in their draws


def is_legacy(file: Any) -> bool:
    """Whether an open HDF5 file, or a group, is of this form."""
    return "model_weights" in file or bool(_names(file, "layer_names"))


def fit_legacy(model: Any, title: str, file: Any) -> Fit:
    """What goes where, by the order of the layers that have weights; by their names where these are the same on both sides, since the order
    of a graph's layers has not been the same in all versions of Keras."""
    fit, stored = Fit(model, title), _layers(title, file)
    ours = [layer for layer in model.layers if _weights(layer)]
    theirs = [name for name, arrays in stored.items() if arrays and name != _TOP]
    if len(ours) != len(theirs):
        fit.problems.append(_counts_differ(ours, theirs))
        return fit
    if {layer.name for layer in ours} == set(theirs):
        theirs = [layer.name for layer in ours]
    for layer, name in zip(ours, theirs):
        _add(fit, layer, whose(layer, name), _weights(layer), stored[name])
    if _own_weights(model) or stored.get(_TOP):
        _add(fit, model, whose(model, _TOP), _own_weights(model), stored.get(_TOP, []))
    return fit


def fit_legacy_by_name(model: Any, title: str, file: Any) -> Fit:
    """What goes where: each layer of the model goes with the one of its name in the file. What only one side has is told.

    Raises:
        ValueError: they have no layer in common.
    """
    fit, stored = Fit(model, title), _layers(title, file)
    ours = {layer.name: layer for layer in model.layers if _weights(layer)}
    for name, layer in ours.items():
        if stored.get(name):
            _add(fit, layer, whose(layer, name), _weights(layer), stored[name])
    own = _own_weights(model)
    if own and stored.get(_TOP):
        _add(fit, model, whose(model, _TOP), own, stored[_TOP])
    unused = [name for name, arrays in stored.items() if arrays and name not in ours and name != _TOP]
    tell(fit, [name for name in ours if not stored.get(name)], unused)
    check_any(fit, [model.name, *ours], stored)
    return fit


def optimizer_arrays(title: str, file: Any) -> list[tuple[str, Stored]]:
    """(name, array) of what the optimizer kept, in its order; empty where the file says nothing of it."""
    group = file.get("optimizer_weights")
    return [] if group is None else _arrays(title, group)


# -- whose is what


def _weights(layer: Layer) -> list[Variable]:
    """The weights of a layer and of all inside it, in the order of these files: first those that are trained."""
    return [v for v in (*layer.trainable_variables, *layer.non_trainable_variables) if not v.is_memory]


def _own_weights(model):
    return [v for v in model.variables_on_file() if not v.is_memory]


def _add(fit, layer, whose, variables, stored):
    """Fit the weights of a layer to the (name, array)s of its group."""
    if len(stored) != len(variables):
        shapes = [array.shape for _, array in stored]
        fit.problems.append(
            f"{whose} has {len(variables)} weights, of shapes {[v.shape for v in variables]}; the file has {len(stored)}, of shapes {shapes}"
        )
        return
    order = _in_order(variables, layer, [name for name, _ in stored])
    if order is None:
        fit.problems.append(
            f"{whose} has the weights {[v.path for v in variables]}; the file has them in an order that cannot be told from their "
            f"names, {[name for name, _ in stored]}"
        )
        return
    fit.add(layer, whose, order, [array for _, array in stored])


def _in_order(variables, layer, names):
    """The variables in the order in which the file has them; None where the names say that it is none of those known.

    What is trained comes first, and that may have been other weights when the file was written. So names decide where they are the same on
    both sides, as far as they go, and the present order where they say nothing.
    """
    for parts in (3, 2, 1):
        ours, theirs = {_end(v.path, parts): v for v in variables}, [_end(name, parts) for name in names]
        if len(ours) == len(variables) and ours.keys() == set(theirs):
            return [ours[end] for end in theirs]
    known, theirs = {id(v) for v in variables}, [_end(name, 1) for name in names]
    by_layer = [v for v in layer.weights if id(v) in known]
    for order in (variables, sorted(by_layer, key=lambda v: not v.made_trainable), by_layer):
        if [_end(v.path, 1) for v in order] == theirs:
            return order
    return None if sorted(_end(v.path, 1) for v in variables) == sorted(theirs) else variables


def _end(path, parts):
    return tuple(path.split(":")[0].split("/")[-parts:])


def _counts_differ(ours, theirs):
    only_ours = [layer.name for layer in ours if layer.name not in set(theirs)]
    only_theirs = [name for name in theirs if name not in {layer.name for layer in ours}]
    text = f"the model has {len(ours)} layers with weights, the file {len(theirs)}"
    if only_ours or only_theirs:
        text += f"; only in the model: {only_ours}; only in the file: {only_theirs}"
    return f"{text}. by_name=True takes those that both have"


# -- the file


def _layers(title, file):
    """dict from the name of each layer in the file to the (name, array)s of its weights, in the order of the file."""
    group = file
    if "model_weights" in file and not _names(file, "layer_names"):
        group = _inside(title, file, "model_weights")
    found = {name: _arrays(title, _inside(title, group, name)) for name in _names(group, "layer_names")}
    if _TOP in group:
        found.setdefault(_TOP, _arrays(title, _inside(title, group, _TOP)))
    backend = attribute(group, "backend")
    is_theano = (backend.decode() if isinstance(backend, bytes) else str(backend)) == "theano"
    if is_theano and any(len(array.shape) > 2 for arrays in found.values() for _, array in arrays):
        raise ValueError(
            f"{title!r} was written by Keras on Theano, whose convolutions have their kernels mirrored: they would compute something else here."
        )
    return found


def _arrays(title, group):
    """(name, array) of the weights in a layer's group, in the order of the file."""
    found = []
    for name in _names(group, "weight_names"):
        dataset = _inside(title, group, name)
        if not hasattr(dataset, "shape"):
            raise FileError(f"{title!r} is damaged: {name!r} in {group.name!r} is no array.")
        if not any(word in name for word in _NO_WEIGHTS):
            found.append((name, Stored(dataset, f"{name!r} in {title!r}")))
    return found


def _inside(title, group, path):
    """What stands at `path` below `group`, in the file itself."""
    item = group
    for part in path.split("/"):
        if not part:
            continue
        if hasattr(item, "shape") or part not in item:
            raise FileError(
                f"{title!r} is damaged: it speaks of {path!r} in {group.name!r}, and there is no such thing."
            )
        item = item[part]
    return item


def _names(group, name):
    """A list of names in one attribute or in several."""
    found = [] if attribute(group, name) is None else list(attribute(group, name))
    number = 0
    while f"{name}{number}" in group.attrs and name not in group.attrs:
        found.extend(attribute(group, f"{name}{number}"))
        number += 1
    return [each.decode("utf-8", "replace") if isinstance(each, bytes) else str(each) for each in found]
