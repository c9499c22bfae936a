"""Whether JAX is tracing what is called."""

import jax
from jax._src.core import trace_state_clean  # nothing public tells it without computing something


def any_traced(structure):
    """True when an array that JAX is tracing occurs in the nest, or would come out because a `jit` is being traced."""
    return not trace_state_clean() or any(isinstance(leaf, jax.core.Tracer) for leaf in jax.tree.leaves(structure))
