"""The pure function of a model, for people who write their own JAX loop."""

from collections.abc import Callable
from typing import TypeAlias

import jax.numpy as jnp

from phasewise.core import made_by, random, variable
from phasewise.core.registry import nearest
from phasewise.core.types import Array, Nest
from phasewise.layer.added_losses import collected_losses
from phasewise.layer.layer import Layer
from phasewise.training.host_layers import encoded

Arrays: TypeAlias = dict[str, Array]
"""The arrays of variables, by path."""


def pure(model: Layer) -> tuple[Callable[..., tuple[Nest, Arrays]], Arrays, Arrays]:
    """A model as a pure function and its arrays.

    Args:
        model: a built `Model` or `Layer`.

    Returns:
        (function, params, state). `params` and `state` are dicts path -> array: the trainable variables, and all others.
        `function(params, state, *inputs, training=None, seed=0, step=0) -> (outputs, state)` calls the model with these
        arrays and changes nothing: it can be jitted, differentiated with respect to `params`, mapped. Random layers draw
        by (seed, step, place in the model). Layers of strings run on the host: what is jitted takes no strings. Regularization terms are not part of the outputs.

    Raises:
        ValueError: the model has no weights yet; later, `params` or `state` lack an array or hold one of another shape.

    Example:
        >>> function, params, state = phasewise.pure(model)
        >>> def loss(params, state, x, y):
        ...     prediction, state = function(params, state, x, training=True)
        ...     return jnp.mean((prediction - y) ** 2), state
        >>> grads, state = jax.grad(loss, has_aux=True)(params, state, x, y)
    """
    if not model.built:
        raise ValueError(
            f"{model.name!r} has no weights yet: call it on data, or build it, before phasewise.pure(model)."
        )
    trained, other = model.trainable_variables, model.non_trainable_variables
    trained_names, other_names = _names(trained), _names(other)

    def function(params, state, *inputs, training=None, seed=0, step=0):
        if model.runs_on_host:
            inputs, _ = encoded(model, inputs, {})
        values = _arrays("params", params, trained_names, trained) + _arrays("state", state, other_names, other)
        with (
            variable.scope([*trained, *other], values) as held,
            random.scope(jnp.uint32(seed), step),
            made_by.remembered(),
            collected_losses(),
        ):
            outputs = Layer.__call__(model, *inputs, training=training)
            return outputs, dict(zip(other_names, held.collect(other), strict=True))

    params = {n: jnp.asarray(v.raw) for n, v in zip(trained_names, trained)}
    state = {n: jnp.asarray(v.raw) for n, v in zip(other_names, other)}
    return function, params, state


def _arrays(argument, given, names, variables):
    for name, v in zip(names, variables):
        if name not in given:
            near = nearest(name, list(given))
            hint = f" It has {near!r}." if near else ""
            raise ValueError(f"`{argument}` has no array {name!r} of shape {v.shape}.{hint}")
        if tuple(given[name].shape) != v.shape:
            raise ValueError(
                f"`{argument}` must hold {name!r} with shape {v.shape}; it has {tuple(given[name].shape)}."
            )
    return [given[name] for name in names]


def _names(variables):
    """The variables' paths; where two are alike, numbered."""
    names, counts = [], {}
    for v in variables:
        counts[v.path] = counts.get(v.path, 0) + 1
        names.append(v.path if counts[v.path] == 1 else f"{v.path}_{counts[v.path] - 1}")
    return names
