"""Optimizers, under Keras's names and with its numerics."""

from phasewise.core import registry
from phasewise.optimizers import schedules as schedules
from phasewise.optimizers.adam import Adam as Adam
from phasewise.optimizers.adam import AdamW as AdamW
from phasewise.optimizers.gradient_descent import SGD as SGD
from phasewise.optimizers.gradient_descent import RMSprop as RMSprop
from phasewise.optimizers.optax_optimizer import OptaxOptimizer as OptaxOptimizer
from phasewise.optimizers.optax_optimizer import is_transformation
from phasewise.optimizers.optimizer import KIND
from phasewise.optimizers.optimizer import Optimizer as Optimizer


def get(identifier):
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


def serialize(optimizer):
    """Class name and config."""
    return registry.serialize(optimizer)


def deserialize(config):
    """The optimizer that `serialize` described."""
    return registry.deserialize(KIND, {**config, "class_name": _canonical(config["class_name"])})


def _canonical(name):
    names = {cls.__name__.lower(): cls.__name__ for cls in registry.members(KIND)}
    return names.get(name.lower(), name)
