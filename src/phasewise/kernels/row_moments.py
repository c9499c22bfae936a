"""What each row of a batch says of the statistics of a normalization: the unit of a test, since positions within a row go together."""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from phasewise.kernels.moments import first_entry, wide

LANES = 128  # channels that a loop over positions adds at once
SUMS = ("rows", "n", "u", "v", "nn", "nu", "nv", "uu", "uv", "vv")


class RowMoments(NamedTuple):
    """The mean and the mean square of `z = (x - shift) / scale` over the positions of each row, apart for each channel.

    Attributes:
        shift: (channels,), near the mean.
        share: (rows, channels or 1), the share n of a row's positions that count; 0 for a row that is none.
        mean, square: (rows, channels), u = sum(z) / positions and v = sum(z²) / positions, over the positions that count.
        positions: how many a row has, whether they count or not.
    """

    shift: jax.Array
    share: jax.Array
    mean: jax.Array
    square: jax.Array
    positions: jax.Array


class RowSums(NamedTuple):
    """What is kept of the rows of one batch: all that tests of their means and mean squares need, whatever the number of rows.

    Attributes:
        shift: (channels,), and `offset` (channels,) in units of `scale`: the batch's mean is `shift + scale * offset`.
        positions: how many a row has.
        sums: (len(SUMS), channels), over the rows: their number, the sums of n, u and v about the batch's mean, and of their products.
        largest: (channels,), the largest v about the batch's mean.
        means: (rows, channels), u about the batch's mean; None where they are not asked for.
    """

    shift: jax.Array
    offset: jax.Array
    positions: jax.Array
    sums: jax.Array
    largest: jax.Array
    means: jax.Array | None = None


def row_moments(x, scale, mask=None, real=None):
    """`RowMoments` of (rows, positions, channels).

    Args:
        x: array of any floating dtype.
        scale: (channels,), positive: the unit.
        mask: boolean, broadcasts against `x`; False positions do not count.
        real: boolean (rows,), in the place of a mask: False rows, of which the first is none, do not count. It costs less.
    """
    x = wide(x)
    if mask is None:
        shift = first_entry(x, (0, 1))[0, 0]
        share = jnp.ones((len(x), 1), x.dtype)
        mean, square = _means(x, shift, scale)
    else:
        weight = jnp.broadcast_to(mask, x.shape)
        count = jnp.maximum(weight.sum((0, 1)), 1)
        shift = jax.lax.stop_gradient(jnp.where(weight, x, 0).sum((0, 1)) / count)
        share = weight.mean(1, dtype=x.dtype)
        mean, square = _means_at_once(jnp.where(weight, x - shift, 0) / scale)
    if real is not None:
        share, mean, square = (jnp.where(real[:, None], each, 0) for each in (share, mean, square))
    return RowMoments(shift, share, mean, square, jnp.float32(x.shape[1]))


def _means(x, shift, scale):
    """Means over the positions of z = (x - shift) / scale and of z².

    XLA's reduction of a middle axis takes twice as long on a CPU as a loop that adds positions, several beside each other where channels are few.
    """
    _, positions, channels = x.shape
    beside = math.gcd(positions, max(LANES // channels, 1))
    if positions // beside < 8:
        return _means_at_once((x - shift) / scale)

    def looped(x, shift, scale):
        folded = x.reshape(len(x), positions // beside, beside * channels)
        shift, scale = jnp.tile(shift, beside), jnp.tile(1 / scale, beside)

        def body(place, sums):
            z = (folded[:, place] - shift) * scale
            return sums[0] + z, sums[1] + z * z

        zero = jnp.zeros((len(x), beside * channels), x.dtype)
        sums = jax.lax.fori_loop(0, positions // beside, body, (zero, zero))
        return tuple(each.reshape(len(x), beside, channels).sum(1) / positions for each in sums)

    def at_once(x, shift, scale):
        return _means_at_once((x - shift) / scale)

    return jax.lax.platform_dependent(x, shift, scale, cpu=looped, default=at_once)


def _means_at_once(z):
    return z.mean(1), (z * z).mean(1)


def row_moments_of_steps(x, places, mean, scale, mask=None):
    """`RowMoments` of steps that have statistics of their own: those of a step and a channel stand where a channel stands else.

    Args:
        x: (time, rows, channels).
        places: int (time,), to which statistics each step belongs.
        mean, scale: (statistics, channels): the shift and the unit.
        mask: boolean (time, rows), False where a step of a row does not count; or None.

    Returns:
        `RowMoments` whose channels are statistics * channels, in this order.
    """
    belongs = (places[:, None] == jnp.arange(len(mean))).astype(scale.dtype)  # (time, statistics)
    counted = jnp.ones(x.shape[:2], scale.dtype) if mask is None else mask.astype(scale.dtype)
    z = (wide(x) - mean[places][:, None]) / scale[places][:, None] * counted[..., None]

    def taken(each):
        return jnp.einsum("ts,trc->rsc", belongs, each).reshape(x.shape[1], -1) / len(x)

    share = taken(jnp.broadcast_to(counted[..., None], x.shape))
    return RowMoments(mean.reshape(-1), share, taken(z), taken(z * z), jnp.float32(len(x)))


def joined_over_time(rows, scale):
    """The `RowMoments` of whole sequences from those of their steps, stacked along a first axis: (time, rows, channels)."""
    shift = rows.shift[0]
    moved = _about(rows, ((shift - rows.shift) / scale)[:, None])
    return RowMoments(shift, *(part.mean(0) for part in moved), rows.positions.sum())


def row_sums(rows, with_means=False):
    """`RowSums` of `RowMoments`; taken about the batch's mean before anything is squared, which keeps the digits.

    Args:
        with_means: whether the means of each row are kept too, for what their channels say together.
    """
    rows = rows._replace(share=jnp.broadcast_to(rows.share, rows.mean.shape))
    total = rows.share.sum(0)
    offset = rows.mean.sum(0) / jnp.where(total > 0, total, 1)
    n, u, v = _about(rows, offset)
    counted = (n > 0).astype(n.dtype)
    sums = jnp.stack([part.sum(0) for part in (counted, n, u, v, n * n, n * u, n * v, u * u, u * v, v * v)])
    return RowSums(rows.shift, offset, rows.positions, sums, v.max(0), u if with_means else None)


def _about(rows, offset):
    """(n, u, v) about a point `offset` units above the shift."""
    n, u, v = rows.share, rows.mean, rows.square
    return n, u - offset * n, v - 2 * offset * u + offset * offset * n
