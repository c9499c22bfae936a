"""One pass of `predict`'s kind over data, in which normalization layers tell what each row says of their statistics."""

import dataclasses
from typing import Any

import jax
import numpy as np

from phasewise.core.variable import values_of
from phasewise.data import make_executor
from phasewise.data.checks import first_nonfinite
from phasewise.layers.embedding.ids import check_ids_of
from phasewise.shift.label_check import LabelCheck
from phasewise.shift.row_program import RowProgram
from phasewise.shift.row_statistics import RowStatistics
from phasewise.switch import phase, statistics_policy
from phasewise.training.draws import Draws
from phasewise.training.host_layers import plan_for
from phasewise.training.preparing import batch_spec, prepare, require_data, require_steps
from phasewise.training.programs import program, shapes_of
from phasewise.training.progress import make_progress
from phasewise.training.step import predict_step, unpack
from phasewise.training.weights import Weights

SAMPLE_ROWS = 256  # of the data that are kept, to compare on them what remedies would do
LEAST_ROWS = 8


@dataclasses.dataclass
class Call:
    """One call of a layer that has moving statistics, and what the rows say in it.

    Attributes:
        name: the layer's; with the number of the call where there are several.
        average: the moving statistics.
        rows: `RowStatistics`.
    """

    name: str
    average: Any
    rows: RowStatistics


@dataclasses.dataclass
class Gathered:
    """What a pass gave.

    Attributes:
        calls: a `Call` for each normalization, in the order of the model.
        rows: number of rows.
        sample: (x, y or None, outputs under moving statistics), up to `SAMPLE_ROWS` rows from all over the data, on the host.
        batch_rows: rows of a whole batch.
    """

    calls: list[Call]
    rows: int
    sample: tuple
    batch_rows: int


def gathered(model, data, labels=None, *, batch_size=None, steps=None, verbose=0, has_labels=True, role="audit"):
    """`Gathered` of one pass over data.

    Args:
        has_labels: whether the second part of tuples is looked at.

    Raises:
        TypeError: `model` is no model.
        ValueError: it has no layer with moving statistics; data that do not fit, are empty, or hold NaN or infinity.
    """
    if not hasattr(model, "predict"):
        raise TypeError(f"{role} takes a model; got {model!r}.")
    executor = make_executor(plan_for(model, data, labels, batch_size=batch_size, role=role), most=steps)
    require_steps(executor, steps, "steps")
    progress, known = make_progress(verbose), executor.cardinality if executor.cardinality >= 0 else None
    try:
        with phase.learning_phase_scope("inference"), statistics_policy.statistics("moving"):
            spec = batch_spec(executor, executor.batch_rows)
            calls, shapes = prepare(model, spec, "predict")
            require_statistics(model, calls)
            given = unpack(spec)[1] if has_labels else None
            check = None if given is None else LabelCheck(model, given, shapes)
            expected = steps or known
            progress.task_begin(role, expected)
            sample = Sample(expected, executor.batch_rows)
            return _one_pass(model, executor, calls, steps, progress, sample, check, role)
    finally:
        progress.close()
        executor.close()


def require_averages(model, calls):
    """Raises ValueError when no layer that is called has moving statistics."""
    if not any(call.layer._averages for call in calls):
        raise ValueError(
            f"{model.name!r} calls no layer with moving statistics, so adapt has nothing to hold the data against: it needs "
            "BatchNormalization, or a recurrent layer with normalization='batch'. Layer and group normalization keep no statistics."
        )


def require_statistics(model, calls):
    """Raises ValueError when no layer that is called keeps statistics, moving ones or those of a `Normalization`."""
    if not any(call.layer._averages or call.layer.is_audited for call in calls):
        raise ValueError(
            f"{model.name!r} calls no layer with moving statistics, so audit has nothing to hold the data against: it needs BatchNormalization, "
            "a recurrent layer with normalization='batch', or Normalization. Layer and group normalization keep no statistics."
        )


