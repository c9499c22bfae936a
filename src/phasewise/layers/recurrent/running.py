"""Any cell over a whole sequence: one that knows how to is asked to, a stack goes cell by cell, any other is called step by step."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from phasewise.core import naming
from phasewise.core.types import Array, Nest
from phasewise.core.variable import autocast
from phasewise.kernels.over_time import held
from phasewise.layer.layer import Layer
from phasewise.layers.recurrent.cell import RecurrentCell
from phasewise.layers.recurrent.time_loop import look, loop


class Options(NamedTuple):
    """How a cell is run.

    Attributes:
        training: the phase.
        sequences: whether the outputs of all steps are wanted.
        mask: boolean (time, batch), or None: where it is False state and output are held.
        unroll: whether the loop is written out.
    """

    training: bool
    sequences: bool
    mask: Array | None
    unroll: bool


class Ran(NamedTuple):
    """What came out: the output of the last step, those of all steps (time, batch, ...) or None, and the last states."""

    last: Array
    outputs: Array | None
    states: list[Nest]


def knows_sequences(cell: Any) -> bool:
    """Whether a cell has a way of its own over a whole sequence, which does what its `call` would do step by step."""
    return isinstance(cell, RecurrentCell) and type(cell).call is RecurrentCell.call


def run(cell: Any, inputs: Array, states: list[Nest], options: Options) -> Ran:
    """The cell over `inputs`, (time, batch, ...), from `states` on.

    Args:
        cell: a cell of any kind.
        states: list of the cell's states; a nest where the cell is a stack.
    """
    if getattr(cell, "runs_cell_by_cell", False):
        return _run_stack(cell.cells, inputs, states, options)
    if knows_sequences(cell):
        with naming.path_part(cell.name, cell), autocast(cell._autocast_dtype()):
            outputs, last = cell.over_time(inputs, states, **options._asdict())
        return Ran(last[0], outputs, last)
    return _run_any(cell, inputs, states, options)


def _run_stack(cells, inputs, states, options):
    """A cell needs nothing of the one above it, so each goes over the whole sequence before the next begins."""
    after = []
    for number, (cell, own) in enumerate(zip(cells, states, strict=True)):
        is_last = number == len(cells) - 1
        is_list = isinstance(own, list | tuple)
        below = options._replace(sequences=options.sequences or not is_last)
        ran = run(cell, inputs, list(own) if is_list else [own], below)
        inputs = ran.outputs
        after.append(ran.states if is_list else ran.states[0])
    return Ran(ran.last, ran.outputs, after)


def _run_any(cell, inputs, states, options):
    call = _caller(cell, states)
    layers = [cell] if isinstance(cell, Layer) else []
    seen = look(layers, call, states, jax.ShapeDtypeStruct(inputs.shape[1:], inputs.dtype))
    spec = seen.outputs[0]
    first = _before_the_first(spec, states)

    def step(carried, inputs):
        (states, output), (x, mask) = carried, inputs
        new_output, new_states = call(states, x)
        states, output = held(mask, (new_states, new_output), (states, output))
        return (states, output), output if options.sequences else None

    (states, last), outputs = loop(
        naming.callers()[-1], seen, step, (states, first), (inputs, options.mask), unroll=options.unroll
    )
    return Ran(last, outputs, states)


def _caller(cell: Any, template: list[Nest]) -> Callable[[list[Nest], Array], tuple[Array, list[Nest]]]:
    """`(states, inputs) -> (output, states)` that calls the cell, the states in the structure and dtypes of `template`."""
    function = cell if callable(cell) else cell.call
    wanted, tree = jax.tree.flatten(template)

    def call(states, inputs):
        result = function(inputs, states)
        if not isinstance(result, tuple | list) or len(result) != 2:
            raise ValueError(
                f"{_named(cell)} returns (output, states) from its call; it returned {type(result).__name__}."
            )
        output, new = result
        new = jax.tree.leaves(new)
        if [tuple(jnp.shape(leaf)) for leaf in new] != [tuple(leaf.shape) for leaf in wanted]:
            raise ValueError(
                f"{_named(cell)} was given states of shapes {_shapes(wanted)} and returned states of shapes {_shapes(new)}: each "
                "must come back in its shape, as `state_size` says."
            )
        cast = [jnp.asarray(leaf, old.dtype) for leaf, old in zip(new, wanted)]
        return jnp.asarray(output), jax.tree.unflatten(tree, cast)

    return call


def _before_the_first(spec, states):
    """The output that is held where the first steps are masked: the first state where it has the output's shape, else zeros."""
    first = jax.tree.leaves(states[-1] if isinstance(states[0], list | tuple) else states)[0]
    return first.astype(spec.dtype) if first.shape == spec.shape else jnp.zeros(spec.shape, spec.dtype)


def _named(cell):
    return f"The cell {getattr(cell, 'name', '')!r} ({type(cell).__name__})"


def _shapes(leaves):
    return ", ".join(str(tuple(jnp.shape(leaf))) for leaf in leaves)
