"""Are arrays finite, and the choice between two trees of them."""

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core import made_by
from phasewise.kernels.matrix_product import KernelGradient


def all_finite(*trees):
    """Whether every floating entry of the arrays is finite, as a boolean scalar."""
    leaves = [jnp.asarray(leaf) for leaf in jax.tree.leaves(trees)]
    flags = [_is_finite(leaf) for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.inexact)]
    return jnp.stack(flags).all() if flags else jnp.bool_(True)


def _is_finite(array):
    if jnp.iscomplexobj(array):
        return jnp.isfinite(array).all()
    # In primitives: a training step looks at each of its arrays, and JAX traces these in a third of the time.
    return jax.lax.reduce_and(jax.lax.is_finite(array), tuple(range(array.ndim)))


def magnitude(arrays):
    """About the largest size of the entries: infinite or NaN where one is, a float32 scalar. The cheapest look there is.

    A large array is projected on a fixed vector of irregular entries of size 1 to 2: that reads it once, on all cores, while its
    squares cost ten times as much. Entries could only hide in such a sum by cancelling each other to many digits. Of a gradient by a
    kernel that is known to be a product, only the factors are read.
    """
    sums = (_summary(a, made_by.of(a)) for a in arrays)
    return jnp.sqrt(sum((jnp.vdot(s, s) for s in sums), jnp.float32(0)))


def _summary(array, made):
    """An array or a number that is about as large as the entries."""
    if isinstance(made, KernelGradient):
        return made.bound()
    if array.ndim > 1:
        return jnp.float32(_weights(array) @ array.reshape(-1, array.shape[-1]))
    return array.astype(jnp.float32)


def _weights(array):
    rng = np.random.default_rng(0)
    rows = array.size // max(array.shape[-1], 1)
    return (rng.choice([-1, 1], rows) * rng.uniform(1, 2, rows)).astype(array.dtype)


def where(condition, tree, other):
    """Each array of `tree` where the scalar `condition` holds, else that of `other`."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), tree, other)
