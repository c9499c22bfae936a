"""Bounds on gradients."""

import jax.numpy as jnp

from phasewise.optimizers.arguments import is_number


class Clipping:
    """At most one of three bounds: on each gradient's norm, on its entries, on the norm of all together."""

    def __init__(self, clipnorm=None, clipvalue=None, global_clipnorm=None):
        self._bounds = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = {name: bound for name, bound in self._bounds.items() if bound is not None}
        if len(given) > 1:
            raise ValueError(f"Only one of clipnorm, clipvalue and global_clipnorm can be given; got {given}.")
        for name, bound in given.items():
            if not is_number(bound) or bound <= 0:
                raise ValueError(f"{name} must be a positive number; got {bound!r}.")

    @property
    def is_by_array(self):
        """Whether what becomes of an entry depends on the others of its array."""
        return self._bounds["clipnorm"] is not None

    def __call__(self, grads):
        """The bounded gradients."""
        norm, value, together = self._bounds.values()
        if norm is not None:
            return [_bounded(g, jnp.sqrt(jnp.square(g).sum()), norm) for g in grads]
        if value is not None:
            return [jnp.clip(g, -value, value) for g in grads]
        if together is not None:
            total = jnp.sqrt(sum(jnp.square(g).sum() for g in grads))
            return [_bounded(g, total, together) for g in grads]
        return grads

    def get_config(self):
        """The three bounds."""
        return dict(self._bounds)


def _bounded(g, norm, bound):
    return jnp.where(norm > bound, g * (bound / jnp.maximum(norm, 1e-30)), g)
