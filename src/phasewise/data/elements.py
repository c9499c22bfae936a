"""Transforms over streams of elements of any kind. Each takes a function that makes a new iterator."""

import itertools

import numpy as np

from phasewise.data.structure import leaves, map_leaves, stack


def batch(stream, size, drop_remainder, join=stack):
    """Join runs of `size` elements."""
    items = stream()
    while group := list(itertools.islice(items, size)):
        if len(group) == size or not drop_remainder:
            yield join(group)


def unbatch(stream):
    """Each row of each element as an element."""
    for element in stream():
        arrays = map_leaves(np.asarray, element)
        for i in range(len(leaves(arrays)[0])):
            yield map_leaves(lambda a, i=i: a[i], arrays)


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
    """One stream, then the other."""
    yield from stream()
    yield from other()


def mapped(stream, function):
    """`function` of every element; a tuple is given as several arguments."""
    for element in stream():
        yield call(function, element)


def filtered(stream, predicate):
    """The elements for which `predicate` is true."""
    for element in stream():
        if bool(np.all(call(predicate, element))):
            yield element


def flat_mapped(stream, function):
    """The elements of the data set that `function` makes of every element, one after the other."""
    for element in stream():
        yield from call(function, element)


def windows(stream, size, shift, stride, drop_remainder):
    """Lists of `size` elements, `stride` apart, each window `shift` elements after the last."""
    held, items, span = [], stream(), (size - 1) * stride + 1
    while True:
        held += list(itertools.islice(items, span - len(held)))
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
        seen.append(element)
        yield element
    memory["elements"] = seen


def call(function, element):
    """A tuple is unpacked into arguments, as tf.data does."""
    return function(*element) if isinstance(element, tuple) else function(element)


def pad(group, shapes, values):
    """Join elements whose shapes differ.

    Args:
        group: elements of one structure.
        shapes: what each leaf is filled up to (None on an axis: the longest there), in the elements' structure; None for all.
        values: what fills, one for all leaves or in the elements' structure.
    """
    first = group[0]
    if isinstance(first, tuple):
        chosen = [(s, v) for s, v in zip(_each(shapes, first), _each(values, first))]
        return tuple(pad([g[i] for g in group], s, v) for i, (s, v) in enumerate(chosen))
    if isinstance(first, dict):
        named = isinstance(shapes, dict), isinstance(values, dict)
        return {
            key: pad([g[key] for g in group], shapes[key] if named[0] else shapes, values[key] if named[1] else values)
            for key in first
        }
    arrays = [np.asarray(g) for g in group]
    longest = np.max([a.shape for a in arrays], axis=0).astype(int) if arrays[0].ndim else ()
    wanted = longest if shapes is None else [n if w in (None, -1) else w for n, w in zip(longest, shapes)]
    if any(n > w for n, w in zip(longest, wanted)):
        raise ValueError(f"padded_batch: an element has shape {tuple(map(int, longest))}, more than {tuple(shapes)}.")
    out = np.full((len(arrays), *wanted), values, arrays[0].dtype)
    for i, array in enumerate(arrays):
        out[(i, *(slice(n) for n in array.shape))] = array
    return out


def _each(given, first):
    return given if isinstance(given, tuple) and len(given) == len(first) else (given,) * len(first)