def _one_pass(model, executor, calls, steps, progress, sample, check, role):
    weights, draws, found, seen, total = Weights.of(model._inventory()), Draws(model), {}, 0, 0
    memory = model._inventory().memory
    remembered = values_of(memory)

    def made():
        return RowProgram(predict_step(model, "predict", calls.draws), weights, with_means=True)

    for feed in executor.feeds(steps) if memory else executor.padded_feeds(steps):
        look_at(executor, feed, calls, check, role)
        labelled, feed = feed, without_labels(feed)
        loop = program(model, "rows", shapes_of(feed.arrays), made)
        state = {"weights": weights.now(), **draws.arguments(calls), **({"memory": remembered} if memory else {})}

        def on_chunk(count):
            nonlocal seen
            seen += count
            progress.update(seen, {})

        outputs, parts = loop.run(state, feed, progress.running, on_chunk)
        remembered = state.get("memory", ())
        draws.advance(feed.real_rows.sum())
        add_parts(found, loop.owners, parts, feed.steps)
        sample.add(labelled, outputs)
        total += int(feed.real_rows.sum())
    require_data(seen, "data")
    progress.end(seen, {})
    return Gathered(list(found.values()), total, sample.arrays(), executor.batch_rows)


def without_labels(feed):
    """A feed with the inputs alone: one program serves data with labels and without."""
    return feed._replace(arrays={**feed.arrays, "batches": (unpack(feed.arrays["batches"])[0],)})


def add_parts(found, owners, parts, steps):
    """Take the `RowSums` of several batches into account.

    Args:
        found: dict of `Call`s, filled here, from (identity of an average, number of the call).
        owners: the averages.
        parts: a `RowSums` for each, stacked over the batches.
    """
    times = {}
    for average, part in zip(owners, parts):
        number = times[id(average)] = times.get(id(average), 0) + 1
        key = id(average), number
        if key not in found:
            scale = np.asarray(average.used()[1], np.float64).reshape(-1)
            found[key] = Call(average._layer.name, average, RowStatistics(scale))
        found[key].rows.add(jax.tree.map(lambda each: np.asarray(each)[:steps], part))
    for (_, number), call in found.items():
        if times.get(id(call.average), 1) > 1:
            call.name = f"{call.average._layer.name}, call {number}"


def look_at(executor, feed, calls, check, role):
    """Hold what an executor brings for the first time against what a model can take.

    Args:
        check: `LabelCheck`, or None.

    Raises:
        ValueError: the inputs hold NaN or infinity, an id that is outside of an embedding's range, or a label that does not fit; the message
            names the row.
    """
    found = executor.unchecked(feed)
    if found is None:
        return
    (x, labels, _), locate = unpack(found[0]), found[1]
    place = first_nonfinite(x, "The input", locate)
    if place is not None:
        raise ValueError(f"{place}. {role} needs finite numbers: clean the data, or leave those rows out.")
    if calls.looked_up:
        check_ids_of(calls.looked_up, jax.tree.leaves(x), locate)
    if check is not None:
        check.look(labels, locate)


class Sample:
    """Whole batches from all over data: every so many, and more where data of unknown length turn out to have too many.

    Args:
        batches: how many will come, None where that is not known; each of `rows` rows.
    """

    def __init__(self, batches, rows, most=SAMPLE_ROWS):
        self._most, self._kept, self._seen = most, [], 0
        self._every = 1 if batches is None else max(1, -(-batches // max(most // rows, 1)))
        self._first = self._every // 2

    def add(self, feed, outputs):
        """Look at the batches of a feed, and at what they were predicted as."""
        for place, real in enumerate(feed.real_rows):
            if (self._seen - self._first) % self._every == 0:
                x, y, _ = unpack(feed.arrays["batches"])
                self._kept.append(jax.tree.map(lambda a, i=place, n=real: np.array(a[i][:n]), (x, y, outputs)))
                if len(self._kept) > 1 and sum(map(_rows, self._kept)) > self._most:
                    self._kept, self._every = self._kept[::2], 2 * self._every
            self._seen += 1

    def arrays(self):
        """(x, y or None, outputs) of the rows that were kept, one after the other."""
        return jax.tree.map(lambda *parts: np.concatenate(parts), *self._kept)


def _rows(batch):
    return len(jax.tree.leaves(batch)[0])
