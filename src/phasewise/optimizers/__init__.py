"""Optimizers, under Keras's names and with its numerics."""

from collections.abc import Mapping
from typing import Any

from phasewise.core import registry
from phasewise.core.types import Config
from phasewise.optimizers import schedules
from phasewise.optimizers.adafactor import Adafactor
from phasewise.optimizers.adagrad import Adadelta, Adagrad
from phasewise.optimizers.adam import Adam, AdamW
from phasewise.optimizers.adam_relatives import Adamax, Nadam
from phasewise.optimizers.ftrl import Ftrl
from phasewise.optimizers.gradient_descent import SGD, RMSprop
from phasewise.optimizers.lamb_and_lion import Lamb, Lion
from phasewise.optimizers.loss_scale_optimizer import LossScaleOptimizer
from phasewise.optimizers.multi_optimizer import MultiOptimizer
from phasewise.optimizers.muon import Muon
from phasewise.optimizers.optax_optimizer import OptaxOptimizer, is_transformation
from phasewise.optimizers.optimizer import KIND, Optimizer
from phasewise.optimizers.optimizer_map import OptimizerMap
from phasewise.optimizers.schedule_free import ScheduleFreeAdamW

__all__ = [
    "SGD",
    "Adadelta",
    "Adafactor",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lamb",
    "Lion",
    "LossScaleOptimizer",
    "MultiOptimizer",
    "Muon",
    "Nadam",
    "OptaxOptimizer",
    "Optimizer",
    "OptimizerMap",
    "RMSprop",
    "ScheduleFreeAdamW",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]


def get(identifier: Any) -> Optimizer | None:
    """An optimizer from a name (in upper or lower case), a config, a class, an object, or an optax transformation.

    Raises:
        ValueError: there is none of that name, or what was given is no optimizer.
    """
    if is_transformation(identifier):
        return OptaxOptimizer(identifier)
    found = registry.resolve(KIND, _canonical(identifier) if isinstance(identifier, str) else identifier)
    if found is None or isinstance(found, Optimizer):
        return found
    raise ValueError(
        f"Could not interpret {identifier!r} as optimizer: give a name, an object of phasewise.optimizers, or an optax "
        "transformation that is made, as in optax.adam(1e-3)."
    )


def serialize(optimizer: Optimizer | None) -> Config | None:
    """Class name and config."""
    return registry.serialize(optimizer)


def deserialize(config: Config, custom_objects: Mapping[str, Any] | None = None) -> Optimizer:
    """The optimizer that `serialize` described; `custom_objects` are classes and functions by name that it may mean."""
    return registry.deserialize(KIND, {**config, "class_name": _canonical(config["class_name"])}, custom_objects)


def _canonical(name):
    names = {cls.__name__.lower(): cls.__name__ for cls in registry.members(KIND)}
    return names.get(name.lower(), name)
