"""All that a model holds as one tree of arrays: weights, what its optimizer keeps, what its metrics have added up."""

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from phasewise.core.keywords import told
from phasewise.core.naming import distinct
from phasewise.core.registry import did_you_mean, one_of
from phasewise.core.types import Array, ArrayLike
from phasewise.training.compiled_metrics import CompiledMetrics

Tree: TypeAlias = dict[str, Any]
"""Dicts in dicts, by the parts of the paths of variables, with arrays at their ends."""

_FORMATS: Mapping[str, Callable[[Any], Any]] = {
    "backend_tensor": lambda variable: variable.value,
    "numpy_array": lambda variable: np.array(variable.numpy()),
}


class StateTree:
    """The part of a model that gives its whole state as a tree, and takes one."""

    @told
    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, Tree]:
        """All variables of the model, its optimizer and its metrics by their paths, for a checkpoint or a loop of one's own.

        Args:
            value_format: "backend_tensor": the arrays themselves, which nothing changes; "numpy_array": NumPy copies.

        Returns:
            dict with "trainable_variables", "non_trainable_variables", "optimizer_variables" and "metrics_variables", each a dict nested by
            the parts of the paths: `tree["trainable_variables"]["net"]["dense"]["kernel"]`. The layout and the names are Keras's, but that a
            metric is called as in the logs ("mae", where Keras has "mean_absolute_error").

        Raises:
            ValueError: another format; or two variables have one path, since layers have one name.
        """
        convert = _FORMATS[one_of("get_state_tree", "value_format", value_format, _FORMATS)]
        return {
            part: _nested({path: convert(variable) for path, variable in found.items()})
            for part, found in _parts(self).items()
        }

    def set_state_tree(self, state_tree: Mapping[str, Any]) -> None:
        """Give the model the values of a tree as `get_state_tree`, its own or Keras's, returns it. Parts and paths may be left out. Where all
        paths of a part begin with one name, the model's or the optimizer's, its number does not matter ("adam" and "adam_1"); in Keras it does,
        and what does not match is passed over in silence.

        A model that is compiled and has not been trained yet takes what belongs to its optimizer; metrics that it has not counted with yet
        begin at nothing all the same. Of a model that is not compiled, what belongs to optimizer and metrics is passed over, as in Keras.

        Raises:
            ValueError: a part or a path that the model does not have, or a value of another shape; nothing is changed then.
        """
        if self.optimizer is not None and state_tree.get("optimizer_variables") and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)
        parts = _parts(self)
        assignments = []
        for part, tree in state_tree.items():
            one_of("set_state_tree", "part", part, parts)
            if not _takes(self, part):
                continue
            for path, value in _under_one_name(_flat(tree), parts[part]).items():
                assignments.append(_assignment(self, part, parts[part], path, value))
        for variable, value in assignments:
            variable.assign(np.array(value))  # whose it is may delete it later, as Keras's steps do


def _parts(model) -> dict[str, dict[str, Any]]:
    """The variables of each part by path."""
    optimizer = model.optimizer
    return {
        "trainable_variables": _by_path(model, model.trainable_variables),
        "non_trainable_variables": _by_path(model, model.non_trainable_variables),
        "optimizer_variables": _by_path(model, [] if optimizer is None else optimizer.variables),
        "metrics_variables": _of_metrics(model),
    }


def _takes(model, part):
    """Whether the model has what this part of a tree belongs to."""
    if part == "optimizer_variables":
        return model.optimizer is not None
    return part != "metrics_variables" or (model.objective is not None and model.objective.built)


def _by_path(model, variables):
    found = {variable.path: variable for variable in variables}
    if len(found) < len(variables):
        paths = [variable.path for variable in variables]
        twice = next(path for path in paths if paths.count(path) > 1)
        raise ValueError(
            f"{model.name!r} has several variables with the path {twice!r}: give the layers that hold them different names."
        )
    return found


def _of_metrics(model):
    """The accumulators of metrics, in which a metric's name takes the place of a layer's."""
    metrics = []
    for metric in model.metrics:
        metrics += model.objective.given_metrics if isinstance(metric, CompiledMetrics) else [metric]
    found = {}
    for metric, name in zip(metrics, distinct([metric.name for metric in metrics])):
        names = distinct([variable.name for variable in metric.variables])
        found.update({f"{name}/{own}": variable for own, variable in zip(names, metric.variables)})
    return found


def _nested(by_path: Mapping[str, Array]) -> Tree:
    tree: Tree = {}
    for path, value in by_path.items():
        *folders, last = path.split("/")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        place[last] = value
    return tree


def _flat(tree: Mapping[str, Any], before: str = "") -> dict[str, ArrayLike]:
    found = {}
    for name, value in tree.items():
        found.update(_flat(value, f"{before}{name}/") if isinstance(value, Mapping) else {f"{before}{name}": value})
    return found


def _under_one_name(values, known):
    """The values with the name that all known paths begin with, where all of theirs begin with that name of another number."""
    here, there = ({path.partition("/")[0] for path in paths} for paths in (known, values))
    names = {re.sub(r"_\d+$", "", name) for name in here | there}
    if (len(here), len(there), len(names)) != (1, 1, 1):
        return values
    (name,) = here
    return {"/".join((name, *path.split("/")[1:])): value for path, value in values.items()}


def _assignment(model, part, known, path, value):
    """The variable of a path, and the value that fits it."""
    if path not in known:
        has = f"; it has {', '.join(map(repr, known))}" if known and len(known) <= 20 else ""
        raise ValueError(f"{model.name!r} has no {path!r} among its {part}{has}.{did_you_mean(path, known)}")
    if np.shape(value) != tuple(known[path].shape):
        raise ValueError(
            f"{path!r} among the {part} of {model.name!r} has shape {tuple(known[path].shape)}; set_state_tree was given a value of "
            f"shape {np.shape(value)}."
        )
    return known[path], value
