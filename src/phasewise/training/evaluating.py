"""evaluate and test_on_batch."""

from phasewise.callbacks import CallbackList
from phasewise.data import make_executor
from phasewise.data.feed import size_class
from phasewise.training.loop import Chunks, UpdateProgram
from phasewise.training.preparing import prepare_feed, require_data, require_steps
from phasewise.training.programs import program, shapes_of, under
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
    model.objective.reset()
    model.stop_evaluating = False
    seen, logs = 0, {}
    with under(model, policy):
        for feed in test_feeds(model, executor, steps):
            for logs, count in run_feed(model, executor, feed, "evaluate", callbacks, progress.running, seen):
                seen += count
                progress.update(seen, logs)
                if model.stop_evaluating:
                    break
            if model.stop_evaluating:
                break
    require_data(seen)
    return {name: value for name, value in logs.items() if name != "skipped"}, seen


def test_feeds(model, executor, steps, task="evaluate"):
    """Padded feeds where padding can be masked out of everything, else feeds of the true shapes."""
    filled_up = can_be_filled_up(model, executor, task)
    return executor.padded_feeds(steps) if filled_up else executor.feeds(steps)


def run_feed(model, executor, feed, task, callbacks, on_compiled=lambda: None, seen=0):
    """Test one feed, whose first batch is number `seen`; yields (logs, steps) after each chunk, the metrics updated."""
    warn_of_initial_statistics(prepare_feed(model, executor, feed, task))
    loop = program(
        model,
        task,
        shapes_of(feed.arrays),
        lambda: UpdateProgram(
            _never_stopping(test_step(model, model.objective, task)),
            lambda metrics: logs_of(model.objective, metrics),
            lambda: model.objective.names,
            model._inventory().variables,
        ),
    )
    step, end, each = seen, seen + feed.steps, callbacks.wants_test_batches
    cells = Cells(model, metrics=True)
    state = cells.gather()
    loop.compile(state, feed)
    on_compiled()
    if each:
        callbacks.on_test_batch_begin(step)
    for reached in loop.run(state, feed, Chunks(1) if each else None):
        cells.restore(reached.state)
        if each:
            callbacks.on_test_batch_end(step, reached.logs)
            if step + 1 < end and not model.stop_evaluating:
                callbacks.on_test_batch_begin(step + 1)
        step += reached.steps
        yield reached.logs, reached.steps


def _never_stopping(step):
    return lambda state, batch, valid, numbers, words: (step(state, batch, valid), True)


def test_on_batch(model, plan):
    """The logs of the one batch of `plan`, filled up to one of few sizes where nothing notices."""
    executor = make_executor(plan, size_class(plan._rows.batch_size))
    model.objective.reset()
    watched = CallbackList()
    feeds = test_feeds(model, executor, None, "test_on_batch")
    found = [logs for feed in feeds for logs, _ in run_feed(model, executor, feed, "test_on_batch", watched)]
    require_data(found)
    return found[-1]


def _known(executor):
    return executor.cardinality if executor.cardinality >= 0 else None
