"""What `compile` was given, as a config that Keras reads too, and a model compiled by one."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from phasewise.core.describing import serialize_keras_object
from phasewise.core.restoring import deserialize_keras_object
from phasewise.core.types import Config
from phasewise.core.warning import PhasewiseWarning, warn


class CompiledWith(NamedTuple):
    """The arguments of `compile`, under their names; the optimizer as an object."""

    optimizer: Any
    loss: Any
    loss_weights: Any
    metrics: Any
    weighted_metrics: Any
    run_eagerly: bool
    steps_per_execution: int
    jit_compile: bool | str
    auto_scale_loss: bool


def of(model: Any) -> Config:
    """The config of a compiled model; {} of one that is not, and, with a warning, where an object in it cannot be described."""
    given = getattr(model.objective, "compiled_with", None)
    if given is None:
        return {}
    config = {}
    for name, value in given._asdict().items():
        try:
            config[name] = serialize_keras_object(value)
        except (ValueError, TypeError, NotImplementedError) as error:
            warn(
                f"What compile was given as {name} cannot be written down: {error} The config of {model.name!r} is without what compile was "
                "given: compile it again after loading.",
                PhasewiseWarning,
            )
            return {}
    if given.auto_scale_loss:  # Keras does not write it, and has it on
        del config["auto_scale_loss"]
    return config


def follow(model: Any, config: Config, usual: Callable[..., None]) -> None:
    """Compile `model` by it. Raises as `Trainer.compile_from_config` says.

    Args:
        usual: the `compile` whose arguments are meant.
    """
    if type(model).compile is not usual:
        warn(
            f"{type(model).__name__} has a compile of its own, so it is left uncompiled: give the class get_compile_config and "
            "compile_from_config as well, or call compile yourself.",
            PhasewiseWarning,
        )
        return
    takes = inspect.signature(usual).parameters
    strange = [name for name in config if name not in takes]
    if strange:
        warn(
            f"The compile config has {', '.join(strange)}, which compile does not take here: left out.",
            PhasewiseWarning,
        )
    known = {name: value for name, value in config.items() if name in takes}
    model.compile(**deserialize_keras_object(known))
    if model.built and getattr(model.optimizer, "build", None) is not None:
        model.optimizer.build(model.trainable_variables)
