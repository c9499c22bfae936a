"""What happens before the first step of a run: shapes checked, weights made, losses and metrics resolved."""

import functools

import jax

from phasewise.core.warning import DataEndedWarning, warn
from phasewise.data.checks import warn_nonfinite
from phasewise.data.structure import map_leaves
from phasewise.layers.embedding.ids import check_ids_of
from phasewise.training import custom_step
from phasewise.training.customised import calls_model, held_metrics, is_customised
from phasewise.training.last_activation import last_activations
from phasewise.training.programs import trace_calls
from phasewise.training.step import unpack
from phasewise.training.surprises import warn_of_unadapted


def require_compiled(model, task, *, optimizer=False):
    """Raises RuntimeError when `model` lacks what `compile` would have given it."""
    if model.objective is None or (optimizer and model.optimizer is None):
        raise RuntimeError(
            f"`{task}` needs a compiled model: call model.compile(optimizer=..., loss=...) on {model.name!r} first."
        )
    model.objective.hold(held_metrics(model))


def require_steps(executor, steps, argument, may_be_stopped=False):
    """Raises ValueError when the plan is endless and nothing says how many steps to take; warns when it is too short.

    Args:
        may_be_stopped: whether a callback sees every batch, and so can end the run.
    """
    if steps is not None and (isinstance(steps, bool) or not hasattr(steps, "__index__") or steps < 1):
        raise ValueError(f"{argument} must be a positive integer; got {steps!r}.")
    if executor.cardinality == -1 and steps is None and not may_be_stopped:
        raise ValueError(
            f"The data never end (the plan repeats without a count), so `{argument}` must say how many batches to take."
        )
    if argument != "steps_per_epoch" and steps is not None and 0 <= executor.cardinality < steps:
        warn(
            f"`{argument}` asks for {steps} batches, and the data end after {executor.cardinality}: these are all that is used. "
            "Give a plan that is long enough (`dataset.repeat()`), or a smaller number.",
            DataEndedWarning,
        )


def require_data(seen, argument="x"):
    """Raises ValueError when a run got no batch at all."""
    if not seen:
        raise ValueError(f"`{argument}` holds no data: not a single batch came. Give at least one row.")


def batch_spec(executor, rows):
    """The structure of one batch of `rows` rows, as `jax.ShapeDtypeStruct`s."""
    return map_leaves(lambda s: s and _struct((rows, *s.shape[1:]), s.dtype), executor.element_spec)


_struct = functools.lru_cache(jax.ShapeDtypeStruct)


def prepare(model, spec, task):
    """Build the model for a batch of `spec` where that is to be done; the record of its calls in `task`.

    Raises:
        ValueError: the data do not fit the model; the message names the input or layer and both shapes.
    """
    x, _, _ = unpack(spec)
    model._ensure_traced(x)
    calls, outputs = trace_calls(model, x, task)
    warn_of_unadapted(calls)
    return calls, outputs


def prepare_both(model, executor, rows, task):
    """Prepare the model, and resolve losses and metrics, for batches of `rows` rows.

    Returns:
        (record of the model's calls, structure of the outputs' shapes; None where a step of a user's own decides what is called).
    """
    spec = batch_spec(executor, rows)
    if is_customised(model, task):
        return prepare_customised(model, spec, task)
    calls, outputs = prepare(model, spec, task)
    _, y, _ = unpack(spec)
    model.objective.hold(held_metrics(model))
    model.objective.build(y, outputs, model._output_names, lambda count: last_activations(model, count))
    return calls, outputs


def prepare_customised(model, spec, task):
    """As `prepare_both`, for a step that a subclass has defined, or of which it has defined a part."""
    calls = custom_step.find(model, task, spec).calls
    model.objective.hold(held_metrics(model))
    warn_of_unadapted(calls)
    x, _, _ = unpack(spec)
    model._step_specs[task] = spec
    knows_outputs = model.objective.built and calls_model(model, task)
    return calls, trace_calls(model, x, task)[1] if knows_outputs else None


def prepare_feed(model, executor, feed, task, prepared=None):
    """As `prepare_both` for the batches of a feed, whose values are checked too. Returns the record of the calls.

    Args:
        prepared: what `prepare_both` has just given for batches of as many rows, or None.

    Raises:
        ValueError: a label that does not fit its loss or a metric, or an id that is outside of an embedding's range; the message
            names the value and its row.
    """
    calls, outputs = prepared or prepare_both(model, executor, feed.rows, task)
    found = look_at_feed(executor, feed, calls)
    if found is not None:
        (_, y, _), locate = found
        if y is not None and outputs is not None:
            model.objective.check_labels(y, outputs, locate, task)
    return calls


def look_at_feed(executor, feed, calls):
    """Warn of NaN and infinity in what the executor brings for the first time, once; hold ids against the embeddings they go to.

    Args:
        calls: the `observe.Calls` of a trace.

    Returns:
        ((x, y, sample_weight), a function that names a row), or None where all has been looked at before.

    Raises:
        ValueError: an id that is outside of an embedding's range; the message names it and its row.
    """
    found = executor.unchecked(feed)
    if found is None:
        return None
    parts, locate = unpack(found[0]), found[1]
    for name, part in zip(("x", "y", "sample_weight"), parts):
        if part is not None and not executor.is_suspect:
            executor.is_suspect = warn_nonfinite(part, name, locate)
    if calls.looked_up:
        check_ids_of(calls.looked_up, jax.tree.leaves(parts[0]), locate)
    return parts, locate
