"""Elementary functions of each entry, the result in a floating dtype: exponentials, logarithms, trigonometric and hyperbolic functions."""

import jax.numpy as jnp

from phasewise.core.dtypes import floating
from phasewise.ops.op import arrays, op

__all__ = [
    "angle",
    "arccos",
    "arccosh",
    "arcsin",
    "arcsinh",
    "arctan",
    "arctan2",
    "arctanh",
    "conj",
    "conjugate",
    "cos",
    "cosh",
    "deg2rad",
    "exp",
    "exp2",
    "expm1",
    "i0",
    "imag",
    "log",
    "log10",
    "log1p",
    "log2",
    "logaddexp",
    "logaddexp2",
    "rad2deg",
    "real",
    "sin",
    "sinc",
    "sinh",
    "tan",
    "tanh",
]


@op
def exp(x):
    """e to the power of x."""
    return jnp.exp(floating(x))


@op
def exp2(x):
    """2 to the power of x."""
    return jnp.exp2(floating(x))


@op
def expm1(x):
    """exp(x) - 1, with all digits near 0."""
    return jnp.expm1(floating(x))


@op
def log(x):
    """The natural logarithm; -inf at 0, NaN below."""
    return jnp.log(floating(x))


@op
def log10(x):
    """The logarithm to the base 10."""
    return jnp.log10(floating(x))


@op
def log2(x):
    """The logarithm to the base 2."""
    return jnp.log2(floating(x))


@op
def log1p(x):
    """log(1 + x), with all digits near 0."""
    return jnp.log1p(floating(x))


@op
def sin(x):
    """The sine of an angle in radians."""
    return jnp.sin(floating(x))


@op
def cos(x):
    """The cosine of an angle in radians."""
    return jnp.cos(floating(x))


@op
def tan(x):
    """The tangent of an angle in radians."""
    return jnp.tan(floating(x))


@op
def arcsin(x):
    """The angle in [-pi/2, pi/2] whose sine is x; NaN beyond [-1, 1]."""
    return jnp.arcsin(floating(x))


@op
def arccos(x):
    """The angle in [0, pi] whose cosine is x; NaN beyond [-1, 1]."""
    return jnp.arccos(floating(x))


@op
def arctan(x):
    """The angle in (-pi/2, pi/2) whose tangent is x."""
    return jnp.arctan(floating(x))


@op
def sinh(x):
    """The hyperbolic sine."""
    return jnp.sinh(floating(x))


@op
def cosh(x):
    """The hyperbolic cosine."""
    return jnp.cosh(floating(x))


@op
def tanh(x):
    """The hyperbolic tangent."""
    return jnp.tanh(floating(x))


@op
def arcsinh(x):
    """The inverse of `sinh`."""
    return jnp.arcsinh(floating(x))


@op
def arccosh(x):
    """The inverse of `cosh`; NaN below 1."""
    return jnp.arccosh(floating(x))


@op
def arctanh(x):
    """The inverse of `tanh`; NaN beyond [-1, 1]."""
    return jnp.arctanh(floating(x))


@op
def sinc(x):
    """sin(pi x) / (pi x), and 1 at 0."""
    return jnp.sinc(floating(x))


@op
def deg2rad(x):
    """Degrees as radians."""
    return jnp.deg2rad(floating(x))


@op
def rad2deg(x):
    """Radians as degrees."""
    return jnp.rad2deg(floating(x))


@op
def i0(x):
    """The modified Bessel function of the first kind and order 0."""
    return jnp.i0(floating(x))


@op
def arctan2(x1, x2):
    """The angle in (-pi, pi] of the point whose ordinate is x1 and whose abscissa is x2."""
    return jnp.arctan2(*map(floating, arrays(x1, x2)))


@op
def logaddexp(x1, x2):
    """log(exp(x1) + exp(x2)), without overflow."""
    return jnp.logaddexp(*map(floating, arrays(x1, x2)))


@op
def logaddexp2(x1, x2):
    """log2(2 ** x1 + 2 ** x2), without overflow."""
    return jnp.logaddexp2(*map(floating, arrays(x1, x2)))


@op
def angle(x):
    """The angle of each complex number in radians, in (-pi, pi]."""
    return jnp.angle(floating(x))


@op
def conj(x):
    """The complex conjugate: the same as `conjugate`."""
    return jnp.conjugate(jnp.asarray(x))


@op
def conjugate(x):
    """The complex conjugate."""
    return jnp.conjugate(jnp.asarray(x))


@op
def real(x):
    """The real parts."""
    return jnp.real(jnp.asarray(x))


@op
def imag(x):
    """The imaginary parts."""
    return jnp.imag(jnp.asarray(x))
