"""Axes moved, split and joined by a pattern, as einops writes it."""

import math
import re

import jax.numpy as jnp

from phasewise.ops.op import op


@op
def rearrange(tensor, pattern, **axes_lengths):
    """Axes moved, split and joined: `rearrange(x, "b (h k) c -> b h (k c)", k=2)`.

    Args:
        tensor: array.
        pattern: names of the axes before and behind "->"; those in parentheses are one axis of the array, the first name varying
            slowest. "1" is an axis of size 1.
        axes_lengths: sizes of names; of each group in parentheses one may be left out.

    Raises:
        ValueError: the pattern does not fit the shape, or names what it does not have.
    """
    tensor = jnp.asarray(tensor)
    before, behind = _sides(pattern)
    if len(before) != tensor.ndim:
        raise ValueError(
            f"The pattern {pattern!r} has {len(before)} axes before '->'; got an array of shape {tensor.shape}."
        )
    sizes = {}
    for group, size in zip(before, tensor.shape):
        sizes.update(_sizes_in(group, size, axes_lengths, pattern, tensor.shape))
    names = [name for group in before for name in group]
    wanted = [name for group in behind for name in group]
    if sorted(names) != sorted(wanted) or len(set(names)) != len(names):
        raise ValueError(f"The pattern {pattern!r} must have each name once on either side of '->'.")
    split = tensor.reshape([sizes[name] for name in names])
    moved = split.transpose([names.index(name) for name in wanted])
    return moved.reshape([math.prod(sizes[name] for name in group) for group in behind])


def _sides(pattern):
    sides = re.split(r"\s*->\s*", pattern.strip())
    if len(sides) != 2:
        raise ValueError(f"A pattern has two sides, as 'b h w -> b (h w)'; got {pattern!r}.")
    return [
        [[name for name in re.findall(r"\w+", group) if name != "1"] for group in re.findall(r"\w+|\(.*?\)", side)]
        for side in sides
    ]


def _sizes_in(group, size, given, pattern, shape):
    """The sizes of the names that make up one axis of this size."""
    unknown = [name for name in group if name not in given]
    product = math.prod(given[name] for name in group if name in given)
    fits = size == product if not unknown else len(unknown) == 1 and size % product == 0
    if not fits:
        raise ValueError(
            f"The pattern {pattern!r} makes an axis of size {size} out of {group}, with {given or 'no sizes'} given, in an array of "
            f"shape {shape}: of each group all sizes but one must be given, and their product must divide the axis."
        )
    found = {name: given[name] for name in group if name in given}
    return {**found, **dict.fromkeys(unknown, size // product)}
