"""RNN: a cell over the steps of a sequence."""

from typing import Any, Self

import jax
import jax.numpy as jnp

from phasewise.core import registry
from phasewise.core.arguments import check_flag
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config, Nest, Shape
from phasewise.layer.layer import Layer
from phasewise.layer.wrapping import build_inside
from phasewise.layers.recurrent.any_cell import check_cell, initial_state_of, shapes_of_a_step
from phasewise.layers.recurrent.memory import Memory
from phasewise.layers.recurrent.running import Options, knows_sequences, run
from phasewise.layers.recurrent.stacked_rnn_cells import StackedRNNCells

FLAGS = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll", "zero_output_for_mask")


@register("layer")
class RNN(Layer):
    """Runs a cell over the steps of a sequence: `output[t], states = cell(inputs[t], states)`.

    Args:
        cell: a cell, or a list of cells that are stacked. A cell is an object, as a rule a layer, with a
            `call(inputs, states)` that returns `(output, states)` for one step, a `state_size` (an int, or a list of one int a
            state), and perhaps an `output_size` (that of the first state where it is missing) and a
            `get_initial_state(batch_size)` (zeros where it is missing).
        return_sequences: whether to return the outputs of all steps, else that of the last.
        return_state: whether to return the last states behind the output.
        go_backwards: whether to begin with the last step; outputs come in the order in which they were computed.
        stateful: whether row i of a batch goes on from the state in which row i of the batch before ended, in fit, evaluate,
            predict and plain calls. The batch size is then fixed: give it in Input(batch_size=...) and in the call of the task.
        unroll: whether the loop is written out in the program: for few steps, whose number must be known.
        zero_output_for_mask: whether the output of a masked step is zero, where all outputs are returned; else it is that of
            the step before.

    Input: (batch, time, ...). Output: (batch, output_size), with `return_sequences` (batch, time, output_size); with
    `return_state` a tuple of it and the states. At the call, `initial_state` is a list of (batch, state_size) arrays; `mask` a
    boolean (batch, time): where it is False, state and output are those of the step before.

    Where it differs from Keras: the states of a stateful layer go on in fit, evaluate and predict (Keras on JAX drops what is
    written there); they are among the variables, and not among the weights. What a cell writes (as batch normalization in it
    does), draws and adds to the loss is carried from step to step. Of a cell whose output is not its first state, a masked step
    repeats the output and not the state. `unroll` changes no number. `zero_output_for_mask` leaves the output of the last step
    alone where that alone is returned.
    """

    supports_masking = True
    fixed_by_build = ("stateful",)

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ):
        cell = StackedRNNCells(cell) if isinstance(cell, list | tuple) else cell
        check_cell(cell)
        super().__init__(**kwargs)
        given = (return_sequences, return_state, go_backwards, stateful, unroll, zero_output_for_mask)
        for name, value in zip(FLAGS, given):
            setattr(self, name, check_flag(type(self).__name__, name, value))
        self.cell = cell
        self._memory = None

    # -- what others ask

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the states, as a list."""
        size = self.cell.state_size
        return list(size) if isinstance(size, list | tuple) else [size]

    @property
    def states(self) -> list[Nest] | None:
        """The variables that hold the states of a stateful layer; None before it is built, and for any other."""
        return None if self._memory is None else self._memory.variables

    @property
    def remembers(self) -> bool:
        """Whether rows go on where those of the batch before ended."""
        return self.stateful

    @property
    def updates_state(self) -> str | None:
        """That the states go on, where they do."""
        return "its state goes on" if self.stateful else None

    @property
    def acts_by_phase(self) -> bool:
        """Whether a cell that is not called by itself drops anything."""
        return any(cell.acts_by_phase for cell in self._own_cells())

    def _own_cells(self):
        cells = self.cell.cells if getattr(self.cell, "runs_cell_by_cell", False) else [self.cell]
        return [cell for cell in cells if knows_sequences(cell)]

    def phase_action(self, training: bool, statistics: str | None = None) -> str:
        """What its cells drop."""
        actions = [cell.phase_action(training, statistics) for cell in self._own_cells() if cell.acts_by_phase]
        return "; ".join(dict.fromkeys(actions)) or "drops nothing"

    # -- build and call

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        """Builds the cell, and makes the states of a stateful layer."""
        sequences_shape = tuple(sequences_shape)
        if len(sequences_shape) < 3:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} takes sequences (batch, time, features); its input has shape {sequences_shape}."
            )
        if self.unroll and sequences_shape[1] is None:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has unroll=True, which needs a known number of steps; its input has shape "
                f"{sequences_shape}. Give that number in Input, or leave unroll=False."
            )
        build_inside(self, self.cell, (sequences_shape[0], *sequences_shape[2:]))
        if self.stateful and self._memory is None:
            self._memory = Memory(self, sequences_shape)
        self.built = True

    def call(
        self, sequences: Array, initial_state: Nest = None, mask: ArrayLike | None = None, training: bool = False
    ) -> Nest:
        """The output; with `return_state` a tuple of it and the states."""
        batch, time = sequences.shape[:2]
        if self._memory is not None:
            self._memory.check(batch)
        states = self._first_states(sequences.shape, initial_state)
        steps, mask = jnp.swapaxes(sequences, 0, 1), self._mask_of_steps(mask, (batch, time))
        if self.go_backwards:
            steps, mask = steps[::-1], None if mask is None else mask[::-1]
        ran = run(self.cell, steps, states, Options(training, self.return_sequences, mask, self.unroll))
        if self._memory is not None:
            self._memory.assign(ran.states)
        output = ran.last
        if self.return_sequences:
            output = ran.outputs
            if self.zero_output_for_mask and mask is not None:
                output = jnp.where(mask.reshape(mask.shape + (1,) * (output.ndim - 2)), output, 0)
            output = jnp.swapaxes(output, 0, 1)
        output, states = jax.tree.map(lambda leaf: leaf.astype(self.compute_dtype), (output, ran.states))
        return (output, *_plain(states, self.state_size)) if self.return_state else output

    def _first_states(self, sequences_shape, given):
        """The states before the first step, in the structure in which the cell takes them."""
        if given is None and self._memory is not None:
            return self._memory.values()
        zeros = self._initial_state_for(sequences_shape)
        if given is None:
            return zeros
        wanted, tree = jax.tree.flatten(zeros)
        leaves = jax.tree.leaves(given)
        shapes = [tuple(jnp.shape(leaf)) for leaf in leaves]
        if shapes != [leaf.shape for leaf in wanted]:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} takes {len(wanted)} initial state{'s' * (len(wanted) > 1)} of shape "
                f"{', '.join(str(leaf.shape) for leaf in wanted)}; it was given {len(leaves)} of shape "
                f"{', '.join(map(str, shapes))}."
            )
        return jax.tree.unflatten(tree, [jnp.asarray(leaf, zero.dtype) for leaf, zero in zip(leaves, wanted)])

    def _initial_state_for(self, sequences_shape):
        return self.get_initial_state(sequences_shape[0])

    def get_initial_state(self, batch_size: int) -> list[Nest]:
        """The states of a sequence that was given none, as a list: the cell's, or zeros (batch_size, size) for each."""
        states = initial_state_of(self.cell, batch_size)
        states = list(states) if isinstance(states, list | tuple) else [states]
        dtype = getattr(self.cell, "compute_dtype", self.compute_dtype)
        return jax.tree.map(lambda state: jnp.asarray(state, dtype), states)

    def _mask_of_steps(self, mask, shape):
        """The mask as boolean (time, batch), or None."""
        if mask is None:
            return None
        mask = jnp.asarray(jax.tree.leaves(mask)[0]).astype(bool)
        if mask.ndim == 3:
            mask = mask.any(-1)
        if mask.shape != shape:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} takes a mask of shape (batch, time), here {shape}; it was given one of shape "
                f"{mask.shape}."
            )
        return mask.T

    def reset_state(self) -> None:
        """Set the states of a stateful layer to zero."""
        if self._memory is not None:
            self._memory.reset()

    reset_states = reset_state

    # -- shapes, mask, config

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Any = None) -> Any:
        """(batch, output_size), with the time where sequences are returned; a tuple of it and the states' where these are."""
        batch, time = sequences_shape[:2]
        (_, *last), states = shapes_of_a_step(self.cell, (batch, *sequences_shape[2:]))
        output = (batch, time, *last) if self.return_sequences else (batch, *last)
        if not self.return_state:
            return output
        return (output, *(states if isinstance(self.cell.state_size, list | tuple) else [states]))

    def compute_mask(self, inputs: Nest, previous_mask: Nest) -> Nest:
        """The input's for sequences, else none; states have none."""
        leaves = jax.tree.leaves(previous_mask)
        mask = leaves[0] if leaves and self.return_sequences else None
        return [mask, *([None] * len(jax.tree.leaves(self.state_size)))] if self.return_state else mask

    def get_config(self) -> Config:
        """Every argument."""
        flags = {name: getattr(self, name) for name in FLAGS}
        return {**super().get_config(), **flags, "cell": registry.serialize(self.cell)}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new layer around a new cell."""
        return cls(**{**config, "cell": registry.deserialize("layer", config["cell"])})


def _plain(states, sizes):
    """Each state as `state_size` tells of it: a stacked cell of one state keeps it in a list or not."""
    return [
        state[0] if isinstance(state, list | tuple) and isinstance(size, int) else state
        for state, size in zip(states, sizes)
    ]
