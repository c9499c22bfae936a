"""What comes into a call: Python numbers and NumPy arrays as JAX takes them, in the layer's compute dtype, checked."""

import contextlib
from contextvars import ContextVar

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core import logits, masking, warning
from phasewise.core.host_memory import unaliased
from phasewise.core.variable import Variable
from phasewise.graph import symbolic
from phasewise.layer.signature import call_signature
from phasewise.switch import observe

_NARROW = {np.dtype(f"{kind}64"): np.dtype(f"{kind}32") for kind in ("float", "int", "uint")}
_NEEDS_VALUES = (
    jax.errors.ConcretizationTypeError,
    jax.errors.TracerArrayConversionError,
    jax.errors.TracerIntegerConversionError,
)

_supposed = ContextVar("phasewise_dtypes_supposed", default=False)


@contextlib.contextmanager
def dtypes_supposed():
    """Inside the block, weights are made for inputs of known shapes whose dtypes nobody has said."""
    token = _supposed.set(True)
    try:
        yield
    finally:
        _supposed.reset(token)


def are_dtypes_supposed():
    """Whether the dtypes of the inputs mean nothing."""
    return _supposed.get()


def prepared(layer, args, kwargs):
    """`(args, kwargs)` as the layer computes with them.

    Raises:
        TypeError: strings or objects where numbers belong.
    """
    dtype = jnp.dtype(layer.compute_dtype)

    def convert(given):
        leaf = given.value if isinstance(given, Variable) else given
        if hasattr(leaf, "__array__") and not (isinstance(leaf, jax.Array) or symbolic.is_symbolic(leaf)):
            leaf = np.asarray(leaf)  # a table of pandas, a tensor of PyTorch
        if isinstance(leaf, np.ndarray):
            leaf = _host_array(leaf, layer.name)
        if not isinstance(leaf, np.ndarray | jax.Array):
            return leaf
        if layer.autocast and leaf.dtype != dtype and jnp.issubdtype(leaf.dtype, jnp.floating):
            leaf = leaf.astype(dtype)
        if leaf is not given and not isinstance(given, Variable):
            masking.attach(leaf, masking.of(given))
            observe.follow(logits.follow(leaf, given), given)
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
        if tensor is None:
            raise ValueError(
                f"Layer {layer.name!r} ({type(layer).__name__}) expects an array; got None. Does a function before it return nothing?"
            )
        complaint = spec.complaint(shape, dtype)
        if complaint:
            raise ValueError(
                f"Layer {layer.name!r} ({type(layer).__name__}) expects {complaint}; got an input of shape {shape}"
                f"{f' and dtype {dtype}' if spec.dtype else ''}."
            )


def check_mask(layer, args, mask):
    """Hold a mask that was given by hand against the inputs, for a layer of ours; one of a user's own may mean what it likes.

    Raises:
        ValueError: it does not fit; the message names the layer and both shapes.
    """
    if not type(layer).__module__.startswith("phasewise.") or not args:
        return
    inputs, masks = (list(each) if isinstance(each, list | tuple) else [each] for each in (args[0], mask))
    for array, one in zip(inputs, masks):
        shapes = [tuple(np.shape(each)) if not hasattr(each, "shape") else tuple(each.shape) for each in (array, one)]
        if one is not None and not isinstance(array, dict) and not _mask_fits(*shapes):
            raise ValueError(
                f"Layer {layer.name!r} ({type(layer).__name__}) was given a mask of shape {shapes[1]} for an input of shape {shapes[0]}: "
                f"a mask is boolean, with the input's first axes, as {shapes[0][:1]} or {shapes[0][:2]}."
            )


def with_masks(accepted, args, kwargs):
    """`(args, kwargs)` in which each argument's mask is what its `..._mask` says, or where nothing was given the one it carries."""
    given = {**dict(zip(accepted.names, args)), **kwargs}
    found = {f"{name}_mask": masking.masks_of(given.get(name)) for name in accepted.masked}
    missing = {name: mask for name, mask in found.items() if given.get(name) is None and jax.tree.leaves(mask)}
    if not missing:
        return args, kwargs
    first = accepted.names[0]
    rest = {name: value for name, value in given.items() if name != first or not args}
    return args[:1], {**rest, **missing}


def tell_of_lost_mask(layer, mask):
    """Warn, once, that `layer` drops the mask of its input. One that takes it in its call has heeded it, and layers inside tell themselves."""
    is_told = vars(layer).get("_lost_mask_is_told", False)  # a layer is traced more than once
    if jax.tree.leaves(mask) and not (is_told or call_signature(type(layer)).mask or layer._sublayers()):
        layer._lost_mask_is_told = True
        warning.warn(
            f"Layer {layer.name!r} ({type(layer).__name__}) drops the mask of its input, as it cannot say which of its outputs count: "
            "it and the layers after it take masked steps for real ones. Put what heeds a mask before it (a recurrent layer, "
            "GlobalAveragePooling1D); in a class of your own whose output keeps the steps apart, set supports_masking = True.",
            warning.LostMaskWarning,
        )


def _mask_fits(shape, mask):
    """Whether a mask has the first axes of an array of this shape, or broadcasts against it as NumPy does."""
    from_left = len(mask) <= len(shape) and all(m in (1, n) for m, n in zip(mask, shape))
    from_right = len(mask) <= len(shape) and all(m in (1, n) for m, n in zip(mask[::-1], shape[::-1]))
    return from_left or from_right


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
            if isinstance(error, _NEEDS_VALUES):
                error.add_note(
                    "The layer asks for the values of its arrays (by NumPy, float() or an `if`), and in a compiled program they have none "
                    "yet. Use phasewise.ops in place of NumPy and ops.where in place of `if`."
                )
        raise


def _first(value, name):
    """The first argument: nested lists of numbers become an array."""
    leaves = jax.tree.leaves(value, is_leaf=symbolic.is_symbolic)
    for leaf in leaves:
        if isinstance(leaf, str | bytes):
            raise TypeError(
                f"Layer {name!r} was given the string {leaf!r}: layers take numbers. Encode strings as numbers first: TextVectorization, "
                "StringLookup and Hashing do, in Dataset.map or as the first layers of a functional model or a Sequential."
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
            f"Layer {name!r} was given an array of dtype {array.dtype}: layers take numbers. Encode strings and objects as numbers first: "
            "TextVectorization, StringLookup and Hashing do, in Dataset.map or as the first layers of a functional model or a Sequential."
        )
    narrow = _NARROW.get(array.dtype)
    return array.astype(narrow) if narrow else unaliased(array)
