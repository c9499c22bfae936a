"""Strings and integers to buckets, the same on every machine: FarmHash, or with a key SipHash, as in Keras."""

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import numpy as np

from phasewise.kernels.fingerprint import fingerprint64
from phasewise.kernels.keyed_hash import siphash64


def bucket_of(values: Sequence[Any], buckets: int, salt: Sequence[int] | None) -> np.ndarray:
    """The bucket of each value in [0, buckets), int64.

    Args:
        values: str, or integers, which are hashed as they are written in decimals.
        buckets: how many there are.
        salt: the key of the hash, two integers; None for the hash without a key.
    """
    texts = [str(value).encode("utf-8") for value in values]
    hashes = fingerprint64(texts) if salt is None else siphash64(texts, salt)
    return (hashes % np.uint64(buckets)).astype(np.int64)


def checked_salt(owner: str, salt: Any) -> list[int] | None:
    """The salt as a list of two integers, or None.

    Raises:
        ValueError: it is neither an integer nor two of them.
    """
    if salt is None:
        return None
    pair = list(salt) if isinstance(salt, list | tuple) else [salt, salt]
    if len(pair) != 2 or not all(isinstance(word, Integral) and not isinstance(word, bool) for word in pair):
        raise ValueError(f"{owner}'s salt is an integer, or a list of two; got {salt!r}.")
    return [int(word) for word in pair]
