"""What all layers share that slide weights along axes of space or time."""

import numbers
from collections.abc import Sequence
from typing import Any, TypeAlias

import jax.numpy as jnp
import numpy as np

from phasewise import activations, constraints, initializers, regularizers
from phasewise.core import registry
from phasewise.core.arguments import check_flag
from phasewise.core.defaults import data_format_of
from phasewise.core.registry import one_of
from phasewise.core.types import Array, Config, Named, Shape
from phasewise.core.variable import Variable
from phasewise.kernels.convolution_sizes import Around, around, output_size, span
from phasewise.layer.input_spec import InputSpec
from phasewise.layer.layer import Layer

Sizes: TypeAlias = int | Sequence[int]
"""One number for each axis of positions, or one for all of them."""

WHERE = ("strides", "padding", "dilation_rate")  # as in Keras, not to be changed once the layer is built

FAMILIES = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}


class Windowed(Layer):
    """A layer whose weights slide along `rank` axes. A subclass takes its arguments, makes its kernels and calls them.

    Its constructor keeps `kernel_size`, `strides`, `padding`, `data_format`, `dilation_rate`, `activation` and `use_bias`, and by
    `keep_rules` what each of its weights follows.
    """

    rank = 0
    paddings: tuple[str, ...] = ("valid", "same")
    ruled: tuple[str, ...] = ()  # the beginnings of the names of arguments that are rules for weights

    def keep_window(
        self, kernel_size: Sizes, strides: Sizes, padding: str, data_format: str | None, dilation_rate: Sizes
    ) -> None:
        """Check and keep the arguments that say where the kernel goes."""
        self.kernel_size = self.sizes("kernel_size", kernel_size)
        self.strides = self.sizes("strides", strides)
        self.dilation_rate = self.sizes("dilation_rate", dilation_rate)
        self.padding = one_of(type(self).__name__, "padding", _lower(padding), self.paddings)
        self.data_format = data_format_of(type(self).__name__, data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def keep_rules(self, activation: Named, use_bias: bool, **rules: Named) -> None:
        """Keep the activation, whether there is a bias, and each rule under its name."""
        self.activation = activations.get(activation)
        self.use_bias = check_flag(type(self).__name__, "use_bias", use_bias)
        for name, rule in rules.items():
            setattr(self, name, FAMILIES[name.rpartition("_")[2]].get(rule))

    def refuse_both(self) -> None:
        """Raises ValueError where strides and dilation are both above 1: Keras knows no such layer."""
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"{type(self).__name__} takes strides or a dilation_rate above 1, not both; got strides={self.strides} and "
                f"dilation_rate={self.dilation_rate}."
            )

    def sizes(self, name: str, value: Any, least: int = 1) -> tuple[int, ...]:
        """`value` as a tuple of one int for each axis of positions.

        Raises:
            ValueError: it is not one integer of at least `least`, or as many as there are axes.
        """
        entries = tuple(value) if isinstance(value, list | tuple) else (value,) * self.rank
        if len(entries) == self.rank and all(_is_size(entry, least) for entry in entries):
            return tuple(map(int, entries))
        wanted = "a positive integer" if least == 1 else f"an integer of at least {least}"
        many = f"a tuple of {self.rank} of them" if self.rank > 1 else "a tuple of one"
        raise ValueError(f"{type(self).__name__}'s {name} must be {wanted}, or {many}; got {value!r}.")

    # -- shapes

    @property
    def channels_first(self) -> bool:
        """Whether the channels come before the positions."""
        return self.data_format == "channels_first"

    def channels_of(self, input_shape: Shape) -> int:
        """The number of channels of the input.

        Raises:
            ValueError: it is unknown.
        """
        channels = input_shape[1 if self.channels_first else -1]
        if channels is None:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} needs a known number of channels; its input has shape {tuple(input_shape)} and "
                f"data_format={self.data_format!r}. Give that size in Input."
            )
        return channels

    def positions_of(self, input_shape: Shape) -> Shape:
        """The sizes of the axes of space or time."""
        return tuple(input_shape[2:] if self.channels_first else input_shape[1:-1])

    def shape_with(self, input_shape: Shape, positions: Shape, channels: int) -> Shape:
        """The shape of an output of as many rows."""
        return (input_shape[0], channels, *positions) if self.channels_first else (input_shape[0], *positions, channels)

    def around(self, positions: Shape) -> tuple[Around, ...]:
        """The zeros around the input, axis by axis."""
        axes = zip(positions, self.kernel_size, self.strides, self.dilation_rate)
        return tuple(around(self.padding, *each) for each in axes)

    def positions_after(self, input_shape: Shape) -> Shape:
        """The positions of the output of a convolution.

        Raises:
            ValueError: the kernel reaches over more positions than the input has.
        """
        positions = self.positions_of(input_shape)
        axes = zip(positions, self.kernel_size, self.strides, self.dilation_rate)
        found = tuple(output_size(self.padding, *each) for each in axes)
        if self.padding == "valid" and any(size is not None and size < 1 for size in found):
            reach = " x ".join(str(span(*each)) for each in zip(self.kernel_size, self.dilation_rate))
            dilated = f" and dilation_rate={self.dilation_rate}" if max(self.dilation_rate) > 1 else ""
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has a kernel larger than its input: with kernel_size={self.kernel_size}{dilated} it "
                f"reaches over {reach} positions, and an input of shape {tuple(input_shape)} with data_format={self.data_format!r} "
                f"has {' x '.join(map(str, positions))}. Use a smaller kernel, or padding='same'."
            )
        return found

    # -- weights

    def add_ruled(self, shape: Shape, name: str, rule: str) -> Variable:
        """A weight that follows the arguments whose names begin with `rule`."""
        rules = {kind: getattr(self, f"{rule}_{kind}") for kind in FAMILIES}
        return self.add_weight(shape, name=name, **rules)

    def add_bias(self, size: int) -> Variable | None:
        """The bias of so many channels, or None."""
        return self.add_ruled((size,), "bias", "bias") if self.use_bias else None

    def finished(self, outputs: Array) -> Array:
        """`outputs` with the bias, through the activation."""
        if self.bias is not None:
            bias = self.bias.value
            outputs = outputs + (jnp.reshape(bias, (-1, *(1,) * self.rank)) if self.channels_first else bias)
        return self.activation(outputs)

    def get_config(self) -> Config:
        """The arguments that all such layers have."""
        rules = {f"{rule}_{kind}": getattr(self, f"{rule}_{kind}") for rule in self.ruled for kind in FAMILIES}
        return {
            **super().get_config(),
            "kernel_size": list(self.kernel_size),
            "strides": list(self.strides),
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": list(self.dilation_rate),
            "activation": registry.serialize(self.activation),
            "use_bias": self.use_bias,
            **{name: registry.serialize(rule) for name, rule in rules.items()},
        }


def _lower(word):
    return word.lower() if isinstance(word, str) else word


def _is_size(value, least):
    return isinstance(value, numbers.Integral) and not isinstance(value, bool | np.bool_) and value >= least
