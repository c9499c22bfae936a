"""Activations that join pieces: at each entry a comparison chooses which of them holds.

The comparisons are written so that a NaN lands in the piece that passes it on: an activation never hides one.
"""

import jax.numpy as jnp

from phasewise.activations.activation import activation, floating
from phasewise.core.types import Array, ArrayLike
from phasewise.kernels.batch_normalization import rectified

_SELU_ALPHA = 1.6732632423543772848170429916717
_SELU_SCALE = 1.0507009873554804934193349852946


@activation()
def linear(x: ArrayLike) -> ArrayLike:
    """`x` itself."""
    return x


@activation()
def relu(x: ArrayLike, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Array:
    """max(x, 0) by default; its gradient at 0 is 0.

    Args:
        x: array of any shape.
        negative_slope: at and below `threshold` the result is `negative_slope * (x - threshold)`.
        max_value: above `threshold` the result is clipped to [0, max_value]; None clips nothing.
        threshold: where the identity begins.

    Returns:
        An array like `x`.
    """
    x = jnp.asarray(x)
    if negative_slope == threshold == 0.0 and (
        max_value is None or (isinstance(max_value, float | int) and max_value > 0)
    ):
        together = rectified(x, max_value)
        if together is not None:
            return together
    above = x
    if max_value is not None:
        above = jnp.where(x <= 0, 0, jnp.where(x >= max_value, jnp.asarray(max_value, x.dtype), x))
    if negative_slope == 0.0 and threshold == 0.0:
        return jnp.where(x <= 0, 0, above)
    is_below = x < 0 if threshold == 0.0 else x <= threshold
    return jnp.where(is_below, negative_slope * (x - threshold), above)


@activation()
def leaky_relu(x: ArrayLike, negative_slope: float = 0.2) -> Array:
    """`x` from 0 on, `negative_slope * x` below (Maas et al. 2013)."""
    x = floating(x)
    return jnp.where(x < 0, negative_slope * x, x)


@activation()
def relu6(x: ArrayLike) -> Array:
    """min(max(x, 0), 6) (Krizhevsky 2010); its gradient at 0 and at 6 is 0."""
    return relu(x, max_value=6.0)


@activation()
def elu(x: ArrayLike, alpha: float = 1.0) -> Array:
    """`x` above 0, `alpha * (exp(x) - 1)` below (Clevert et al. 2016)."""
    x = floating(x)
    below = jnp.where(x > 0, 0, x)  # keeps exp from overflowing where its value is not used
    return jnp.where(x > 0, x, alpha * jnp.expm1(below))


@activation()
def celu(x: ArrayLike, alpha: float = 1.0) -> Array:
    """`x` above 0, `alpha * (exp(x / alpha) - 1)` below: `elu` with a continuous slope (Barron 2017)."""
    x = floating(x)
    below = jnp.where(x > 0, 0, x)
    return jnp.where(x > 0, x, alpha * jnp.expm1(below / alpha))


@activation()
def selu(x: ArrayLike) -> Array:
    """`elu` scaled so that mean 0 and variance 1 persist through layers (Klambauer et al. 2017)."""
    return _SELU_SCALE * elu(x, _SELU_ALPHA)


@activation()
def threshold(x: ArrayLike, threshold: float, default_value: float) -> Array:
    """`x` above `threshold`, else `default_value`."""
    x = jnp.asarray(x)
    return jnp.where(x <= threshold, jnp.asarray(default_value, x.dtype), x)


@activation()
def soft_shrink(x: ArrayLike, threshold: float = 0.5) -> Array:
    """`x` moved towards 0 by `threshold`, and 0 within [-threshold, threshold]."""
    x = floating(x)
    return jnp.where(jnp.abs(x) <= threshold, 0, x - threshold * jnp.sign(x))


@activation()
def hard_shrink(x: ArrayLike, threshold: float = 0.5) -> Array:
    """`x`, and 0 within [-threshold, threshold]."""
    x = floating(x)
    return jnp.where(jnp.abs(x) <= threshold, 0, x)


@activation()
def hard_tanh(x: ArrayLike) -> Array:
    """min(max(x, -1), 1)."""
    x = floating(x)
    return jnp.where(x > 1, 1, jnp.where(x < -1, -1, x))


@activation()
def hard_sigmoid(x: ArrayLike) -> Array:
    """min(max(x / 6 + 1/2, 0), 1)."""
    return relu6(floating(x) + 3) / 6


@activation("hard_swish")
def hard_silu(x: ArrayLike) -> Array:
    """x * hard_sigmoid(x) (Howard et al. 2019)."""
    x = floating(x)
    return x * hard_sigmoid(x)


@activation()
def sparse_plus(x: ArrayLike) -> Array:
    """0 up to -1, (x + 1)² / 4 up to 1, then `x`: a softplus that reaches 0 (Blondel et al. 2019)."""
    x = floating(x)
    return jnp.where(x <= -1, 0, jnp.where(x >= 1, x, jnp.square(x + 1) / 4))


@activation()
def sparse_sigmoid(x: ArrayLike) -> Array:
    """0 up to -1, (x + 1) / 2 up to 1, then 1: the slope of `sparse_plus` (Blondel et al. 2019, section 6.2)."""
    return 0.5 * jnp.clip(floating(x) + 1, 0, 2)
