"""What the elements of a plan look like: shapes and dtypes, without an element."""

import contextlib
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from contextvars import ContextVar
from typing import Any, TypeAlias

import numpy as np

from phasewise.core.keywords import Told
from phasewise.core.types import DTypeLike, Nest, Shape
from phasewise.data.structure import described, fill, leaves, map_leaves, named_leaves, same_structure

_at_hand = ContextVar("phasewise_data_specs_at_hand", default=False)


class NotAtHand(Exception):
    """The spec is learnt from the first element only."""


@contextlib.contextmanager
def at_hand() -> Iterator[None]:
    """Inside the block no element is computed to learn a spec: `NotAtHand` is raised instead."""
    token = _at_hand.set(True)
    try:
        yield
    finally:
        _at_hand.reset(token)


def require_elements() -> None:
    """Raises `NotAtHand` where no element may be computed."""
    if _at_hand.get():
        raise NotAtHand


@dataclasses.dataclass(frozen=True, init=False)
class TensorSpec(Told):
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


@dataclasses.dataclass(frozen=True)
class DatasetSpec(Told):
    """The spec of a part of an element that is itself a data set, as a window is.

    Attributes:
        element_spec: of its elements.
    """

    element_spec: Any


ElementSpec: TypeAlias = TensorSpec | DatasetSpec | tuple[Any, ...] | dict[Any, Any] | None
"""The spec of an element: `TensorSpec`s in its structure of tuples and dicts; None for a part that is None."""


def spec_of(element: Nest) -> ElementSpec:
    """The spec of one element."""
    return map_leaves(_spec_of_leaf, element)


def stand_in(spec: ElementSpec, data_set: Callable[[DatasetSpec], Any]) -> Nest:
    """An element of zeros of this spec, one on each axis of unknown length, to see what a function makes of it.

    Args:
        data_set: makes one for a part that is one.

    Raises:
        ValueError: of a part not even the rank is known.
    """

    def zeros(part):
        if isinstance(part, DatasetSpec):
            return data_set(part)
        if part.shape is None:
            raise ValueError("The data set is empty, so its elements have no shape.")
        return np.zeros([1 if n is None else n for n in part.shape], part.dtype)[()]

    return map_leaves(zeros, spec)


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
            f"The generator yielded {described(element)}, but its signature says {described(spec)}. Yield what it says."
        )
    values = leaves(map_leaves(lambda _, value: value, spec, element))
    named = named_leaves(spec, "an element")
    return fill(spec, [_conform(where, value, part) for (where, part), value in zip(named, values, strict=True)])


def row_axis(spec: ElementSpec, rows: int | None) -> ElementSpec:
    """The spec with a first axis of `rows` (None: unknown) added."""
    return map_leaves(lambda s: TensorSpec(None if s.shape is None else (rows, *s.shape), s.dtype), spec)


def rows_of(spec: ElementSpec) -> int | None:
    """The length of the first axis, where all parts have the same; None where it is unknown."""
    lengths = {s.shape[0] if getattr(s, "shape", None) else None for s in leaves(spec)}
    return lengths.pop() if len(lengths) == 1 else None


def without_row_axis(spec: ElementSpec) -> ElementSpec:
    """The spec without the first axis.

    Raises:
        ValueError: a part is a scalar.
    """
    if any(s.shape == () for s in leaves(spec)):
        raise ValueError("unbatch takes batches apart, but a part of an element is a scalar: there are no rows in it.")
    return map_leaves(lambda s: TensorSpec(None if s.shape is None else s.shape[1:], s.dtype), spec)


def open_rows(spec: ElementSpec, source: ElementSpec, first: Nest) -> ElementSpec:
    """The spec of what was made of a batch: its row axis is unknown where that of the batch is.

    Args:
        spec: of what was made of `first`.
        source: the spec of the batches; `first` is one of them.
    """
    pairs = zip(leaves(source), leaves(first), strict=True)
    lengths = {len(part) for s, part in pairs if getattr(s, "shape", None) and s.shape[0] is None}
    if len(lengths) != 1:
        return spec
    (rows,) = lengths

    def open_axis(s):
        is_of_rows = getattr(s, "shape", None) and s.shape[0] == rows
        return TensorSpec((None, *s.shape[1:]), s.dtype) if is_of_rows else s

    return map_leaves(open_axis, spec)


def common(first: ElementSpec, second: ElementSpec) -> ElementSpec:
    """What two specs have in common: None on axes on which they differ.

    Raises:
        TypeError: they differ in structure or dtypes.
    """
    if not same_structure(first, second):
        raise TypeError(
            f"Cannot concatenate elements of different structures: {described(first)} and {described(second)}."
        )

    def join(a, b):
        if isinstance(a, DatasetSpec):
            return a
        if a.dtype != b.dtype and not {a.dtype.kind, b.dtype.kind} <= set("US"):
            raise TypeError(
                f"Cannot concatenate elements of different dtypes: {a.dtype} and {b.dtype}. Map one of them."
            )
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
    if spec is None:
        return None
    shape = spec.shape if shapes is None else tuple(None if n == -1 else n for n in shapes)
    return TensorSpec(None if shape is None else (rows, *shape), spec.dtype)


def check_padding(spec: ElementSpec, shapes: Nest, values: Nest, check: Callable[[Any, np.dtype], None]) -> None:
    """Whether the elements can be padded so, as far as their spec tells.

    Args:
        shapes, values: as `padded_batch` takes them.
        check: called with each padding value and the dtype of the part that it fills up.

    Raises:
        ValueError: a padded shape of another rank than the part's.
    """
    if isinstance(spec, tuple):
        each = [
            given if isinstance(given, tuple) and len(given) == len(spec) else (given,) * len(spec)
            for given in (shapes, values)
        ]
        for part, shape, value in zip(spec, *each):
            check_padding(part, shape, value, check)
    if isinstance(spec, dict):
        for key, part in spec.items():
            chosen = [given[key] if isinstance(given, dict) else given for given in (shapes, values)]
            check_padding(part, *chosen, check)
    if isinstance(spec, TensorSpec):
        check(values, spec.dtype)
        if shapes is not None and spec.shape is not None and len(shapes) != len(spec.shape):
            raise ValueError(
                f"padded_batch: elements of shape {spec.shape} and the padded shape {shapes} must have one rank."
            )


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


def _spec_of_leaf(leaf):
    if hasattr(leaf, "as_numpy_iterator"):
        return DatasetSpec(leaf.element_spec)
    return TensorSpec(np.shape(leaf), leaf.dtype if hasattr(leaf, "dtype") else np.asarray(leaf).dtype)
