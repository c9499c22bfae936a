"""Convolution with fewer products than it is written with, for kernels of three positions: where it is worth it.

Winograd's F(2, 3) computes two outputs from four inputs with four products, along each axis, in place of six: 16 for 36 in images.
Its sums are no less exact: off from float64 by as much as a plain sum is, about 1e-6. But four inputs meet in each product, so that
an infinity makes NaN of all four outputs of its tile.
"""

import jax.numpy as jnp
import numpy as np

from phasewise.kernels.native.convolution import PARTS, shapes_of
from phasewise.kernels.native.library import KERNELS, are_always_called, lanes
from phasewise.kernels.native.operation import Native

TARGET = "phasewise_winograd"


def attributes(first, second, *, part, window, groups, sizes):
    """What the native kernel is told beside the arrays; None where it does not apply or is not worth it. Arguments are `part_of`'s."""
    axes = len(window.strides)
    if first.dtype != jnp.float32 or groups > 1 or axes > 2:
        return None
    if {*window.strides, *window.dilation, *window.spread} != {1} or any(
        not 0 <= n <= 2 for n in sum(window.padding, ())
    ):
        return None
    _, kernel, output = shapes_of(first.shape, second.shape, part, window, groups, sizes)
    if {*kernel[:axes]} != {3} or not (_saves_products(output, kernel[axes]) or are_always_called()):
        return None
    together = lanes()
    if not together or any(channels % together or not channels for channels in kernel[axes:]):
        return None
    top, left = window.padding[0].before if axes == 2 else 0, window.padding[-1].before
    told = {"part": PARTS.index(part), "lanes": together, "top": top, "left": left}
    return {name: np.int64(value) for name, value in told.items()}


def _saves_products(output, channels):
    """Whether the tiles, of which some reach over the edge, save more than it costs to transform the kernel (measured on two cores)."""
    batch, *positions, _ = output
    axes = len(positions)
    tiles = batch * np.prod([(size + 1) // 2 for size in positions])
    return 8 * 4**axes * (tiles + channels // 16) < 7 * 3**axes * batch * np.prod(positions)


WINOGRAD = Native(KERNELS, TARGET, attributes)
