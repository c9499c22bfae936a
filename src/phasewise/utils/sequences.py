"""Sequences of different lengths as one array."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from phasewise.core.arguments import check_count
from phasewise.core.registry import one_of
from phasewise.core.types import DTypeLike

SIDES = ("pre", "post")


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: DTypeLike = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """An array of the sequences, the short ones filled up and the long ones cut.

    Args:
        sequences: list of sequences of numbers, or of arrays (length, ...) whose further axes are alike.
        maxlen: length of each row; by default that of the longest.
        dtype: of the result. `object` for words of different lengths.
        padding, truncating: "pre" or "post": whether to fill up, and to cut, in front or behind.
        value: what to fill up with.

    Returns:
        array of shape (len(sequences), maxlen, ...).

    Raises:
        ValueError: a sequence that has no length; further axes that differ; numbers that `dtype` cannot hold, as 0.5 in "int32"
            (where Keras cuts the digits off without a word).
    """
    one_of("pad_sequences", "padding", padding, SIDES)
    one_of("pad_sequences", "truncating", truncating, SIDES)
    lengths = _lengths(sequences)
    maxlen = max(lengths, default=0) if maxlen is None else check_count("pad_sequences", "maxlen", maxlen, least=0)
    further = next((np.asarray(each).shape[1:] for each, length in zip(sequences, lengths) if length), ())
    if isinstance(value, str) and not _holds_words(dtype):
        raise ValueError(f"dtype {dtype!r} cannot hold the value {value!r}. Pass dtype=object for words.")
    rows = np.full((len(lengths), maxlen, *further), _cast(value, dtype, "value"), dtype)
    for number, sequence in enumerate(sequences):
        kept = sequence[max(len(sequence) - maxlen, 0) :] if truncating == "pre" else sequence[:maxlen]
        if not len(kept):
            continue
        kept = _cast(kept, dtype, f"sequence {number}")
        if kept.shape[1:] != further:
            raise ValueError(
                f"Sequence {number} has entries of shape {kept.shape[1:]}, and those before it of shape {further}; they must agree."
            )
        place = slice(maxlen - len(kept), None) if padding == "pre" else slice(len(kept))
        rows[number, place] = kept
    return rows


def _lengths(sequences):
    if not hasattr(sequences, "__len__"):
        raise ValueError(f"pad_sequences takes a list of sequences; got {type(sequences).__name__}. Make a list of it.")
    for number, each in enumerate(sequences):
        if not hasattr(each, "__len__") or getattr(each, "ndim", 1) == 0:
            raise ValueError(f"pad_sequences takes a list of sequences; its entry {number} is {each!r}.")
    return [len(each) for each in sequences]


def _holds_words(dtype):
    return np.dtype(dtype).kind in "OUS"


def _cast(values, dtype, where):
    given = np.asarray(values) if not _holds_words(dtype) else np.asarray(values, dtype)
    if np.dtype(dtype).kind not in "iu" or given.dtype.kind not in "biuf":
        return given.astype(dtype)
    with np.errstate(invalid="ignore"):
        cast = given.astype(dtype)
    if not np.array_equal(cast, given):
        wrong = given.flat[np.flatnonzero(cast != given)[0]]
        raise ValueError(
            f"pad_sequences' dtype {np.dtype(dtype).name} cannot hold {wrong} in {where}. Pass a dtype that can, such as "
            f"dtype={'float32' if given.dtype.kind == 'f' else 'int64'!r}."
        )
    return cast
