"""What is set on a layer that is built: it has an effect, or is refused."""

from typing import Any

import numpy as np

from phasewise import constraints, regularizers
from phasewise.core import precision, structure
from phasewise.core.precision import DTypePolicy, PolicyLike
from phasewise.core.variable import Variable

RULES = ("_regularizer", "_constraint", "_initializer")  # with the name of a weight before it


def set_later(layer: Any, name: str, value: Any) -> Any:
    """What `layer` is to keep under `name`; where that is a rule for a weight, the weight then follows it.

    Args:
        layer: a built `Layer`.
        name: one that ends in one of `RULES`, or is among `layer.fixed_by_build`.
        value: what the user assigns.

    Raises:
        AttributeError: no weight would follow it.
    """
    if name in layer.fixed_by_build:
        _refuse_change(layer, name, value)
        return value
    if name == "activity_regularizer":
        return regularizers.get(value)
    weight_name, _, kind = name.rpartition("_")
    weight_name = layer.weights_of_rules.get(weight_name, weight_name)
    weight = vars(layer).get(
        weight_name, vars(layer).get(f"{weight_name}_kernel")
    )  # recurrent_regularizer: recurrent_kernel's
    if not isinstance(weight, Variable):
        if name not in vars(layer) and not hasattr(type(layer), name):  # something else of a user's own
            return value
        raise AttributeError(
            f"Setting {name} would have no effect: {type(layer).__name__} {layer.name!r} is built and has no weight "
            f"{weight_name!r}."
        )
    if kind == "initializer":
        raise AttributeError(
            f"Setting {name} would have no effect: the weight {weight.path!r} has its first value already. Set a value, "
            f"layer.{weight_name}.assign(...), or make a new layer with {name}=."
        )
    rule = (regularizers if kind == "regularizer" else constraints).get(value)
    setattr(weight, kind, rule)
    return rule


def policy_set_later(layer: Any, policy: PolicyLike) -> DTypePolicy:
    """The dtype policy that `layer` is to follow from its next call on.

    Raises:
        AttributeError: it has weights in another dtype, or layers inside, which follow policies of their own.
    """
    new, old = precision.resolve(policy), layer.dtype_policy
    if new == old:
        return old
    said = (
        f"{type(layer).__name__} {layer.name!r} follows the dtype policy {old.name!r}, and {new.name!r} cannot be set"
    )
    if layer._sublayers():
        raise AttributeError(
            f"{said} on it: the layers inside have policies of their own. Set it on each of them, or make the layers under "
            f"phasewise.set_dtype_policy({new.name!r})."
        )
    if layer._own_variables and new.variable_dtype != old.variable_dtype:
        raise AttributeError(
            f"{said} any more: its weights are stored in {old.variable_dtype}. Make a new layer with dtype={new.name!r} and set its "
            "weights."
        )
    structure.changed()
    return new


def _refuse_change(layer, name, value):
    now = getattr(layer, name)
    if not np.array_equal(now, value):
        raise AttributeError(
            f"{name} of {type(layer).__name__} {layer.name!r} cannot be set any more: its weights were made by {name}={now!r}. Make "
            f"a new layer with {name}={value!r}."
        )
