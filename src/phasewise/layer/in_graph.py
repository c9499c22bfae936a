"""A layer among symbolic tensors: what a call on them records, and the shapes that come of it."""

from typing import Any

import jax

from phasewise.core import naming
from phasewise.core.types import Nest
from phasewise.graph import symbolic
from phasewise.layer import inputs as layer_inputs


class InGraph:
    """The part of a layer that is called on symbolic tensors."""

    def _call_symbolic(self, args, kwargs):
        if not self.runs_on_host:
            symbolic.refuse_strings(f"Layer {self.name!r} ({type(self).__name__})", (args, kwargs))
        layer_inputs.check(self, args)
        with naming.path_part(self.name, self), layer_inputs.told_in_errors(self, args):
            self._ensure_built(args, kwargs)
        with layer_inputs.told_in_errors(self, args):
            spec = self.compute_output_spec(*args, **kwargs)
        outputs = symbolic.record(self, args, kwargs, spec)
        self._nodes.append((args, outputs))
        return outputs

    @property
    def output(self) -> Nest:
        """The symbolic output of the layer's only call in a graph."""
        return self._only_node()[1]

    @property
    def input(self) -> Nest:
        """The symbolic input of the layer's only call in a graph."""
        args = self._only_node()[0]
        return args[0] if len(args) == 1 else args

    def _only_node(self):
        if len(self._nodes) != 1:
            raise AttributeError(
                f"Layer {self.name!r} has been called {len(self._nodes)} times in a graph, so it has no single input and "
                "output. Keep the tensors that its calls return."
            )
        return self._nodes[0]

    # -- shapes

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Nest:
        """Structure of objects with `shape` and `dtype` that a call on symbolic tensors would return."""
        if type(self).compute_output_shape is not InGraph.compute_output_shape and len(args) == 1:
            shapes = jax.tree.map(lambda t: tuple(t.shape), args[0], is_leaf=symbolic.is_symbolic)
            shape = self.compute_output_shape(shapes)
            return symbolic.specs_of(shape, self.compute_dtype)
        return symbolic.infer(self.__call__, args, kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Nest:
        """`compute_output_spec`, under the name by which Keras calls it. Unlike a call of the layer it records nothing in a graph."""
        return self.compute_output_spec(*args, **kwargs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Shape of the output for an input shape, None for unknown axes; found by tracing `call`, which runs nothing."""
        inputs = symbolic.specs_of(input_shape, self.compute_dtype)
        spec = symbolic.infer(self.__call__, (inputs,), {})
        return jax.tree.map(lambda s: tuple(s.shape), spec, is_leaf=symbolic.is_symbolic)
