"""What every activation has in common: a registered name, and leave to be called on symbolic tensors."""

import functools
from collections.abc import Callable
from typing import Concatenate, ParamSpec, Protocol, overload

import jax.numpy as jnp

from phasewise.core.keywords import told
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike
from phasewise.graph import symbolic
from phasewise.graph.symbolic import SymbolicTensor

KIND = "activation"

P = ParamSpec("P")


class OfAny(Protocol[P]):
    """A function of arrays that may be called on symbolic tensors."""

    @overload
    def __call__(self, x: SymbolicTensor, *args: P.args, **kwargs: P.kwargs) -> SymbolicTensor: ...
    @overload
    def __call__(self, x: ArrayLike, *args: P.args, **kwargs: P.kwargs) -> Array: ...


def activation(*aliases: str) -> Callable[[Callable[Concatenate[ArrayLike, P], ArrayLike]], OfAny[P]]:
    """Decorator: registers a function of arrays, and records it in the graph when its input is symbolic."""

    def wrap(function):
        @functools.wraps(function)
        def call(x, *args, **kwargs):
            if symbolic.is_symbolic(x):
                return symbolic.apply(call, x, *args, **kwargs)
            return telling(x, *args, **kwargs)

        telling = told(function)
        call.tells_keywords = True
        return register(KIND, *aliases)(call)

    return wrap


def floating(x):
    """`x` as an array of a floating dtype: integers and booleans become float32."""
    x = jnp.asarray(x)
    return x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(jnp.float32)


def check_axis(name, x, axis):
    """Accept `axis` for `x`: an int, a tuple of ints, or None for all axes.

    Raises:
        ValueError: `x` has no such axis.
    """
    axes = axis if isinstance(axis, tuple | list) else () if axis is None else (axis,)
    for each in axes:
        if not -x.ndim <= each < x.ndim:
            raise ValueError(
                f"{name} was asked for axis {each} of an array of shape {tuple(x.shape)}, which has {x.ndim} axes: "
                f"give -{x.ndim} to {x.ndim - 1}."
                if x.ndim
                else f"{name} was asked for axis {each} of a scalar, which has no axes."
            )
