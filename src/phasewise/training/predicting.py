"""predict and predict_on_batch."""

import jax
import numpy as np

from phasewise.callbacks import CallbackList
from phasewise.callbacks.batch_hooks import BatchHooks
from phasewise.core.variable import values_of
from phasewise.data import make_executor
from phasewise.data.adapters import is_arrays
from phasewise.data.arrays import released
from phasewise.data.checks import warn_nonfinite
from phasewise.data.feed import Feed
from phasewise.data.tiles import Tiles, tile_feeds
from phasewise.training import custom_step, limits
from phasewise.training.customised import is_customised
from phasewise.training.draws import Draws
from phasewise.training.fitting import may_write_to_data
from phasewise.training.host_layers import plan_for
from phasewise.training.left_behind import mark_left_behind
from phasewise.training.loop import MapProgram
from phasewise.training.one_batch import plan_of_one_batch
from phasewise.training.prepared_call import TILE, prepare_call, prepared_call
from phasewise.training.preparing import batch_spec, look_at_feed, prepare, require_data, require_steps
from phasewise.training.programs import known_program, program, shapes_of, under
from phasewise.training.progress import make_progress
from phasewise.training.progress.lines import Silent
from phasewise.training.step import predict_step
from phasewise.training.surprises import warn_of_initial_statistics
from phasewise.training.weights import Weights


def predict(model, x, batch_size, steps, verbose, callbacks, policy):
    """The outputs of one pass over `x` (of `steps` batches, or until `model.stop_predicting`), as NumPy arrays."""
    if steps is None and batch_size is None and verbose == 0 and not callbacks and policy is None:
        prepared = prepared_call(model, "predict", x) if model._watcher is None else None
        if prepared is not None:
            return _at_once(model, prepared, x)
    steps = limits.steps(steps, lambda: plan_for(model, x, batch_size=batch_size, role="predict"))
    executor = _executor(model, x, batch_size, steps, may_write_to_data(callbacks))
    known = steps or (executor.cardinality if executor.cardinality >= 0 else None)
    callbacks = CallbackList(callbacks, model=model, epochs=1, steps=known, verbose=verbose)
    require_steps(executor, steps, "steps", callbacks.wants_predict_batches)
    progress, used = make_progress(verbose), None
    callbacks.on_predict_begin()
    try:
        with under(model, policy):
            outputs, seen = _run(model, executor, steps, "predict", progress, callbacks)
        used = seen if model.stop_predicting else None
        progress.end(seen, {})
    finally:
        progress.close()
        executor.close(used)
    callbacks.on_predict_end()
    return outputs


def _at_once(model, prepared, x):
    """The outputs for a few rows whose program is at hand."""
    warn_of_initial_statistics(prepared.calls)
    if model.stop_predicting:
        model.stop_predicting = False
    tile, rows = prepared.tile_of(x), len(x)
    warn_nonfinite(tile[0, :rows], "x")
    outputs = prepared.outputs(tile, rows, _row)
    return jax.tree.map(lambda leaf: np.asarray(leaf).copy(), outputs)


def _row(number):
    return f"row {number}"


def _executor(model, x, batch_size, steps, hold):
    if steps is None and _can_be_tiled(model, x):
        return Tiles(x, batch_size, hold)
    return make_executor(plan_for(model, x, batch_size=batch_size, hold=hold, role="predict"), most=steps)


def _can_be_tiled(model, x):
    return not model.runs_on_host and is_arrays(x, role="predict")


def predict_on_batch(model, x):
    """The outputs for the one batch that the arrays are."""
    prepared = prepared_call(model, "predict_on_batch", x) if model._watcher is None else None
    if prepared is not None:
        return _at_once(model, prepared, x)
    if _can_be_tiled(model, x):
        executor = Tiles.of_one_batch(x)
    else:
        executor = make_executor(plan_of_one_batch(model, "predict_on_batch", x))
    return _run(model, executor, None, "predict_on_batch", Silent(), CallbackList())[0]


def _run(model, executor, steps, task, progress, callbacks):
    calls, own = _prepared(model, executor, task)
    remembers = model._inventory().remembers or own is not None  # then batches are as they are
    warn_of_initial_statistics(calls)
    hooks = BatchHooks(callbacks, "predict", model.steps_per_execution)
    each = hooks.wanted
    if model.stop_predicting:  # an assignment costs more than a look
        model.stop_predicting = False
    progress.task_begin(
        task, (callbacks.params or {}).get("steps") if remembers or calls.rows_mix or each else None
    )  # tiles are not the plan's batches
    parts, seen, draws = [], 0, Draws(model)

    def on_chunk(count):
        nonlocal seen
        seen += 0 if each else count
        progress.update(seen, {})

    for feeds in _batches(executor, steps, calls, remembers, each):
        first = len(parts)
        hooks.begin(seen)
        for feed in feeds:
            parts.append(_predicted(model, task, feed, calls, own, draws, progress.running, on_chunk))
        if each:
            hooks.end(seen, {"outputs": _joined(parts[first:])})
            seen += 1
            progress.update(seen, {})
        if model.stop_predicting:
            break
    require_data(parts)
    hooks.finish(seen, {})
    if type(executor) is Tiles and feed.steps == 1 and not (remembers or calls.rows_mix or calls.draws or each):
        _prepare_next(model, task, executor, feed, calls)
    return _joined(parts), seen


