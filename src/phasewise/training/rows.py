"""May rows of padding be added to a batch? Only where nothing that sees the batch as a whole would notice."""

import jax.numpy as jnp

from phasewise.layer.layer import Layer
from phasewise.training.customised import is_customised
from phasewise.training.preparing import prepare_both

# Functions that compute each entry from the same entries of their arguments.
_ENTRYWISE = frozenset(
    {
        jnp.abs, jnp.absolute, jnp.add, jnp.bitwise_and, jnp.bitwise_or, jnp.bitwise_xor, jnp.ceil, jnp.clip,
        jnp.cos, jnp.cosh, jnp.divide, jnp.equal, jnp.exp, jnp.expm1, jnp.floor, jnp.floor_divide, jnp.greater,
        jnp.greater_equal, jnp.invert, jnp.less, jnp.less_equal, jnp.log, jnp.log1p, jnp.logical_and,
        jnp.logical_not, jnp.logical_or, jnp.maximum, jnp.minimum, jnp.mod, jnp.multiply, jnp.negative,
        jnp.not_equal, jnp.power, jnp.reciprocal, jnp.round, jnp.sign, jnp.sin, jnp.sinh, jnp.sqrt, jnp.square,
        jnp.subtract, jnp.tan, jnp.tanh, jnp.true_divide, jnp.where
    }
)  # fmt: skip


def can_be_filled_up(model, executor, task):
    """Whether a short batch of `task` gives the same when padding is added to it and masked out.

    Losses, metrics and layers of phasewise know what is padding. Code of a user's own may mix rows as it likes, so that batches
    come to it as they are.
    """
    calls, _ = prepare_both(model, executor, executor.batch_rows, task)
    return is_filled_up(model, task, calls)


def is_filled_up(model, task, calls):
    """As `can_be_filled_up`, of a model that is prepared.

    Args:
        calls: the `observe.Calls` of `task`.
    """
    if is_customised(model, task):
        return False
    return model.objective.is_rowwise and not calls.adds_losses and keep_rows_apart(calls)


def keep_rows_apart(calls):
    """Whether the calls of a model are all of code that keeps rows apart, or asks which are real; of none that remembers rows.

    Args:
        calls: the `observe.Calls` of a trace.
    """
    if calls.keep_rows_apart is None:
        functions, layers = calls.functions, list({id(call.layer): call.layer for call in calls}.values())
        calls.keep_rows_apart = (
            all(f in _ENTRYWISE for f in functions)
            and all(map(is_ours, layers))
            and not any(x.remembers for x in layers)
        )
    return calls.keep_rows_apart


def is_ours(layer):
    """Whether all that runs in a call of this layer itself is written here: nothing callable that is a user's, however made."""
    held = (value for value in vars(layer).values() if callable(value) and not isinstance(value, Layer))
    return all(_module(item) in ("phasewise", "jax", "jaxlib") for item in (type(layer), *held))


def _module(item):
    return (getattr(item, "__module__", None) or type(item).__module__).split(".")[0]
