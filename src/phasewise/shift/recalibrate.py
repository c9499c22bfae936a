"""recalibrate: exact population statistics in place of moving averages."""

import itertools
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from phasewise.data import make_executor
from phasewise.kernels.population import merged
from phasewise.models.model import Model
from phasewise.shift.changes import Change, Recalibration
from phasewise.switch import phase, statistics_policy
from phasewise.switch.collected_moments import collected_moments
from phasewise.training.host_layers import plan_for
from phasewise.training.loop import MapProgram
from phasewise.training.preparing import batch_spec, look_at_feed, prepare, require_data, require_steps
from phasewise.training.programs import program, shapes_of
from phasewise.training.progress import make_progress
from phasewise.training.state import Cells
from phasewise.training.step import call_purely, real_rows_of, unpack

METHODS = {"layerwise": "moving", "precise": "batch"}  # and the statistics that flow forward


def recalibrate(
    model: Model,
    data: Any,
    *,
    method: str = "layerwise",
    batch_size: int | None = None,
    steps: int | None = None,
    verbose: int | str = "auto",
    weigh: Callable[[int], float] | None = None,
) -> Recalibration:
    """Give every batch normalization layer the exact mean and variance of its input over `data`.

    The moving statistics that `fit` leaves are averages along the way, over weights that have changed since. Here the
    weights stand still. Batches are merged in float64, so that a layer's statistics do not depend on how its input is cut
    into batches. The model is changed only when all passes have succeeded.

    Args:
        model: a model with batch normalization layers. Frozen ones keep their statistics.
        data: what `predict` takes: arrays, a `Dataset` of batches …; labels are not looked at.
        method: "layerwise": one pass for each layer, the layers before it normalizing with the statistics that were just
            found, so that all agree with what `predict` does; the terms of a recurrent cell, which are fed with each other step by
            step, in one pass in which they normalize with the batch; or "precise": one pass in which batch statistics flow forward
            (Wu & Johnson 2021, "Rethinking 'Batch' in BatchNorm", section 3: precise BN), whose deeper layers see what they
            saw in training, and depend on `batch_size`.
        batch_size: rows in a batch, 32 by default; only with arrays.
        steps: how many batches to take; needed for an endless plan.
        verbose: as in `predict`.
        weigh: a function from the number of rows to the weight of the data, in [0, 1]; the rest is that of the statistics as they are.
            Left out, the data alone count.

    Returns:
        `Recalibration`: a list with one `Change` a layer; `str()` gives the table.

    Raises:
        TypeError: `model` is no model.
        ValueError: an unknown method, no layer to recalibrate, data that do not fit, are empty, or lead to a mean or variance that is
            not finite.
    """
    if method not in METHODS:
        raise ValueError(f"recalibrate's method is 'layerwise' or 'precise'; got {method!r}.")
    if not hasattr(model, "predict"):
        raise TypeError(f"recalibrate takes a model; got {model!r}.")
    most = steps if method == "precise" else None  # the other makes a pass for each layer
    executor = make_executor(plan_for(model, data, batch_size=batch_size, role="recalibrate"), most=most)
    require_steps(executor, steps, "steps")
    progress = make_progress(verbose)
    try:
        with phase.learning_phase_scope("inference"), statistics_policy.statistics(METHODS[method]):
            rows = executor.batch_rows if model._inventory().remembers else 32
            calls, _ = prepare(model, batch_spec(executor, rows), "predict")
            layers = _layers(model, calls)
            found = _found(model, executor, (calls, layers), (method, weigh), steps, progress)
    finally:
        progress.close()
        executor.close()
    _check_finite(model, found)
    return _adopted(found, method)


def _check_finite(model, found):
    for layer, *_, mean, variance in found:
        if not (np.isfinite(mean).all() and np.isfinite(variance).all()):
            raise ValueError(
                f"{model.name!r} is as it was: {layer.name!r} would get a mean or variance that is NaN or infinite. There is NaN or infinity "
                "in the data, or a layer before it makes some of them."
            )


def _layers(model, calls):
    """(layer, average) for the averages of the layers that are called and not frozen, in the order of their first call."""
    called = {id(c.layer): c.layer for c in calls if c.layer._averages}
    layers = [layer for layer in called.values() if layer.trainable]
    if not layers:
        frozen = f" Its {len(called)} are frozen: set layer.trainable = True." if called else ""
        raise ValueError(f"{model.name!r} has no batch normalization layer to recalibrate.{frozen}")
    return [(layer, average) for layer in layers for average in layer._averages]


