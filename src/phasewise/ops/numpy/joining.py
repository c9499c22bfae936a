"""Several arrays as one, one as several."""

import jax.numpy as jnp

from phasewise.ops.op import arrays, op

__all__ = [
    "append",
    "array_split",
    "concatenate",
    "dsplit",
    "dstack",
    "hsplit",
    "hstack",
    "split",
    "stack",
    "vsplit",
    "vstack",
]


@op
def concatenate(xs, axis=0):
    """One behind the other along `axis`; None flattens each."""
    return jnp.concatenate(arrays(*xs), axis)


@op
def append(x1, x2, axis=None):
    """x2 behind x1 along `axis`; None flattens both."""
    return jnp.append(*arrays(x1, x2), axis=axis)


@op
def stack(x, axis=0):
    """Arrays of one shape along a new axis."""
    return jnp.stack(arrays(*x), axis)


@op
def hstack(xs):
    """One behind the other along axis 1, vectors along their own."""
    return jnp.hstack(arrays(*xs))


@op
def vstack(xs):
    """One below the other: along axis 0, vectors as rows."""
    return jnp.vstack(arrays(*xs))


@op
def dstack(xs):
    """One behind the other along axis 2."""
    return jnp.dstack(arrays(*xs))


@op
def split(x, indices_or_sections, axis=0):
    """The parts of `x` along an axis, as a list.

    Args:
        indices_or_sections: how many equal parts, or where the second, third … begin.
    """
    return jnp.split(jnp.asarray(x), indices_or_sections, axis)


@op
def array_split(x, indices_or_sections, axis=0):
    """As `split`; parts need not be equal: the first ones are larger by one."""
    return jnp.array_split(jnp.asarray(x), indices_or_sections, axis)


@op
def hsplit(x, indices_or_sections):
    """As `split` along axis 1, a vector along its own."""
    return jnp.hsplit(jnp.asarray(x), indices_or_sections)


@op
def vsplit(x, indices_or_sections):
    """As `split` along axis 0."""
    return jnp.vsplit(jnp.asarray(x), indices_or_sections)


@op
def dsplit(x, indices_or_sections):
    """As `split` along axis 2."""
    return jnp.dsplit(jnp.asarray(x), indices_or_sections)
