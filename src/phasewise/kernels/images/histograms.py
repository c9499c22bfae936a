"""Histograms of images, and what is done by them: equalization, over whole images and over tiles of them."""

import functools

import jax
import jax.numpy as jnp

from phasewise.kernels.images.levels import TOP, levels_of


def histogram(levels, bins):
    """How often each level occurs.

    Args:
        levels: (groups, values) of integers from 0 to below `bins`.
        bins: int.

    Returns:
        (groups, bins) of int32.
    """
    groups = levels.shape[0]
    places = jnp.arange(groups)[:, None] * bins + levels
    return jnp.zeros(groups * bins, jnp.int32).at[places.ravel()].add(1).reshape(groups, bins)


@functools.partial(jax.jit, static_argnums=1)
def equalized(images, bins):
    """Each channel of each image with values that are spread as evenly over [0, 255] as its levels allow.

    A value at level l becomes round(255 (F(l) - F(l0)) / (n - F(l0))), where F(l) is how many of the n values are at level l or
    below and l0 is the lowest level that occurs (Gonzalez & Woods, "Digital Image Processing", 3.3). A channel of one level stays as it is.

    Args:
        images: (rows, height, width, channels) in [0, 255], floating.
        bins: int, the number of levels that [0, 255] is cut into.
    """
    planes = jnp.moveaxis(images, -1, 1)
    values = planes.reshape(-1, planes.shape[2] * planes.shape[3])
    levels = levels_of(values * ((bins - 1) / TOP), bins - 1)
    reached = jnp.cumsum(histogram(levels, bins), axis=1)
    lowest = jnp.take_along_axis(reached, levels.min(1, keepdims=True), 1)
    spread = values.shape[1] - lowest
    table = jnp.round((reached - lowest).astype(jnp.float32) * TOP / jnp.maximum(spread, 1))
    new = jnp.take_along_axis(jnp.clip(table, 0, TOP), levels, 1)
    new = jnp.where(spread > 0, new, values)
    return jnp.moveaxis(new.reshape(planes.shape), 1, -1)


@functools.partial(jax.jit, static_argnums=(1, 2))
def adaptively_equalized(images, clip_limit, grid):
    """Contrast-limited adaptive histogram equalization (Zuiderveld 1994, "Graphics Gems IV").

    The image is cut into tiles. In each, bars of the histogram of 256 levels that are higher than `clip_limit` times their mean
    height are cut and what is cut is spread over all levels; level l then stands for 255 (F(l) - F(0)) / (n - F(0)), with F the
    cumulated histogram and n the tile's pixels. A pixel gets the mean of what the four nearest tiles make of it, weighed
    bilinearly. Where the tiles do not come out even, the image is mirrored beyond its lower and right edges.

    Args:
        images: (rows, height, width, channels) in [0, 255], floating.
        clip_limit: number; 0 or less clips nothing.
        grid: (tiles below each other, tiles beside each other).

    Returns:
        Such images, in [0, 255].
    """
    rows, height, width, channels = images.shape
    tile = tuple(-(-size // tiles) for size, tiles in zip((height, width), grid))
    pads = [(0, size * tiles - length) for size, tiles, length in zip(tile, grid, (height, width))]
    levels = levels_of(jnp.pad(images, [(0, 0), *pads, (0, 0)], mode="symmetric"))
    tables = _tables(levels, tile, grid, clip_limit)
    above, below, down = _neighbours(height, tile[0], grid[0])
    left, right, across = _neighbours(width, tile[1], grid[1])
    levels = levels[:, :height, :width]
    row, channel = jnp.arange(rows)[:, None, None, None], jnp.arange(channels)

    def looked_up(vertical, horizontal):
        return tables[row, vertical[:, None, None], horizontal[:, None], channel, levels]

    down, across = down[:, None, None], across[:, None]
    upper = looked_up(above, left) * (1 - across) + looked_up(above, right) * across
    lower = looked_up(below, left) * (1 - across) + looked_up(below, right) * across
    return upper * (1 - down) + lower * down


def _tables(levels, tile, grid, clip_limit):
    """What each tile makes of each level: (rows, *grid, channels, 256)."""
    rows, channels, pixels = levels.shape[0], levels.shape[3], tile[0] * tile[1]
    tiled = levels.reshape(rows, grid[0], tile[0], grid[1], tile[1], channels)
    groups = tiled.transpose(0, 1, 3, 5, 2, 4).reshape(-1, pixels)
    bars = histogram(groups, TOP + 1).astype(jnp.float32)
    if clip_limit > 0:
        cut = jnp.minimum(bars, clip_limit * pixels / (TOP + 1))
        bars = cut + (bars - cut).sum(1, keepdims=True) / (TOP + 1)
    reached = jnp.cumsum(bars, axis=1)
    lowest = reached[:, :1]
    spread = pixels - lowest
    table = jnp.clip((reached - lowest) * TOP / jnp.where(spread == 0, 1, spread), 0, TOP)
    return table.reshape(rows, *grid, channels, TOP + 1)


def _neighbours(length, size, tiles):
    """For each pixel of an axis, the tile before it, the one behind it, and how far it is on the way from the one to the other."""
    place = (jnp.arange(length, dtype=jnp.float32) - size / 2) / size
    before = jnp.floor(place)
    ends = (jnp.clip(edge.astype(jnp.int32), 0, tiles - 1) for edge in (before, before + 1))
    return (*ends, place - before)
