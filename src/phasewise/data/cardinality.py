"""How many elements a plan has, transform by transform: a count, or one of two answers below zero."""

from collections.abc import Sequence

INFINITE_CARDINALITY = -1
UNKNOWN_CARDINALITY = -2


def batched(count: int, size: int, drop_remainder: bool) -> int:
    """Of batches of `size`."""
    if count < 0:
        return count
    return count // size if drop_remainder else -(-count // size)


def unbatched(count: int, rows: int | None) -> int:
    """Of the rows of `count` batches of `rows` rows (None: of unknown length)."""
    if count in (0, INFINITE_CARDINALITY):
        return count
    return UNKNOWN_CARDINALITY if count == UNKNOWN_CARDINALITY or rows is None else count * rows


def windowed(count: int, size: int, shift: int, stride: int, drop_remainder: bool) -> int:
    """Of windows of `size` elements that are `stride` apart, `shift` elements from one to the next."""
    if count < 0:
        return count
    if drop_remainder:
        return max(0, (count - (size - 1) * stride - 1) // shift + 1)
    return -(-count // shift)


def repeated(count: int, times: int | None) -> int:
    """Of `times` repetitions; None is for ever."""
    if times == 0 or count == 0:
        return 0
    if times is None:
        return INFINITE_CARDINALITY
    return count * times if count > 0 else count


def taken(count: int, most: int) -> int:
    """Of the first `most`."""
    if count == UNKNOWN_CARDINALITY:
        return count
    return most if count == INFINITE_CARDINALITY else min(most, count)


def skipped(count: int, number: int) -> int:
    """Without the first `number`."""
    return max(0, count - number) if count >= 0 else count


def sharded(count: int, shards: int, index: int) -> int:
    """Of every `shards`-th, from number `index`."""
    return len(range(index, count, shards)) if count >= 0 else count


def zipped(counts: Sequence[int]) -> int:
    """Of elements side by side: the shortest decides."""
    if UNKNOWN_CARDINALITY in counts:
        return UNKNOWN_CARDINALITY
    return min((n for n in counts if n >= 0), default=INFINITE_CARDINALITY)


def concatenated(first: int, second: int) -> int:
    """Of one after the other."""
    if INFINITE_CARDINALITY in (first, second):
        return INFINITE_CARDINALITY
    return first + second if min(first, second) >= 0 else UNKNOWN_CARDINALITY


def positive(name: str, value: int) -> int:
    """`value` as an int of at least 1.

    Raises:
        ValueError: it is none; the message has the argument's `name`.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or value < 1:
        raise ValueError(f"{name} must be a positive integer; got {value!r}.")
    return int(value)


def count_or_all(name: str, value: int) -> int | None:
    """`value` as an int, or None, which is all, where it is below zero.

    Raises:
        ValueError: it is no integer; the message has the argument's `name`.
    """
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ValueError(f"{name} must be an integer (below 0: all); got {value!r}.")
    return int(value) if value >= 0 else None
