"""Several cells as one."""

from collections.abc import Sequence
from typing import Any, Self

from phasewise.core import registry
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest, Shape
from phasewise.layer.layer import Layer
from phasewise.layer.wrapping import build_inside
from phasewise.layers.recurrent.any_cell import check_cell, initial_state_of, output_size_of, shapes_of_a_step


@register("layer")
class StackedRNNCells(Layer):
    """A stack of cells that is a cell: each takes the output of the one below it.

    Args:
        cells: list of cells, see `RNN`; the first takes the inputs.

    `state_size` is the list of the cells' own. `RNN` runs a stack cell by cell over the whole sequence.

    Input: (batch, features) and the states, a list of one state, or one list of states, a cell. Output: that of the last cell, and
    the new states.
    """

    acts_by_phase = False  # its cells say so themselves

    def __init__(self, cells: Sequence[Any], **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(cells, list | tuple) or not cells:
            raise ValueError(f"StackedRNNCells takes a list of at least one cell; got {cells!r}.")
        for cell in cells:
            check_cell(cell)
        self.cells = list(cells)

    @property
    def runs_cell_by_cell(self) -> bool:
        """Whether each cell may go over the whole sequence by itself: unless a subclass calls them otherwise."""
        return type(self).call is StackedRNNCells.call

    @property
    def state_size(self) -> list[Any]:
        """The `state_size` of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """That of the last cell."""
        return output_size_of(self.cells[-1])

    def shapes_of_a_step(self, inputs_shape: Shape) -> tuple[Shape, list[Nest]]:
        """The shapes of the last cell's output, and of the states of each."""
        states = []
        for cell in self.cells:
            inputs_shape, own = shapes_of_a_step(cell, inputs_shape)
            states.append(own)
        return inputs_shape, states

    def get_initial_state(self, batch_size: int | None = None) -> list[Nest]:
        """What each cell begins with."""
        return [initial_state_of(cell, batch_size) for cell in self.cells]

    def build(self, input_shape: Shape) -> None:
        """Builds the cells."""
        for cell in self.cells:
            build_inside(self, cell, tuple(input_shape))
            input_shape = shapes_of_a_step(cell, tuple(input_shape))[0]
        self.built = True

    def call(self, inputs: Array, states: Sequence[Nest], training: bool | None = None) -> tuple[Array, list[Nest]]:
        """One step of each cell."""
        after = []
        for cell, own in zip(self.cells, states, strict=True):
            is_list = isinstance(own, list | tuple)
            inputs, new = (cell if callable(cell) else cell.call)(inputs, list(own) if is_list else [own])
            new = list(new) if isinstance(new, list | tuple) else [new]
            after.append(new if is_list else new[0])
        return inputs, after

    def get_config(self) -> Config:
        """The cells."""
        return {**super().get_config(), "cells": [registry.serialize(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new stack of new cells."""
        return cls(**{**config, "cells": [registry.deserialize("layer", cell) for cell in config["cells"]]})
