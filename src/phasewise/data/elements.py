"""Transforms over streams of elements of any kind. Each takes a function that makes a new iterator.

Elements in a stream never change. What can be written to is the element of whoever got it; what is kept for later is read-only, and
a user's function gets its own copy.
"""

import itertools

import numpy as np

from phasewise.data.arrays import frozen, owned, released
from phasewise.data.structure import described, leaves, map_leaves, same_structure, stack


def batch(stream, size, drop_remainder, join=stack):
    """Join runs of `size` elements."""
    items = stream()
    while group := list(itertools.islice(items, size)):
        if len(group) == size or not drop_remainder:
            yield join(group)


def unbatch(stream):
    """Each row of each element as an element.

    Raises:
        ValueError: a part is a scalar, or the parts differ in their number of rows.
    """
    for element in stream():
        arrays = leaves(element)
        shapes = [np.shape(a) for a in arrays]
        if () in shapes:
            raise ValueError(
                "unbatch takes batches apart, but a part of an element is a scalar: there are no rows in it."
            )
        if len({shape[0] for shape in shapes}) > 1:
            raise ValueError(f"unbatch needs parts of one length in each element; got the shapes {shapes}.")
        for i in range(shapes[0][0]):
            yield map_leaves(lambda a, i=i: a[i], element)


def shuffle(stream, buffer_size, generator):
    """tf.data's algorithm: fill a buffer, emit a random slot and refill it, empty the buffer at the end."""
    rng, buffer = generator(), []
    for element in stream():
        if len(buffer) < buffer_size:
            buffer.append(element)
            continue
        slot = int(rng.integers(buffer_size))
        yield buffer[slot]
        buffer[slot] = element
    yield from (buffer[i] for i in rng.permutation(len(buffer)))


def repeat(stream, count):
    """The stream over again, `count` times; None is for ever. An empty stream ends it."""
    for _ in itertools.count() if count is None else range(count):
        empty = True
        for element in stream():
            empty = False
            yield element
        if empty:
            return


def select(stream, start, stop, step):
    """Elements number start, start + step … below `stop`."""
    yield from itertools.islice(stream(), start, stop, step)


def concatenate(stream, other):
    """One stream, then the other.

    Raises:
        TypeError: they differ in structure or dtypes.
    """
    last = None
    for last in stream():
        yield last
    for number, element in enumerate(other()):
        if number == 0 and last is not None:
            _check_alike(last, element)
        yield element


def mapped(stream, function):
    """`function` of every element, as arrays; a list that it returns is a tuple of parts, as in tf.data."""
    for element in stream():
        made = call(function, element)
        yield map_leaves(_leaf, tuple(made) if isinstance(made, list) else made)


def filtered(stream, predicate):
    """The elements for which `predicate` is true.

    Raises:
        ValueError: the predicate returned no single boolean.
    """
    for element in stream():
        answer = np.asarray(call(predicate, map_leaves(frozen, element)))
        if answer.shape:
            raise ValueError(
                f"filter's predicate must return one boolean for an element; it returned an array of shape {answer.shape}. "
                "Filter before batching."
            )
        if answer.dtype != bool:
            raise ValueError(
                f"filter's predicate must return a boolean; it returned {answer.item()!r} ({answer.dtype}). Compare it with "
                "something: `x != 0`."
            )
        if answer:
            yield element


def numbered(stream, start):
    """(number, element) pairs."""
    for number, element in enumerate(stream(), start):
        yield np.int64(number), element


def flat_mapped(stream, function):
    """The elements of the data set that `function` makes of every element, one after the other."""
    for element in stream():
        yield from call(function, element)


def windows(stream, size, shift, stride, drop_remainder):
    """Lists of `size` elements, `stride` apart, each window `shift` elements after the last."""
    held, items, span = [], stream(), (size - 1) * stride + 1
    while True:
        held += [map_leaves(frozen, element) for element in itertools.islice(items, span - len(held))]
        if not held or (drop_remainder and len(held) < span):
            return
        yield held[::stride]
        skipped = shift - len(held)
        held = held[shift:]
        if skipped > 0:
            list(itertools.islice(items, skipped))


