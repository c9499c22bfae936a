"""What a model was compiled with, and what its optimizer kept, as Keras 2 wrote it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from phasewise.core.restoring import deserialize_keras_object
from phasewise.core.types import Config
from phasewise.metrics import MeanMetricWrapper
from phasewise.metrics import get as get_metric

_NOT_OURS = ("is_legacy_optimizer", "jit_compile", "sample_weight_mode")
_SLOTS = {  # of Keras 2 -> ours
    "m": ("momentum", "velocity"),
    "v": ("velocity",),
    "vhat": ("velocity_hat",),
    "momentum": ("momentum",),
    "rms": ("velocity",),
    "velocity": ("velocity",),
    "mg": ("average_gradient",),
    "average_gradient": ("average_gradient",),
    "accumulator": ("accumulator",),
}


def compile_arguments(training: Config) -> dict[str, Any]:
    """The arguments of `compile` that a training config means.

    Raises:
        ValueError: it names what is not known.
    """
    found = {
        "optimizer": _optimizer(training.get("optimizer_config")),
        "loss": _nest(training.get("loss"), _loss),
        "metrics": _nest(training.get("metrics"), _metric),
        "weighted_metrics": _nest(training.get("weighted_metrics"), _metric),
        "loss_weights": training.get("loss_weights"),
    }
    return {name: value for name, value in found.items() if value is not None}


def _optimizer(spec):
    if not isinstance(spec, Mapping):
        return spec
    name = str(spec.get("class_name", "")).removeprefix("Custom>")
    inner = {key: value for key, value in (spec.get("config") or {}).items() if key not in _NOT_OURS}
    if "lr" in inner:
        inner["learning_rate"] = inner.pop("lr")
    decay = inner.pop("decay", 0.0)
    if decay:
        schedule = {"initial_learning_rate": inner["learning_rate"], "decay_steps": 1, "decay_rate": decay}
        inner["learning_rate"] = {
            "module": "keras.optimizers.schedules",
            "class_name": "InverseTimeDecay",
            "config": schedule,
        }
    return deserialize_keras_object({"module": "keras.optimizers", "class_name": name, "config": inner})


def _nest(value, make):
    """Apply `make` to each name or description in lists and dicts by output."""
    if isinstance(value, Mapping) and "class_name" not in value:
        return {key: _nest(each, make) for key, each in value.items()}
    if isinstance(value, list | tuple):
        made = [_nest(each, make) for each in value]
        return made[0] if len(made) == 1 and isinstance(made[0], list) else made
    return None if value is None else make(value)


def _loss(spec):
    if isinstance(spec, str):
        return spec
    inner = {key: value for key, value in spec["config"].items() if key != "fn"}
    if inner.get("reduction") in ("auto", "sum_over_batch_size_v2"):
        inner["reduction"] = "sum_over_batch_size"
    return deserialize_keras_object({"module": "keras.losses", **spec, "config": inner})


def _metric(spec):
    if isinstance(spec, str):
        return spec
    inner = dict(spec["config"])
    function = inner.pop("fn", None)
    if spec["class_name"] != "MeanMetricWrapper":
        return deserialize_keras_object({"module": "keras.metrics", **spec, "config": inner})
    if inner.get("name") in ("accuracy", "acc") or not isinstance(function, str):
        return inner.get("name", function)  # by the shapes of labels and outputs, which gave the function there too
    return MeanMetricWrapper(get_metric(function), name=inner.get("name"))


# -- what the optimizer kept


def give_optimizer(model: Any, stored: list[tuple[str, Any]]) -> bool:
    """Give the optimizer of a compiled model what the file has of it, where number and shapes are those of its variables.

    Args:
        stored: (name, array) in the order of the file.
    """
    optimizer = model.optimizer
    optimizer.build(model.trainable_variables)
    ours = optimizer.variables
    if [name for name, _ in stored if "/" not in name.split(":")[0].removeprefix("optimizer/")] or not _same(
        ours, stored
    ):
        stored = _in_our_order(optimizer, stored)
    if stored is None or not _same(ours, stored):
        return False
    optimizer.set_weights([array if isinstance(array, np.ndarray) else array.read() for _, array in stored])
    return True


def _same(ours, stored):
    return [tuple(v.shape) for v in ours] == [tuple(array.shape) for _, array in stored]


def _in_our_order(optimizer, stored):
    """The arrays in the order of our variables: Keras 2 leaves the learning rate out, and its older optimizers have one kind of state after
    the other."""
    steps = next((each for each in stored if each[0].split(":")[0].split("/")[-1] in ("iter", "iteration")), None)
    slots = {}
    for name, array in stored:
        kind = _kind(name)
        if kind is not None:
            slots.setdefault(kind, []).append((name, array))
    found, left = [], {kind: iter(arrays) for kind, arrays in slots.items()}
    for variable in optimizer.variables:
        last = variable.path.rpartition("/")[2]
        if last in ("iteration", "learning_rate"):
            found.append(steps if last == "iteration" else ("learning_rate", np.asarray(variable)))
            continue
        kind = next((kind for kind in left if any(last.endswith(f"_{ours}") for ours in _SLOTS[kind][:1])), None)
        found.append(None if kind is None else next(left[kind], None))
    return None if None in found or any(next(rest, None) is not None for rest in left.values()) else found


def _kind(name):
    """Which of an optimizer's arrays this is: the last part of an older name, the second of a newer one."""
    parts = name.split(":")[0].split("/")
    return next((part for part in (parts[-1], parts[1] if len(parts) > 2 else "") if part in _SLOTS), None)
