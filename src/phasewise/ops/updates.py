"""Windows and places of arrays: read, and written into a copy."""

import jax
import jax.numpy as jnp

from phasewise.core.registry import one_of
from phasewise.ops.op import arrays, op

_REDUCTIONS = {None: "set", "add": "add", "max": "max", "min": "min", "mul": "multiply"}


@op
def slice(inputs, start_indices, shape):
    """The window of this shape that begins at these places.

    Args:
        start_indices: an int, or an array of whole numbers, for each axis. A window that would reach beyond the end is moved.
        shape: int for each axis; -1 is all that is left, where the start is known.
    """
    inputs = jnp.asarray(inputs)
    sizes = [inputs.shape[i] - int(start_indices[i]) if size == -1 else size for i, size in enumerate(shape)]
    return jax.lax.dynamic_slice(inputs, list(start_indices), sizes)


@op
def slice_update(inputs, start_indices, updates):
    """`inputs` with `updates` in the window that begins at these places; one that would reach beyond the end is moved."""
    inputs, updates = arrays(inputs, updates)
    return jax.lax.dynamic_update_slice(inputs, updates.astype(inputs.dtype), list(start_indices))


@op
def scatter(indices, values, shape):
    """Zeros with values added at places; several at one place add up.

    Args:
        indices: (..., axes), whole numbers: the places.
        values: (..., rest of the shape).
        shape: of the result.
    """
    indices, values = arrays(indices, values)
    return jnp.zeros(shape, values.dtype).at[tuple(jnp.moveaxis(indices, -1, 0))].add(values)


@op
def scatter_update(inputs, indices, updates, reduction=None):
    """`inputs` with other values at places.

    Args:
        indices: (count, axes), whole numbers.
        updates: (count, rest of the shape).
        reduction: None replaces; "add", "max", "min", "mul" combine with what is there.

    Raises:
        ValueError: `reduction` is none of these.
    """
    method = _REDUCTIONS[one_of("scatter_update", "reduction", reduction, tuple(_REDUCTIONS))]
    inputs, indices, updates = arrays(inputs, indices, updates)
    return getattr(inputs.at[tuple(indices.T)], method)(updates)
