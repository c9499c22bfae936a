"""Layers found in a `.weights.h5` file by their place in the model and their class, as Keras finds them."""

from typing import Any

from phasewise.core.registry import nearest
from phasewise.files.fit import Fit, values_of, whose
from phasewise.files.layout import Place, copies, places
from phasewise.files.stored_weights import OPTIMIZER, StoredWeights


def fit_by_place(model: Any, stored: StoredWeights) -> Fit:
    """What goes where. What the file has and the model has not is a problem, as is what the file has not."""
    fit, known = Fit(model, stored.title), set()
    for place in places(model):
        known.update((place.path, *copies(place)))
        add_place(fit, place, place.path, stored)
    fit.problems += [
        f"the file has weights of shapes {shapes} at {path!r}, where the model has no layer"
        for path, shapes in stored.shapes().items()
        if path not in known
    ]
    if hasattr(getattr(model, "optimizer", None), "load_own_variables"):
        fit.optimizer = values_of(stored.arrays(OPTIMIZER)) or None
    return fit


def add_place(fit: Fit, place: Place, path: str, stored: StoredWeights) -> None:
    """Fit the layer at `place` to what the file has at `path`."""
    layer, variables, arrays = place.layer, place.variables, stored.arrays(path)
    if layer.stores_itself:
        fit.add_own(layer, arrays)
    elif len(arrays) != len(variables):
        fit.problems.append(_counts_differ(whose(layer, place.path), variables, arrays, stored, path))
    else:
        fit.add(layer, whose(layer, place.path), variables, [arrays.get(str(n)) for n in range(len(variables))])


def _counts_differ(whose, variables, arrays, stored, path):
    shapes = [array.shape for _, array in sorted(arrays.items())]
    text = f"{whose} has {len(variables)} weights, of shapes {[v.shape for v in variables]}; the file has {len(arrays)}"
    if shapes:
        return f"{text}, of shapes {shapes}"
    near = nearest(path, list(stored.shapes()))
    return text + (f" there; it has some at {near!r}" if near and near != path else "")
