"""Activations as layers."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from phasewise import activations, constraints, initializers, regularizers
from phasewise.core import registry
from phasewise.core.arguments import check_integer, check_integers, check_number
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Named, Shape
from phasewise.core.warning import PhasewiseWarning, warn
from phasewise.layer.layer import Layer


class _Elementwise(Layer):
    """A layer whose output has the shape of its input."""

    supports_masking = True

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return input_shape


@register("layer")
class Activation(_Elementwise):
    """Applies `activation`, a name or function of arrays; None leaves them as they are. Any shape."""

    def __init__(self, activation: Named, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activations.get("linear" if activation is None else activation)

    def call(self, inputs: Array) -> Array:
        """The activated inputs."""
        return self.activation(inputs)

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "activation": registry.serialize(self.activation)}


@register("layer", "ReLU")
class ReLU(_Elementwise):
    """max(x, 0), with a slope below `threshold` and a bound `max_value`. Any shape."""

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ):
        super().__init__(**kwargs)
        for name, value in (("max_value", max_value), ("negative_slope", negative_slope), ("threshold", threshold)):
            if value is not None or name != "max_value":
                check_number("ReLU", name, value, 0)
        self.max_value, self.negative_slope, self.threshold = max_value, negative_slope, threshold

    def call(self, inputs: Array) -> Array:
        """The activated inputs."""
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def get_config(self) -> Config:
        """Every argument."""
        mine = {"max_value": self.max_value, "negative_slope": self.negative_slope, "threshold": self.threshold}
        return {**super().get_config(), **mine}


@register("layer")
class LeakyReLU(_Elementwise):
    """x above 0, `negative_slope * x` below. Any shape. `alpha`, its name in Keras 2, is accepted with a warning."""

    unlisted = _Elementwise.unlisted | {"alpha"}

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any):
        if "alpha" in kwargs:
            warn("LeakyReLU's alpha is called negative_slope.", PhasewiseWarning)
            negative_slope = kwargs.pop("alpha")
        super().__init__(**kwargs)
        self.negative_slope = check_number("LeakyReLU", "negative_slope", negative_slope, 0)

    def call(self, inputs: Array) -> Array:
        """The activated inputs."""
        return activations.leaky_relu(inputs, self.negative_slope)

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "negative_slope": self.negative_slope}


@register("layer")
class ELU(_Elementwise):
    """x above 0, `alpha * (exp(x) - 1)` below. Any shape."""

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = check_number("ELU", "alpha", alpha)

    def call(self, inputs: Array) -> Array:
        """The activated inputs."""
        return activations.elu(inputs, self.alpha)

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "alpha": self.alpha}


@register("layer", "PReLU")
class PReLU(_Elementwise):
    """x above 0, `alpha * x` below, `alpha` a weight of the input's shape, size 1 on `shared_axes` (He et al. 2015)."""

    fixed_by_build = ("shared_axes",)

    def __init__(
        self,
        alpha_initializer: Named = "zeros",
        alpha_regularizer: Named = None,
        alpha_constraint: Named = None,
        shared_axes: int | Sequence[int] | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        given = () if shared_axes is None else shared_axes
        axes = check_integers("PReLU", "shared_axes", [given] if isinstance(given, int) else given)
        if any(axis < 1 for axis in axes):
            raise ValueError(f"PReLU's shared_axes count from 1, the axis behind the batch's; got {shared_axes!r}.")
        self.shared_axes = list(axes)

    def build(self, input_shape: Shape) -> None:
        """Makes alpha."""
        if any(axis >= len(input_shape) for axis in self.shared_axes):
            raise ValueError(
                f"PReLU {self.name!r} has shared_axes={self.shared_axes}; its input of shape {tuple(input_shape)} has the axes 1 to "
                f"{len(input_shape) - 1} behind the batch's."
            )
        shape = [1 if i + 1 in self.shared_axes else size for i, size in enumerate(input_shape[1:])]
        self.alpha = self.add_weight(
            shape,
            self.alpha_initializer,
            regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint,
            name="alpha",
        )
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The activated inputs."""
        return jnp.maximum(inputs, 0) - self.alpha.value * jnp.maximum(-inputs, 0)

    def get_config(self) -> Config:
        """Every argument."""
        return {
            **super().get_config(),
            "alpha_initializer": registry.serialize(self.alpha_initializer),
            "alpha_regularizer": registry.serialize(self.alpha_regularizer),
            "alpha_constraint": registry.serialize(self.alpha_constraint),
            "shared_axes": self.shared_axes or None,
        }


@register("layer")
class Softmax(_Elementwise):
    """exp(x) over its sum along `axis`; positions where `mask` is False get 0. Any shape.

    The mask has the input's shape or its leading axes, as the mask of a sequence has, or broadcasts against it. Where all of
    `axis` is masked the output is 0, with no gradient.
    """

    def __init__(self, axis: int | list[int] | tuple[int, ...] = -1, **kwargs: Any):
        super().__init__(**kwargs)
        several = isinstance(axis, list | tuple)
        self.axis = list(check_integers("Softmax", "axis", axis)) if several else check_integer("Softmax", "axis", axis)

    def call(self, inputs: Array, mask: Array | None = None) -> Array:
        """The activated inputs."""
        axis = tuple(self.axis) if isinstance(self.axis, list | tuple) else self.axis
        if mask is None:
            return activations.softmax(inputs, axis)
        mask = jnp.asarray(mask, bool)
        if mask.shape == inputs.shape[: mask.ndim]:
            mask = mask.reshape(mask.shape + (1,) * (inputs.ndim - mask.ndim))
        kept = jnp.where(mask, inputs, jnp.finfo(inputs.dtype).min / 2)
        return jnp.where(mask, activations.softmax(kept, axis), 0)

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "axis": self.axis}
