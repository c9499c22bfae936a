"""Class numbers as rows of zeros and a one."""

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core.arguments import check_count
from phasewise.core.types import Array, ArrayLike


def to_categorical(x: ArrayLike, num_classes: int | None = None) -> np.ndarray | Array:
    """One-hot rows of class numbers.

    Args:
        x: integers in [0, num_classes), of any shape; a last axis of size 1 is dropped.
        num_classes: how many classes there are; by default the largest number plus 1.

    Returns:
        x's shape with an axis of `num_classes` behind: of a JAX array a float32 one, of all else a float64 NumPy array.

    Raises:
        ValueError: a number that is no class (negative, too large, not whole), where Keras counts from the end, or cuts digits off;
            or there are no numbers, or they are being traced, and `num_classes` is not given.
    """
    if num_classes is not None:
        num_classes = check_count("to_categorical", "num_classes", num_classes)
    if isinstance(x, jax.core.Tracer):
        return _traced(x, num_classes)
    given = np.asarray(x)
    classes = _squeezed(given)
    if classes.size == 0 and num_classes is None:
        raise ValueError("to_categorical was given no class numbers: say how many classes there are with num_classes.")
    whole = _whole(classes)
    count = num_classes if num_classes is not None else int(whole.max()) + 1
    if whole.size and not 0 <= whole.min() <= whole.max() < count:
        wrong = whole.min() if whole.min() < 0 else whole.max()
        raise ValueError(f"to_categorical takes class numbers from 0 to {count - 1}; got {wrong}.")
    if isinstance(x, jax.Array):
        return jax.nn.one_hot(jnp.asarray(whole, jnp.int32), count)
    matrix = np.zeros((whole.size, count))
    matrix[np.arange(whole.size), whole.reshape(-1)] = 1
    return matrix.reshape(*whole.shape, count)


def _traced(x, num_classes):
    if num_classes is None:
        raise ValueError(
            "Inside a compiled function to_categorical needs num_classes: the numbers are not known there."
        )
    return jax.nn.one_hot(_squeezed(x), num_classes)


def _squeezed(x):
    return x.reshape(x.shape[:-1]) if x.ndim > 1 and x.shape[-1] == 1 else x


def _whole(classes):
    if classes.dtype.kind not in "biuf":
        try:
            classes = classes.astype(np.int64)
        except (TypeError, ValueError):
            raise ValueError(
                f"to_categorical takes class numbers; got an array of dtype {classes.dtype}. Number the classes first: "
                "names, numbers = np.unique(x, return_inverse=True)."
            ) from None
    with np.errstate(invalid="ignore"):
        whole = classes.astype(np.int64)
    if classes.dtype.kind == "f" and not np.array_equal(whole, classes):
        raise ValueError(f"to_categorical takes whole numbers; got {classes[whole != classes].flat[0]}.")
    return whole


def normalize(x: ArrayLike, axis: int | None = -1, order: float = 2) -> np.ndarray | Array:
    """`x` divided by its norm, so that along `axis` the norm is 1. Vectors of zeros stay as they are.

    Args:
        x: array; a JAX array gives one, all else gives a NumPy array.
        axis: along which the norm is taken; None: over all entries. (In Keras, `axis=0` of a NumPy array divides by the norms of
            another axis.)
        order: of the norm, as in `numpy.linalg.norm`: 2, 1, np.inf ...
    """
    library = jnp if isinstance(x, jax.Array) else np
    x = library.asarray(x)
    if axis is None:
        return library.reshape(normalize(library.ravel(x), -1, order), x.shape)
    norm = library.linalg.norm(x, order, axis, keepdims=True)
    return x / library.where(norm == 0, 1, norm)
