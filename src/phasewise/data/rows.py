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


def every_row(count):
    """All rows in order."""
    return lambda: iter([np.arange(count, dtype=np.int32)])


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
    rng = generator()
    blocks = stream()
    held = np.empty(0, np.int32)
    for block in blocks:
        held = np.concatenate([held, block]) if held.size else block
        if len(held) > buffer_size:
            break
    else:
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
    return np.asarray(emitted, np.int32)


def repeat(stream, count):
    """The stream over again, `count` times; None is for ever."""
    done = 0
    while count is None or done < count:
        empty = True
        for block in stream():
            empty = False
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
