"""SipHash-2-4 of byte strings (Aumasson & Bernstein 2012): where the bucket of a string must not be foreseen without the key."""

from collections.abc import Sequence

import numpy as np

from phasewise.kernels.fingerprint import by_length, fetched, rotated_left

_START = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)


def siphash64(strings: Sequence[bytes], key: Sequence[int]) -> np.ndarray:
    """The hash of each string, uint64 of shape (strings,).

    Args:
        strings: list of bytes.
        key: two integers, each taken modulo 2**64.
    """
    words = [np.uint64(int(word) % 2**64) for word in key]
    return by_length(strings, lambda rows: _of_rows(rows, words))


def _of_rows(rows, key):
    length = rows.shape[1]
    last = np.zeros((len(rows), 8), np.uint8)  # what is left over, and the length in the last byte
    left = length % 8
    last[:, :left] = rows[:, length - left :]
    last[:, 7] = length % 256
    words = [fetched(rows, place) for place in range(0, length - left, 8)]
    state = [np.full(len(rows), np.uint64(start) ^ key[i % 2]) for i, start in enumerate(_START)]
    with np.errstate(over="ignore"):
        for word in [*words, fetched(last, 0)]:
            state[3] ^= word
            state = _round(_round(state))
            state[0] ^= word
        state[2] ^= np.uint64(0xFF)
        for _ in range(4):
            state = _round(state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _round(state):
    a, b, c, d = state
    a, c = a + b, c + d
    b, d = rotated_left(b, 13) ^ a, rotated_left(d, 16) ^ c
    a = rotated_left(a, 32)
    c, a = c + b, a + d
    b, d = rotated_left(b, 17) ^ c, rotated_left(d, 21) ^ a
    return [a, b, rotated_left(c, 32), d]
