"""evaluate and test_on_batch."""

from phasewise.callbacks import CallbackList
from phasewise.callbacks.batch_hooks import BatchHooks
from phasewise.core.followed import Followed
from phasewise.data import make_executor
from phasewise.training import custom_step
from phasewise.training.customised import is_customised, reset_metrics
from phasewise.training.draws import Draws
from phasewise.training.left_behind import mark_left_behind
from phasewise.training.loop import Chunks, UpdateProgram
from phasewise.training.preparing import batch_spec, prepare_feed, require_data, require_steps
from phasewise.training.programs import program, shapes_of, switch_key, under
from phasewise.training.progress import make_progress
from phasewise.training.progress.lines import Silent
from phasewise.training.rows import can_be_filled_up
from phasewise.training.state import Cells
from phasewise.training.step import logs_of, test_step
from phasewise.training.surprises import warn_of_initial_statistics


def evaluate(model, plan, steps, verbose, callbacks, policy):
    """The logs of one pass over `plan` (of `steps` batches)."""
    executor = make_executor(plan, most=steps)
    callbacks = CallbackList(callbacks, model=model, epochs=1, steps=steps or _known(executor), verbose=verbose)
    require_steps(executor, steps, "steps", callbacks.wants_test_batches)
    progress = make_progress(verbose)
    progress.task_begin("evaluate", steps or _known(executor))
    callbacks.on_test_begin()
    seen = None
    try:
        logs, seen = run_test(model, executor, steps, policy=policy, callbacks=callbacks, progress=progress)
        progress.end(seen, logs)
    finally:
        progress.close()
        executor.close(seen)
    callbacks.on_test_end(logs)
    return logs


def run_test(model, executor, steps, *, policy=None, callbacks=None, progress=None):
    """Reset the metrics, go over the data once, or until `model.stop_evaluating`. Returns (logs, number of batches)."""
    callbacks, progress = callbacks or CallbackList(), progress or Silent()
    reset_metrics(model)
    model.stop_evaluating = False
    seen, logs, draws = 0, {}, Draws(model)
    with under(model, policy):
        for logs, count in _chunks(model, executor, steps, draws, callbacks, progress.running):
            seen += count
            progress.update(seen, logs)
            if model.stop_evaluating:
                break
    require_data(seen)
    BatchHooks(callbacks, "test", model.steps_per_execution).finish(seen, logs)
    return {name: value for name, value in logs.items() if name != "skipped"}, seen


def _chunks(model, executor, steps, draws, callbacks, on_compiled):
    """(logs, steps) of each chunk of all feeds."""
    seen = 0
    for feed in test_feeds(model, executor, steps):
        for logs, count in run_feed(model, executor, feed, "evaluate", draws, callbacks, on_compiled, seen):
            seen += count
            yield logs, count


def test_feeds(model, executor, steps, task="evaluate"):
    """Padded feeds where padding can be masked out of everything, else feeds of the true shapes."""
    filled_up = can_be_filled_up(model, executor, task)
    return executor.padded_feeds(steps) if filled_up else executor.feeds(steps)


def run_feed(model, executor, feed, task, draws, callbacks, on_compiled=lambda: None, seen=0):
    """Test one feed, whose first batch is number `seen`; yields (logs, steps) after each chunk, the metrics updated."""
    hooks, every = BatchHooks(callbacks, "test", model.steps_per_execution), model.steps_per_execution
    loop, gather, cells = _prepared(model, executor, feed, task, draws)
    draws.advance(feed.real_rows.sum())
    on_compiled()
    state, key = gather(), switch_key(model) if hooks.wanted else None
    chunks = Chunks(every, seen % every) if hooks.wanted else loop.chunks
    for start, count in chunks.split(feed.steps):
        hooks.begin(seen + start)
        if hooks.wanted:
            if key != switch_key(model):
                loop, gather, cells = _prepared(model, executor, feed, task, draws)
                key = switch_key(model)
            state = gather(state)
        reached = loop.advance(state, feed, start, count)
        state = reached.state
        cells.restore(state)
        hooks.end(seen + start + count - 1, reached.logs)
        yield reached.logs, reached.steps


def _prepared(model, executor, feed, task, draws):
    """The program for a feed; a function that gives the state for it, a new one or the present after another; the cells."""
    calls = prepare_feed(model, executor, feed, task)
    warn_of_initial_statistics(calls)
    cells, drawn = _cells(model, executor, feed, task), draws.arguments(calls)
    loop = program(model, task, shapes_of(feed.arrays), lambda: _compiled(model, task, calls.draws, cells))
    cells.followed = loop.followed

    def gather(before=None):
        return {**cells.gather(), **{name: (before or drawn).get(name, value) for name, value in drawn.items()}}

    if loop.compile(gather, feed):
        mark_left_behind(model)
    return loop, gather, cells


def _cells(model, executor, feed, task):
    if not is_customised(model, task):
        return Cells(model, metrics=True)
    found = custom_step.find(model, task, batch_spec(executor, feed.rows))
    return custom_step.CustomCells(model, found, training=False)


def _compiled(model, task, draws, cells):
    objective, followed = model.objective, Followed()
    if is_customised(model, task):
        step = custom_step.custom_test_step(model, task, cells.found, followed)
    else:
        step = test_step(model, objective, task, followed, draws)
    return UpdateProgram(
        _never_stopping(step),
        lambda state: custom_step.logs_of(objective, state) if "logs" in state else logs_of(objective, state, followed),
        lambda: cells.log_names,
        model._inventory().variables,
        followed,
        joins=task == "test_on_batch",
    )


def _never_stopping(step):
    return lambda state, batch, valid, numbers, words: (step(state, batch, valid), True)


def test_on_batch(model, executor):
    """The logs of the one batch of `executor`, filled up where nothing notices."""
    reset_metrics(model)
    watched, draws = CallbackList(), Draws(model)
    feeds = test_feeds(model, executor, None, "test_on_batch")
    found = [logs for feed in feeds for logs, _ in run_feed(model, executor, feed, "test_on_batch", draws, watched)]
    require_data(found)
    return found[-1]


def _known(executor):
    return executor.cardinality if executor.cardinality >= 0 else None
