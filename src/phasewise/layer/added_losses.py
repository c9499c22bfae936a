"""Losses that layers add while they are called: activity regularization and `add_loss`."""

import contextlib
from contextvars import ContextVar

import jax
import jax.numpy as jnp

_record = ContextVar("phasewise_added_losses", default=None)


class Collected(list):
    """The losses that were added inside a block; `owners` are the layers that added them."""

    def __init__(self):
        super().__init__()
        self.owners = []

    def add(self, layer, term):
        """One more."""
        self.append(term)
        self.owners.append(layer)

    def of(self, layers):
        """Those that these layers have added."""
        known = set(map(id, layers))
        return [term for term, owner in zip(self, self.owners) if id(owner) in known]

    def forget(self, layers):
        """Those that these layers have added no longer count."""
        known = set(map(id, layers))
        rest = [(term, owner) for term, owner in zip(self, self.owners) if id(owner) not in known]
        self[:], self.owners = [term for term, _ in rest], [owner for _, owner in rest]


@contextlib.contextmanager
def collected_losses():
    """Yields a `Collected`, a list that receives every loss added inside the block."""
    losses = Collected()
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
            losses.add(layer, term)
        elif not isinstance(term, jax.core.Tracer):
            layer._last_losses.append(term)


def added_losses(layer):
    """What the last call of the layer has added, itself or through the layers in it: in the step that is traced, or eagerly."""
    losses = _record.get()
    if losses is not None:
        return losses.of(layer._inventory().layers)
    return [term for each in layer._inventory().layers for term in each._last_losses]


def forget_losses(layer):
    """A new outermost call begins: what earlier ones added no longer counts."""
    losses = _record.get()
    if losses is not None:
        if losses:
            losses.forget(layer._inventory().layers)
        return
    for each in layer._inventory().layers:
        if each._last_losses:
            each._last_losses = []
