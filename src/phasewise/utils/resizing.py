"""Images brought to a size, in NumPy: a folder of images of many sizes compiles nothing."""

import numpy as np


def _keys(x, a=-0.5):
    """Keys (1981), the cubic of 4 points."""
    near, far = ((a + 2) * x - (a + 3)) * x * x + 1, ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.where(x < 1, near, np.where(x < 2, far, 0))


def _mitchell(x):
    """Mitchell & Netravali (1988), B = C = 1/3."""
    near = (7 * x - 12) * x * x + 16 / 3
    far = ((-7 / 3 * x + 12) * x - 20) * x + 32 / 3
    return np.where(x < 1, near, np.where(x < 2, far, 0)) / 6


def _lanczos(radius):
    return lambda x: np.where(x < radius, np.sinc(x) * np.sinc(x / radius), 0)


KERNELS = {
    "bilinear": lambda x: np.maximum(1 - x, 0),
    "bicubic": _keys,
    "lanczos3": _lanczos(3),
    "lanczos5": _lanczos(5),
    "gaussian": lambda x: np.where(x < 1.5, np.exp(-2 * x * x), 0),
    "mitchellcubic": _mitchell,
}
METHODS = (*KERNELS, "nearest", "area")


def resized(image: np.ndarray, height: int, width: int, method: str) -> np.ndarray:
    """`image` (rows, columns, channels) as float32 (height, width, channels), without antialiasing, as `tf.image.resize` does it.

    Args:
        method: one of `METHODS`. The centres of pixels are at halves; weights that would lie outside are shared among the others.
    """
    image = image.astype(np.float32)
    for axis, size in ((0, height), (1, width)):
        if image.shape[axis] == size:
            continue
        if method == "nearest":
            places = np.floor((np.arange(size) + 0.5) * image.shape[axis] / size).astype(int)
            image = np.take(image, places, axis)
        else:
            weights = _weights(image.shape[axis], size, method)
            image = np.moveaxis(np.tensordot(weights, image, (1, axis)), 0, axis)
    return image


def _weights(before, after, method):
    """(after, before): how much of each entry is in each of the new ones."""
    scale = before / after
    if method == "area":
        edges, entries = np.arange(after + 1)[:, None] * scale, np.arange(before)
        overlap = np.minimum(edges[1:], entries + 1) - np.maximum(edges[:-1], entries)
        weights = np.maximum(overlap, 0)
    else:
        centres = (np.arange(after) + 0.5) * scale - 0.5
        weights = KERNELS[method](np.abs(centres[:, None] - np.arange(before)))
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)
