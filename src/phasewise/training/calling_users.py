"""Calls of losses and metrics that a user may have written: as they are defined, and with a word on what goes wrong in a compiled step."""

import contextlib
import inspect

import jax
import jax.numpy as jnp

from phasewise.losses import Loss
from phasewise.metrics import MeanMetricWrapper

NEEDS_VALUES = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)


@contextlib.contextmanager
def told_of(kind, name):
    """What needs numbers inside the block, where a compiled step has none yet, is an error that names the loss or metric.

    Raises:
        TypeError: NumPy, scikit-learn or an `if` met an array that has no values yet.
    """
    try:
        yield
    except NEEDS_VALUES as error:
        raise TypeError(
            f"The {kind} {name!r} asks for the values of its arrays (by NumPy, scikit-learn, float() or an `if`), but it runs in a "
            "compiled step, where they have none yet. Use phasewise.ops in place of NumPy and ops.where in place of `if`; what must "
            "see numbers goes through jax.pure_callback, or is computed from model.predict(x), in a callback for example."
        ) from error


def loss_of(loss, y_true, y_pred, sample_weight=None, mask=None):
    """What a loss says of one output: a scalar.

    A subclass that overrides `__call__` is given what its signature takes, and no more.

    Raises:
        ValueError: it is not one number.
    """
    with told_of("loss", loss.name):
        if type(loss).__call__ is Loss.__call__:
            value = loss(y_true, y_pred, sample_weight, mask)
        else:
            value = jnp.asarray(_overridden(loss, y_true, y_pred, sample_weight, mask))
    if value.ndim:
        raise ValueError(
            f"The loss {loss.name!r} gives an array of shape {value.shape} for a batch, and training needs one number: give it "
            "reduction='sum_over_batch_size', or take the mean."
        )
    return value


def values_of(loss, y_true, y_pred):
    """The values of a loss before they are reduced, where it has such; else the loss."""
    if type(loss).call is Loss.call:
        return loss_of(loss, y_true, y_pred)
    return loss.call(y_true, y_pred)


def is_ours(item):
    """Whether a loss or metric, and the function in it, is one of phasewise's."""
    function = getattr(item, "fn", None)
    if isinstance(item, MeanMetricWrapper) or function is not None:
        return getattr(function, "__module__", "").startswith("phasewise.")
    return type(item).__module__.startswith("phasewise.")


def _overridden(loss, y_true, y_pred, sample_weight, mask):
    taken = inspect.signature(type(loss).__call__).parameters
    anything = any(p.kind is p.VAR_KEYWORD for p in taken.values())
    given = {}
    for name, value in (("sample_weight", sample_weight), ("mask", mask)):
        if value is not None and (name in taken or anything):
            given[name] = value
        elif value is not None:
            raise ValueError(
                f"{type(loss).__name__}.__call__ takes no `{name}`, which the data have: define __call__(self, y_true, y_pred, "
                "sample_weight=None)."
            )
    return loss(y_true, y_pred, **given)
