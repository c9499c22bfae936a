"""Pooling over one, two or three axes of positions."""

import jax.numpy as jnp

from phasewise.core.arguments import check_sizes
from phasewise.kernels import pooling
from phasewise.ops.op import op
from phasewise.ops.windows import check_rank, is_first, padding_of


def _moving(name, pool, inputs, pool_size, strides, padding, data_format):
    inputs = jnp.asarray(inputs)
    rank = check_rank(name, inputs)
    window = check_sizes(name, "pool_size", pool_size, rank)
    by = window if strides is None else check_sizes(name, "strides", strides, rank)
    first = is_first(name, data_format)
    over, moves = ((1, 1, *each) if first else (1, *each, 1) for each in (window, by))
    return pool(inputs, over, moves, padding_of(name, padding))


@op
def max_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The largest entry in each place of a moving window.

    Args:
        inputs: (batch, *positions, channels), or the channels behind the batch by `data_format`; one to three axes of positions.
        pool_size: int, or one for each axis.
        strides: the same; None is `pool_size`.
        padding: "valid", windows that lie inside; "same", ceil(size / stride) of them; what is outside does not count.
        data_format: "channels_last" or "channels_first"; None is `image_data_format()`.
    """
    return _moving("max_pool", pooling.max_pool, inputs, pool_size, strides, padding, data_format)


@op
def average_pool(inputs, pool_size, strides=None, padding="valid", data_format=None):
    """The mean of the entries in each place of a moving window: arguments as of `max_pool`."""
    return _moving("average_pool", pooling.average_pool, inputs, pool_size, strides, padding, data_format)


def _adaptive(name, pool, inputs, output_size, data_format):
    inputs = jnp.asarray(inputs)
    rank = check_rank(name, inputs)
    start = 2 if is_first(name, data_format) else 1
    counts = tuple(output_size) if isinstance(output_size, list | tuple) else (output_size,) * rank
    axes = tuple(range(start, start + rank))
    if len(counts) == rank:
        counts = tuple(inputs.shape[axis] if count is None else count for axis, count in zip(axes, counts))
    return pool(inputs, axes, check_sizes(name, "output_size", counts, rank))


@op
def adaptive_average_pool(inputs, output_size, data_format=None):
    """The mean of the entries in each of the windows that divide the positions.

    Of an axis of size n that becomes m, window i holds the entries from floor(i n / m) up to, and without, ceil((i + 1) n / m).

    Args:
        inputs: as of `max_pool`.
        output_size: int, or one for each axis, None for an axis that stays.
        data_format: "channels_last" or "channels_first"; None is `image_data_format()`.
    """
    return _adaptive("adaptive_average_pool", pooling.adaptive_average_pool, inputs, output_size, data_format)


@op
def adaptive_max_pool(inputs, output_size, data_format=None):
    """The largest entry in each of the windows that divide the positions: arguments as of `adaptive_average_pool`."""
    return _adaptive("adaptive_max_pool", pooling.adaptive_max_pool, inputs, output_size, data_format)
