"""Whole numbers as their bits."""

import jax.numpy as jnp

from phasewise.ops.op import arrays, op

__all__ = [
    "bitwise_and",
    "bitwise_invert",
    "bitwise_left_shift",
    "bitwise_not",
    "bitwise_or",
    "bitwise_right_shift",
    "bitwise_xor",
    "left_shift",
    "right_shift",
]


@op
def bitwise_and(x, y):
    """The bits that both have."""
    return jnp.bitwise_and(*arrays(x, y))


@op
def bitwise_or(x, y):
    """The bits that one of them has."""
    return jnp.bitwise_or(*arrays(x, y))


@op
def bitwise_xor(x, y):
    """The bits that just one of them has."""
    return jnp.bitwise_xor(*arrays(x, y))


@op
def bitwise_left_shift(x, y):
    """x with its bits y places further to the left."""
    return jnp.left_shift(*arrays(x, y))


@op
def left_shift(x, y):
    """The same as `bitwise_left_shift`."""
    return jnp.left_shift(*arrays(x, y))


@op
def bitwise_right_shift(x, y):
    """x with its bits y places further to the right; the sign stays."""
    return jnp.right_shift(*arrays(x, y))


@op
def right_shift(x, y):
    """The same as `bitwise_right_shift`."""
    return jnp.right_shift(*arrays(x, y))


@op
def bitwise_not(x):
    """The bits that x has not."""
    return jnp.invert(jnp.asarray(x))


@op
def bitwise_invert(x):
    """The same as `bitwise_not`."""
    return jnp.invert(jnp.asarray(x))
