"""Dataset: a plan of data and transforms, with tf.data's names and semantics. Nothing is computed until it is iterated."""

import dataclasses

import numpy as np

from phasewise import random
from phasewise.data import elements, rows
from phasewise.data.structure import as_arrays, fill, leaves, map_leaves, named_leaves

AUTOTUNE = -1
INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2


@dataclasses.dataclass(frozen=True)
class TensorSpec:
    """Shape (None: unknown) and dtype of one part of an element."""

    shape: tuple
    dtype: np.dtype


class Dataset:
    """An immutable plan; every transform returns a new one. Elements are NumPy arrays in tuples and dicts.

    Iterating starts a new pass. Where the plan only chooses and orders rows of arrays, `fit` puts the arrays on the device
    once and computes row numbers only.
    """

    def __init__(self, stream, cardinality, rows_plan=None, spec=None):
        self._stream, self._cardinality, self._rows, self._spec = stream, cardinality, rows_plan, spec

    # -- sources

    @staticmethod
    def from_tensor_slices(tensors, name=None):
        """One element for each row of the arrays.

        Raises:
            ValueError: the arrays' first axes differ, or an array has none.
        """
        source = as_arrays(tensors)
        named = named_leaves(source, "tensors")
        for where, array in named:
            if array.ndim == 0:
                raise ValueError(f"from_tensor_slices needs arrays with a first axis to slice; {where} is a scalar.")
            if len(array) != len(named[0][1]):
                raise ValueError(
                    f"from_tensor_slices needs arrays of one length; {named[0][0]} has {len(named[0][1])} rows and {where} "
                    f"has {len(array)}."
                )
        made = _of_rows(rows.Rows(source, rows.every_row(len(named[0][1]))), len(named[0][1]))
        made._untouched = True
        return made

    @staticmethod
    def from_tensors(tensors, name=None):
        """One element: the arrays themselves."""
        element = as_arrays(tensors)
        return Dataset(lambda: iter([element]), 1)

    @staticmethod
    def from_generator(generator, output_types=None, output_shapes=None, args=None, output_signature=None, name=None):
        """The elements that `generator(*args)` yields; called anew for each pass."""
        if not callable(generator):
            raise TypeError(f"from_generator takes a function that returns an iterator; got {generator!r}.")
        return Dataset(lambda: map(as_arrays, generator(*(args or ()))), UNKNOWN_CARDINALITY)

    @staticmethod
    def range(*args, output_type=np.int64, name=None):
        """The integers of Python's `range(*args)`."""
        return Dataset.from_tensor_slices(np.arange(*args, dtype=output_type))

    @staticmethod
    def zip(*args, datasets=None, name=None):
        """Elements side by side, as long as all of them last. Takes data sets, or a tuple or dict of them."""
        structure = (
            datasets if datasets is not None else (args[0] if len(args) == 1 and not _is_plan(args[0]) else args)
        )
        plans = leaves(structure)
        for plan in plans:
            if not _is_plan(plan):
                raise TypeError(f"Dataset.zip takes data sets; got {type(plan).__name__}.")
        counts = [p._cardinality for p in plans]
        known = [n for n in counts if n >= 0]
        cardinality = UNKNOWN_CARDINALITY if UNKNOWN_CARDINALITY in counts else (min(known) if known else -1)
        untouched = all(p._untouched for p in plans) and len(set(counts)) == 1
        if untouched:
            return Dataset.from_tensor_slices(map_leaves(lambda p: p._rows.source, structure))

        def stream():
            iterators = [iter(p) for p in plans]
            for parts in zip(*iterators, strict=False):
                yield fill(structure, parts)

        return Dataset(stream, cardinality)

    # -- transforms

    def map(self, map_func, num_parallel_calls=None, deterministic=None, name=None):
        """`map_func` of every element; a tuple is given as several arguments."""
        return Dataset(lambda: elements.mapped(self._stream, map_func), self._cardinality)

    def filter(self, predicate, name=None):
        """The elements for which `predicate` is true."""
        return Dataset(lambda: elements.filtered(self._stream, predicate), UNKNOWN_CARDINALITY)

    def flat_map(self, map_func, name=None):
        """The elements of the data sets that `map_func` returns, one after the other."""
        return Dataset(lambda: elements.flat_mapped(self._stream, map_func), UNKNOWN_CARDINALITY)

    def batch(self, batch_size, drop_remainder=False, num_parallel_calls=None, deterministic=None, name=None):
        """Join `batch_size` elements along a new first axis; the last batch may be shorter unless it is dropped."""
        size = _positive("batch_size", batch_size)
        count = self._cardinality
        if count >= 0:
            count = count // size if drop_remainder else -(-count // size)
        if self._rows is not None and not self._rows.batched:
            return _of_rows(self._rows.then(rows.batch, size, drop_remainder, batched=True), count)
        return Dataset(lambda: elements.batch(self._stream, size, drop_remainder), count)

    def padded_batch(self, batch_size, padded_shapes=None, padding_values=None, drop_remainder=False, name=None):
        """As `batch`, elements of different shapes filled up with `padding_values` (0) to the longest or `padded_shapes`."""
        size = _positive("batch_size", batch_size)

        def join(group):
            return elements.pad(group, padded_shapes, 0 if padding_values is None else padding_values)

        count = self._cardinality
        if count >= 0:
            count = count // size if drop_remainder else -(-count // size)
        return Dataset(lambda: elements.batch(self._stream, size, drop_remainder, join), count)

    def unbatch(self, name=None):
        """Each row of each element as an element."""
        if self._rows is not None and self._rows.batched:
            plan = dataclasses.replace(self._rows, batched=False)
            counted = sum(map(len, plan.stream())) if 0 <= self._cardinality < 10_000 and not self._shuffled else None
            return _of_rows(plan, UNKNOWN_CARDINALITY if counted is None else counted)
        return Dataset(lambda: elements.unbatch(self._stream), UNKNOWN_CARDINALITY)

    def shuffle(self, buffer_size, seed=None, reshuffle_each_iteration=True, name=None):
        """Random order through a buffer: a buffer smaller than the data shuffles only within its reach, as in tf.data.

        Args:
            buffer_size: elements in the buffer; the cardinality or more gives a full permutation.
            seed: int; without it the order follows `phasewise.set_random_seed`.
            reshuffle_each_iteration: whether every pass has another order.
        """
        size = _positive("buffer_size", buffer_size)
        orders = _Orders(seed, reshuffle_each_iteration)
        if self._rows is not None:
            transform = elements.shuffle if self._rows.batched else rows.shuffle
            return _of_rows(self._rows.then(transform, size, orders.generator), self._cardinality, shuffled=True)
        return Dataset(lambda: elements.shuffle(self._stream, size, orders.generator), self._cardinality)

    def repeat(self, count=None, name=None):
        """The data `count` times over; None or -1 is for ever."""
        count = None if count in (None, -1) else _at_least_zero("count", count)
        cardinality = self._cardinality
        if cardinality != 0 and cardinality != UNKNOWN_CARDINALITY:
            cardinality = INFINITE_CARDINALITY if count is None else (cardinality * count if cardinality > 0 else -1)
        elif cardinality == UNKNOWN_CARDINALITY and count is None:
            cardinality = INFINITE_CARDINALITY
        return self._reordered(rows.repeat, elements.repeat, (count,), 0 if count == 0 else cardinality)

    def take(self, count, name=None):
        """The first `count` elements; -1 takes all."""
        if count == -1:
            return self
        _at_least_zero("count", count)
        cardinality = self._cardinality
        if cardinality != UNKNOWN_CARDINALITY:
            cardinality = count if cardinality == INFINITE_CARDINALITY else min(count, cardinality)
        return self._selected(0, count, 1, cardinality)

    def skip(self, count, name=None):
        """All but the first `count` elements; -1 skips all."""
        if count == -1:
            return self.take(0)
        _at_least_zero("count", count)
        cardinality = self._cardinality
        return self._selected(count, None, 1, max(0, cardinality - count) if cardinality >= 0 else cardinality)

    def shard(self, num_shards, index, name=None):
        """Every `num_shards`-th element, beginning with number `index`."""
        if not 0 <= index < _positive("num_shards", num_shards):
            raise ValueError(f"shard's index must be in [0, {num_shards}); got {index}.")
        cardinality = self._cardinality
        if cardinality >= 0:
            cardinality = len(range(index, cardinality, num_shards))
        return self._selected(index, None, num_shards, cardinality)

    def concatenate(self, dataset, name=None):
        """These elements, then those of `dataset`."""
        counts = (self._cardinality, dataset._cardinality)
        cardinality = sum(counts) if min(counts) >= 0 else (-1 if -1 in counts else UNKNOWN_CARDINALITY)
        mine, other = self._rows, dataset._rows
        if mine is not None and other is not None and mine.source is other.source and mine.batched == other.batched:
            return _of_rows(mine.then(rows.concatenate, other.stream), cardinality)
        return Dataset(lambda: elements.concatenate(self._stream, dataset._stream), cardinality)

    def cache(self, filename="", name=None):
        """Remember the elements of the first complete pass, in memory."""
        if filename:
            raise ValueError(
                "cache(filename) is not supported: the cache is kept in memory. Call cache() without a name."
            )
        if self._rows is not None and not self._shuffled:
            return self
        memory = {}
        if self._rows is not None:
            return _of_rows(self._rows.then(elements.cached, memory), self._cardinality)
        return Dataset(lambda: elements.cached(self._stream, memory), self._cardinality)

    def prefetch(self, buffer_size, name=None):
        """Accepted: the executors stay ahead of the device by themselves."""
        return self

    def enumerate(self, start=0, name=None):
        """(number, element) pairs."""
        return Dataset(
            lambda: ((np.int64(start + i), element) for i, element in enumerate(self._stream())), self._cardinality
        )

    def window(self, size, shift=None, stride=1, drop_remainder=False, name=None):
        """Data sets of `size` elements each, one window `shift` (default `size`) after the other."""
        size, stride = _positive("size", size), _positive("stride", stride)
        shift = size if shift is None else _positive("shift", shift)
        return Dataset(
            lambda: map(_window, elements.windows(self._stream, size, shift, stride, drop_remainder)),
            UNKNOWN_CARDINALITY if self._cardinality >= 0 else self._cardinality,
        )

    # -- questions

    @property
    def element_spec(self):
        """`TensorSpec`s in the structure of an element. A plan of unknown shape is asked for its first element."""
        if self._spec is None and self._rows is not None:
            lead = (None,) if self._rows.batched else ()
            return map_leaves(lambda a: TensorSpec((*lead, *a.shape[1:]), a.dtype), self._rows.source)
        if self._spec is None:
            first = next(iter(self), None)
            if first is None:
                raise ValueError("The data set is empty, so its elements have no shape.")
            self._spec = map_leaves(lambda a: TensorSpec(np.shape(a), np.asarray(a).dtype), first)
        return self._spec

    def cardinality(self):
        """Number of elements in a pass; -1 endless, -2 unknown."""
        return self._cardinality

    def as_numpy_iterator(self):
        """The elements, one by one."""
        return iter(self)

    def __iter__(self):
        return iter(self._stream())

    def __len__(self):
        if self._cardinality < 0:
            kind = "endless" if self._cardinality == INFINITE_CARDINALITY else "of unknown length"
            raise TypeError(f"The data set is {kind}: it has no len().")
        return self._cardinality

    def __bool__(self):
        return True

    # -- inside

    _shuffled = False
    _untouched = False

    def _reordered(self, of_rows, of_elements, arguments, cardinality):
        if self._rows is not None:
            return _of_rows(self._rows.then(of_rows, *arguments), cardinality, shuffled=self._shuffled)
        return Dataset(lambda: of_elements(self._stream, *arguments), cardinality)

    def _selected(self, start, stop, step, cardinality):
        if self._rows is not None:
            of_rows = elements.select if self._rows.batched else rows.select
            return _of_rows(self._rows.then(of_rows, start, stop, step), cardinality, shuffled=self._shuffled)
        return Dataset(lambda: elements.select(self._stream, start, stop, step), cardinality)


