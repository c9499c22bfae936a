"""Where a model begins and ends: its symbolic inputs and outputs, their shapes and names."""

from typing import Any

import jax

from phasewise.core.overridable import Overridable
from phasewise.core.types import Nest
from phasewise.graph import symbolic


class Ends:
    """The inputs and outputs of a model, of its graph where it has one."""

    @Overridable
    def inputs(self) -> list[symbolic.SymbolicTensor]:
        """The symbolic inputs, as a list; empty for a model without a graph."""
        return self._input_tensors

    @Overridable
    def outputs(self) -> list[symbolic.SymbolicTensor]:
        """The symbolic outputs, as a list; empty for a model without a graph."""
        return self._graph.output_tensors if self._graph else []

    @property
    def _input_tensors(self):
        return self._graph.input_tensors if self._graph else []

    @property
    def input(self) -> Nest:
        """The symbolic inputs in the structure that was given."""
        return self._graph.inputs if self._graph else super().input

    @property
    def output(self) -> Nest:
        """The symbolic outputs in the structure that was given."""
        return self._graph.outputs if self._graph else super().output

    @Overridable
    def input_shape(self) -> Any:
        """Shape of the input, or the structure of shapes; None for the batch axis."""
        if not self._graph and self._input_specs is not None:
            return jax.tree.map(lambda s: (None, *s.shape[1:]), self._input_specs)
        return jax.tree.map(lambda t: t.shape, self.input, is_leaf=symbolic.is_symbolic)

    @Overridable
    def output_shape(self) -> Any:
        """Shape of the output, or the structure of shapes; None for the batch axis."""
        if not self._graph and self._seen_output is not None:
            return jax.tree.map(lambda s: (None, *s.shape[1:]), self._seen_output)
        return jax.tree.map(lambda t: t.shape, self.output, is_leaf=symbolic.is_symbolic)

    @Overridable
    def output_names(self) -> list[str] | None:
        """The names by which losses and metrics are matched with outputs; None for a model without a graph."""
        return self._output_names

    @property
    def _output_names(self):
        if not self._graph:
            return None
        if isinstance(self._graph.outputs, dict) and len(self._graph.outputs) == len(self._graph.output_tensors):
            return sorted(self._graph.outputs)
        return [t.name for t in self._graph.output_tensors]
