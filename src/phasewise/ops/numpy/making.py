"""Arrays out of nothing: of one value, of evenly spaced ones, of windows; and grids."""

import jax.numpy as jnp

from phasewise.core import defaults
from phasewise.core.dtypes import result_type, standardize_dtype
from phasewise.ops.op import arrays, op

__all__ = [
    "arange",
    "array",
    "bartlett",
    "blackman",
    "empty",
    "empty_like",
    "eye",
    "full",
    "full_like",
    "geomspace",
    "hamming",
    "hanning",
    "identity",
    "kaiser",
    "linspace",
    "logspace",
    "meshgrid",
    "ones",
    "ones_like",
    "tri",
    "vander",
    "zeros",
    "zeros_like",
]


@op
def array(x, dtype=None):
    """`x` (numbers, nested lists of them, an array of any library) as a new array."""
    return jnp.array(x, dtype=dtype)


def arange(start, stop=None, step=None, dtype=None):
    """The numbers from `start`, `step` apart, up to and without `stop`; with one argument, those from 0 up to it.

    Args:
        dtype: None takes the one that the numbers fit in: int32, or `floatx()`.
    """
    if dtype is None:
        given = [each for each in (start, stop, step) if each is not None]
        dtype = result_type(*(getattr(each, "dtype", type(each)) for each in given))
    return jnp.arange(start, stop, step=step, dtype=standardize_dtype(dtype))


def empty(shape, dtype=None):
    """An array of this shape whose entries do not matter (zeros), of `floatx()` unless told otherwise."""
    return jnp.empty(shape, dtype=dtype or defaults.floatx())


def zeros(shape, dtype=None):
    """Zeros of this shape, of `floatx()` unless told otherwise."""
    return jnp.zeros(shape, dtype=dtype or defaults.floatx())


def ones(shape, dtype=None):
    """Ones of this shape, of `floatx()` unless told otherwise."""
    return jnp.ones(shape, dtype=dtype or defaults.floatx())


@op
def full(shape, fill_value, dtype=None):
    """An array of this shape with one value everywhere, of `floatx()` unless told otherwise."""
    return jnp.full(shape, fill_value, dtype=dtype or defaults.floatx())


@op
def empty_like(x, dtype=None):
    """An array of the shape of `x` whose entries do not matter (zeros)."""
    return jnp.empty_like(jnp.asarray(x), dtype=dtype)


@op
def zeros_like(x, dtype=None):
    """Zeros of the shape and dtype of `x`, or of another dtype."""
    return jnp.zeros_like(jnp.asarray(x), dtype=dtype)


@op
def ones_like(x, dtype=None):
    """Ones of the shape and dtype of `x`, or of another dtype."""
    return jnp.ones_like(jnp.asarray(x), dtype=dtype)


@op
def full_like(x, fill_value, dtype=None):
    """One value everywhere, in the shape and dtype of `x`, or of another dtype."""
    return jnp.full_like(jnp.asarray(x), fill_value, dtype=dtype)


def eye(N, M=None, k=0, dtype=None):
    """Ones on a diagonal, zeros elsewhere.

    Args:
        N, M: rows and columns; M None is N.
        k: which diagonal: 0 the main one, above it positive, below it negative.
        dtype: None is `floatx()`.
    """
    return jnp.eye(N, M=M, k=k, dtype=dtype or defaults.floatx())


def identity(n, dtype=None):
    """The identity matrix of n rows, of `floatx()` unless told otherwise."""
    return jnp.identity(n, dtype=dtype or defaults.floatx())


def tri(N, M=None, k=0, dtype=None):
    """Ones on and below a diagonal, zeros above: arguments as of `eye`."""
    return jnp.tri(N, M=M, k=k, dtype=dtype or defaults.floatx())


@op
def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """Numbers spread evenly from `start` to `stop`.

    Args:
        start, stop: numbers or arrays.
        num: how many.
        endpoint: whether `stop` is one of them.
        retstep: whether to return (numbers, distance between two).
        axis: where the new axis goes.
    """
    return jnp.linspace(*arrays(start, stop), num=num, endpoint=endpoint, retstep=retstep, dtype=dtype, axis=axis)


@op
def logspace(start, stop, num=50, endpoint=True, base=10, dtype=None, axis=0):
    """The powers of `base` by exponents spread evenly from `start` to `stop`: arguments as of `linspace`."""
    return jnp.logspace(*arrays(start, stop), num=num, endpoint=endpoint, base=base, dtype=dtype, axis=axis)


@op
def geomspace(start, stop, num=50, endpoint=True, dtype=None, axis=0):
    """Numbers from `start` to `stop`, each the same multiple of the last: arguments as of `linspace`."""
    return jnp.geomspace(*arrays(start, stop), num=num, endpoint=endpoint, dtype=dtype, axis=axis)


@op
def meshgrid(*x, indexing="xy"):
    """The coordinates of a grid: a list of arrays, one for each axis that is given as a vector.

    Args:
        indexing: "xy", the second vector along the first axis; "ij", the first along the first.
    """
    return jnp.meshgrid(*arrays(*x), indexing=indexing)


@op
def vander(x, N=None, increasing=False):
    """The Vandermonde matrix: the powers of each entry of the vector `x` in a row, N of them (None: as many as entries).

    Args:
        increasing: whether the power 0 comes first.
    """
    return jnp.vander(jnp.asarray(x), N=N, increasing=increasing)


def bartlett(x):
    """The triangular window of `x` points, in `floatx()`."""
    return jnp.bartlett(x).astype(defaults.floatx())


def blackman(x):
    """The Blackman window of `x` points, in `floatx()`."""
    return jnp.blackman(x).astype(defaults.floatx())


def hamming(x):
    """The Hamming window of `x` points, in `floatx()`."""
    return jnp.hamming(x).astype(defaults.floatx())


def hanning(x):
    """The Hann window of `x` points, in `floatx()`."""
    return jnp.hanning(x).astype(defaults.floatx())


def kaiser(x, beta):
    """The Kaiser window of `x` points and shape `beta`, in `floatx()`."""
    return jnp.kaiser(x, beta).astype(defaults.floatx())
