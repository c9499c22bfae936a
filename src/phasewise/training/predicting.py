"""predict and predict_on_batch."""

import jax
import numpy as np

from phasewise.callbacks import CallbackList
from phasewise.data import make_executor
from phasewise.data.adapters import as_plan, is_arrays
from phasewise.data.arrays import released
from phasewise.data.tiles import Tiles
from phasewise.training.fitting import may_write_to_data
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
    """The outputs of one pass over `x` (of `steps` batches, or until `model.stop_predicting`), as NumPy arrays."""
    executor = _executor(x, batch_size, steps, may_write_to_data(callbacks))
    known = steps or (executor.cardinality if executor.cardinality >= 0 else None)
    callbacks = CallbackList(callbacks, model=model, epochs=1, steps=known, verbose=verbose)
    require_steps(executor, steps, "steps", callbacks.wants_predict_batches)
    progress, watched = make_progress(verbose), Watched(model, executor, callbacks)
    callbacks.on_predict_begin()
    try:
        with under(model, policy):
            outputs, seen = _run(model, executor, steps, "predict", progress, watched)
        progress.end(seen, {})
    finally:
        progress.close()
        executor.close(watched.batches_used)
    callbacks.on_predict_end()
    return outputs


def _executor(x, batch_size, steps, hold):
    if steps is None and is_arrays(x, role="predict"):
        return Tiles(x, batch_size, hold)
    return make_executor(as_plan(x, batch_size=batch_size, hold=hold, role="predict"), most=steps)


class Watched:
    """Calls the hooks of batches, as the plan has them, while rows are predicted in tiles.

    Attributes:
        batches: how many batches are done.
        is_over: whether a callback set `model.stop_predicting`.
    """

    def __init__(self, model, executor, callbacks):
        self._model, self._executor, self.callbacks = model, executor, callbacks
        self._calls_hooks = callbacks.wants_predict_batches
        self.batches, self.rows, self._rows_done, self.is_over = 0, 0, 0, False
        if self._calls_hooks:
            executor.taken_rows = []
        model.stop_predicting = False

    @property
    def batches_used(self):
        """How many batches the run has used, where a callback has ended it; else None."""
        return self.batches if self.is_over else None

    def done(self, rows):
        """The tiles of these numbers of rows are predicted too. Returns whether they are enough."""
        if not self._calls_hooks:
            return False
        self._rows_done += int(rows.sum())
        while not self.is_over and self.batches < len(self._executor.taken_rows):
            end = self.rows + self._executor.taken_rows[self.batches]
            if end > self._rows_done:
                break
            self.callbacks.on_predict_batch_begin(self.batches)
            self.callbacks.on_predict_batch_end(self.batches, {})
            self.batches, self.rows = self.batches + 1, end
            self.is_over = self._model.stop_predicting
        return self.is_over


def predict_on_batch(model, plan):
    """The outputs for the one batch of `plan`."""
    executor = make_executor(plan)
    return _run(model, executor, None, "predict_on_batch", Silent(), Watched(model, executor, CallbackList()))[0]


def _run(model, executor, steps, task, progress, watched):
    calls, _ = prepare(model, batch_spec(executor, TILE), task)
    warn_of_initial_statistics(calls)
    progress.task_begin(
        task, watched.callbacks.params.get("steps") if calls.rows_mix else None
    )  # tiles are not the plan's batches
    if calls.rows_mix:
        feeds = executor.padded_feeds(steps)
    else:
        feeds = executor.padded_feeds(steps, rows=TILE, regroup=True)
    parts, seen, weights = [], 0, Weights.of(model)
    for feed in feeds:
        look_at_feed(executor, feed)
        loop = program(
            model,
            task,
            shapes_of(feed.arrays),
            lambda: MapProgram(predict_step(model, task), weights.variables, weights.numbers),
        )
        done = 0

        def on_chunk(count, feed=feed):
            nonlocal seen, done
            is_over = watched.done(feed.real_rows[done : done + count])
            seen, done = seen + count, done + count
            progress.update(seen, {})
            return is_over

        state = {"weights": weights.now(), "seed": np.uint32(model.seed), "step": np.int32(model.steps_trained)}
        stacked = loop.run(state, feed, progress.running, on_chunk)
        parts.append(_real_rows(stacked, feed))
        if watched.is_over:
            break
    require_data(parts)
    # The device's memory is read-only; what is returned is the caller's.
    outputs = jax.tree.map(lambda *p: np.concatenate(p) if len(p) > 1 else released(p[0]), *parts)
    if watched.is_over:
        before = sum(len(jax.tree.leaves(part)[0]) for part in parts)
        outputs = jax.tree.map(lambda a: a[: len(a) * watched.rows // before], outputs)
    return outputs, seen


def _real_rows(stacked, feed):
    """The rows of a feed's outputs one after the other, without the padding."""
    real = (np.arange(feed.rows) < feed.real_rows[:, None]).ravel()

    def flatten(outputs):
        flat = outputs.reshape(-1, *outputs.shape[2:])
        return flat if real.all() else flat[real]

    return jax.tree.map(flatten, stacked)
