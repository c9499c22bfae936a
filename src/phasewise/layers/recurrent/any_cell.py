"""What is asked of a cell of any kind."""

from typing import Any

import jax
import jax.numpy as jnp

from phasewise.core.types import Nest, Shape


def check_cell(cell: Any) -> None:
    """Raises ValueError when an object has no `call` or no `state_size`."""
    for name in ("call", "state_size"):
        if not hasattr(cell, name):
            raise ValueError(
                f"A cell has a `call(inputs, states)` and a `state_size`; {cell!r} of type {type(cell).__name__} has no `{name}`."
            )
    sizes = cell.state_size
    if not isinstance(sizes, int | list | tuple) or isinstance(sizes, bool):
        raise ValueError(
            f"A cell's `state_size` is an integer, or a list of one integer a state; that of {type(cell).__name__} is {sizes!r}."
        )


def output_size_of(cell: Any) -> int:
    """The size of a cell's output: that of its first state where it does not say."""
    size = getattr(cell, "output_size", None)
    if size is None:
        size = cell.state_size[0] if isinstance(cell.state_size, list | tuple) else cell.state_size
    return size


def shapes_of_a_step(cell: Any, inputs_shape: Shape) -> tuple[Shape, Nest]:
    """The shapes of the output and of the states after a step: what the cell says, or (batch, size) for each of its sizes."""
    own = getattr(cell, "shapes_of_a_step", None)
    if own is not None:
        return own(inputs_shape)
    batch = inputs_shape[0]
    return (batch, output_size_of(cell)), jax.tree.map(lambda size: (batch, size), cell.state_size)


def initial_state_of(cell: Any, batch_size: int) -> Nest:
    """The states that a cell begins with: its own, or zeros (batch_size, size) for each."""
    made = getattr(cell, "get_initial_state", None)
    if made is not None:
        return made(batch_size=batch_size)
    return jax.tree.map(lambda size: jnp.zeros((batch_size, size)), cell.state_size)
