"""predict and predict_on_batch."""

import jax
import numpy as np

from phasewise.callbacks import CallbackList
from phasewise.callbacks.batch_hooks import BatchHooks
from phasewise.data import make_executor
from phasewise.data.adapters import as_plan, is_arrays
from phasewise.data.tiles import Tiles
from phasewise.training.loop import MapProgram
from phasewise.training.preparing import batch_spec, look_at_feed, prepare, require_data, require_steps
from phasewise.training.programs import program, shapes_of, under
from phasewise.training.progress import make_progress
from phasewise.training.progress.lines import Silent
from phasewise.training.step import predict_step
from phasewise.training.surprises import warn_of_initial_statistics
from phasewise.training.weights import Weights

TILE = 32  # rows of the one batch shape at which rows that do not see each other are predicted


def predict(model, x, batch_size, steps, verbose, callbacks, policy):
    """The outputs of one pass over `x` (of `steps` batches), as NumPy arrays."""
    in_order = steps is None and is_arrays(x)
    executor = Tiles(x, batch_size) if in_order else make_executor(as_plan(x, batch_size=batch_size, role="predict"))
    require_steps(executor, steps, "steps")
    known = steps or (executor.cardinality if executor.cardinality >= 0 else None)
    callbacks = CallbackList(callbacks, model=model, epochs=1, steps=known, verbose=verbose)
    progress = make_progress(verbose)
    callbacks.on_predict_begin()
    try:
        with under(model, policy):
            outputs, seen = _run(model, executor, steps, "predict", progress, callbacks)
        progress.end(seen, {})
    finally:
        progress.close()
        executor.close()
    callbacks.on_predict_end()
    return outputs


def predict_on_batch(model, plan):
    """The outputs for the one batch of `plan`."""
    return _run(model, make_executor(plan), None, "predict_on_batch", Silent(), CallbackList())[0]


def _run(model, executor, steps, task, progress, callbacks):
    calls, _ = prepare(model, batch_spec(executor, TILE), task)
    warn_of_initial_statistics(calls)
    progress.task_begin(
        task, callbacks.params.get("steps") if calls.rows_mix else None
    )  # tiles are not the plan's batches
    if calls.rows_mix:
        feeds = executor.padded_feeds(steps)
    else:
        feeds = executor.padded_feeds(steps, rows=TILE, regroup=True)
    parts, seen, weights = [], 0, Weights.of(model)
    hooks = BatchHooks(callbacks, "predict", model.steps_per_execution)

    def on_chunk(count):
        nonlocal seen
        if hooks.wanted:
            for step in range(seen, seen + count):
                hooks.begin(step)
                hooks.end(step, {})
        seen += count
        progress.update(seen, {})

    for feed in feeds:
        look_at_feed(executor, feed)
        loop = program(
            model,
            task,
            shapes_of(feed.arrays),
            lambda: MapProgram(predict_step(model, task), weights.variables, weights.numbers),
        )
        state = {"weights": weights.now(), "seed": np.uint32(model.seed), "step": np.int32(model.steps_trained)}
        stacked = loop.run(state, feed, progress.running, on_chunk)
        parts.append(_real_rows(stacked, feed))
    require_data(parts)
    hooks.finish(seen, {})
    return (jax.tree.map(lambda *p: np.concatenate(p), *parts) if len(parts) > 1 else parts[0]), seen


def _real_rows(stacked, feed):
    """The rows of a feed's outputs one after the other, without the padding."""
    real = (np.arange(feed.rows) < feed.real_rows[:, None]).ravel()

    def flatten(outputs):
        flat = outputs.reshape(-1, *outputs.shape[2:])
        return flat if real.all() else flat[real]

    return jax.tree.map(flatten, stacked)
