"""The loop over time, and what a masked step leaves as it was."""

import functools

import jax
import jax.numpy as jnp


def held(mask, new, old):
    """Each of `new` in the rows where `mask`, (batch,), is True, else that of `old`; None is a mask of True alone."""
    if mask is None:
        return new
    return jax.tree.map(lambda a, b: jnp.where(mask.reshape(mask.shape + (1,) * (a.ndim - 1)), a, b), new, old)


def over_time(body, carried, inputs, *, unroll, reverse=False, in_place=False):
    """As `jax.lax.scan`, twice as fast on a CPU: a step's inputs are fetched in the step before it.

    So they lie in buffers of their own, and the arithmetic of the step is compiled as that of whole arrays. The gradient of this
    would be slow: it is for loops whose gradient is written by hand.

    Args:
        in_place: whether inputs and outputs are tuples whose first is of one shape and dtype in both, an array or a nest of them:
            then the output is written where the input of the same step lay, which spares memory and the time to clear it.
    """
    time = jax.tree.leaves(inputs)[0].shape[0]  # a symbol where the size is left open, which len() refuses
    if unroll or not time:
        return jax.lax.scan(body, carried, inputs, unroll=True, reverse=reverse)

    def fetched(inputs, number):
        number = jnp.clip(number, 0, time - 1)
        return jax.tree.map(lambda a: jax.lax.dynamic_index_in_dim(a, number, keepdims=False), inputs)

    def step(carried, number):
        carried, now, replaced = carried
        carried, outputs = body(carried, now)
        if in_place:
            write = functools.partial(jax.lax.dynamic_update_index_in_dim, index=number, axis=0)
            replaced, outputs = jax.tree.map(write, replaced, outputs[:1]), outputs[1:]
        whole = (*replaced, *inputs[1:]) if in_place else inputs
        following = fetched(whole, number - 1 if reverse else number + 1)
        return (carried, following, replaced), outputs

    first = carried, fetched(inputs, time - 1 if reverse else 0), inputs[:1] if in_place else ()
    (carried, _, replaced), outputs = jax.lax.scan(step, first, jnp.arange(time), reverse=reverse)
    return carried, (*replaced, *outputs) if in_place else outputs
