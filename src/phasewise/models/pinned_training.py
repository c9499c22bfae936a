"""`training=` at a call, as files have it: Keras writes the default of a layer's `call` down as if it had been given."""

import inspect
from typing import Any

from phasewise.core import entries, keras_names
from phasewise.layer.signature import call_signature

PINNED = "pinned"  # beside "args" and "kwargs": what stands there as `training` was given; Keras passes it over


def as_written(layer: Any, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any], bool]:
    """A call's arguments as Keras writes them.

    Returns:
        (args, kwargs, whether to say that `training` was given because Keras might have written the same without).
    """
    args, kwargs, own = call_signature(type(layer)).take_training(args, kwargs)
    default = _default(layer)
    given = default if own is None else own
    kwargs = kwargs if given is None else {**kwargs, "training": given}
    return args, kwargs, own is not None and own == default


def as_called(layer: Any, kwargs: dict[str, Any], is_pinned: bool) -> dict[str, Any]:
    """The keyword arguments of a call in a file, without a `training` that is Keras's default."""
    own = kwargs.get("training")
    if own is None or (own == _default(layer) and not is_pinned):
        return {name: value for name, value in kwargs.items() if name != "training"}
    return kwargs


def _default(layer):
    """What Keras writes for a call that was given none: what the class says that has the `call`, Keras's where it is one of its own."""
    for cls in type(layer).__mro__:
        if entries.kind_of(cls) is not None:
            return keras_names.training_by_default(cls.__name__)
        if "call" in vars(cls):
            parameter = inspect.signature(cls.call).parameters.get("training")
            return parameter.default if parameter is not None and isinstance(parameter.default, bool) else None
    return None
