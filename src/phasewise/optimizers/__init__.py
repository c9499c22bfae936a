"""Optimizers, under Keras's names and with its numerics."""

from phasewise import registry
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
    """An optimizer from a name, a config, an object, or an optax transformation."""
    if is_transformation(identifier) and not isinstance(identifier, Optimizer):
        return OptaxOptimizer(identifier)
    return registry.resolve(KIND, identifier)


def serialize(optimizer):
    """Class name and config."""
    return registry.serialize(optimizer)


def deserialize(config):
    """The optimizer that `serialize` described."""
    return registry.deserialize(KIND, config)
