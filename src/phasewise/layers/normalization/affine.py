"""The learned scale and centre that normalization layers share, and checks of their arguments."""

import operator
from collections.abc import Sequence
from typing import TypeAlias

from phasewise import constraints, initializers, regularizers
from phasewise.core import registry
from phasewise.core.arguments import check_flag
from phasewise.core.types import Config, Named, Shape
from phasewise.core.variable import Variable
from phasewise.layer.layer import Layer

Axes: TypeAlias = int | list[int] | tuple[int, ...]
"""One axis or several, as the user gives them."""


class Affine:
    """The arguments of `gamma` (scale) and `beta` (centre), the weights, and their config."""

    def __init__(
        self, center: bool, scale: bool, *, beta: tuple[Named, Named, Named], gamma: tuple[Named, Named, Named]
    ):
        self.center = check_flag("A normalization layer", "center", center)
        self.scale = check_flag("A normalization layer", "scale", scale)
        self.arguments = {"beta": _resolved(*beta), "gamma": _resolved(*gamma)}

    def build(self, layer: Layer, shape: Shape) -> tuple[Variable | None, Variable | None]:
        """`(gamma, beta)` as weights of `layer`; None for one that is switched off."""
        gamma = layer.add_weight(shape, name="gamma", **self.arguments["gamma"]) if self.scale else None
        beta = layer.add_weight(shape, name="beta", **self.arguments["beta"]) if self.center else None
        return gamma, beta

    def get_config(self) -> Config:
        """Center, scale, and each weight's initializer, regularizer and constraint."""
        config = {"center": self.center, "scale": self.scale}
        for weight, arguments in self.arguments.items():
            config.update({f"{weight}_{kind}": registry.serialize(item) for kind, item in arguments.items()})
        return config


class HasAffine:
    """A layer that keeps an `Affine` as `_affine`: what `gamma` and `beta` follow stands under Keras's names."""


def _rule(weight, kind):
    def read(self):
        return self._affine.arguments[weight][kind]

    def write(self, value):
        self._affine.arguments[weight][kind] = _FAMILIES[kind].get(value)

    return property(read, write, doc=f"The {kind} of `{weight}`, or None.")


_FAMILIES = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}
for _weight in ("beta", "gamma"):
    for _kind in _FAMILIES:
        setattr(HasAffine, f"{_weight}_{_kind}", _rule(_weight, _kind))


def _resolved(*given):
    return {kind: family.get(item) for (kind, family), item in zip(_FAMILIES.items(), given, strict=True)}


def check_number(
    layer: Layer | str, name: str, value: float, low: float, high: float | None = None, *, low_included: bool = False
) -> float:
    """`value` as a float when it lies between `low` and `high`.

    Raises:
        ValueError: it does not, or is no number; the message names the layer (or the class of that name) and the range.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        number = number or float(value) == value
    except (TypeError, ValueError):
        number = False
    inside = (
        number
        and abs(value) < float("inf")
        and (value >= low if low_included else value > low)
        and (high is None or value <= high)
    )
    if not inside:
        bound = f"{'at least' if low_included else 'greater than'} {low}" + (
            f" and at most {high}" if high is not None else ""
        )
        owner = layer if isinstance(layer, str) else type(layer).__name__
        raise ValueError(f"{owner}'s {name} must be a number {bound}; got {value!r}.")
    return float(value)


def check_axis(layer: Layer, axis: int, rank: int) -> int:
    """`axis` counted from the front.

    Raises:
        ValueError: it is no axis of an input with `rank` axes, or the batch axis.
    """
    place = axis + rank if axis < 0 else axis
    if not 0 < place < rank:
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} has axis={axis}, which is no axis of an input with {rank} axes other "
            f"than the batch axis: give {'1' if rank == 2 else f'1 to {rank - 1}'}, or -1 for the last."
        )
    return place


def as_axis(layer: Layer, axis: int) -> int:
    """`axis` as an int.

    Raises:
        TypeError: it is no integer.
    """
    try:
        if not isinstance(axis, bool):
            return operator.index(axis)
    except TypeError:
        pass
    raise TypeError(f"{type(layer).__name__}'s axis must be an integer; got {axis!r}.")


def as_axes(layer: Layer, axis: Axes) -> int | list[int]:
    """`axis` as an int, or as a list of int where it is a list or tuple.

    Raises:
        TypeError: it is neither.
    """
    return [as_axis(layer, a) for a in axis] if isinstance(axis, list | tuple) else as_axis(layer, axis)


def check_axes(layer: Layer, axis: int | list[int], rank: int) -> tuple[int, ...]:
    """The axes that `as_axes` gave, counted from the front, as a tuple in ascending order.

    Raises:
        ValueError: one is no axis of an input with `rank` axes, or is there twice.
    """
    given = axis if isinstance(axis, list) else [axis]
    for a in given:
        if not -rank <= a < rank:
            raise ValueError(f"{type(layer).__name__} {layer.name!r} has axis={a}; its input has {rank} axes.")
    axes = sorted(a % rank for a in given)
    if len(set(axes)) < len(axes):
        raise ValueError(f"{type(layer).__name__} {layer.name!r} has axis={axis}, which names one axis twice.")
    return tuple(axes)


def known_sizes(layer: Layer, axes: Sequence[int], input_shape: Shape) -> tuple[int, ...]:
    """The sizes of `axes`, for which the layer makes weights.

    Raises:
        ValueError: one is unknown.
    """
    sizes = tuple(input_shape[a] for a in axes)
    if None in sizes:
        raise ValueError(
            f"{type(layer).__name__} {layer.name!r} needs a known size on axis {axes[sizes.index(None)]}; the input has shape "
            f"{tuple(input_shape)}. Give that size in Input."
        )
    return sizes