def _prepare_next(model, task, tiles, feed, calls):
    """The next `predict` of so few rows is prepared, unless something looks on."""
    loop = known_program(model, task, shapes_of(feed.arrays))
    (array,) = tiles.arrays
    if loop is not None and isinstance(array, np.ndarray):
        prepare_call(
            model, task, tiles.given, loop, Weights.of(model._inventory()), array, calls, Draws(model).arguments(calls)
        )


def _predicted(model, task, feed, calls, own, draws, on_compiled, on_chunk):
    """The outputs of a feed's real rows. What layers remember is written to their variables."""
    inventory = model._inventory()
    weights, memory = Weights.of(inventory), inventory.memory

    def make():
        return MapProgram(predict_step(model, task, calls.draws, own), weights.variables, weights.numbers)

    state = {"weights": weights.now(), **draws.arguments(calls)}
    if memory:
        state["memory"] = values_of(memory)
    if model._watcher is None:
        loop = program(model, task, shapes_of(feed.arrays), make)
        is_new = not loop.is_compiled
        stacked = loop.run(state, feed, on_compiled, on_chunk)
        if is_new:
            mark_left_behind(model)
    else:
        stacked = model._watcher._run(task, calls, own, state, feed, on_compiled, on_chunk)
    for variable, value in zip(memory, state.get("memory", ())):
        variable._value = value
    draws.advance(feed.real_rows.sum())
    return _real_rows(stacked, feed)


def _prepared(model, executor, task):
    """(the record of the calls that `task` makes, a `predict_step` of a user's own or None)."""
    if is_customised(model, task):
        found = custom_step.find(model, task, batch_spec(executor, executor.batch_rows))
        return found.calls, custom_step.custom_predict_step(model, task)
    rows = executor.batch_rows if model._inventory().remembers else TILE
    return prepare(model, batch_spec(executor, rows), task)[0], None


def _joined(parts):
    # The device's memory is read-only; what is returned is the caller's.
    return jax.tree.map(lambda *p: np.concatenate(p) if len(p) > 1 else released(p[0]), *parts)


def _batches(executor, steps, calls, remembers, each):
    """Iterators over the feeds of one batch, where hooks see each and may change the model in between; else one over all.

    Where layers remember rows, batches are as the user cuts them.
    """
    if remembers:
        whole = executor.feeds(steps)
    elif calls.rows_mix or each:
        whole = executor.padded_feeds(steps)
    else:
        whole = executor.padded_feeds(steps, rows=TILE, regroup=True)
    feeds = _looked_at(executor, whole, calls)
    if not each:
        yield feeds
        return
    for feed in feeds:
        for place, real in enumerate(feed.real_rows):
            batch = jax.tree.map(lambda a, i=place: np.asarray(a[i]), feed.arrays["batches"])
            if remembers or calls.rows_mix:
                arrays = {"batches": jax.tree.map(lambda a: a[None], batch)}
                valid = {} if remembers else {"valid": feed.real_rows[place : place + 1]}
                yield [Feed({**arrays, **valid}, 1, feed.rows, feed.real_rows[place : place + 1])]
            else:
                yield tile_feeds(jax.tree.map(lambda a, n=real: a[:n], batch), TILE)


def _looked_at(executor, feeds, calls):
    for feed in feeds:
        look_at_feed(executor, feed, calls)
        yield feed


def _real_rows(stacked, feed):
    """The rows of a feed's outputs one after the other, without the padding."""
    if feed.steps == 1:
        return jax.tree.map(lambda outputs: outputs[0, : feed.real_rows[0]], stacked)
    if np.all(feed.real_rows[:-1] == feed.rows):  # as a rule only the last batch is filled up
        chosen = slice(feed.rows * (feed.steps - 1) + int(feed.real_rows[-1]))
    else:
        chosen = (np.arange(feed.rows) < feed.real_rows[:, None]).ravel()
    return jax.tree.map(lambda outputs: outputs.reshape(-1, *outputs.shape[2:])[chosen], stacked)
