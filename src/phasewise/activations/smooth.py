"""Smooth activations, applied to each entry. All are finite, with finite gradients, wherever their value is."""

import math

import jax
import jax.numpy as jnp
from jax import lax

from phasewise.activations.activation import activation, floating
from phasewise.activations.rectifiers import relu
from phasewise.core import logits
from phasewise.core.types import Array, ArrayLike


@activation()
def sigmoid(x: ArrayLike) -> Array:
    """1 / (1 + exp(-x))."""
    x = floating(x)
    return logits.note(lax.logistic(x), x)


@activation()
def log_sigmoid(x: ArrayLike) -> Array:
    """The logarithm of `sigmoid`, right where that rounds to 0."""
    return -jax.nn.softplus(-floating(x))


@activation()
def tanh(x: ArrayLike) -> Array:
    """Hyperbolic tangent."""
    return lax.tanh(floating(x))


@activation()
def tanh_shrink(x: ArrayLike) -> Array:
    """x - tanh(x)."""
    x = floating(x)
    return x - lax.tanh(x)


@activation()
def exponential(x: ArrayLike) -> Array:
    """exp(x); infinite in float32 above 88.7."""
    return lax.exp(floating(x))


@activation()
def softplus(x: ArrayLike) -> Array:
    """log(1 + exp(x)), without overflow."""
    return jax.nn.softplus(floating(x))


@activation()
def softsign(x: ArrayLike) -> Array:
    """x / (1 + |x|)."""
    x = floating(x)
    return x / (1 + jnp.abs(x))


@activation()
def squareplus(x: ArrayLike, b: float = 4) -> Array:
    """(x + sqrt(x² + b)) / 2 (Barron 2021).

    Computed below 0 as b / (2 (sqrt(x² + b) - x)), which is the same number and keeps its digits for large negative `x`,
    where Keras loses them.

    Args:
        x: array of any shape.
        b: how wide the bend is, at least 0; 0 gives `relu`.

    Raises:
        ValueError: `b` is negative.
    """
    x = floating(x)
    if b < 0:
        raise ValueError(f"squareplus needs b of at least 0; got b={b!r}.")
    if b == 0:
        return relu(x)
    root = jnp.sqrt(jnp.square(x) + b)
    return jnp.where(x < 0, b / (2 * (root - x)), (x + root) / 2)


@activation("swish")
def silu(x: ArrayLike) -> Array:
    """x * sigmoid(x) (Elfwing et al. 2017; Ramachandran et al. 2017, as swish)."""
    x = floating(x)
    return x * lax.logistic(x)


@activation()
def gelu(x: ArrayLike, approximate: bool = False) -> Array:
    """`x` times the standard normal distribution function of `x` (Hendrycks & Gimpel 2016).

    Args:
        x: array of any shape.
        approximate: use the paper's tanh formula in place of the exact function.
    """
    x = floating(x)
    if approximate:
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)
        return 0.5 * x * (1 + lax.tanh(inner))
    return 0.5 * x * lax.erfc(-x * math.sqrt(0.5))


@activation()
def mish(x: ArrayLike) -> Array:
    """x * tanh(softplus(x)) (Misra 2019)."""
    x = floating(x)
    return x * lax.tanh(jax.nn.softplus(x))
