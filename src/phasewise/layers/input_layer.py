"""Input: where a functional model begins."""

from collections.abc import Sequence
from typing import Any, Self

import jax.numpy as jnp
import numpy as np

from phasewise.core import constructors, naming
from phasewise.core.arguments import check_count, check_flag
from phasewise.core.defaults import floatx
from phasewise.core.keywords import message
from phasewise.core.registry import nearest, register
from phasewise.core.strings import STRING, is_string_dtype
from phasewise.core.types import Array, Config, DTypeLike
from phasewise.graph.symbolic import SymbolicTensor
from phasewise.layer.layer import Layer


@register("layer")
class InputLayer(Layer):
    """The place of one input in a model; made by `Input`, whose arguments it takes. `input_shape` and `batch_input_shape`, their names in
    Keras 2, are accepted too."""

    def __init__(
        self,
        shape: Sequence[int | None] | None = None,
        batch_size: int | None = None,
        dtype: DTypeLike | None = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Sequence[int | None] | None = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ):
        shape = _one_of("shape", shape, "input_shape", kwargs)
        batch_shape = _one_of("batch_shape", batch_shape, "batch_input_shape", kwargs)
        if kwargs:
            raise ValueError(message("InputLayer", list(kwargs), list(constructors.parameters(InputLayer))[1:-1]))
        _check_shape(shape, batch_size, batch_shape)
        self.sparse = check_flag("Input", "sparse", bool(sparse) if sparse is None else sparse)
        self.optional = check_flag("Input", "optional", optional)
        if ragged:
            raise ValueError(
                "Input's ragged is False: all arrays are dense here. Pad the rows to one length, and mask what was added."
            )
        super().__init__(name=name or naming.unique_name("InputLayer"))
        self.batch_shape = tuple(batch_shape) if batch_shape is not None else (batch_size, *shape)
        self.built = True
        self.tensor = SymbolicTensor(self.batch_shape, _checked_dtype(dtype or floatx()), self.name)
        self.tensor.input_layer = self
        self._nodes.append(((), self.tensor))

    def __setstate__(self, state):
        super().__setstate__(state)
        self._nodes = [((), self.tensor)]

    def call(self, inputs: Array) -> Array:
        """The input itself."""
        return inputs

    def get_config(self) -> Config:
        """Every argument."""
        return {
            "batch_shape": self.batch_shape,
            "dtype": self.tensor.dtype,
            "sparse": self.sparse,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new input from what `get_config` returned, or that of Keras's of any version."""
        config = dict(config)
        if "batch_input_shape" in config:  # Keras 2
            config["batch_shape"] = config.pop("batch_input_shape")
        return cls(**config)


def Input(
    shape: Sequence[int | None] | None = None,
    batch_size: int | None = None,
    dtype: DTypeLike | None = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Sequence[int | None] | None = None,
    name: str | None = None,
    tensor: SymbolicTensor | None = None,
    optional: bool = False,
) -> SymbolicTensor:
    """A symbolic tensor at which a functional model begins.

    Args:
        shape: tuple of int and None, without the batch axis.
        batch_size: int, or None for any number of rows. It is a hint: batches of other sizes are taken too, as in Keras.
        dtype: name; float32 by default. "string" is for layers that run on the host (TextVectorization, StringLookup, Hashing).
        sparse: kept for Keras's sake, which is told of it in files; arrays are dense here, and a layer computes the same of them.
        ragged: must not be True.
        batch_shape: shape with the batch axis, instead of `shape` and `batch_size`.
        name: str; one is made when absent. Data given as a dict are matched by it.
        tensor: a symbolic tensor that there is already, which is returned: a model can begin at what any layer returned. What is given beside
            it has to hold for it.
        optional: kept for Keras's sake: whether the model may be given None in its place there.

    Raises:
        ValueError: neither or both of `shape` and `batch_shape`, both `batch_size` and `batch_shape`, a size below 0, a ragged input, or an
            unknown dtype; or a `tensor` that is not symbolic or not as the other arguments say.
    """
    if tensor is not None:
        return _checked_tensor(tensor, shape, batch_size, dtype, batch_shape, name)
    return InputLayer(shape, batch_size, dtype, sparse, ragged, batch_shape, optional, name).tensor


def _checked_tensor(tensor, shape, batch_size, dtype, batch_shape, name):
    """The symbolic tensor, for which what is given beside it holds."""
    if not isinstance(tensor, SymbolicTensor):
        raise ValueError(
            "Input's tensor is symbolic, what Input or the call of a layer on such a one returned; got "
            f"{type(tensor).__name__}. Arrays are given to the model: model(x)."
        )
    own = {"shape": tensor.shape[1:], "batch_shape": tensor.shape, "batch_size": tensor.shape[0]}
    own |= {"dtype": tensor.dtype, "name": tensor.name}
    given = {"shape": shape, "batch_shape": batch_shape, "batch_size": batch_size, "dtype": dtype, "name": name}
    for argument, value in given.items():
        value = tuple(value) if isinstance(value, list) else value
        value = _checked_dtype(value) if argument == "dtype" and value is not None else value
        if value is not None and value != own[argument]:
            raise ValueError(
                f"Input was given a tensor whose {argument} is {own[argument]!r}, and {argument}={value!r}: leave the latter out."
            )
    return tensor


def _one_of(name, given, former, kwargs):
    """What was given under the name of now or under that of Keras 2, which is taken out of `kwargs`."""
    under_former = kwargs.pop(former, None)
    if given is not None and under_former is not None:
        raise ValueError(
            f"InputLayer was given {name}={given!r} and {former}={under_former!r}, its name in Keras 2: give one of them."
        )
    return given if under_former is None else under_former


def _check_shape(shape, batch_size, batch_shape):
    if batch_size is not None and batch_shape is not None:
        raise ValueError(
            f"Input's batch_shape has the batch size in it: batch_size is not given beside it; got {batch_size=} and {batch_shape=}."
        )
    if (shape is None) == (batch_shape is None):
        raise ValueError(f"Input takes `shape` or `batch_shape`, one of the two; got {shape=} and {batch_shape=}.")
    sizes = shape if shape is not None else batch_shape
    if not isinstance(sizes, list | tuple):
        hint = f" Did you mean ({sizes},)?" if isinstance(sizes, int) else ""
        raise ValueError(f"Input's shape is a tuple; got {sizes!r}.{hint}")
    for size in sizes:
        if size is not None and (not isinstance(size, int | np.integer) or isinstance(size, bool) or size < 0):
            raise ValueError(f"Input's shape is made of positive integers and None; got {tuple(sizes)}.")
    if batch_shape is not None and not sizes:
        raise ValueError("Input's batch_shape begins with the batch axis, as in (None, 3); got ().")
    if batch_size is not None:
        check_count("Input", "batch_size", batch_size)


def _checked_dtype(dtype):
    if is_string_dtype(dtype):
        return STRING
    try:
        return str(jnp.dtype(dtype))
    except TypeError:
        near = nearest(
            dtype, ["float32", "float16", "bfloat16", "float64", "int8", "int32", "int64", "uint8", "bool", STRING]
        )
        raise ValueError(f"Unknown dtype {dtype!r}." + (f" Did you mean {near!r}?" if near else "")) from None
