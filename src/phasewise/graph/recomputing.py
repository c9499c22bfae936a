"""Functions whose inner values are computed again for the gradient, instead of being kept."""

import functools
from collections.abc import Callable
from typing import Any

import jax

from phasewise.graph import symbolic


def remat(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f`, of whose inner values none is kept for the gradient: they are computed again (rematerialization, or checkpointing).

    Training then takes less memory and more time. It may be called on arrays and, in a functional model, on what layers return.

    Args:
        f: function of arrays, in `ops` or JAX. It may read variables and write none; so a layer with moving statistics is none.

    Raises:
        TypeError: `f` is no function.
    """
    if not callable(f):
        raise TypeError(f"remat takes a function of arrays; got {f!r}.")
    checkpointed = jax.checkpoint(f)

    @functools.wraps(f)
    def recomputed(*args, **kwargs):
        return symbolic.apply(checkpointed, *args, **kwargs)

    return recomputed
