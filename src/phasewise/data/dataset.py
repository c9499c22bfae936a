"""Dataset: a plan of data and transforms, with tf.data's names and semantics. Nothing is computed until it is iterated."""

import dataclasses
import sys
from collections.abc import Callable
from typing import Any, Self, final

import numpy as np

import phasewise.data.cardinality as cardinality
import phasewise.data.element_spec as element_spec
import phasewise.data.elements as elements
import phasewise.data.rows as rows
from phasewise.core.types import Nest
from phasewise.data.cardinality import UNKNOWN_CARDINALITY, count_or_all, positive
from phasewise.data.order import Orders
from phasewise.data.plan import plan_given
from phasewise.data.recipe import remembered
from phasewise.data.sources import Sources
from phasewise.data.structure import map_leaves

AUTOTUNE = -1


@final
@remembered
class Dataset(Sources):
    """An immutable plan; every transform returns a new one. Elements are NumPy arrays in tuples and dicts.

    Iterating starts a new pass. Where the plan only chooses and orders rows of arrays, `fit` puts the arrays on the device
    once and computes row numbers only.

    A plan is what it was when it was made: arrays are copied into it (files mapped into memory are not), and so is what a
    generator yields or a `map` returns. What is handed out, to a loop or to a function of a `map`, may be written to.

    Where it differs from tf.data:

    - Functions of `map`, `filter` and `flat_map` run in Python on NumPy arrays, once for each element, not once for all in a
      graph; so they may be any code. Dtypes are NumPy's: an int64 times 0.5 is a float64, which tf.data refuses.
    - What tf.data says when the plan is made may be said when it is iterated, because no element is computed before: elements of
      different structures or dtypes in `concatenate` after a `map`, a predicate that returns no boolean, scalars in `unbatch`.
    - `element_spec` after a `map`, or of a generator without a signature, is learnt from the first element (of an empty plan: from
      what `map_func` makes of zeros). A shape that differs from element to element is then the first one's, not None.
    - `cardinality` knows less after a `map` that changes the number of rows, and then `unbatch`: -2. It knows more of empty and endless
      batches that are unbatched, and of `take(-3)`.
    - `from_generator` needs no signature.
    - `padded_batch` takes a Python number as padding for any dtype that can hold it.
    - `batch` joins words of different lengths; elements of other shapes than each other are an error as there.
    - `shuffle` has tf.data's algorithm and other random numbers.
    - `cache(filename)`, `interleave`, `ragged_batch`, `bucket_by_sequence_length`, `Options` and the like do not exist. `prefetch` and
      `num_parallel_calls` are accepted, and change nothing.
    """

    def map(
        self,
        map_func: Callable[..., Nest],
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Self:
        """`map_func` of every element; a tuple is given as several arguments, and a list that it returns is a tuple."""
        return Dataset(
            lambda: elements.mapped(self._stream, map_func),
            self._cardinality,
            spec=lambda: self._mapped_spec(map_func),
            turn=self._turn,
        )

    def filter(self, predicate: Callable[..., Any], name: str | None = None) -> Self:
        """The elements for which `predicate` is true; it returns one boolean."""
        return self._of_elements(elements.filtered, (predicate,), UNKNOWN_CARDINALITY)

    def flat_map(self, map_func: Callable[..., Self], name: str | None = None) -> Self:
        """The elements of the data sets that `map_func` returns, one after the other."""

        def made(*element):
            return plan_given("flat_map's function must return a Dataset", map_func(*element))

        def spec():
            return self._made_of_first(lambda first: elements.call(made, first).element_spec)

        return Dataset(lambda: elements.flat_mapped(self._stream, made), UNKNOWN_CARDINALITY, spec=spec)

    def batch(
        self,
        batch_size: int,
        drop_remainder: bool = False,
        num_parallel_calls: int | None = None,
        deterministic: bool | None = None,
        name: str | None = None,
    ) -> Self:
        """Join `batch_size` elements along a new first axis; the last batch may be shorter unless it is dropped."""
        size = positive("batch_size", batch_size)
        count = cardinality.batched(self._cardinality, size, drop_remainder)

        def spec():
            return element_spec.row_axis(self.element_spec, size if drop_remainder else None)

        if self._rows is not None and not self._rows.batched:
            return self._of_rows(self._rows.then(rows.batch, size, drop_remainder, batch_size=size), count, spec)
        return self._of_elements(elements.batch, (size, drop_remainder), count, spec)

    def padded_batch(
        self,
        batch_size: int,
        padded_shapes: Nest = None,
        padding_values: Nest = None,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Self:
        """As `batch`, elements of different shapes filled up with `padding_values` (0) to the longest or `padded_shapes`.

        Raises:
            TypeError: a padding value that the dtype cannot hold, as a float is for integers.
        """
        size = positive("batch_size", batch_size)
        known = self._spec_at_hand()
        if known is not None:
            element_spec.check_padding(known, padded_shapes, padding_values, elements.check_padding_value)

        def join(group):
            return elements.pad(group, padded_shapes, padding_values)

        def spec():
            return element_spec.padded(self.element_spec, size if drop_remainder else None, padded_shapes)

        count = cardinality.batched(self._cardinality, size, drop_remainder)
        return self._of_elements(elements.batch, (size, drop_remainder, join), count, spec)

    def unbatch(self, name: str | None = None) -> Self:
        """Each row of each element as an element."""

        def spec():
            return element_spec.without_row_axis(self.element_spec)

        known = self._spec_at_hand()
        if known is not None:
            element_spec.without_row_axis(known)
        count = cardinality.unbatched(self._cardinality, None if known is None else element_spec.rows_of(known))
        if self._rows is not None and self._rows.batched:
            return self._of_rows(dataclasses.replace(self._rows, batch_size=None), count, spec)
        return self._of_elements(elements.unbatch, (), count, spec)

    def shuffle(
        self,
        buffer_size: int,
        seed: int | None = None,
        reshuffle_each_iteration: bool | None = True,
        name: str | None = None,
    ) -> Self:
        """Random order through a buffer: a buffer smaller than the data shuffles only within its reach, as in tf.data.

        Args:
            buffer_size: elements in the buffer; the cardinality or more (or -2, unknown) gives a full permutation.
            seed: int; without it the order follows `phasewise.set_random_seed`, called before this.
            reshuffle_each_iteration: whether every pass has another order.
        """
        size = sys.maxsize if buffer_size == UNKNOWN_CARDINALITY else positive("buffer_size", buffer_size)
        orders = Orders(seed, reshuffle_each_iteration is not False)
        made = self._shuffled(size, orders.generator)
        made._orders = orders
        return made

    def _shuffled(self, *arguments):
        if self._rows is None:
            return self._of_elements(elements.shuffle, arguments, self._cardinality)
        of_rows = elements.shuffle if self._rows.batched else rows.shuffle
        plan = dataclasses.replace(self._rows.then(of_rows, *arguments), shuffled=True)
        return self._of_rows(plan, self._cardinality, lambda: self.element_spec)

    def repeat(self, count: int | None = None, name: str | None = None) -> Self:
        """The data `count` times over; None or a number below 0 is for ever."""
        count = None if count is None else count_or_all("count", count)
        return self._then(rows.repeat, elements.repeat, (count,), cardinality.repeated(self._cardinality, count))

    def take(self, count: int, name: str | None = None) -> Self:
        """The first `count` elements; a number below 0 takes all."""
        most = count_or_all("count", count)
        if most is None:
            return self
        return self._selected(0, most, 1, cardinality.taken(self._cardinality, most))

    def skip(self, count: int, name: str | None = None) -> Self:
        """All but the first `count` elements; a number below 0 skips all."""
        number = count_or_all("count", count)
        if number is None:
            return self.take(0)
        return self._selected(number, None, 1, cardinality.skipped(self._cardinality, number))

    def shard(self, num_shards: int, index: int, name: str | None = None) -> Self:
        """Every `num_shards`-th element, beginning with number `index`."""
        shards = positive("num_shards", num_shards)
        if not 0 <= index < shards:
            raise ValueError(f"shard's index must be in [0, {shards}); got {index}.")
        return self._selected(index, None, shards, cardinality.sharded(self._cardinality, shards, index))

    def concatenate(self, dataset: Self, name: str | None = None) -> Self:
        """These elements, then those of `dataset`.

        Raises:
            TypeError: `dataset` is no data set, or its elements have another structure or other dtypes (told when it is seen, where a
                function or generator makes them).
        """
        plan_given("concatenate takes a Dataset", dataset)
        count = cardinality.concatenated(self._cardinality, dataset._cardinality)

        def spec():
            return element_spec.common(self.element_spec, dataset.element_spec)

        known = self._spec_at_hand(), dataset._spec_at_hand()
        if None not in known:
            element_spec.common(*known)
        mine, other = self._rows, dataset._rows
        if mine is None or other is None or mine.source is not other.source or mine.batched != other.batched:
            return self._of_elements(elements.concatenate, (dataset._stream,), count, spec)
        size = max(mine.batch_size, other.batch_size) if mine.batched else None
        plan = mine.then(rows.concatenate, other.stream, batch_size=size)
        return self._of_rows(dataclasses.replace(plan, shuffled=mine.shuffled or other.shuffled), count, spec)

    def cache(self, filename: str = "", name: str | None = None) -> Self:
        """Remember the elements of the first complete pass, in memory."""
        if filename:
            raise ValueError(
                "cache(filename) is not supported: the cache is kept in memory. Call cache() without a name."
            )
        if self._rows is not None and not self._rows.shuffled:
            return self
        return self._then(elements.cached, elements.cached, ({},), self._cardinality)

    def prefetch(self, buffer_size: int, name: str | None = None) -> Self:
        """Accepted: the executors stay ahead of the device by themselves."""
        return self

    def enumerate(self, start: int = 0, name: str | None = None) -> Self:
        """(number, element) pairs."""

        def spec():
            return element_spec.TensorSpec((), np.int64), self.element_spec

        return self._of_elements(elements.numbered, (start,), self._cardinality, spec)

    def window(
        self,
        size: int,
        shift: int | None = None,
        stride: int = 1,
        drop_remainder: bool = False,
        name: str | None = None,
    ) -> Self:
        """Data sets of `size` elements each, one window `shift` (default `size`) after the other."""
        size, stride = positive("size", size), positive("stride", stride)
        arguments = size, size if shift is None else positive("shift", shift), stride, drop_remainder

        def spec():
            return map_leaves(element_spec.DatasetSpec, self.element_spec)

        return Dataset(
            lambda: (_window(group, lambda: self.element_spec) for group in elements.windows(self._stream, *arguments)),
            cardinality.windowed(self._cardinality, *arguments),
            spec=spec,
        )


def _window(group, spec):
    """A data set of a group of elements, or where these have parts, such a structure of them; `spec()` is that of an element."""
    if isinstance(group[0], tuple):
        return tuple(_window([item[i] for item in group], lambda i=i: spec()[i]) for i in range(len(group[0])))
    if isinstance(group[0], dict):
        return {key: _window([item[key] for item in group], lambda key=key: spec()[key]) for key in group[0]}
    return Dataset(lambda: iter(group), len(group), spec=spec)
