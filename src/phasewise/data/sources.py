"""Where the elements of a plan come from: arrays, a function, numbers, other plans."""

from collections.abc import Callable, Iterable
from typing import Any, Self

import numpy as np

import phasewise.data.cardinality as cardinality
import phasewise.data.element_spec as element_spec
import phasewise.data.rows as rows
from phasewise.core.types import DTypeLike, Nest
from phasewise.data.arrays import frozen, owned
from phasewise.data.cardinality import UNKNOWN_CARDINALITY
from phasewise.data.plan import Plan, plan_given
from phasewise.data.recipe import remembered
from phasewise.data.structure import fill, leaves, map_leaves, named_leaves


@remembered
class Sources(Plan):
    """The ways to make a `Dataset` that is not made of another."""

    @classmethod
    def from_tensor_slices(cls, tensors: Nest, name: str | None = None) -> Self:
        """One element for each row of the arrays.

        Raises:
            ValueError: the arrays' first axes differ, or an array has none.
        """
        return cls._of_source(map_leaves(lambda value: frozen(owned(value)), tensors))

    @classmethod
    def _of_source(cls, source):
        """One element for each row of arrays that do not change."""
        named = named_leaves(source, "tensors")
        if not named:
            raise ValueError("from_tensor_slices needs arrays; it was given none.")
        for where, array in named:
            if array.ndim == 0:
                raise ValueError(f"from_tensor_slices needs arrays with a first axis to slice; {where} is a scalar.")
            if len(array) != len(named[0][1]):
                raise ValueError(
                    f"from_tensor_slices needs arrays of one length; {named[0][0]} has {len(named[0][1])} rows (shape "
                    f"{named[0][1].shape}) and {where} has {len(array)} (shape {array.shape})."
                )
        count = len(named[0][1])
        made = cls._of_rows(
            rows.Rows(source, rows.every_row(count)),
            count,
            lambda: element_spec.without_row_axis(element_spec.spec_of(source)),
        )
        made._untouched = True
        return made

    @classmethod
    def from_tensors(cls, tensors: Nest, name: str | None = None) -> Self:
        """One element: the arrays themselves."""
        element = map_leaves(lambda value: frozen(owned(value)), tensors)
        return cls(lambda: iter([element]), 1, spec=lambda: element_spec.spec_of(element))

    @classmethod
    def from_generator(
        cls,
        generator: Callable[..., Iterable[Nest]],
        output_types: Nest = None,
        output_shapes: Nest = None,
        args: tuple[Any, ...] | None = None,
        output_signature: Nest = None,
        name: str | None = None,
    ) -> Self:
        """The elements that `generator(*args)` yields; called anew for each pass.

        Args:
            generator: function that returns an iterable; a tuple is an element of several parts.
            output_signature: what it yields, as `TensorSpec`s (of any library) in the structure of an element. Elements
                are brought to these dtypes, and their shapes are checked. tf.data insists on it; here it may be left out.
            output_types, output_shapes: the same in two parts.
            args: tuple of arguments for the generator.
        """
        if not callable(generator):
            raise TypeError(f"from_generator takes a function that returns an iterator; got {generator!r}.")
        spec = element_spec.signature(output_signature, output_types, output_shapes)
        args = tuple(owned(value) if isinstance(value, np.ndarray) else value for value in args or ())

        def stream():
            own = owned if spec is None else lambda value: owned(value, narrow=False)
            made = (map_leaves(own, element) for element in generator(*map(_copied, args)))
            return made if spec is None else (element_spec.conform(element, spec) for element in made)

        return cls(stream, UNKNOWN_CARDINALITY, spec=spec)

    @classmethod
    def range(cls, *args: int, output_type: DTypeLike = np.int64, name: str | None = None) -> Self:
        """The integers of Python's `range(*args)`."""
        if not 1 <= len(args) <= 3:
            raise ValueError(
                f"Dataset.range takes 1 to 3 numbers (stop; start, stop; start, stop, step); got {len(args)}."
            )
        if not all(hasattr(number, "__index__") for number in args) or (len(args) == 3 and args[2] == 0):
            raise ValueError(f"Dataset.range takes integers, the step not 0; got {', '.join(map(repr, args))}.")
        return cls._of_source(rows.Numbers(range(*args), output_type))

    @classmethod
    def zip(
        cls,
        *args: Self | tuple[Any, ...] | dict[Any, Any],
        datasets: Self | tuple[Any, ...] | dict[Any, Any] | None = None,
        name: str | None = None,
    ) -> Self:
        """Elements side by side, as long as all of them last. Takes data sets, or a tuple or dict of them.

        One data set by itself is given back as it is; a tuple of one gives tuples.
        """
        given = datasets if datasets is not None else args[0] if len(args) == 1 else args
        structure = map_leaves(lambda plan: plan, given)
        plans = leaves(structure)
        for plan in plans:
            plan_given("Dataset.zip takes data sets", plan)
        if not plans:
            raise TypeError(f"Dataset.zip takes data sets; got {given!r}.")
        counts = [p._cardinality for p in plans]
        if all(p._untouched for p in plans) and len(set(counts)) == 1:
            return cls._of_source(map_leaves(lambda p: p._rows.source, structure))

        def stream():
            for parts in zip(*(p._stream() for p in plans), strict=False):
                yield fill(structure, parts)

        return cls(stream, cardinality.zipped(counts), spec=lambda: map_leaves(lambda p: p.element_spec, structure))


def _copied(value):
    return value.copy() if isinstance(value, np.ndarray) else value
