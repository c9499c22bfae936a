"""Which rows of the batch being traced are real.

`predict` and `evaluate` run at one fixed batch shape, so the last batch is filled up. A layer whose rows see each other
(batch normalization on batch statistics) asks here which rows count.
"""

import contextlib
from contextvars import ContextVar

import jax.numpy as jnp

_rows = ContextVar("phasewise_real_rows", default=None)


@contextlib.contextmanager
def real_rows(mask):
    """Inside the block, the batch's rows are real where the boolean array `mask` of shape (rows,) is True."""
    token = _rows.set(mask)
    try:
        yield mask
    finally:
        _rows.reset(token)


def mask_for(x):
    """The mask of real rows for `x` (rows or a multiple of them, ...), shaped to broadcast against it; None: all are real.

    Where a layer has folded another axis into the rows, each row's mask is repeated over what it was folded into.
    """
    mask = _rows.get()
    if mask is None:
        return None
    rows, leading = mask.shape[0], x.shape[0]
    if leading != rows:
        if leading % rows:
            return None
        mask = jnp.repeat(mask, leading // rows)
    return mask.reshape((-1,) + (1,) * (x.ndim - 1))


def count_rows(x):
    """How many rows of `x` are real: a number, or a scalar array where the batch is filled up."""
    mask = _rows.get()
    return x.shape[0] if mask is None else jnp.maximum(mask.sum(), 1).astype(jnp.float32)