def _found(model, executor, called, how, steps, progress):
    """(layer, average, rows, count, mean, variance) for each; nothing is changed yet."""
    (calls, layers), (method, weigh) = called, how
    cells = Cells(model)
    state, places = cells.gather(), cells.places()
    passes = _alone(layers) if method == "layerwise" else [layers]
    found = []
    for number, wanted in enumerate(passes):
        progress.task_begin(f"recalibrate, pass {number + 1}/{len(passes)}", steps or _known(executor))
        if number:
            executor.restart()
        with statistics_policy.statistics({layer.name: "batch" for layer, average in wanted if average.fed_with}):
            seen, rows, statistics = _one_pass(model, executor, (calls, state), steps, progress)
        progress.end(seen, {})
        for layer, average in wanted:
            count, mean, variance = _where_counted(average, *statistics[id(average)])
            if weigh is not None:
                mean, variance = _mixed(average, (mean, variance), weigh(rows))
            found.append((layer, average, None if weigh else rows, count, mean, variance))
            for variable, value in average.values_for(mean, variance, count):
                state["other"][places[id(variable)]] = value
    return found


def _alone(layers):
    """A pass for each layer; one for all recurrent terms of a cell, which are fed with each other."""
    by_cell = itertools.groupby(layers, key=lambda pair: pair[1].fed_with or id(pair[1]))
    return [list(group) for _, group in by_cell]


def _where_counted(average, count, mean, variance):
    """The population's, in the shape of the average, as it was where nothing counts."""
    found = []
    for value, variable in ((mean, average.mean), (variance, average.variance)):
        old = variable.numpy()
        found.append(np.where(np.reshape(count, old.shape) > 0, value.reshape(old.shape), old))
    return count, *found


def _mixed(average, found, weight):
    """(mean, variance) between those that the average has and those found."""
    old = (variable.numpy().astype(np.float64) for variable in (average.mean, average.variance))
    return tuple((1 - weight) * was + weight * now for was, now in zip(old, found))


def batch_statistics(model, x, policy="moving"):
    """(average, count, mean, variance) of one batch for every average of the model, normalized by `policy` on the way.

    Args:
        x: host arrays, one batch.
        policy: of `phasewise.switch.statistics_policy`.
    """
    rows = len(jax.tree.leaves(x)[0])
    executor = make_executor(plan_for(model, x, batch_size=rows, role="adapt"))
    with phase.learning_phase_scope("inference"), statistics_policy.statistics(policy):
        calls, _ = prepare(model, batch_spec(executor, rows), "predict")
        averages = {id(a): a for call in calls for a in call.layer._averages if call.layer.trainable}
        _, _, found = _one_pass(model, executor, (calls, Cells(model).gather()), None, make_progress(0))
    return [(averages[owner], *statistics) for owner, statistics in found.items() if owner in averages]


def _one_pass(model, executor, begun, steps, progress):
    """(number of batches, of rows, dict from an average's identity to (count, mean, variance))."""
    (calls, state), parts, seen, rows = begun, {}, 0, 0
    remembered = _memory_places(model)
    if remembered:  # it goes on in this pass, and not beyond
        state = {**state, "memory": [state["other"][place] for place in remembered]}
    for feed in executor.feeds(steps) if remembered else executor.padded_feeds(steps):
        look_at_feed(executor, feed, calls)
        loop = program(model, "recalibrate", shapes_of(feed.arrays), lambda: _Gathers(model))

        def on_chunk(count):
            nonlocal seen
            seen += count
            progress.update(seen, {})

        rows += int(feed.real_rows.sum())
        for owner, moments in zip(loop.owners, loop.run(state, feed, progress.running, on_chunk)):
            parts.setdefault(owner, []).append(moments)
    require_data(seen, "data")
    return seen, rows, {owner: _population(entries) for owner, entries in parts.items()}


def _memory_places(model):
    """The places, among the other variables, of those that hold what layers remember."""
    return [place for place, variable in enumerate(model._inventory().others) if variable.is_memory]


class _Gathers(MapProgram):
    """The moments of every batch normalization call, for each batch; `owners` are the identities of the averages."""

    def __init__(self, model):
        self.owners, remembered = [], _memory_places(model)

        def step(state, batch, valid, numbers):
            x, _, _ = unpack(batch)
            with real_rows_of(x, valid), collected_moments() as entries:
                other = list(state["other"])
                for place, value in zip(remembered, state.get("memory", ())):
                    other[place] = value
                _, _, after = call_purely(model, {**state, "other": other}, x, task="predict")
            self.owners[:] = [id(average) for average, _, _ in entries]
            found = [(count, *moments) for _, count, moments in entries]
            return (found, [after[place] for place in remembered]) if remembered else found

        super().__init__(step, model._inventory().variables)


def _population(entries):
    """Merge lists of (count, shift, offset, variance), each (batches, parts, channels)."""
    parts = [[np.asarray(part, np.float64).reshape(-1, part.shape[-1]) for part in moments] for moments in entries]
    count, shift, offset, variance = (np.concatenate(column) for column in zip(*parts))
    return merged(count, shift + offset, variance)


def _adopted(found, method):
    """Write what was found into the model."""
    changes = []
    for layer, average, rows, count, mean, variance in found:
        before = (average.mean.numpy(), average.variance.numpy())
        for variable, value in average.values_for(mean, variance, count):
            variable.assign(value)
        if rows is not None:
            average.note_population(rows)
        changes.append(Change.between(layer, count, before, (mean, variance)))
    return Recalibration(changes, method)


def _known(executor):
    return executor.cardinality if executor.cardinality >= 0 else None
