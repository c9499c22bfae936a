"""Plans that only choose and order rows of arrays: streams of row numbers, computed in blocks.

A stream yields one-dimensional integer arrays. Before `batch` they are blocks whose borders mean nothing; after it each
is one batch.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

BLOCK = 65536


@dataclasses.dataclass(frozen=True)
class Rows:
    """Row numbers into `source`.

    Attributes:
        source: structure of arrays with one first axis.
        stream: makes a new iterator of integer arrays.
        batch_size: rows of a full batch, each array of the stream being one; None before `batch`.
        shuffled: whether a random order is part of it.
    """

    source: object
    stream: Callable
    batch_size: int | None = None
    shuffled: bool = False

    @property
    def batched(self):
        """Whether each array of the stream is a batch."""
        return self.batch_size is not None

    def then(self, transform, *args, batch_size=None):
        """The plan whose stream is `transform(stream, *args)`."""
        stream = self.stream
        size = self.batch_size if batch_size is None else batch_size
        return dataclasses.replace(self, stream=lambda: transform(stream, *args), batch_size=size)


class Numbers:
    """The integers of a `range` as an array of rows that is computed where it is read.

    Args:
        numbers: a `range`.
        dtype: of the rows.
    """

    def __init__(self, numbers, dtype):
        self._numbers, self.dtype, self.shape, self.ndim = numbers, np.dtype(dtype), (len(numbers),), 1
        self.nbytes = len(numbers) * self.dtype.itemsize

    def __len__(self):
        return len(self._numbers)

    def __getitem__(self, rows):
        rows = np.asarray(rows).astype(np.int64)
        return (self._numbers.start + self._numbers.step * rows).astype(self.dtype)[()]

    def __array__(self, dtype=None, copy=None):
        return self[np.arange(len(self))].astype(dtype or self.dtype, copy=False)


def every_row(count):
    """All rows in order."""
    kind = np.int32 if count <= np.iinfo(np.int32).max else np.int64

    def stream():
        for start in range(0, count, BLOCK):
            yield np.arange(start, min(start + BLOCK, count), dtype=kind)

    return stream


def batch(stream, size, drop_remainder):
    """Cut an unbatched stream into batches."""
    rest = np.empty(0, np.int32)
    for block in stream():
        rest = np.concatenate([rest, block]) if rest.size else block
        whole = len(rest) // size
        yield from rest[: whole * size].reshape(whole, size)
        rest = rest[whole * size :]
    if rest.size and not drop_remainder:
        yield rest


def shuffle(stream, buffer_size, generator):
    """Fill a buffer; emit a random slot and refill it from the stream; empty the buffer at the end."""
    rng, blocks = generator(), stream()
    parts, count = [np.empty(0, np.int32)], 0
    for block in blocks:
        parts.append(block)
        count += len(block)
        if count > buffer_size:
            break
    held = np.concatenate(parts)
    if count <= buffer_size:
        yield rng.permutation(held)
        return
    buffer, ahead = held[:buffer_size].copy(), held[buffer_size:]
    while True:
        for start in range(0, len(ahead), BLOCK):
            yield _exchange(buffer, ahead[start : start + BLOCK], rng)
        ahead = next(blocks, None)
        if ahead is None:
            break
    yield rng.permutation(buffer)


def _exchange(buffer, ahead, rng):
    """Emit a random slot for each row that comes; the row takes the slot. Changes `buffer`."""
    slots = rng.integers(0, len(buffer), len(ahead)).tolist()
    held, emitted = buffer.tolist(), []
    for slot, row in zip(slots, ahead.tolist()):
        emitted.append(held[slot])
        held[slot] = row
    buffer[:] = held
    return np.asarray(emitted, buffer.dtype)


def repeat(stream, count):
    """The stream over again, `count` times; None is for ever."""
    done = 0
    while count is None or done < count:
        empty = True
        for block in stream():
            empty = empty and not len(block)
            yield block
        done += 1
        if empty:
            return


def select(stream, start, stop, step):
    """Rows number start, start + step … below `stop` (None: no end) of an unbatched stream."""
    seen = 0
    for block in stream():
        if stop is not None and seen >= stop:
            return
        first = max(start - seen, -(seen - start) % step if seen > start else 0)
        last = len(block) if stop is None else min(len(block), stop - seen)
        chosen = block[first:last:step]
        seen += len(block)
        if chosen.size:
            yield chosen


def concatenate(stream, other):
    """One stream, then the other."""
    yield from stream()
    yield from other()
