"""A layer that runs on the host: it takes strings, or integers with all their digits, and gives NumPy arrays."""

from typing import Any

import jax
import numpy as np

from phasewise.core import naming
from phasewise.core.strings import as_host_array, texts_of
from phasewise.core.types import Config, Nest, Shape
from phasewise.graph import symbolic
from phasewise.layer import inputs as layer_inputs
from phasewise.layer.layer import Layer

_INTEGERS = ("int32", "int64")


class HostLayer(Layer):
    """A layer without weights whose `call` takes and gives NumPy arrays.

    It can be called on arrays and lists, in `Dataset.map`, and in a graph, where it runs before the compiled program begins: in `fit`,
    `evaluate` and `predict` while the data are read. What it takes there are inputs of the model and what other such layers, or layers
    without weights, make of them.

    Args:
        dtype: a dtype policy, or "int32" or "int64": what Keras writes for ids, which are int32 here whatever it says.
    """

    runs_on_host = True
    can_be_compiled = False  # whether it can be part of a compiled program too, behind layers that are

    def __init__(self, *, dtype: Any = None, **kwargs: Any):
        name = dtype.get("config", dtype).get("name") if isinstance(dtype, dict) else dtype
        self._ids_dtype = name if name in _INTEGERS else None
        super().__init__(dtype=None if self._ids_dtype or name == "string" else dtype, **kwargs)
        self.autocast = False
        self.built = True

    def __call__(self, inputs: Any, training: bool | None = None) -> Nest:
        """The outputs for an array, scalar or list, as NumPy arrays; a symbolic tensor for a symbolic one.

        Raises:
            TypeError: the call is part of a compiled program, where no strings are.
        """
        if symbolic.any_symbolic(inputs):
            return self._call_symbolic((inputs,), {})
        if any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(inputs)):
            return super().__call__(inputs) if self.can_be_compiled else self._refuse_traced()
        with naming.path_part(self.name, self), layer_inputs.told_in_errors(self, (inputs,)):
            return self.call(self._on_host(inputs))

    def _refuse_traced(self):
        raise TypeError(
            f"Layer {self.name!r} ({type(self).__name__}) runs on the host, and was called inside a compiled program. Call it in "
            "Dataset.map, or make it one of the first layers of a functional model or a Sequential."
        )

    def _on_host(self, inputs):
        return as_host_array(inputs)

    @property
    def output_dtype(self) -> str:
        """Name of the dtype of the outputs."""
        return "int32"

    def compute_output_spec(self, inputs: Nest) -> Nest:
        """Symbolic tensors of the output's shape and dtype."""
        shapes = jax.tree.map(lambda t: tuple(t.shape), inputs, is_leaf=symbolic.is_symbolic)
        return symbolic.SymbolicTensor(self.compute_output_shape(shapes), self.output_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return tuple(input_shape)

    def _describe_ids(self):
        """In output mode "int" the dtype is that of ids in the config: Keras refuses another of a layer that hashes."""
        if self.output_mode == "int" and self._ids_dtype is None:
            self._ids_dtype = "int64"

    def get_config(self) -> Config:
        """Name, trainable and dtype."""
        return {**super().get_config(), **({"dtype": self._ids_dtype} if self._ids_dtype else {})}

    def _told(self, rest):
        """A message that begins with which layer it is about."""
        return f"{type(self).__name__} {self.name!r} {rest}"

    def _texts(self, array, encoding="utf-8"):
        """The entries of an array as str, in order."""
        try:
            return texts_of(array, encoding)
        except TypeError as error:
            raise TypeError(self._told(str(error))) from None
        except UnicodeDecodeError as error:
            raise ValueError(self._told(f"was given bytes that are no {encoding}: {error}. Pass encoding=.")) from None


def as_ids(values: Any) -> np.ndarray:
    """Ids as the device takes them: int32."""
    return np.asarray(values).astype(np.int32)
