"""What a step of a user's own returns: logs by name, or outputs."""

import jax.numpy as jnp

from phasewise.core.operators import resolved
from phasewise.training.calling_users import NEEDS_VALUES


def returned_by(model, name, step, batch):
    """What the step returns for a batch, as arrays.

    Raises:
        TypeError, ValueError: it is not a dict of numbers; or the step asks for values where there are none.
    """
    try:
        returned = step(_as_given(batch))
    except NEEDS_VALUES as error:
        error.add_note(
            f"{type(model).__name__}.{name} is traced: its arrays have no values yet. Use phasewise.ops in place of NumPy and ops.where in "
            "place of `if`; what must see numbers belongs into a callback."
        )
        raise
    return resolved(returned) if name == "predict_step" else _as_logs(model, name, returned)


def _as_given(batch):
    """A batch of inputs alone as these inputs, unless they are a list: as in Keras."""
    is_alone = isinstance(batch, tuple) and len(batch) == 1 and not isinstance(batch[0], tuple | list)
    return batch[0] if is_alone else batch


def _as_logs(model, name, returned):
    what = f"{type(model).__name__}.{name}"
    form = 'a dict of what is logged, as self.compute_metrics(x, y, y_pred) gives it or {"loss": loss}'
    if not isinstance(returned, dict):
        came = "nothing" if returned is None else f"an object of type {type(returned).__name__}"
        raise TypeError(f"{what} must return {form}; it returned {came}.")
    several = {*model.metrics_names, *(metric.name for metric in model.metrics)}
    logs = {}
    for key, value in returned.items():
        if not isinstance(key, str):
            raise TypeError(f"{what} must return {form}; it returned one with the key {key!r}, which is no string.")
        entries = value.items() if isinstance(value, dict) else [(key, value)]
        for entry, number in entries:
            logs[entry] = _as_number(what, entry, number, key in several)
    return logs


def _as_number(what, name, value, may_be_array):
    try:
        value = jnp.asarray(value)
    except (TypeError, ValueError):
        raise TypeError(
            f"{what} must return a dict of numbers; under {name!r} it returned an object of type {type(value).__name__}."
        ) from None
    if value.ndim and not may_be_array:
        raise ValueError(
            f"{what} must return a dict of single numbers; under {name!r} it returned an array of shape {value.shape}. Take its mean."
        )
    return value
