"""A training run: the steps of a model over an executor's feeds, chunk by chunk."""

import jax
import numpy as np

from phasewise.callbacks import CallbackList
from phasewise.callbacks.batch_hooks import BatchHooks
from phasewise.core.followed import Followed
from phasewise.training import custom_step
from phasewise.training.custom_diagnosis import diagnose_custom
from phasewise.training.customised import is_customised
from phasewise.training.diagnosis import diagnose
from phasewise.training.interrupts import held_back
from phasewise.training.left_behind import mark_left_behind
from phasewise.training.loop import Chunks, UpdateProgram
from phasewise.training.nonfinite import error_for, first_bad_step, is_sound, kept_where_finite
from phasewise.training.own_state import claim
from phasewise.training.packing import Layout
from phasewise.training.preparing import batch_spec, prepare_both, prepare_feed
from phasewise.training.programs import program, shapes_of, switch_key
from phasewise.training.rows import is_filled_up
from phasewise.training.state import Cells
from phasewise.training.step import TrainStep, logs_of, unpack
from phasewise.training.surprises import (
    updates_of_a_step,
    warn_of_nothing_to_train,
    warn_of_pinned_phase,
    warn_of_small_batches,
)

IN_PLACE_BYTES = 16 << 20
"""From this size of the state on it is given up to each chunk, which writes the new one over it. Steps then look ahead: one whose
loss or gradients could lead to NaN or infinity is not made, and is tried once more with a second state beside it. A smaller state
is kept until the chunk is known to be sound, which costs less than a look at every step."""


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
        self._hooks = BatchHooks(self.callbacks, "train", model.steps_per_execution)
        self._epoch, self._updates, self._draws, self._cells = 0, [], (), None
        self.told_of_short_data = False
        self._just_prepared = None, None
        self.backup = None  # what is told of each chunk
        self._pass = self.steps_of_pass = 0  # which pass over the data, and how many steps of it are made
        self.steps = 0  # made so far, with the one that went wrong and those that a run had made that is resumed here
        self.updated_layers = {}  # those whose moving statistics have followed batches, as keys
        model.objective.count_skipped(on_nonfinite == "skip")

    def close(self):
        """The run ended, however."""
        self.model.objective.count_skipped(False)

    def epoch(self, epoch, limit, progress, seen=0):
        """The steps of one epoch, at most `limit`, of which `seen` were made before. Returns (logs, number of steps)."""
        self._epoch = epoch
        logs = {}
        for feed in self.feeds(limit and limit - seen):
            for logs, count in self.feed(feed, seen, progress.running):
                seen += count
                progress.update(seen, logs)
            if self.model.stop_training:
                break
        self._hooks.finish(seen, logs)
        return logs, seen

    def feeds(self, limit=None):
        """The executor's feeds: a short batch filled up where no loss, metric or layer would notice."""
        rows = self.executor.batch_rows
        prepared = prepare_both(self.model, self.executor, rows, self._task)
        self._just_prepared = rows, prepared  # for the feed that comes at once, most often of as many rows
        return self.executor.feeds(limit, pad_short=is_filled_up(self.model, self._task, prepared[0]))

    def feed(self, feed, seen=0, on_compiled=lambda: None):
        """Train on one feed, whose first step is number `seen` of the epoch.

        Yields (logs, steps) after each chunk, the model updated.

        Raises:
            NonFiniteError: a step gave NaN or infinity, and that is to be an error.
        """
        callbacks, hooks = self.callbacks, self._hooks
        self._note_pass()
        loop, cells = self._prepared(feed)
        end = seen + feed.steps
        hooks.begin(seen)
        for moving, _ in self._averages():
            moving.check_values()
        self._compile(loop, cells, feed)
        self._cells = cells
        before, key = cells.gather(), switch_key(self.model) if hooks.wanted else None
        on_compiled()
        for start, count in self._chunks(loop, seen).split(feed.steps, self.backup and self.backup.due_in):
            if self.backup is not None:
                self.backup.next_chunk(self._epoch, seen)
            reached = self._advanced(loop, cells, before, feed, start, count)
            self.steps += reached.steps if reached.is_sound else count
            if not reached.is_sound:
                raise self._error(loop, cells, before, feed, reached, count, seen)
            for moving, number in self._averages():
                moving.note_updates(number * reached.steps, feed.rows)
            seen, self.steps_of_pass = seen + reached.steps, self.steps_of_pass + reached.steps
            callbacks.on_chunk_end(seen - 1, reached.logs)
            hooks.end(seen - 1, reached.logs)
            if self.backup is not None:
                self.backup.chunk_done(reached.steps)
            yield reached.logs, reached.steps
            if self.model.stop_training:
                return
            if seen < end:
                hooks.begin(seen)
                if hooks.wanted and key != switch_key(self.model):  # they have frozen a layer, or set an attribute
                    loop, cells = self._prepared(feed)
                    self._compile(loop, cells, feed)
                    key = switch_key(self.model)
                before = cells.gather()

    def _compile(self, loop, cells, feed):
        if loop.compile(cells.gather, feed):
            mark_left_behind(self.model)

    def take_up(self):
        """Trace the step for the batches to come, so that all is there that a run which is resumed puts back. Returns the cells."""
        calls, _ = prepare_both(self.model, self.executor, self.executor.batch_rows, self._task)
        batch = batch_spec(self.executor, self.executor.batch_rows)
        cells = self._cells_for(calls, self.executor.batch_rows)
        step, logs = self._step(cells, calls.draws, cells.followed, stacks=False)

        def whole(state, batch):
            return logs(step(state, batch, None, (), calls.draws)[0])

        cells.followed.traced(lambda: jax.eval_shape(whole, cells.gather(), batch))
        self._cells = cells
        return cells

    def followed_variables(self):
        """What the step reads and writes beside the model's variables."""
        return [] if self._cells is None else self._cells.followed.variables

    @property
    def optimizers(self):
        """Those that the steps apply; none before the first."""
        return [] if self._cells is None else self._cells.optimizers

    def _note_pass(self):
        if self._pass != self.executor.passes.begun:
            self._pass, self.steps_of_pass = self.executor.passes.begun, 0

    def go_to(self, position, *, anew):
        """Go on in the data where `executor.passes.position` was taken; `anew`: with the pass after that one."""
        self.steps += self.executor.go_to(position, anew=anew)
        self._pass, self.steps_of_pass = self.executor.passes.begun, 0 if anew else position["batches"]

    def _averages(self):
        """(moving average, number of its updates in a step) for each."""
        return [(average, count) for layer, count in self._updates for average in layer._averages]

    def _advanced(self, loop, cells, before, feed, start, count):
        """`Reached` after a chunk, the model updated where that is sound."""
        if not loop.in_place:
            reached = loop.advance(before, feed, start, count)
            if reached.is_sound:
                cells.restore(reached.state)
            return reached
        done = 0
        while True:
            with held_back():  # what went in is gone: the model must hold what comes out
                results = loop.dispatched(cells.given_up(before), feed, start + done, count - done)
                cells.restore(results[0][0])
            reached = loop.finished(*results)
            done += reached.steps
            if not reached.is_sound:  # the next step could go wrong: it is made by itself, the state before it kept
                reached = self._carefully(feed, cells, start + done)
                done += reached.is_sound
            if done == count or not reached.is_sound:
                # Without the state: else two would hold it.
                return reached._replace(state=None, start=start, steps=done)
            before = cells.gather()

    def _carefully(self, feed, cells, place):
        """`Reached` after step number `place` of the feed, the model updated where that is sound."""
        key, draws = self._key(cells, feed), self._draws
        task = (self._task, self._on_nonfinite, "carefully")
        loop = program(self.model, task, key, lambda: self._compiled(cells, draws, careful=True))
        cells.followed = loop.followed
        self._compile(loop, cells, feed)
        before = cells.gather()
        reached = loop.advance(before, feed, place, 1)
        if reached.is_sound:
            cells.restore(reached.state)
        return reached

    def _chunks(self, loop, seen):
        fixed = self.model.steps_per_execution
        return Chunks(fixed, seen % fixed) if fixed > 1 or self._hooks.wanted else loop.chunks

    def _error(self, loop, cells, before, feed, reached, count, seen):
        """The error that tells what went wrong after the last good state, which the model then holds."""
        place = reached.start + reached.steps  # where the loop has stopped before the bad step
        if not loop.in_place:
            place, state = first_bad_step(loop, before, feed, reached.start, count)
            cells.restore(state)
        given = jax.tree.map(np.asarray, self.executor.fetch(feed.arrays, place))
        batch = unpack(given)
        if isinstance(cells, custom_step.CustomCells):
            finding = diagnose_custom(self.model, self._task, cells, cells.gather(), given)
        else:
            finding = diagnose(self.model, Cells(self.model, training=True, metrics=True).gather(), batch)
        return error_for(finding, batch, epoch=self._epoch, step=seen + place - reached.start)

    def _prepared(self, feed):
        """The program for the feed, and the cells that it reads and writes."""
        model, task = self.model, self._task
        rows, prepared = self._just_prepared
        self._just_prepared = None, None
        calls = prepare_feed(model, self.executor, feed, task, prepared if rows == feed.rows else None)
        rows = int(feed.real_rows[0])
        warn_of_small_batches(calls, rows, feed.rows)
        warn_of_pinned_phase(calls)
        self._updates, self._draws = updates_of_a_step(calls, rows), calls.draws
        self.updated_layers |= dict.fromkeys(layer for layer, _ in self._updates)
        cells = self._cells_for(calls, feed.rows)
        key = self._key(cells, feed)
        loop = program(model, (task, self._on_nonfinite), key, lambda: self._compiled(cells, calls.draws))
        cells.layout, cells.followed = loop.layout if loop.layout and loop.layout.longest > 1 else None, loop.followed
        return loop, cells

    def _cells_for(self, calls, rows):
        """The cells of a step that makes these calls; the optimizer is ready for their parameters."""
        model, task = self.model, self._task
        if is_customised(model, task):
            return self._custom_cells(calls, custom_step.find(model, task, batch_spec(self.executor, rows)))
        if not (model.objective.has_loss or calls.adds_losses):
            raise ValueError(
                f"`{task}` has nothing to minimize: model.compile(...) of {model.name!r} was given no loss, and no layer adds "
                "one. Pass loss=."
            )
        cells = Cells(model, training=True, metrics=True)
        if not cells.params:
            warn_of_nothing_to_train(model, calls, task)
        claim(model, cells.params)
        model.optimizer.prepare(cells.params)
        return cells

    def _custom_cells(self, calls, found):
        """The cells of a step of a user's own; the optimizers that it applies are ready for their variables."""
        for optimizer, variables in found.optimizers:
            claim(self.model, variables, optimizer)
            optimizer.prepare(variables)
        cells = custom_step.CustomCells(self.model, found, training=True)
        if not cells.params:
            warn_of_nothing_to_train(self.model, calls, self._task)
        return cells

    def _key(self, cells, feed):
        """What a program of this run is filed under beside the switch."""
        return shapes_of(feed.arrays), tuple(optimizer.revision for optimizer in cells.optimizers)

    def _compiled(self, cells, draws, careful=False):
        model, policy = self.model, self._on_nonfinite
        is_custom = isinstance(cells, custom_step.CustomCells)
        is_tame = not is_custom and (
            policy == "ignore" or (policy == "raise" and model.optimizer.is_tame(cells.params))
        )
        in_place = not careful and is_tame and cells.bytes() >= IN_PLACE_BYTES
        followed = Followed()
        looks_ahead = in_place and policy == "raise"
        step, logs = self._step(cells, draws, followed, stacks=not in_place and not careful, looks_ahead=looks_ahead)
        return UpdateProgram(
            kept_where_finite(step) if policy == "skip" else step,
            logs,
            lambda: cells.log_names,
            model._inventory().variables,
            followed,
            layout=None if is_custom else step.layout,
            words=draws,
            check=is_sound if policy == "raise" and not in_place else None,
            in_place=in_place,
            joins=self._task == "train_on_batch",
        )

    def _step(self, cells, draws, followed, *, stacks, looks_ahead=False):
        """(the step, what gives the logs of a state) that a program is made of."""
        model, objective = self.model, self.model.objective
        if isinstance(cells, custom_step.CustomCells):
            step = custom_step.CustomTrainStep(model, self._task, cells, followed)
            return step, lambda state: custom_step.logs_of(objective, state)
        layout = Layout(cells.params, cells.other, model.optimizer, stacks=stacks)
        step = TrainStep(model, self._task, layout, draws, followed, looks_ahead=looks_ahead)
        return step, lambda state: logs_of(objective, state, followed)
