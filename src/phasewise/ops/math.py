"""Mathematics beyond NumPy's own functions: sums by segments, largest entries, error functions, distances."""

import jax
import jax.numpy as jnp

from phasewise.core.dtypes import floating
from phasewise.ops.op import arrays, op, reduction


def _segments(name, reduce):
    @op
    def by_segment(data, segment_ids, num_segments=None, sorted=False):
        data, segment_ids = arrays(data, segment_ids)
        if segment_ids.ndim != 1 or not data.ndim or len(segment_ids) != len(data):
            raise ValueError(
                f"{name} takes a vector with one segment number for each row of data; got segment_ids of shape "
                f"{segment_ids.shape} and data of shape {data.shape}."
            )
        if num_segments is None:
            num_segments = _count_of(name, segment_ids)
        return reduce(data, segment_ids, num_segments, indices_are_sorted=sorted)

    return by_segment


def _count_of(name, segment_ids):
    if isinstance(segment_ids, jax.core.Tracer):
        raise ValueError(
            f"{name} needs num_segments in a compiled program or graph, where the shape of the result must be known."
        )
    return int(segment_ids.max(initial=-1)) + 1


_SEGMENTS_DOC = """The {what} of the rows of each segment.

    Args:
        data: (rows, ...).
        segment_ids: (rows,), whole numbers; a row whose number is negative or too large does not count.
        num_segments: how many segments there are; None is as many as the largest number needs, where that is known.
        sorted: whether the numbers never go down, which saves time.

    Returns:
        (num_segments, ...). A segment without rows has {neutral}.

    Raises:
        ValueError: the shapes do not fit, or `num_segments` is missing where it is needed.
    """


def _named(name, reduce, what, neutral):
    function = _segments(name, reduce)
    function.__name__ = function.__qualname__ = name
    function.__doc__ = _SEGMENTS_DOC.format(what=what, neutral=neutral)
    return function


segment_sum = _named("segment_sum", jax.ops.segment_sum, "sum", "0")
segment_prod = _named("segment_prod", jax.ops.segment_prod, "product", "1")
segment_max = _named("segment_max", jax.ops.segment_max, "largest", "the smallest number of the dtype, -inf")
segment_min = _named("segment_min", jax.ops.segment_min, "smallest", "the largest number of the dtype, inf")


@op
def top_k(x, k, sorted=True):
    """(values, places) of the `k` largest entries along the last axis, the largest first; places as int32.

    Args:
        sorted: accepted for Keras's sake: they always are.
    """
    return tuple(jax.lax.top_k(jnp.asarray(x), k))


@op
def in_top_k(targets, predictions, k):
    """Whether fewer than `k` entries exceed the one at `targets`, along the last axis.

    Args:
        targets: (...), whole numbers.
        predictions: (..., classes). A NaN at the target counts as the smallest.
    """
    targets, predictions = arrays(targets, predictions)
    own = jnp.take_along_axis(predictions, targets[..., None], -1)
    own = jnp.where(jnp.isnan(own), -jnp.inf, own)
    return (predictions > own).sum(-1) < k


@reduction
def logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x))) over `axis`, without overflow."""
    return jax.nn.logsumexp(x, axis, keepdims=keepdims)


@op
def rsqrt(x):
    """1 / sqrt(x)."""
    return jax.lax.rsqrt(floating(x))


@op
def erf(x):
    """2 / sqrt(pi) times the integral of exp(-t²) from 0 to x."""
    return jax.lax.erf(floating(x))


@op
def erfc(x):
    """1 - erf(x), with all digits for large x."""
    return jax.lax.erfc(floating(x))


@op
def erfinv(x):
    """The inverse of `erf`; infinite at -1 and 1, NaN beyond."""
    return jax.lax.erf_inv(floating(x))


@op
def logdet(x):
    """The logarithm of the absolute value of the determinants of square matrices."""
    return jnp.linalg.slogdet(jnp.asarray(x))[1]


@op
def cdist(x, y):
    """The Euclidean distances of each row of `x` from each of `y`.

    Args:
        x, y: (..., rows, features), (..., other rows, features).

    Returns:
        (..., rows, other rows). The gradient at a distance of 0 is 0.

    Raises:
        ValueError: the shapes do not fit.
    """
    x, y = arrays(x, y)
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ValueError(
            f"cdist takes arrays (..., rows, features) of as many features; got shapes {x.shape} and {y.shape}."
        )
    apart = floating(x[..., :, None, :] - y[..., None, :, :])
    squares = (apart * apart).sum(-1)
    return jnp.where(squares == 0, 0, jnp.sqrt(jnp.where(squares == 0, 1, squares)))


@op
def view_as_complex(x):
    """Complex numbers from real and imaginary parts along the last axis, which has size 2.

    Raises:
        ValueError: it has not.
    """
    x = jnp.asarray(x)
    if not x.ndim or x.shape[-1] != 2:
        raise ValueError(f"view_as_complex takes (..., 2), real and imaginary parts; got shape {x.shape}.")
    return jax.lax.complex(x[..., 0].astype("float32"), x[..., 1].astype("float32"))


@op
def view_as_real(x):
    """Real and imaginary parts along a new last axis of size 2."""
    x = jnp.asarray(x)
    return jnp.stack([jnp.real(x), jnp.imag(x)], -1)
