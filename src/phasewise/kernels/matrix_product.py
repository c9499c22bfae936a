"""The product of an array's last axes with the first of a kernel, as one product of two matrices.

A product with a large kernel is an operation of its own, with a native implementation where that was measured to be faster; its
gradient by the kernel is remembered to be a product, so that who is given it can do without it: see `KernelGradient`.
"""

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.interpreters import ad

from phasewise.core import made_by
from phasewise.kernels.native.library import KERNELS, are_always_called, are_at_hand, lanes
from phasewise.kernels.native.operation import operation

FEWEST_WEIGHTS = 1 << 19  # of a large kernel
FEWEST_IN_MEMORY = 1 << 23  # weights that no cache holds
MOST_ROWS = 512  # of a batch that is short beside it


class KernelGradient(NamedTuple):
    """How the gradient by a kernel was made: x transposed, times slopes.

    Attributes:
        x: (rows, inputs); slopes: (rows, outputs).
    """

    x: jax.Array
    slopes: jax.Array

    def bound(self):
        """No entry is larger, nor is a sum on the way to it: the product of the factors' norms, a scalar (Cauchy & Schwarz)."""
        first, second = (jnp.vdot(a, a) for a in self)
        return jnp.sqrt(first) * jnp.sqrt(second)


def matrix_product(x, kernel, axes=1, **options):
    """The sum over the last `axes` axes of `x` and the first of `kernel`, as `jax.numpy.tensordot` takes it.

    XLA transposes a whole array for the gradient of a product over several axes, which on a CPU takes longer than the product
    itself; so all axes that are summed over are made one, and all others of each factor.

    Args:
        x: (..., summed...).
        kernel: (summed..., others...).
        axes: how many are summed over.
        options: those of `jax.numpy.matmul`.

    Returns:
        (..., others...).
    """
    summed = math.prod(kernel.shape[:axes])
    first, others = x.shape[: x.ndim - axes], kernel.shape[axes:]
    rows = math.prod(first)
    x, kernel = x.reshape(rows, summed), kernel.reshape(summed, math.prod(others))
    product = _product(x, kernel) if not options and is_large(rows, x, kernel) else jnp.matmul(x, kernel, **options)
    return product.reshape(*first, *others)


def is_large(rows, x, kernel):
    """Whether the kernel is what a product of `x`, a matrix of so many rows, costs time for, on this machine."""
    return (
        isinstance(rows, int)
        and 1 < rows <= MOST_ROWS
        and (math.prod(kernel.shape) >= FEWEST_WEIGHTS or are_always_called())
        and x.dtype == kernel.dtype == np.float32
        and are_at_hand(x, kernel)
        and lanes() > 0
    )


def _product(first, second, *, first_turned=False, second_turned=False):
    return _PRODUCT.bind(first, second, first_turned=first_turned, second_turned=second_turned)[0]


def _plain(first, second, *, first_turned, second_turned):
    return [jax.lax.dot_general(first, second, (((int(not first_turned),), (int(second_turned),)), ((), ())))]


def _attributes(first, second, *, first_turned, second_turned):
    """Where XLA is slower (measured on two cores): weights that come from memory, and as many rows as keep the processor busy."""
    is_worth_it = not (first_turned or second_turned) and second.size >= FEWEST_IN_MEMORY and first.shape[0] >= 64
    if not (is_worth_it or are_always_called()):
        return None
    return {"first_turned": first_turned, "second_turned": second_turned}


_PRODUCT = operation("phasewise_matrix_product", _plain, KERNELS, "phasewise_matrix_product", _attributes)


def _tangent(primals, tangents, **how):
    """The product is linear in each factor."""
    (product,) = _PRODUCT.bind(*primals, **how)
    (first, second), (first_moves, second_moves) = primals, tangents
    terms = [
        *([] if isinstance(first_moves, ad.Zero) else _PRODUCT.bind(first_moves, second, **how)),
        *([] if isinstance(second_moves, ad.Zero) else _PRODUCT.bind(first, second_moves, **how)),
    ]
    return [product], [sum(terms[1:], terms[0]) if terms else ad.Zero.from_primal_value(product)]


def _transposed(slopes, first, second, *, first_turned, second_turned):
    """The gradient by one factor is a product of the slopes and the other."""
    (slope,) = slopes
    if isinstance(slope, ad.Zero):
        return [None, None]
    if ad.is_undefined_primal(first):
        if first_turned:
            return [_product(second, slope, second_turned=True), None]
        return [_product(slope, second, second_turned=not second_turned), None]
    if second_turned:
        return [None, _product(slope, first, first_turned=True)]
    gradient = _product(first, slope, first_turned=not first_turned)
    return [None, gradient if first_turned else made_by.note(gradient, KernelGradient(first, slope))]


ad.primitive_jvps[_PRODUCT] = _tangent
ad.primitive_transposes[_PRODUCT] = _transposed