def cached(stream, memory):
    """Remember the elements of the first complete pass in the dict `memory`."""
    if "elements" in memory:
        yield from memory["elements"]
        return
    seen = []
    for element in stream():
        seen.append(map_leaves(frozen, element))
        yield seen[-1]
    memory["elements"] = seen


def handed_out(element):
    """The element as a user's code gets it: it may write to it, and nobody sees that."""
    return map_leaves(released, element)


def call(function, element):
    """`function` of what is handed out. A tuple is unpacked into arguments, as tf.data does."""
    element = handed_out(element)
    return function(*element) if isinstance(element, tuple) else function(element)


def pad(group, shapes, values):
    """Join elements whose shapes differ.

    Args:
        group: elements of one structure.
        shapes: what each leaf is filled up to (None on an axis: the longest there), in the elements' structure; None for all.
        values: what fills, one for all leaves or in the elements' structure; None is 0 (for strings: "").

    Raises:
        ValueError: an element is larger than its padded shape, or of another rank.
    """
    first = group[0]
    if isinstance(first, tuple):
        chosen = zip(_each(shapes, first), _each(values, first))
        return tuple(pad([g[i] for g in group], s, v) for i, (s, v) in enumerate(chosen))
    if isinstance(first, dict):
        named = isinstance(shapes, dict), isinstance(values, dict)
        return {
            key: pad([g[key] for g in group], shapes[key] if named[0] else shapes, values[key] if named[1] else values)
            for key in first
        }
    return None if first is None else _pad_arrays([np.asarray(g) for g in group], shapes, values)


def check_padding_value(value, dtype):
    """Raises TypeError when arrays of `dtype` cannot be filled up with `value`: a float in integers, a word in numbers."""
    if value is None:
        return
    array = np.asarray(value)
    if array.dtype.kind in "iu" and dtype.kind in "iu":
        fits = np.iinfo(dtype).min <= array <= np.iinfo(dtype).max
    else:
        fits = np.can_cast(array.dtype, dtype, "same_kind")
    if not fits:
        raise TypeError(
            f"padded_batch cannot fill up {dtype} with {value!r}, which is no {dtype}. Give a value of that kind, or map the "
            "elements to another dtype first."
        )


def _pad_arrays(arrays, shape, value):
    dtype = np.result_type(*arrays)
    check_padding_value(value, dtype)
    if len({a.ndim for a in arrays} | ({len(shape)} if shape is not None else set())) > 1:
        raise ValueError(
            f"padded_batch: elements of shapes {sorted({a.shape for a in arrays})} and the padded shape {shape} must have "
            "one rank."
        )
    longest = [max(lengths) for lengths in zip(*(a.shape for a in arrays))]
    wanted = longest if shape is None else [n if w in (None, -1) else w for n, w in zip(longest, shape)]
    if any(n > w for n, w in zip(longest, wanted)):
        raise ValueError(f"padded_batch: an element has shape {tuple(longest)}, more than {tuple(shape)}.")
    out = np.full((len(arrays), *wanted), np.zeros((), dtype) if value is None else value, dtype)
    for i, array in enumerate(arrays):
        out[(i, *map(slice, array.shape))] = array
    return out


def _each(given, first):
    return given if isinstance(given, tuple) and len(given) == len(first) else (given,) * len(first)


def _leaf(value):
    is_plan = hasattr(value, "as_numpy_iterator")
    return value if is_plan else owned(value)


def _check_alike(first, second):
    if not same_structure(first, second):
        raise TypeError(
            f"Cannot concatenate elements of different structures: {described(first)} and {described(second)}."
        )
    for one, other in zip(leaves(first), leaves(map_leaves(lambda _, value: value, first, second))):
        kinds = [np.asarray(value).dtype for value in (one, other)]
        if kinds[0] != kinds[1] and not {kind.kind for kind in kinds} <= set("US"):
            raise TypeError(
                f"Cannot concatenate elements of different dtypes: {kinds[0]} and {kinds[1]}. Map one of them."
            )