class _Orders:
    """The sequence of random generators of one shuffle: one a pass."""

    def __init__(self, seed, reshuffle):
        self._seed, self._reshuffle, self._passes = seed, reshuffle, 0

    def generator(self):
        if self._seed is None:
            self._seed = random.fresh_seed()
        number = self._passes if self._reshuffle else 0
        self._passes += 1
        return np.random.default_rng([abs(int(self._seed)), number])


def _of_rows(plan, cardinality, shuffled=False):
    def stream():
        for block in plan.stream():
            if plan.batched:
                yield map_leaves(lambda a, block=block: a[block], plan.source)
            else:
                for row in block:
                    yield map_leaves(lambda a, row=row: a[row], plan.source)

    made = Dataset(stream, cardinality, plan)
    made._shuffled = shuffled
    return made


def _window(group):
    if isinstance(group[0], tuple):
        return tuple(_window([item[i] for item in group]) for i in range(len(group[0])))
    if isinstance(group[0], dict):
        return {key: _window([item[key] for item in group]) for key in group[0]}
    return Dataset(lambda: iter(group), len(group))


def _is_plan(value):
    return isinstance(value, Dataset)


def _positive(name, value):
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < 1:
        raise ValueError(f"{name} must be a positive integer; got {value!r}.")
    return int(value)


def _at_least_zero(name, value):
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < 0:
        raise ValueError(f"{name} must be an integer of at least 0 (or -1 for all); got {value!r}.")
    return int(value)
