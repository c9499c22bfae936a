"""FarmHash Fingerprint64 of byte strings, all strings of one length at a time.

The function is fixed for ever, on every machine: it may be part of a model. It is `util::Fingerprint64` of Google's FarmHash
(G. Pike, 2014, https://github.com/google/farmhash), and what TensorFlow and so Keras put strings into buckets by.
"""

from collections.abc import Callable, Sequence

import numpy as np

K0, K1, K2 = (np.uint64(k) for k in (0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F))
ONE = np.uint64(1)
_CAT = np.uint64(0xC6A4A7935BD1E995)


def fingerprint64(strings: Sequence[bytes]) -> np.ndarray:
    """The fingerprint of each string, uint64 of shape (strings,)."""
    return by_length(strings, _fingerprint_of_rows)


def by_length(strings: Sequence[bytes], of_rows: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """uint64 for each string, where a function is given those of one length as a matrix of bytes.

    Args:
        strings: list of bytes.
        of_rows: uint8 of shape (strings of one length, length) -> uint64 (strings of one length,).
    """
    lengths = np.fromiter(map(len, strings), np.int64, len(strings))
    found = np.empty(len(strings), np.uint64)
    order = np.argsort(lengths, kind="stable")
    for group in np.split(order, np.flatnonzero(np.diff(lengths[order])) + 1) if len(order) else []:
        joined = b"".join([strings[i] for i in group])
        rows = np.frombuffer(joined, np.uint8).reshape(len(group), lengths[group[0]])
        found[group] = of_rows(rows)
    return found


def concatenated(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """One fingerprint of two, as TensorFlow's FingerprintCat64 makes it; uint64 arrays."""
    result = first ^ _CAT
    result = (result ^ (_shift_mix(second * _CAT) * _CAT)) * _CAT
    return _shift_mix(_shift_mix(result) * _CAT)


def fetched(rows: np.ndarray, place: int, count: int = 8) -> np.ndarray:
    """`count` bytes of each row from `place` on, as a little-endian number, uint64."""
    part = np.ascontiguousarray(rows[:, place : place + count])
    return part.view(f"<u{count}").ravel().astype(np.uint64)


def rotated_left(values: np.ndarray, count: int) -> np.ndarray:
    """The bits of uint64 values, moved round."""
    return (values << np.uint64(count)) | (values >> np.uint64(64 - count))


def _rotate(values, count):
    return rotated_left(values, 64 - count)


def _shift_mix(values):
    return values ^ (values >> np.uint64(47))


def _mixed(u, v, mul):
    """HashLen16 of FarmHash: 128 bits to 64."""
    return _shift_mix((v ^ _shift_mix((u ^ v) * mul)) * mul) * mul


def _fingerprint_of_rows(rows):
    length = rows.shape[1]
    with np.errstate(over="ignore"):
        if length <= 16:
            return _up_to_16(rows, length)
        if length <= 32:
            return _up_to_32(rows, length)
        return _up_to_64(rows, length) if length <= 64 else _longer(rows, length)


def _up_to_16(rows, length):
    size = np.uint64(length)
    mul = K2 + size * np.uint64(2)
    if length >= 8:
        a, b = fetched(rows, 0) + K2, fetched(rows, length - 8)
        return _mixed(_rotate(b, 37) * mul + a, (_rotate(a, 25) + b) * mul, mul)
    if length >= 4:
        return _mixed(size + (fetched(rows, 0, 4) << np.uint64(3)), fetched(rows, length - 4, 4), mul)
    if length == 0:
        return np.full(len(rows), K2)
    a, b, c = (rows[:, place].astype(np.uint64) for place in (0, length >> 1, length - 1))
    return _shift_mix((a + (b << np.uint64(8))) * K2 ^ (size + (c << np.uint64(2))) * K0) * K2


def _up_to_32(rows, length):
    mul = K2 + np.uint64(2 * length)
    a, b = fetched(rows, 0) * K1, fetched(rows, 8)
    c, d = fetched(rows, length - 8) * mul, fetched(rows, length - 16) * K2
    return _mixed(_rotate(a + b, 43) + _rotate(c, 30) + d, a + _rotate(b + K2, 18) + c, mul)


def _up_to_64(rows, length):
    mul = K2 + np.uint64(2 * length)
    a, b = fetched(rows, 0) * K2, fetched(rows, 8)
    c, d = fetched(rows, length - 8) * mul, fetched(rows, length - 16) * K2
    y = _rotate(a + b, 43) + _rotate(c, 30) + d
    z = _mixed(y, a + _rotate(b + K2, 18) + c, mul)
    e, f = fetched(rows, 16) * mul, fetched(rows, 24)
    g, h = (y + fetched(rows, length - 32)) * mul, (z + fetched(rows, length - 24)) * mul
    return _mixed(_rotate(e + f, 43) + _rotate(g, 30) + h, e + _rotate(f + a, 18) + g, mul)


def _longer(rows, length):
    x = np.full(len(rows), 81, np.uint64)
    y = x * K1 + np.uint64(113)
    z = _shift_mix(y * K2 + np.uint64(113)) * K2
    v = w = (np.zeros(len(rows), np.uint64),) * 2
    x = x * K2 + fetched(rows, 0)
    end = (length - 1) // 64 * 64
    for place in range(0, end, 64):
        x, y, z, v, w = _round(rows, place, (x, y, z, v, w), K1)
    mul = K1 + ((z & np.uint64(0xFF)) << np.uint64(1))
    rest = (length - 1) & 63
    first = w[0] + np.uint64(rest)
    v = v[0] + first, v[1]
    w = first + v[0], w[1]
    x, y, z, v, w = _round(rows, end + rest - 63, (x, y, z, v, w), mul, np.uint64(9))
    last = _mixed(v[1], w[1], mul) + x
    return _mixed(_mixed(v[0], w[0], mul) + _shift_mix(y) * K0 + z, last, mul)


def _round(rows, place, state, mul, weight=ONE):
    """64 bytes of each row into the state; the last ones weigh otherwise."""
    x, y, z, v, w = state
    x = _rotate(x + y + v[0] + fetched(rows, place + 8), 37) * mul
    y = _rotate(y + v[1] + fetched(rows, place + 48), 42) * mul
    x = x ^ (w[1] * weight)
    y = y + v[0] * weight + fetched(rows, place + 40)
    z = _rotate(z + w[0], 33) * mul
    v = _weak(rows, place, v[1] * mul, x + w[0])
    w = _weak(rows, place + 32, z + w[1], y + fetched(rows, place + 16))
    return z, y, x, v, w


def _weak(rows, place, a, b):
    """WeakHashLen32WithSeeds of FarmHash: 32 bytes of each row, two seeds."""
    first, second, third, fourth = (fetched(rows, place + offset) for offset in (0, 8, 16, 24))
    a = a + first
    b = _rotate(b + a + fourth, 21)
    c = a
    a = a + second + third
    return a + fourth, b + _rotate(a, 44) + c
