"""What a stateful layer remembers from one batch to the next."""

import jax
import jax.numpy as jnp

from phasewise.core import structure
from phasewise.core.types import Nest, Shape


class Memory:
    """The states in which the rows of the last batch ended, as variables of a layer that are no weights.

    Args:
        layer: an `RNN`.
        sequences_shape: (batch, time, ...), the batch size known.

    Raises:
        ValueError: the batch size is not known.
    """

    def __init__(self, layer, sequences_shape: Shape):
        self._layer, self._batch = layer, sequences_shape[0]
        if self._batch is None:
            raise ValueError(
                f"{type(layer).__name__} {layer.name!r} is stateful, so that its batch size must be known; its input has shape "
                f"{sequences_shape}. Give Input(..., batch_size=...)."
            )

        def variable(state):
            made = layer.add_weight(state.shape, "zeros", trainable=False, autocast=False, name="rnn_state")
            made.assign(state)
            made.is_memory = True
            return made

        with jax.ensure_compile_time_eval():
            self._first = jax.tree.map(jnp.asarray, layer.get_initial_state(self._batch))
        self.variables = jax.tree.map(variable, self._first)
        structure.changed()

    def check(self, batch: int) -> None:
        """Raises ValueError when a batch has another number of rows."""
        if batch != self._batch:
            raise ValueError(
                f"{type(self._layer).__name__} {self._layer.name!r} is stateful for batches of {self._batch} rows, each of which goes "
                f"on where it ended before; it was given a batch of {batch}. Pass batch_size={self._batch}, and as many rows as "
                "make whole batches."
            )

    def values(self) -> Nest:
        """The states."""
        dtype = getattr(self._layer.cell, "compute_dtype", self._layer.compute_dtype)
        return jax.tree.map(lambda variable: jnp.asarray(variable.raw, dtype), self.variables, is_leaf=_is_variable)

    def assign(self, states: Nest) -> None:
        """Remember these."""
        variables = jax.tree.leaves(self.variables, is_leaf=_is_variable)
        for variable, state in zip(variables, jax.tree.leaves(states), strict=True):
            variable.assign(state)

    def reset(self) -> None:
        """Forget them: the next batch begins where the first one did."""
        self.assign(self._first)


def _is_variable(leaf):
    return hasattr(leaf, "assign")
