"""What a run has to itself: its metrics, though a callback begins another run meanwhile; and its model's optimizer."""

import contextlib
import gc
import weakref
from contextvars import ContextVar

_running = ContextVar("phasewise_running_objectives", default=())
_owners = weakref.WeakKeyDictionary()  # optimizer -> weak reference to the model that it trains


@contextlib.contextmanager
def own_metrics(objective):
    """The block is a run of this objective, which tells what it has noticed. Those around find their accumulators as they were."""
    around = _running.get()
    kept = [(each, each.kept()) for each in around]
    token = _running.set((*around, objective))
    try:
        yield
        objective.tell()
    finally:
        _running.reset(token)
        for each, state in kept:
            each.put_back(state)


def claim(model, variables, optimizer=None):
    """The model trains `variables` with its optimizer, or with another that its own step applies, which from here on has the state of this model alone.

    One that trained a model that is gone begins anew, at its present learning rate.

    Raises:
        ValueError: it trains another model, some of whose variables are not among these.
    """
    optimizer = model.optimizer if optimizer is None else optimizer
    if model._claimed is optimizer:
        return
    owner = _owners.get(optimizer)
    if owner is not None and owner() is not model and not optimizer.knows(variables):
        if owner() is not None:
            gc.collect()  # a model that nobody holds any more may still be in a circle
        if owner() is not None:
            kind = type(optimizer).__name__
            raise ValueError(
                f"The optimizer of {model.name!r} is the object that already trains {owner().name!r}: its step count and its "
                f"moving averages are that model's. Give {model.name!r} one of its own: "
                f"{kind}.from_config(optimizer.get_config()) makes another like it."
            )
        optimizer.begin_anew()
    _owners[optimizer] = weakref.ref(model)
    if optimizer is model.optimizer:
        model._claimed = optimizer
