"""Are arrays finite, and the choice between two trees of them."""

import jax
import jax.numpy as jnp


def all_finite(*trees):
    """Whether every floating entry of the arrays is finite, as a boolean scalar."""
    leaves = [jnp.asarray(leaf) for leaf in jax.tree.leaves(trees)]
    flags = [jnp.isfinite(leaf).all() for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.inexact)]
    return jnp.stack(flags).all() if flags else jnp.bool_(True)


def sum_of_squares(arrays):
    """Over all entries, as a float32 scalar; infinite or NaN where one is. The cheapest look there is: a product with itself."""
    return sum((jnp.vdot(a, a, preferred_element_type=jnp.float32) for a in arrays), jnp.float32(0))


def where(condition, tree, other):
    """Each array of `tree` where the scalar `condition` holds, else that of `other`."""
    return jax.tree.map(lambda a, b: jnp.where(condition, a, b), tree, other)
