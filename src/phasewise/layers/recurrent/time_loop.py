"""A loop over time whose steps call layers: what these write, draw and add to the loss is as if they were called one by one.

The loop is traced once, as one step. So before that a look at one step tells which variables it writes: these are carried from
step to step. Draws mix in the number of the step.
"""

import contextlib
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core import random
from phasewise.core.scope import noticing
from phasewise.core.types import Array, Nest
from phasewise.core.variable import scope
from phasewise.kernels.row_moments import joined_over_time
from phasewise.layer.added_losses import collected_losses, record_loss
from phasewise.layer.layer import Layer
from phasewise.switch import observe, tap
from phasewise.switch.collected_moments import collected_moments, is_collecting, record_moments
from phasewise.switch.collected_rows import collected_rows, record_rows, rows_asked_for

_number = ContextVar("phasewise_time_of_step", default=0)


class Look(NamedTuple):
    """What one step does.

    Attributes:
        outputs: structure of `jax.ShapeDtypeStruct`: what it returns.
        written: the variables to which it gives new values.
        draws: whether it draws at random.
        adds: whether it adds to the loss, or records moments that are being collected.
    """

    outputs: Nest
    written: list[Any]
    draws: bool
    adds: bool


def look(layers: list[Layer], step: Callable[..., Nest], *arguments: Nest) -> Look:
    """What `step(*arguments)` does; it is traced, never run, and nobody is told of the calls in it."""
    variables = [v for layer in layers for v in layer.variables]
    with (
        noticing() as noticed,
        observe.calls(),
        tap.tapped(None),
        collected_losses() as losses,
        _own_moments() as moments,
        _own_rows() as rows,
        random.scope(np.uint32(0), np.int32(0)) as draws,
        scope([], []) as held,
    ):
        before = {id(v): held.read(v) for v in variables}
        outputs = jax.eval_shape(step, *arguments)
        variables += [v for v in noticed.values() if id(v) not in before]
        written = [v for v in variables if held.read(v) is not before.get(id(v), v._value)]
    return Look(outputs, written, bool(draws.drawn), bool(losses or moments or rows))


def time_of_step() -> Array | int:
    """The number of the step that the innermost loop is at, 0 outside of one."""
    return _number.get()


@contextlib.contextmanager
def _at_time(number):
    token = _number.set(number)
    try:
        yield
    finally:
        _number.reset(token)


def _own_moments():
    return collected_moments() if is_collecting() else contextlib.nullcontext(())


def _own_rows():
    return contextlib.nullcontext(()) if rows_asked_for() is None else collected_rows(rows_asked_for())


def loop(
    owner: Layer,
    seen: Look,
    step: Callable[[Nest, Nest], tuple[Nest, Nest]],
    carried: Nest,
    inputs: Nest,
    unroll: bool = False,
) -> tuple[Nest, Nest]:
    """`carried, outputs = step(carried, inputs[t])` for each t in order.

    Args:
        owner: the layer that loops, to which losses are booked.
        seen: what `look` found of the step.
        step: what calls layers.
        carried: nest of arrays, given from step to step.
        inputs: nest of arrays (time, ...).
        unroll: whether the loop is written out.

    Returns:
        (what is carried at the end, outputs stacked over time).
    """
    time = jax.tree.leaves(inputs)[0].shape[0]
    owners = []

    def body(carried, inputs):
        (carried, values), (number, inputs) = carried, inputs
        with (
            _at_time(number),
            random.at_time(number),
            tap.tapped(None),
            observe.repeated(time),
            scope(seen.written, values) as held,
            collected_losses() as losses,
            _own_moments() as moments,
            _own_rows() as rows,
        ):
            carried, outputs = step(carried, inputs)
            values = held.collect(seen.written)
        owners[:] = [[owner for owner, *_ in each] for each in (moments, rows)]
        return (carried, values), (outputs, list(losses), [rest for _, *rest in moments], [each for _, each in rows])

    with random.of_this_call(seen.draws):
        first = carried, [jnp.asarray(v.raw) for v in seen.written]
        numbers = jnp.arange(time, dtype=jnp.uint32)
        (carried, values), (outputs, losses, moments, rows) = jax.lax.scan(
            body, first, (numbers, inputs), unroll=bool(unroll) or 1
        )
    for variable, value in zip(seen.written, values):
        variable.assign(value)
    for loss in losses:
        record_loss(owner, loss.sum())
    of_moments, of_rows = owners
    for average, found in zip(of_rows, rows):
        record_rows(average, joined_over_time(found, average.used()[1].reshape(-1)))
    for average, found in zip(of_moments, moments):
        # Each step is a part of its own, as a ghost batch is.
        record_moments(average, *jax.tree.map(lambda part: part.reshape(-1, part.shape[-1]), found))
    return carried, outputs
