"""evaluate and test_on_batch."""

from phasewise.callbacks import CallbackList
from phasewise.callbacks.batch_hooks import BatchHooks
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
    executor = make_executor(plan)
    require_steps(executor, steps, "steps")
    callbacks = CallbackList(callbacks, model=model, epochs=1, steps=steps or _known(executor), verbose=verbose)
    progress = make_progress(verbose)
    progress.task_begin("evaluate", steps or _known(executor))
    callbacks.on_test_begin()
    try:
        logs, seen = run_test(model, executor, steps, policy=policy, callbacks=callbacks, progress=progress)
        progress.end(seen, logs)
    finally:
        progress.close()
        executor.close()
    callbacks.on_test_end(logs)
    return logs


def run_test(model, executor, steps, *, policy=None, callbacks=None, progress=None):
    """Reset the metrics, go over the data once. Returns (logs, number of batches)."""
    callbacks, progress = callbacks or CallbackList(), progress or Silent()
    model.objective.reset()
    seen, logs = 0, {}
    with under(model, policy):
        for feed in test_feeds(model, executor, steps):
            for logs, count in run_feed(model, executor, feed, "evaluate", callbacks, progress.running, seen):
                seen += count
                progress.update(seen, logs)
    require_data(seen)
    BatchHooks(callbacks, "test", model.steps_per_execution).finish(seen, logs)
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
    step, end, every = seen, seen + feed.steps, model.steps_per_execution
    hooks = BatchHooks(callbacks, "test", every)
    cells = Cells(model, metrics=True)
    state = cells.gather()
    loop.compile(state, feed)
    on_compiled()
    hooks.begin(step)
    for reached in loop.run(state, feed, Chunks(every, step % every) if hooks.wanted else None):
        cells.restore(reached.state)
        step += reached.steps
        hooks.end(step - 1, reached.logs)
        if step < end:
            hooks.begin(step)
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
