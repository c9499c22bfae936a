"""What a plan is beneath its transforms: a stream that can be begun anew, and what is known of it before it runs."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import phasewise.data.cardinality as cardinality
import phasewise.data.element_spec as element_spec
import phasewise.data.elements as elements
import phasewise.data.rows as rows
from phasewise.core.types import Nest
from phasewise.data.element_spec import ElementSpec
from phasewise.data.order import looking
from phasewise.data.structure import leaves, map_leaves


class Plan:
    """An immutable plan.

    Args:
        stream: begins a new pass.
        count: number of elements in it; -1 endless, -2 unknown.
        rows_plan: the `Rows` where the plan only chooses and orders rows of arrays, else None.
        spec: that of an element, or a function that gives it; None where the first element must be looked at.
        turn: the place of the stream at a source of one pass, where it has one.
    """

    _untouched = False
    _orders = None  # those of a shuffle

    def __init__(
        self,
        stream: Callable[[], Iterable[Nest]],
        count: int,
        rows_plan: rows.Rows | None = None,
        spec: ElementSpec | Callable[[], ElementSpec] | None = None,
        turn: Any = None,
    ):
        self._stream, self._cardinality, self._rows, self._spec = stream, count, rows_plan, spec
        self._turn = turn

    # -- questions

    @property
    def element_spec(self) -> ElementSpec:
        """`TensorSpec`s in the structure of an element.

        After a `map` (or a generator without a signature) the first element is computed to learn it; no pass of a shuffle is
        used up.

        Raises:
            ValueError: nothing tells it, because the plan is empty.
        """
        if self._spec is None or callable(self._spec):
            self._spec = self._learnt_spec() if self._spec is None else self._spec()
        return self._spec

    def cardinality(self) -> int:
        """Number of elements in a pass; -1 endless, -2 unknown."""
        return self._cardinality

    def as_numpy_iterator(self) -> Iterator[Nest]:
        """The elements, one by one."""
        return iter(self)

    def __iter__(self) -> Iterator[Nest]:
        return map(elements.handed_out, self._stream())

    def __len__(self) -> int:
        if self._cardinality < 0:
            kind = "endless" if self._cardinality == cardinality.INFINITE_CARDINALITY else "of unknown length"
            raise TypeError(f"The data set is {kind}: it has no len().")
        return self._cardinality

    def __bool__(self) -> bool:
        return True

    # -- inside

    def _spec_at_hand(self):
        """The spec where no element need be computed to learn it, else None."""
        try:
            with element_spec.at_hand():
                return self.element_spec
        except element_spec.NotAtHand:
            return None

    def _made_of_first(self, make):
        """`make(element)` of the first element; of an empty plan, of one of zeros, which shows what a function makes."""
        element_spec.require_elements()
        with looking():
            for first in self._stream():
                return make(first)
        first = element_spec.stand_in(
            self.element_spec, lambda part: type(self)(lambda: iter(()), 0, spec=part.element_spec)
        )
        try:
            return make(first)
        except Exception as error:
            raise ValueError(
                "The data set is empty, and zeros do not tell what the function makes of an element, so its elements have no shape: "
                f"{type(error).__name__}: {error}"
            ) from error

    def _learnt_spec(self):
        element_spec.require_elements()
        with looking():
            for first in self._stream():
                return element_spec.spec_of(first)
        raise ValueError("The data set is empty, so its elements have no shape.")

    def _mapped_spec(self, map_func):
        """The spec of what `map_func` makes of the first element; a row axis of unknown length stays one."""

        def made(first):
            found = element_spec.spec_of(next(elements.mapped(lambda: iter([first]), map_func)))
            return element_spec.open_rows(found, self.element_spec, first)

        return self._made_of_first(made)

    def _of_elements(self, transform, arguments, count, spec=None):
        return type(self)(lambda: transform(self._stream, *arguments), count, spec=spec or (lambda: self.element_spec))

    def _then(self, of_rows, of_elements, arguments, count):
        if self._rows is None:
            return self._of_elements(of_elements, arguments, count)
        return self._of_rows(self._rows.then(of_rows, *arguments), count, lambda: self.element_spec)

    def _selected(self, start, stop, step, count):
        batched = self._rows is not None and self._rows.batched
        return self._then(elements.select if batched else rows.select, elements.select, (start, stop, step), count)

    @classmethod
    def _of_rows(cls, plan, count, spec):
        are_computed = all(isinstance(a, rows.Numbers) for a in leaves(plan.source))

        def stream():
            for block in plan.stream():
                if plan.batched:
                    yield map_leaves(lambda a, block=block: a[block], plan.source)
                    continue
                source = map_leaves(lambda a, block=block: a[block], plan.source) if are_computed else plan.source
                for row in range(len(block)) if are_computed else block:
                    yield map_leaves(lambda a, row=row: a[row], source)

        return cls(stream, count, plan, spec)


def plan_given(rule: str, value: Any) -> Plan:
    """`value`, which is a plan.

    Raises:
        TypeError: it is none; the message begins with `rule`, which says what is taken.
    """
    if not isinstance(value, Plan):
        raise TypeError(f"{rule}; got {type(value).__name__}.")
    return value
