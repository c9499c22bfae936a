"""Activations, which are those of `phasewise.activations`, for arrays, variables and symbolic tensors."""

import jax.numpy as jnp

from phasewise import activations
from phasewise.core.dtypes import floating
from phasewise.ops.op import op


@op
def relu(x):
    """max(x, 0)."""
    return activations.relu(x)


@op
def leaky_relu(x, negative_slope=0.2):
    """`x` from 0 on, `negative_slope * x` below."""
    return activations.leaky_relu(x, negative_slope)


@op
def gelu(x, approximate=True):
    """`x` times the standard normal distribution function of `x`, by default by the paper's tanh formula (unlike the activation)."""
    return activations.gelu(x, approximate)


@op
def softmax(x, axis=-1):
    """exp(x) over its sum along `axis`: int, tuple of int, or None for all axes."""
    x = jnp.asarray(x)
    return activations.softmax(x, tuple(range(x.ndim)) if axis is None else axis)


@op
def log_softmax(x, axis=-1):
    """The logarithm of `softmax`, right where that rounds to 0."""
    x = jnp.asarray(x)
    return activations.log_softmax(x, tuple(range(x.ndim)) if axis is None else axis)


@op
def threshold(x, threshold, default_value):
    """`x` above `threshold`, else `default_value`."""
    return activations.threshold(x, threshold, default_value)


@op
def sparsemax(x, axis=-1):
    """The point of the simplex nearest to `x` along `axis` (Martins & Astudillo 2016); it differs from Keras, which adds up sums
    that are added up already."""
    return activations.sparsemax(x, axis)


@op
def glu(x, axis=-1):
    """The first half of `x` along `axis` times the sigmoid of the second."""
    return activations.glu(x, axis)


@op
def celu(x, alpha=1.0):
    """`x` above 0, `alpha * (exp(x / alpha) - 1)` below."""
    return activations.celu(x, alpha)


@op
def elu(x, alpha=1.0):
    """`x` above 0, `alpha * (exp(x) - 1)` below."""
    return activations.elu(x, alpha)


@op
def soft_shrink(x, threshold=0.5):
    """`x` moved towards 0 by `threshold`, and 0 within."""
    return activations.soft_shrink(x, threshold)


@op
def hard_shrink(x, threshold=0.5):
    """`x`, and 0 within [-threshold, threshold]."""
    return activations.hard_shrink(x, threshold)


@op
def squareplus(x, b=4):
    """(x + sqrt(x² + b)) / 2."""
    return activations.squareplus(x, b)


@op
def sigmoid(x):
    """1 / (1 + exp(-x))."""
    return activations.sigmoid(x)


@op
def log_sigmoid(x):
    """The logarithm of `sigmoid`."""
    return activations.log_sigmoid(x)


@op
def silu(x):
    """x * sigmoid(x)."""
    return activations.silu(x)


@op
def swish(x):
    """x * sigmoid(x): the same as `silu`."""
    return activations.silu(x)


@op
def relu6(x):
    """min(max(x, 0), 6)."""
    return activations.relu6(floating(x))


@op
def selu(x):
    """`elu`, scaled so that mean 0 and variance 1 persist through layers."""
    return activations.selu(x)


@op
def softplus(x):
    """log(1 + exp(x)), without overflow."""
    return activations.softplus(x)


@op
def softsign(x):
    """x / (1 + |x|)."""
    return activations.softsign(x)


@op
def tanh_shrink(x):
    """x - tanh(x)."""
    return activations.tanh_shrink(x)


@op
def hard_sigmoid(x):
    """min(max(x / 6 + 1/2, 0), 1)."""
    return activations.hard_sigmoid(x)


@op
def hard_silu(x):
    """x * hard_sigmoid(x)."""
    return activations.hard_silu(x)


@op
def hard_swish(x):
    """x * hard_sigmoid(x): the same as `hard_silu`."""
    return activations.hard_silu(x)


@op
def hard_tanh(x):
    """min(max(x, -1), 1); whole numbers stay whole."""
    x = jnp.asarray(x)
    found = activations.hard_tanh(x)
    return found.astype(x.dtype) if jnp.issubdtype(x.dtype, jnp.integer) else found


@op
def sparse_plus(x):
    """0 up to -1, (x + 1)² / 4 up to 1, then `x`."""
    return activations.sparse_plus(x)


@op
def sparse_sigmoid(x):
    """0 up to -1, (x + 1) / 2 up to 1, then 1."""
    return activations.sparse_sigmoid(x)
