"""Layers that join several inputs into one output."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core.arguments import check_flag, check_integer
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config, Shape
from phasewise.graph.symbolic import SymbolicTensor
from phasewise.kernels.batch_normalization import summed
from phasewise.layer.layer import Layer


class _Merge(Layer):
    """Joins a list of at least two inputs entry by entry; sizes of 1 broadcast.

    Inputs of fewer axes are given axes of size 1 behind the batch axis, as in Keras.
    """

    supports_masking = True
    fewest = 2
    most = None

    def build(self, input_shape: Sequence[Shape]) -> None:
        """Checks that the shapes fit."""
        shapes = self._shapes(input_shape)
        try:
            _broadcast([_aligned(s, max(map(len, shapes))) for s in shapes])
        except ValueError:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} cannot join inputs of shapes {', '.join(map(str, shapes))}: sizes must "
                "be equal, or 1."
            ) from None
        self.built = True

    def call(self, inputs: Sequence[Array]) -> Array:
        """The joined inputs."""
        rank = max(x.ndim for x in inputs)
        return self.join([x.reshape(_aligned(x.shape, rank)) for x in inputs])

    def join(self, inputs: Sequence[Array]) -> Array:
        """The joined inputs, all of one rank."""
        raise NotImplementedError(f"{type(self).__name__} must define `join`.")

    def compute_output_shape(self, input_shape: Sequence[Shape]) -> Shape:
        """The shape that the inputs broadcast to."""
        shapes = self._shapes(input_shape)
        return _broadcast([_aligned(s, max(map(len, shapes))) for s in shapes])

    def compute_mask(
        self, inputs: Sequence[Array], previous_mask: Sequence[Array | None] | Array | None
    ) -> Array | None:
        """The positions that count in some input; no mask where an input has none. As in Keras."""
        if not isinstance(previous_mask, list | tuple) or any(mask is None for mask in previous_mask):
            return None
        return functools.reduce(jnp.logical_or, previous_mask)

    def _shapes(self, input_shape):
        is_list = isinstance(input_shape, list | tuple) and all(isinstance(s, list | tuple) for s in input_shape)
        count = len(input_shape) if is_list else 1
        if not is_list or count < self.fewest or (self.most and count > self.most):
            wanted = f"{self.fewest} inputs" if self.most else f"a list of at least {self.fewest} inputs"
            raise ValueError(f"{type(self).__name__} {self.name!r} takes {wanted}; got {input_shape}.")
        return [tuple(s) for s in input_shape]


def _entrywise(class_name: str, doc: str, joined: Callable[[Sequence[Array]], Array]) -> type[_Merge]:
    """The class of a layer that joins its inputs by `joined`."""

    def join(self, inputs: Sequence[Array]) -> Array:
        return joined(inputs)

    body = {
        "__doc__": f"{doc} A list of inputs whose shapes broadcast.",
        "__module__": __name__,
        "join": join,
    }
    return register("layer")(type(class_name, (_Merge,), body))


def _fold(function):
    return lambda inputs: functools.reduce(function, inputs)


def _sum(inputs):
    total = functools.reduce(jnp.add, inputs)
    return summed(total, *inputs) if len(inputs) == 2 else total


Add = _entrywise("Add", "The sum.", _sum)
Multiply = _entrywise("Multiply", "The product.", _fold(jnp.multiply))
Average = _entrywise("Average", "The mean.", lambda inputs: functools.reduce(jnp.add, inputs) / len(inputs))
Maximum = _entrywise("Maximum", "The largest.", _fold(jnp.maximum))
Minimum = _entrywise("Minimum", "The smallest.", _fold(jnp.minimum))
Subtract = _entrywise("Subtract", "The first of two inputs minus the second.", lambda inputs: inputs[0] - inputs[1])
Subtract.most = 2


@register("layer")
class Concatenate(Layer):
    """Joins inputs one after the other along `axis`; all other axes agree."""

    supports_masking = True

    def __init__(self, axis: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = check_integer("Concatenate", "axis", axis)

    def build(self, input_shape: Sequence[Shape]) -> None:
        """Checks that the shapes fit."""
        shapes = [tuple(s) for s in input_shape]
        if any(not -len(s) <= self.axis < len(s) for s in shapes):
            raise ValueError(
                f"Concatenate {self.name!r} has axis={self.axis}, which inputs of shapes {', '.join(map(str, shapes))} do not all have."
            )
        others = {tuple(n for i, n in enumerate(s) if i != self.axis % len(s)) for s in shapes}
        ranks = {len(s) for s in shapes}
        known = [[o[i] for o in others if o[i] is not None] for i in range(min(map(len, others)))]
        if len(ranks) > 1 or any(len(set(sizes)) > 1 for sizes in known):
            raise ValueError(
                f"Concatenate {self.name!r} cannot join inputs of shapes {', '.join(map(str, shapes))}: all axes but {self.axis} "
                "must agree."
            )
        self.built = True

    def call(self, inputs: Sequence[Array]) -> Array:
        """The joined inputs."""
        return jnp.concatenate(inputs, axis=self.axis)

    def compute_mask(
        self, inputs: Sequence[Array], previous_mask: Sequence[Array | None] | Array | None
    ) -> Array | None:
        """The masks, joined likewise; an input without one counts everywhere. As in Keras, a position that has any counts."""
        masks = previous_mask if isinstance(previous_mask, list | tuple) else [previous_mask] * len(inputs)
        if all(m is None for m in masks):
            return None
        full = [
            jnp.ones(x.shape, bool)
            if m is None
            else jnp.broadcast_to(m.reshape(m.shape + (1,) * (x.ndim - m.ndim)), x.shape)
            for x, m in zip(inputs, masks)
        ]
        return jnp.concatenate(full, axis=self.axis).any(-1)

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "axis": self.axis}


@register("layer")
class Dot(Layer):
    """The dot product of two inputs along `axes`, row by row.

    Args:
        axes: int, or a pair: the axis of each input that is summed over. The batch axis is 0.
        normalize: whether to divide by the norms first, which gives the cosine.
    """

    def __init__(self, axes: int | list[int] | tuple[int, int], normalize: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        pair = isinstance(axes, list | tuple) and len(axes) == 2
        if not isinstance(axes, int) and not (pair and all(isinstance(a, int) for a in axes)):
            raise ValueError(f"Dot's axes must be an integer or a pair of integers; got {axes!r}.")
        self.axes, self.normalize = axes, check_flag("Dot", "normalize", normalize)

    def build(self, input_shape: Sequence[Shape]) -> None:
        """Checks that the shapes fit."""
        if len(input_shape) != 2 or not isinstance(input_shape[0], list | tuple):
            raise ValueError(f"Dot {self.name!r} takes a list of two inputs; got {input_shape}.")
        for shape, axis in zip(input_shape, self._pair()):
            if not -len(shape) < axis < len(shape) or axis == 0:
                raise ValueError(
                    f"Dot {self.name!r} has axes={self.axes}; an input of shape {tuple(shape)} has the axes 1 to {len(shape) - 1} "
                    "behind the batch's."
                )
        a, b = self._axes(len(input_shape[0]), len(input_shape[1]))
        if None not in (input_shape[0][a], input_shape[1][b]) and input_shape[0][a] != input_shape[1][b]:
            raise ValueError(
                f"Dot {self.name!r} cannot sum over axes {a} and {b} of inputs of shapes {tuple(input_shape[0])} and "
                f"{tuple(input_shape[1])}: their sizes differ."
            )
        self.built = True

    def call(self, inputs: Sequence[Array]) -> Array:
        """The products."""
        x, y = inputs
        a, b = self._axes(x.ndim, y.ndim)
        if self.normalize:
            x, y = _unit(x, a), _unit(y, b)
        sums = jnp.promote_types(self.compute_dtype, jnp.float32)

        def dot(p, q):
            return jnp.tensordot(p, q, axes=(a - 1, b - 1), preferred_element_type=sums)

        product = jax.vmap(dot)(x, y).astype(self.compute_dtype)
        return product[:, None] if product.ndim == 1 else product

    def _axes(self, rank_a, rank_b):
        a, b = self._pair()
        return a % rank_a, b % rank_b

    def _pair(self):
        return (self.axes, self.axes) if isinstance(self.axes, int) else self.axes

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def _function(cls: type[_Merge]) -> Callable[..., Array | SymbolicTensor]:
    def join(inputs: Sequence[ArrayLike | SymbolicTensor], **kwargs: Any) -> Array | SymbolicTensor:
        return cls(**kwargs)(inputs)

    join.__name__ = cls.__name__.lower()
    join.__doc__ = f"`{cls.__name__}(**kwargs)(inputs)`."
    return join


add, subtract, multiply, average = map(_function, (Add, Subtract, Multiply, Average))
maximum, minimum = _function(Maximum), _function(Minimum)


def concatenate(inputs: Sequence[ArrayLike | SymbolicTensor], axis: int = -1, **kwargs: Any) -> Array | SymbolicTensor:
    """`Concatenate(axis)(inputs)`."""
    return Concatenate(axis, **kwargs)(inputs)


def dot(
    inputs: Sequence[ArrayLike | SymbolicTensor], axes: int | list[int] | tuple[int, int] = -1, **kwargs: Any
) -> Array | SymbolicTensor:
    """`Dot(axes)(inputs)`."""
    return Dot(axes, **kwargs)(inputs)


def _aligned(shape, rank):
    """`shape` with axes of size 1 behind the batch axis, up to `rank` axes."""
    return (*shape[:1], *(1,) * (rank - len(shape)), *shape[1:])


def _broadcast(shapes):
    sizes = []
    for axis in zip(*shapes):
        known = {n for n in axis if n not in (None, 1)}
        if len(known) > 1:
            raise ValueError(axis)
        sizes.append(known.pop() if known else (None if None in axis else 1))
    return tuple(sizes)


def _unit(x, axis):
    return x / jnp.sqrt(jnp.maximum(jnp.square(x).sum(axis, keepdims=True), np.float32(1e-12)))
