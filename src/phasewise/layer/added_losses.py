"""Losses that layers add while they are called: activity regularization and `add_loss`."""

import contextlib
from contextvars import ContextVar

import jax
import jax.numpy as jnp

_record = ContextVar("phasewise_added_losses", default=None)


@contextlib.contextmanager
def collected_losses():
    """Yields a list that receives every loss added inside the block."""
    losses = []
    token = _record.set(losses)
    try:
        yield losses
    finally:
        _record.reset(token)


def record_loss(layer, loss):
    """Add `loss` to the step that is being traced, or to the layer where nothing is."""
    for term in jax.tree.leaves(loss):
        term = jnp.asarray(term)
        term = jnp.sum(term.astype(jnp.promote_types(term.dtype, jnp.float32)))
        losses = _record.get()
        if losses is not None:
            losses.append(term)
        elif not isinstance(term, jax.core.Tracer):
            layer._last_losses.append(term)


def added_losses(layer):
    """What the last eager call of the layer has added, itself or through the layers in it."""
    return [term for each in layer._inventory().layers for term in each._last_losses]


def forget_losses(layer):
    """A new outermost call begins: what earlier ones added no longer counts."""
    for each in layer._inventory().layers:
        if each._last_losses:
            each._last_losses = []
