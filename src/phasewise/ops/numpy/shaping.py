"""The same entries in another shape or order."""

import jax.numpy as jnp

from phasewise.core import logits
from phasewise.core.types import Shape
from phasewise.ops.op import hashable, op

__all__ = [
    "broadcast_to",
    "copy",
    "diag",
    "diagflat",
    "diagonal",
    "expand_dims",
    "flip",
    "fliplr",
    "flipud",
    "moveaxis",
    "pad",
    "ravel",
    "repeat",
    "reshape",
    "roll",
    "rot90",
    "squeeze",
    "swapaxes",
    "tile",
    "transpose",
    "tril",
    "triu",
    "view",
]


@op
def reshape(x, newshape):
    """The entries in their order in another shape.

    Args:
        newshape: int or tuple of int, one of which may be -1: as many as are left.
    """
    x = jnp.asarray(x)
    return logits.follow(jnp.reshape(x, newshape), x)


@op
def ravel(x):
    """The entries in their order along one axis."""
    x = jnp.asarray(x)
    return logits.follow(jnp.ravel(x), x)


@op
def squeeze(x, axis=None):
    """Without axes of size 1: all of them, or those of `axis` (int or tuple of int)."""
    x = jnp.asarray(x)
    return logits.follow(jnp.squeeze(x, hashable(axis)), x)


@op
def expand_dims(x, axis):
    """With a new axis of size 1 at `axis` (int or tuple of int)."""
    x = jnp.asarray(x)
    return logits.follow(jnp.expand_dims(x, hashable(axis)), x)


@op
def copy(x):
    """A copy."""
    return jnp.copy(jnp.asarray(x))


@op
def view(x, dtype=None):
    """The same bits read as another dtype; where that is of another width, the last axis grows or shrinks."""
    return jnp.asarray(x).view(dtype)


@op
def transpose(x, axes=None):
    """With the axes in another order: that of `axes`, or from the last to the first."""
    return jnp.transpose(jnp.asarray(x), axes)


@op
def swapaxes(x, axis1, axis2):
    """With two axes exchanged."""
    return jnp.swapaxes(jnp.asarray(x), axis1, axis2)


@op
def moveaxis(x, source, destination):
    """With some axes (int or tuple of int) moved elsewhere, the others in their order."""
    return jnp.moveaxis(jnp.asarray(x), source, destination)


@op
def flip(x, axis=None):
    """From the last entry to the first along `axis` (int or tuple of int), or along all."""
    return jnp.flip(jnp.asarray(x), axis)


@op
def fliplr(x):
    """From the last entry to the first along axis 1."""
    return jnp.fliplr(jnp.asarray(x))


@op
def flipud(x):
    """From the last entry to the first along axis 0."""
    return jnp.flipud(jnp.asarray(x))


@op
def rot90(array, k=1, axes=(0, 1)):
    """Turned `k` times by a right angle in the plane of two axes, from the first towards the second.

    Raises:
        ValueError: there are fewer than two axes, or the two are the same.
    """
    array = jnp.asarray(array)
    if array.ndim < 2 or len(axes) != 2 or axes[0] % array.ndim == axes[1] % array.ndim:
        raise ValueError(
            f"rot90 turns an array of two axes or more in the plane of two different ones; got an array of shape {array.shape} "
            f"and axes={axes}."
        )
    return jnp.rot90(array, k=k, axes=axes)


@op
def roll(x, shift, axis=None):
    """Entries `shift` places further along `axis`, the last ones first again; None rolls the flattened array."""
    return jnp.roll(jnp.asarray(x), shift, axis)


@op
def broadcast_to(x, shape: Shape):
    """Repeated along new axes and axes of size 1 until it has this shape."""
    return jnp.broadcast_to(jnp.asarray(x), shape)


@op
def repeat(x, repeats, axis=None):
    """Each entry several times along `axis` (None: of the flattened array).

    Args:
        repeats: int, or a number for each entry of the axis.
    """
    return jnp.repeat(jnp.asarray(x), repeats, axis)


@op
def tile(x, repeats):
    """The whole several times over: int, or a number for each axis."""
    return jnp.tile(jnp.asarray(x), repeats)


@op
def pad(x, pad_width, mode="constant", constant_values=None):
    """With more entries before and behind.

    Args:
        pad_width: a pair (before, behind) for each axis, one pair for all, or one number for all.
        mode: "constant", "reflect", "symmetric", "edge", "wrap" …, as NumPy's.
        constant_values: what is put there by mode "constant"; None is 0.

    Raises:
        ValueError: `constant_values` was given with another mode.
    """
    x = jnp.asarray(x)
    if constant_values is None:
        return jnp.pad(x, pad_width, mode=mode)
    if mode != "constant":
        raise ValueError(f"pad takes constant_values with mode='constant' only; got mode={mode!r}.")
    return jnp.pad(x, pad_width, mode=mode, constant_values=constant_values)


@op
def diag(x, k=0):
    """Of a vector the matrix that has it on the k-th diagonal; of a matrix its k-th diagonal."""
    return jnp.diag(jnp.asarray(x), k)


@op
def diagflat(x, k=0):
    """The matrix that has all entries of `x` on its k-th diagonal."""
    return jnp.diagflat(jnp.asarray(x), k)


@op
def diagonal(x, offset=0, axis1=0, axis2=1):
    """The entries on a diagonal of two axes, along a new last axis."""
    return jnp.diagonal(jnp.asarray(x), offset, axis1, axis2)


@op
def tril(x, k=0):
    """With zeros above the k-th diagonal."""
    return jnp.tril(jnp.asarray(x), k)


@op
def triu(x, k=0):
    """With zeros below the k-th diagonal."""
    return jnp.triu(jnp.asarray(x), k)
