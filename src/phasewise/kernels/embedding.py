"""Rows of a table by their numbers."""

import jax.numpy as jnp


def rows_of(table, ids):
    """`table[ids]`; NaN where an id is no row's number, negative ones included.

    The derivative adds the gradient of each id into its row: no matrix of ids by rows is made. An id that is no row's adds
    nothing.

    Args:
        table: (rows, features), floating.
        ids: array of integers, any shape.

    Returns:
        (..., features).
    """
    own = jnp.where(ids < 0, table.shape[0], ids)
    return table.at[own].get(mode="fill", fill_value=jnp.nan)
