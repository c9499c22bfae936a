"""Correlations between labels and predictions: within each row, or over all rows that were seen."""

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from phasewise.core.keywords import told
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, DTypeLike
from phasewise.kernels.co_moments import CoMoments, co_moments, merged
from phasewise.losses.alignment import as_float, broadcast_rows, paired, ratio, same_rank
from phasewise.metrics.metric import KIND
from phasewise.metrics.reduction import FUNCTIONS, MeanMetricWrapper


@register(FUNCTIONS)
@told
def pearson_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: int | Sequence[int] = -1) -> Array:
    """covariance / (the product of both standard deviations) along `axis`, in [-1, 1]; NaN where either is constant.

    Right to float32 rounding however far from zero labels and predictions are.

    Raises:
        ValueError: the shapes differ, or there is one value along `axis`.
    """
    return _pearson(_gathered("pearson_correlation", y_true, y_pred, axis))


@register(FUNCTIONS)
@told
def concordance_correlation(y_true: ArrayLike, y_pred: ArrayLike, axis: int | Sequence[int] = -1) -> Array:
    """2 covariance / (both variances + (difference of the means)²) along `axis`, in [-1, 1] (Lin 1989); 0 where both are constant.

    Keras adds 1e-7 to what is divided by, which pulls data of variances not far above that towards 0.

    Raises:
        ValueError: the shapes differ, or there is one value along `axis`.
    """
    return _concordance(_gathered("concordance_correlation", y_true, y_pred, axis))


class _Correlation(MeanMetricWrapper):
    """Over rows, products of deviations are gathered; within rows, the mean of the values of rows."""

    _over_rows = staticmethod(lambda moments: moments)

    def prepare(self, y_true: Any, y_pred: Any) -> None:
        """Make the accumulators of a correlation over rows."""
        self._gathers(y_pred.shape)

    def update_state(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> None:
        """Take one batch into account, (rows, ...); weights broadcast from the left."""
        y_true, y_pred = _of_one_shape(self.name, y_true, y_pred)
        if not self._gathers(y_pred.shape):
            super().update_state(y_true, y_pred, sample_weight)
            return
        weight = jnp.float32(1) if sample_weight is None else jnp.asarray(sample_weight).astype(jnp.float32)
        weight = jnp.broadcast_to(broadcast_rows(weight, y_pred), y_pred.shape)
        batch = co_moments(jnp.stack([y_true, y_pred]), weight, _axes(self.arguments["axis"], y_pred.ndim))
        for held, value in zip(self._moments, merged(CoMoments(*(v.value for v in self._moments)), batch)):
            held.assign(value)

    def result(self) -> Array:
        """The value so far; 0 of nothing."""
        if self._moments is None:
            return super().result()
        found = CoMoments(*(jnp.asarray(v.value) for v in self._moments))
        return jnp.where(found.count == 0, 0, self._over_rows(found)).mean()

    _moments = None

    def _gathers(self, shape):
        """Whether rows are correlated with one another; the accumulators for that are then there."""
        axes = _axes(self.arguments["axis"], len(shape))
        if 0 not in axes:
            return False
        if self._moments is None:
            kept = tuple(size for axis, size in enumerate(shape) if axis not in axes)
            shapes = {"sum_of_weights": kept, "shift": (2, *kept), "offset": (2, *kept), "products": (2, 2, *kept)}
            self._moments = [self.add_variable(each, "zeros", name=name) for name, each in shapes.items()]
        return True


@register(KIND)
class PearsonCorrelation(_Correlation):
    """The Pearson correlation between labels and predictions along `axis`, in [-1, 1].

    Along the axes of a row, as by default, it is that within each row, and the mean over rows. Over rows (`axis=0`) it is that of
    all rows that were seen, whatever the batches: products of deviations are gathered, and keep their digits however far from zero the
    data are. Keras takes the mean of what each batch gives, which changes with the batch size.

    Args:
        axis: int or tuple of int. An output (rows, 1) has one value a row, and needs `axis=0`, or `axis=(0, 1)`.

    A row in which labels or predictions are constant has no correlation: it is NaN, and so is a mean that it counts in.

    Raises:
        ValueError: in the first batch, when there is one value along `axis`.
    """

    def __init__(
        self,
        name: str | None = "pearson_correlation",
        dtype: DTypeLike | None = None,
        axis: int | Sequence[int] = -1,
    ):
        super().__init__(pearson_correlation, name, dtype, axis=axis)

    _over_rows = staticmethod(lambda found: _pearson(found))


@register(KIND)
class ConcordanceCorrelation(_Correlation):
    """The concordance correlation between labels and predictions along `axis`, in [-1, 1]: 1 where they are equal (Lin 1989).

    Arguments and what is gathered over rows are as for `PearsonCorrelation`; 0 where labels and predictions are both constant.
    """

    def __init__(
        self,
        name: str | None = "concordance_correlation",
        dtype: DTypeLike | None = None,
        axis: int | Sequence[int] = -1,
    ):
        super().__init__(concordance_correlation, name, dtype, axis=axis)

    _over_rows = staticmethod(lambda found: _concordance(found))


def _pearson(found):
    (a, both), (_, b) = found.products
    return both / (jnp.sqrt(a) * jnp.sqrt(b))


def _concordance(found):
    (a, both), (_, b) = found.products
    apart = (found.shift[0] - found.shift[1]) + (found.offset[0] - found.offset[1])
    return ratio(2 * both, a + b + found.count * jnp.square(apart))


def _gathered(name, y_true, y_pred, axis):
    y_true, y_pred = _of_one_shape(name, y_true, y_pred)
    axes = _axes(axis, y_pred.ndim)
    if math.prod(y_pred.shape[each] for each in axes) == 1:
        raise ValueError(
            f"{name} along axis {axis} of predictions of shape {y_pred.shape} has one value to correlate: give the axes that hold "
            "several, axis=0 for all rows."
        )
    return co_moments(jnp.stack([y_true, y_pred]), jnp.ones(y_pred.shape, y_pred.dtype), axes)


def _of_one_shape(name, y_true, y_pred):
    shapes = f"labels of shape {np.shape(y_true)} and predictions of shape {np.shape(y_pred)}"
    y_true, y_pred = same_rank(*paired(y_true, as_float(y_pred)))
    if y_true.shape != y_pred.shape or not y_pred.ndim:
        raise ValueError(f"{name} takes labels and predictions of one shape, (rows, ...); got {shapes}.")
    return y_true, y_pred


def _axes(axis, rank):
    axes = tuple(axis) if isinstance(axis, tuple | list) else (axis,)
    wrong = [each for each in axes if not -rank <= each < rank]
    if wrong:
        raise ValueError(f"A correlation along axis {wrong[0]} needs predictions that have it; theirs are {rank}.")
    return tuple(sorted({each % rank for each in axes}))
