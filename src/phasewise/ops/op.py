"""What every op has in common: it takes arrays, variables and symbolic tensors."""

import functools

import jax.numpy as jnp

from phasewise.core.keywords import refusal
from phasewise.core.operators import resolved
from phasewise.graph import symbolic


def op(function):
    """Decorator: a function of arrays as one that also takes variables, each by its present value, and symbolic tensors, for which
    the call is recorded in the graph."""

    @functools.wraps(function)
    def on_any(*args, **kwargs):
        if symbolic.any_symbolic((args, kwargs)):
            return symbolic.apply(on_any, *args, **kwargs)  # recorded by the name under which pickle finds it
        try:
            return function(*resolved(args), **resolved(kwargs))
        except TypeError:
            error = refusal(function, kwargs)
            if error is None:
                raise
        raise error

    on_any.tells_keywords = True
    return on_any


def arrays(*values):
    """Each as an array; what is one stays as it is, and a Python number yields to the dtype of the others."""
    return [jnp.asarray(value) for value in values]


def hashable(axis):
    """An axis or several, as JAX takes them."""
    return tuple(axis) if isinstance(axis, list) else axis


_OVER_AXES = """

    Args:
        axis: int, tuple of int, or None for all axes.
        keepdims: whether the axes stay, with size 1.
    """


def reduction(function):
    """Decorator: an op that takes one number of many, along axes. It is handed an array, and its description is completed by what
    `axis` and `keepdims` are."""

    @functools.wraps(function)
    def over_axes(x, axis=None, keepdims=False):
        return function(jnp.asarray(x), hashable(axis), keepdims)

    over_axes.__doc__ = (function.__doc__ or "") + _OVER_AXES  # none under `python -OO`
    return op(over_axes)
