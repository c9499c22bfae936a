"""Every function of jax.numpy, jax.nn and jax.lax, for arrays, variables and symbolic tensors alike.

`phasewise.ops.sin(x)` is `jax.numpy.sin(x)`, recorded in the graph where `x` is symbolic. Your own functions go through
`phasewise.ops.apply(function, x)` or a `Lambda` layer.
"""

import functools

import jax
import jax.numpy as jnp

from phasewise.core import logits, registry
from phasewise.core.operators import resolved
from phasewise.graph.symbolic import apply as apply

_ROOMS = (jnp, jax.nn, jax.lax)


def cast(x, dtype):
    """`x` in another dtype."""
    return apply(_cast, x, dtype)


def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return apply(_sigmoid, x)


def softmax(x, axis=-1, where=None):
    """exp(x) over its sum along `axis` (over the entries where `where` holds)."""
    return apply(_softmax, x, axis, where)


def _sigmoid(x):
    return logits.note(jax.nn.sigmoid(x), x)


def _softmax(x, axis, where):
    probabilities = jax.nn.softmax(x, axis, where)
    return logits.note(probabilities, x, axis) if isinstance(axis, int) and where is None else probabilities


def convert_to_tensor(x, dtype=None):
    """`x` as a JAX array."""
    return jnp.asarray(resolved(x), dtype)


def convert_to_numpy(x):
    """`x` as a NumPy array."""
    return jax.device_get(resolved(x))


def shape(x):
    """The shape of `x`, None for unknown axes."""
    return tuple(x.shape)


def _cast(x, dtype):
    return jnp.asarray(x).astype(dtype)


def __getattr__(name):
    for room in _ROOMS:
        function = getattr(room, name, None)
        if callable(function) and not name.startswith("_"):
            break
    else:
        near = registry.nearest(name, __dir__())
        raise AttributeError(f"phasewise.ops has no {name!r}." + (f" Did you mean {near!r}?" if near else ""))
    if isinstance(function, type):
        return function

    @functools.wraps(function)
    def on_any(*args, **kwargs):
        return apply(function, *args, **kwargs)

    on_any.__module__, on_any.__qualname__ = __name__, name  # where pickle finds it again
    globals()[name] = on_any
    return on_any


def __dir__():
    return sorted({n for room in _ROOMS for n in dir(room) if not n.startswith("_")} | set(globals()))
