"""The product of an array's last axes with the first of a kernel, as one product of two matrices."""

import math

import jax.numpy as jnp


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
    product = jnp.matmul(x.reshape(rows, summed), kernel.reshape(summed, math.prod(others)), **options)
    return product.reshape(*first, *others)
