"""What every op has in common: it takes arrays, variables and symbolic tensors."""

import functools

import jax.numpy as jnp

from phasewise.core.operators import resolved
from phasewise.graph import symbolic


def op(function):
    """Decorator: a function of arrays as one that also takes variables, each by its present value, and symbolic tensors, for which
    the call is recorded in the graph."""

    @functools.wraps(function)
    def on_any(*args, **kwargs):
        if symbolic.any_symbolic((args, kwargs)):
            return symbolic.apply(on_any, *args, **kwargs)  # recorded by the name under which pickle finds it
        return function(*resolved(args), **resolved(kwargs))

    return on_any


def arrays(*values):
    """Each as an array; what is one stays as it is, and a Python number yields to the dtype of the others."""
    return [jnp.asarray(value) for value in values]
