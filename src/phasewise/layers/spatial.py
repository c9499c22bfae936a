"""Layers over the spatial axes of their input: which axes these are, and the arguments that many of them take."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from phasewise.core import arguments
from phasewise.core.arguments import is_count, is_sequence
from phasewise.core.types import Shape
from phasewise.layer.input_spec import InputSpec
from phasewise.layer.layer import Layer


class Spatial(Layer):
    """A layer of inputs (batch, *spatial axes, channels), or (batch, channels, *spatial axes) by `data_format`.

    A subclass sets `spatial_axes`, the number of them, and `data_format` where it takes one, and defines `output_sizes`. Its
    `rules` say what an argument must be: a function (layer, name, value) that returns the value in its one form, or raises. They
    hold whenever the attribute is set, in the constructor and later.
    """

    spatial_axes = 0
    data_format = "channels_last"
    rules: ClassVar[Mapping[str, Callable[..., Any]]] = {}

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.input_spec = InputSpec(ndim=self.spatial_axes + 2)

    def __setattr__(self, name: str, value: Any) -> None:
        rule = self.rules.get(name)
        super().__setattr__(name, value if rule is None else rule(self, name, value))

    @property
    def axes(self) -> tuple[int, ...]:
        """The spatial axes of the input."""
        first = 2 if self.data_format == "channels_first" else 1
        return tuple(range(first, first + self.spatial_axes))

    def over_axes(self, sizes: Sequence[Any], elsewhere: Any) -> tuple[Any, ...]:
        """`sizes`, one for each spatial axis, with `elsewhere` for the other axes of the input."""
        ends = 2 * (elsewhere,)
        return (*ends, *sizes) if self.data_format == "channels_first" else (ends[0], *sizes, ends[1])

    def output_sizes(self, sizes: Shape) -> Shape:
        """The sizes of the output's spatial axes, None where they are unknown, for those of the input."""
        raise NotImplementedError(f"{type(self).__name__} must define `output_sizes`.")

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape with other spatial sizes, None where they are unknown.

        Raises:
            ValueError: an input of this shape has not as many axes, or is too small.
        """
        complaint = self.input_spec.complaint(tuple(input_shape))
        if complaint:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) expects {complaint}; got an input of shape {tuple(input_shape)}."
            )
        shape = list(input_shape)
        for axis, size in zip(self.axes, self.output_sizes(tuple(shape[axis] for axis in self.axes))):
            shape[axis] = size
        return tuple(shape)


def check_data_format(layer: Layer, name: str, value: str | None) -> str:
    """The rule that a value is a data format; None is `phasewise.backend.image_data_format()`."""
    return arguments.check_data_format(type(layer).__name__, name, value)


def check_word(*words: str) -> Callable[[Layer, str, Any], str]:
    """The rule that a value is one of some words, written in any case."""
    return lambda layer, name, value: arguments.check_word(type(layer).__name__, name, value, words)


def check_sizes(layer: Layer, name: str, value: int | Sequence[int]) -> tuple[int, ...]:
    """The rule that a value is a positive size for each spatial axis, from one for all or one for each."""
    return arguments.check_sizes(type(layer).__name__, name, value, layer.spatial_axes)


def check_borders(layer: Layer, name: str, value: int | Sequence[Any]) -> tuple[Any, ...]:
    """Numbers of entries (before, behind) for each spatial axis, from one for all, one for each, or a pair for each.

    Where there is one spatial axis this is the pair itself.

    Raises:
        ValueError: it is none of these, or one is negative.
    """
    axes = layer.spatial_axes
    if axes == 1 and is_sequence(value):
        pairs = [value]
    else:
        pairs = list(value) if is_sequence(value) else [value] * axes
    pairs = [tuple(pair) if is_sequence(pair) else (pair, pair) for pair in pairs]
    if len(pairs) != axes or not all(len(pair) == 2 and all(is_count(n) for n in pair) for pair in pairs):
        pair = "(before, behind)"
        several = f"a tuple of {axes} of them, or of {axes} pairs {pair}" if axes > 1 else f"a pair {pair} of them"
        raise ValueError(
            f"{type(layer).__name__}'s {name} must be an integer of at least 0, or {several}; got {value!r}."
        )
    found = tuple((int(before), int(behind)) for before, behind in pairs)
    return found if axes > 1 else found[0]
