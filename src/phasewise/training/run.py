"""A training run: the steps of a model over an executor's feeds, chunk by chunk."""

from phasewise.callbacks import CallbackList
from phasewise.training.loop import Chunks, UpdateProgram
from phasewise.training.nonfinite import error_for, first_bad_step, is_sound, kept_where_finite
from phasewise.training.preparing import prepare_feed
from phasewise.training.programs import program
from phasewise.training.state import Cells
from phasewise.training.step import logs_of, train_step, unpack
from phasewise.training.surprises import updates_of_a_step, warn_of_pinned_phase, warn_of_small_batches


class Run:
    """Trains `model`.

    Args:
        model: compiled.
        executor: what holds the data.
        on_nonfinite: "raise", "skip" or "ignore".
        callbacks: a `CallbackList`.
        task: "fit" or "train_on_batch".
    """

    def __init__(self, model, executor, on_nonfinite, callbacks=None, task="fit"):
        self.model, self.executor, self.callbacks = model, executor, callbacks or CallbackList()
        self._on_nonfinite, self._task = on_nonfinite, task
        self._epoch, self._updates = 0, []
        self.told_of_short_data = False
        self.updated_layers = {}  # those whose moving statistics have followed batches, as keys
        model.objective.count_skipped(on_nonfinite == "skip")

    def close(self):
        """The run ended, however."""
        self.model.objective.count_skipped(False)

    def epoch(self, epoch, limit, progress):
        """The steps of one epoch, at most `limit`. Returns (logs, number of steps)."""
        self._epoch = epoch
        logs, seen = {}, 0
        for feed in self.executor.feeds(limit):
            for logs, count in self.feed(feed, seen, progress.running):
                seen += count
                progress.update(seen, logs)
            if self.model.stop_training:
                break
        return logs, seen

    def feed(self, feed, seen=0, on_compiled=lambda: None):
        """Train on one feed, whose first step is number `seen` of the epoch.

        Yields (logs, steps) after each chunk, the model updated.

        Raises:
            NonFiniteError: a step gave NaN or infinity, and that is to be an error.
        """
        callbacks, each = self.callbacks, self.callbacks.wants_train_batches
        loop, cells = self._prepared(feed)
        end = seen + feed.steps
        if each:
            callbacks.on_train_batch_begin(seen)
        before = cells.gather()
        updates = [(layer._moving_statistics, count) for layer, count in self._updates]
        for moving, _ in updates:
            moving.check_values()
        loop.compile(before, feed)
        on_compiled()
        running = loop.run(before, feed, self._chunks())
        reached = next(running, None)
        while reached is not None:
            if not reached.is_sound:
                self._raise(loop, cells, before, feed, reached, seen)
            cells.restore(reached.state)
            for moving, count in updates:
                moving.note_updates(count * reached.steps)
            seen += reached.steps
            callbacks.on_chunk_end(seen - 1, reached.logs)
            if each:
                callbacks.on_train_batch_end(seen - 1, reached.logs)
            yield reached.logs, reached.steps
            if self.model.stop_training:
                return
            if each and seen < end:
                callbacks.on_train_batch_begin(seen)
            before = cells.gather()
            try:
                reached = running.send(before)
            except StopIteration:
                return

    def _chunks(self):
        if self.callbacks.wants_train_batches:
            return Chunks(1)
        fixed = self.model.steps_per_execution
        return Chunks(fixed) if fixed > 1 else None

    def _raise(self, loop, cells, before, feed, reached, seen):
        """Restore the last good state and raise the error that tells what went wrong after it."""
        place, state = first_bad_step(loop, before, feed, reached.start, reached.steps)
        cells.restore(state)
        batch = unpack(self.executor.fetch(feed.arrays, place))
        raise error_for(self.model, state, batch, epoch=self._epoch, step=seen + place - reached.start)

    def _prepared(self, feed):
        """The program for the feed, and the cells that it reads and writes."""
        model, task = self.model, self._task
        calls = prepare_feed(model, self.executor, feed, task)
        warn_of_small_batches(calls, feed.rows)
        warn_of_pinned_phase(calls)
        self._updates = updates_of_a_step(calls, feed.rows)
        self.updated_layers |= dict.fromkeys(layer for layer, _ in self._updates)
        if not (model.objective.has_loss or calls.adds_losses):
            raise ValueError(
                f"`{task}` has nothing to minimize: model.compile(...) of {model.name!r} was given no loss, and no layer adds "
                "one. Pass loss=."
            )
        cells = Cells(model, training=True, metrics=True)
        model.optimizer.prepare(cells.params)
        return program(model, (task, self._on_nonfinite), self.executor.fetch, self._compiled), cells

    def _compiled(self):
        model, objective = self.model, self.model.objective
        step = train_step(model, objective, model.optimizer, self._task)
        return UpdateProgram(
            kept_where_finite(step) if self._on_nonfinite == "skip" else step,
            self.executor.fetch,
            lambda metrics: logs_of(objective, metrics),
            lambda: objective.names,
            model.count_params(),
            check=is_sound if self._on_nonfinite == "raise" else None,
        )
