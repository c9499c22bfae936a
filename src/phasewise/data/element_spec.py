"""What the elements of a plan look like: shapes and dtypes, without an element."""

import dataclasses
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from phasewise.core.types import DTypeLike, Nest, Shape
from phasewise.data.structure import fill, leaves, map_leaves, named_leaves, same_structure


@dataclasses.dataclass(frozen=True, init=False)
class TensorSpec:
    """Shape and dtype of one part of an element.

    Attributes:
        shape: tuple, None on an axis of unknown length; None where even the rank is unknown.
        dtype: any name of a NumPy dtype.
    """

    shape: Shape | None
    dtype: np.dtype
    name: str | None

    def __init__(
        self, shape: int | Sequence[int | None] | None, dtype: DTypeLike = np.float32, name: str | None = None
    ):
        if shape is not None:
            shape = tuple(None if n is None else int(n) for n in ((shape,) if isinstance(shape, int) else shape))
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "dtype", np.dtype(getattr(dtype, "as_numpy_dtype", dtype)))
        object.__setattr__(self, "name", name)


ElementSpec: TypeAlias = TensorSpec | tuple[Any, ...] | dict[Any, Any]
"""The spec of an element: `TensorSpec`s in its structure of tuples and dicts."""


def spec_of(element: Nest) -> ElementSpec:
    """The spec of one element."""
    return map_leaves(lambda a: TensorSpec(np.shape(a), np.asarray(a).dtype), element)


def signature(output_signature: Nest, output_types: Nest, output_shapes: Nest) -> ElementSpec | None:
    """The spec that `from_generator` was given, in either of its two forms; None for none.

    Specs of other libraries are taken by their `shape` and `dtype`.
    """
    if output_signature is not None:
        return map_leaves(lambda s: TensorSpec(_shape(s.shape), s.dtype), output_signature)
    if output_types is None:
        return None
    if output_shapes is None:
        return map_leaves(lambda dtype: TensorSpec(None, dtype), output_types)
    if not isinstance(output_types, tuple | dict):
        return TensorSpec(output_shapes, output_types)
    if isinstance(output_types, dict):
        return {key: signature(None, dtype, output_shapes[key]) for key, dtype in output_types.items()}
    return tuple(signature(None, dtype, shape) for dtype, shape in zip(output_types, output_shapes, strict=True))


def conform(element: Nest, spec: ElementSpec) -> Nest:
    """The element in the spec's dtypes.

    Raises:
        TypeError: another structure, or a dtype of another kind (a float where the signature has integers).
        ValueError: a shape that does not fit; the message has both.
    """
    if not same_structure(element, spec):
        raise TypeError(
            f"The generator yielded {_kind(element)}, but its signature says {_kind(spec)}. Yield what it says."
        )
    values = leaves(map_leaves(lambda _, value: value, spec, element))
    named = named_leaves(spec, "an element")
    return fill(spec, [_conform(where, value, part) for (where, part), value in zip(named, values, strict=True)])


def row_axis(spec: ElementSpec, rows: int | None) -> ElementSpec:
    """The spec with a first axis of `rows` (None: unknown) added."""
    return map_leaves(lambda s: TensorSpec(None if s.shape is None else (rows, *s.shape), s.dtype), spec)


def without_row_axis(spec: ElementSpec) -> ElementSpec:
    """The spec without the first axis."""
    return map_leaves(lambda s: TensorSpec(None if s.shape is None else s.shape[1:], s.dtype), spec)


def open_rows(spec: ElementSpec, source: ElementSpec, first: Nest) -> ElementSpec:
    """The spec of what was made of a batch: its row axis is unknown where that of the batch is.

    Args:
        spec: of what was made of `first`.
        source: the spec of the batches; `first` is one of them.
    """
    if not all(s.shape and s.shape[0] is None for s in leaves(source)):
        return spec
    rows = len(leaves(first)[0])

    def open_axis(s):
        return TensorSpec((None, *s.shape[1:]), s.dtype) if s.shape and s.shape[0] == rows else s

    return map_leaves(open_axis, spec)


def common(first: ElementSpec, second: ElementSpec) -> ElementSpec:
    """What two specs have in common: None on axes on which they differ."""
    if not same_structure(first, second):
        raise TypeError(f"Cannot concatenate elements of different structures: {_kind(first)} and {_kind(second)}.")

    def join(a, b):
        if a.shape is None or b.shape is None or len(a.shape) != len(b.shape):
            return TensorSpec(None, a.dtype)
        return TensorSpec(tuple(m if m == n else None for m, n in zip(a.shape, b.shape)), a.dtype)

    return map_leaves(join, first, second)


def padded(spec: ElementSpec, rows: int | None, shapes: Nest) -> ElementSpec:
    """The spec of a padded batch: `shapes` (in the elements' structure, or None) after the row axis."""
    if isinstance(spec, tuple):
        each = shapes if isinstance(shapes, tuple) and len(shapes) == len(spec) else (shapes,) * len(spec)
        return tuple(padded(s, rows, shape) for s, shape in zip(spec, each))
    if isinstance(spec, dict):
        return {key: padded(s, rows, shapes[key] if isinstance(shapes, dict) else shapes) for key, s in spec.items()}
    shape = spec.shape if shapes is None else tuple(None if n == -1 else n for n in shapes)
    return TensorSpec(None if shape is None else (rows, *shape), spec.dtype)


def _conform(where, value, spec):
    array = np.asarray(value)
    whole = array.dtype.kind in "iu" and spec.dtype.kind in "iu"
    if not whole and not np.can_cast(array.dtype, spec.dtype, casting="same_kind"):
        raise TypeError(f"{where} of the generator has dtype {array.dtype}, but its signature says {spec.dtype}.")
    known = spec.shape
    if known is not None and (len(known) != array.ndim or any(n not in (None, m) for n, m in zip(known, array.shape))):
        raise ValueError(f"{where} of the generator has shape {array.shape}, but its signature says {known}.")
    return array.astype(spec.dtype, copy=False)


def _shape(shape):
    return None if shape is None or getattr(shape, "rank", 0) is None else shape


def _kind(structure):
    if isinstance(structure, tuple):
        return f"a tuple of {len(structure)}"
    return f"a dict of {sorted(structure)}" if isinstance(structure, dict) else "one array"
