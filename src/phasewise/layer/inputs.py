"""What comes into a call: Python numbers and NumPy arrays as JAX takes them, in the layer's compute dtype, checked."""

import contextlib

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core import masking
from phasewise.core.variable import Variable
from phasewise.data.feed import unaliased
from phasewise.graph import symbolic

_NARROW = {"float64": "float32", "int64": "int32", "uint64": "uint32"}


def prepared(layer, args, kwargs):
    """`(args, kwargs)` as the layer computes with them.

    Raises:
        TypeError: strings or objects where numbers belong.
    """
    dtype = jnp.dtype(layer.compute_dtype)

    def convert(leaf):
        if isinstance(leaf, Variable):
            leaf = leaf.value
        if isinstance(leaf, np.ndarray | np.generic):
            leaf = _host_array(leaf, layer.name)
        if not layer.autocast or not isinstance(leaf, np.ndarray | jax.Array):
            return leaf
        if jnp.issubdtype(leaf.dtype, jnp.floating) and leaf.dtype != dtype:
            mask, leaf = masking.of(leaf), leaf.astype(dtype)
            masking.attach(leaf, mask)
        return leaf

    if args:
        args = (_first(args[0], layer.name), *args[1:])
    kwargs = {k: v if k in ("mask", "training") else jax.tree.map(convert, v) for k, v in kwargs.items()}
    return jax.tree.map(convert, tuple(args)), kwargs


def check(layer, args):
    """Hold the inputs against the layer's `input_spec`.

    Raises:
        ValueError: they do not fit; the message names the layer and both shapes.
    """
    if layer.input_spec is None or not args:
        return
    specs = jax.tree.leaves(layer.input_spec, is_leaf=lambda spec: spec is None)
    tensors = _ordered(args[0], specs)
    if len(tensors) != len(specs):
        raise ValueError(
            f"Layer {layer.name!r} ({type(layer).__name__}) takes {len(specs)} input{'s' * (len(specs) > 1)}; it was "
            f"given {len(tensors)}."
        )
    for spec, tensor in zip(specs, tensors):
        if spec is None or (tensor is None and spec.optional):
            continue
        shape, dtype = tuple(np.shape(tensor) if not hasattr(tensor, "shape") else tensor.shape), _dtype(tensor)
        complaint = spec.complaint(shape, dtype)
        if complaint:
            raise ValueError(
                f"Layer {layer.name!r} ({type(layer).__name__}) expects {complaint}; got an input of shape {shape}"
                f"{f' and dtype {dtype}' if spec.dtype else ''}."
            )


@contextlib.contextmanager
def told_in_errors(layer, args):
    """An error that comes out of the block says which layer was called, and on what; the innermost layer does so."""
    try:
        yield
    except Exception as error:
        if not any(note.startswith("In the call of layer") for note in getattr(error, "__notes__", ())):
            error.add_note(
                f"In the call of layer {layer.name!r} ({type(layer).__name__}) on {symbolic.shapes_of(args)}."
            )
        raise


def _first(value, name):
    """The first argument: nested lists of numbers become an array."""
    leaves = jax.tree.leaves(value, is_leaf=symbolic.is_symbolic)
    for leaf in leaves:
        if isinstance(leaf, str | bytes):
            raise TypeError(
                f"Layer {name!r} was given the string {leaf!r}: layers take numbers. Encode strings as numbers first."
            )
    numbers = leaves and all(isinstance(leaf, int | float | bool | np.number) for leaf in leaves)
    return np.asarray(value) if numbers and isinstance(value, list | tuple) else value


def _ordered(inputs, specs):
    names = [spec and spec.name for spec in specs]
    if isinstance(inputs, dict) and all(names) and set(names) <= set(inputs):
        return [inputs[name] for name in names]
    leaves = jax.tree.leaves(inputs, is_leaf=lambda leaf: leaf is None or symbolic.is_symbolic(leaf))
    return leaves if len(leaves) == len(specs) else [leaf for leaf in leaves if leaf is not None]


def _dtype(tensor):
    return str(tensor.dtype) if hasattr(tensor, "dtype") else str(np.asarray(tensor).dtype)


def _host_array(array, name):
    if array.dtype.kind in "OUS":
        raise TypeError(
            f"Layer {name!r} was given an array of dtype {array.dtype}: layers take numbers. Encode strings and "
            "objects as numbers first."
        )
    narrow = _NARROW.get(str(array.dtype))
    return array.astype(narrow) if narrow else unaliased(array)
