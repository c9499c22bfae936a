"""Normalization of the input by the mean and variance of a whole data set, alike in both phases."""

from collections.abc import Iterable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core.arguments import check_flag
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config, Shape
from phasewise.core.variable import in_scope
from phasewise.core.warning import InitialStatisticsWarning, warn
from phasewise.data.checks import warn_nonfinite
from phasewise.data.feed import check_numeric
from phasewise.kernels.moments import wide
from phasewise.kernels.population import merged
from phasewise.layer.input_spec import InputSpec
from phasewise.layer.layer import Layer
from phasewise.layers.adapting import ROWS, batches_to_adapt
from phasewise.layers.normalization.adapted_statistics import EPSILON, AdaptedStatistics
from phasewise.layers.normalization.affine import Axes, as_axes, check_axes, known_sizes
from phasewise.switch.collected_rows import rows_asked_for

ROUNDING = np.finfo(np.float64).eps


@register("layer")
class Normalization(Layer):
    """`(x - mean) / max(sqrt(variance), 1e-7)`, with statistics that are given or that `adapt` takes from data.

    An entry without variance, one that is the same in all data, is not scaled: it becomes `x - mean`.

    Args:
        axis: int, list or tuple of int, or None: the axes that have a mean and a variance for each entry; the others are
            averaged over. None gives one mean and variance for all.
        mean, variance: numbers or arrays that broadcast against the kept axes, from the right; both or neither.
        invert: whether to compute the inverse, `x * max(sqrt(variance), 1e-7) + mean`, instead.

    Input: any shape with the axes, numbers of any dtype. Output: the same shape, floating; computed in float32 or wider.

    Weights, where no statistics are given: `mean` (zeros) and `variance` (ones), of the shape of the kept axes, and `count`,
    always 0, for the sake of Keras's files. Before `adapt` the output is the input, which a warning tells where it is used so.

    Where it differs from Keras: `adapt` computes in float64, so that neither the cut into batches nor a mean far from zero
    costs digits, and inputs are not rounded to a half-precision compute dtype before the mean is taken off. Where the variance
    is 0 Keras multiplies by 1e7, which makes a rounding error, or the first value that is not the same, a huge number.
    """

    supports_masking = True
    fixed_by_build = ("axis",)

    def __init__(
        self,
        axis: Axes | None = -1,
        mean: ArrayLike | None = None,
        variance: ArrayLike | None = None,
        invert: bool = False,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.autocast = False
        axes = as_axes(self, () if axis is None else axis)
        self.axis = tuple(axes) if isinstance(axes, list) else (axes,)
        self.input_mean, self.input_variance = _checked(mean, variance, self.axis)
        self.invert = check_flag("Normalization", "invert", invert)
        self._adapted = self._told = False
        self._statistics_at_hand = AdaptedStatistics(self)

    def build(self, input_shape: Shape) -> None:
        """Makes mean, variance and count where no statistics were given."""
        rank = len(input_shape)
        self._kept = check_axes(self, list(self.axis), rank)
        sizes = known_sizes(self, self._kept, input_shape)
        self._shape = [n if i in self._kept else 1 for i, n in enumerate(input_shape)]
        self.input_spec = InputSpec(min_ndim=rank, axes={a - rank: n for a, n in zip(self._kept, sizes)})
        if self.input_mean is None:
            dtype = str(jnp.promote_types(self.variable_dtype, jnp.float32))
            self.adapt_mean = self.add_weight(sizes, "zeros", dtype, trainable=False, name="mean")
            self.adapt_variance = self.add_weight(sizes, "ones", dtype, trainable=False, name="variance")
            self.count = self.add_weight((), "zeros", "int32", trainable=False, name="count")
        else:
            self._given = [self._placed(value, sizes) for value in (self.input_mean, self.input_variance)]
        self.built = True

    def _placed(self, value, sizes):
        """A given statistic in float64, such that it broadcasts against the inputs."""
        try:
            return np.broadcast_to(np.asarray(value, np.float64), sizes).reshape(self._shape)
        except ValueError:
            raise ValueError(
                f"Normalization {self.name!r} was made with statistics of shape {np.shape(value)}; the axes {self.axis} of its "
                f"input have the sizes {sizes}."
            ) from None

    def adapt(self, data: ArrayLike | Iterable[Any]) -> None:
        """Set the mean and variance to those of `data`; what was adapted to before no longer counts.

        Args:
            data: an array, or batches of them: a `phasewise.Dataset`, a list of arrays, a generator, anything that `fit`
                takes. Of a batch (x, y) only x counts. The elements of a `Dataset` that have one axis are single rows.

        Raises:
            ValueError: the layer was made with its statistics, the data are empty or endless, or a batch does not fit the
                layer; the message gives both shapes.
        """
        if self.input_mean is not None:
            raise ValueError(f"Normalization {self.name!r} was made with mean and variance: there is nothing to adapt.")
        total, is_suspect, rows = None, False, 0
        for batch in batches_to_adapt(self, data, rows=self._rows_at_once, row_rank=1):
            check_numeric("adapt's data", batch)
            is_suspect = is_suspect or warn_nonfinite(batch, "adapt's data")
            self._ensure_built((batch,), {})
            self._check_batch(batch.shape)
            part, rows = self._statistics(batch), rows + len(batch)
            total = part if total is None else merged(*(np.stack(pair) for pair in zip(total, part)))
        if total is None or total[0] == 0:
            raise ValueError(f"Normalization {self.name!r} cannot adapt to data that hold no values.")
        self.adapt_mean.assign(total[1])
        self.adapt_variance.assign(np.where(_is_rounding(*total), 0, total[2]))
        self._adapted = True
        self._statistics_at_hand.note_population(rows)

    def _rows_at_once(self, x):
        """All of an array whose first axis is kept, in which entries are no rows."""
        keeps_rows = any(a in (0, -x.ndim) for a in self.axis)
        return max(len(x), 1) if keeps_rows or x.ndim < 2 else ROWS

    @property
    def is_adapted(self) -> bool:
        """Whether its statistics were given, taken from data, or set as weights."""
        if self._adapted or self.input_mean is not None or not self.built:
            return self._adapted or self.input_mean is not None
        return bool(self.adapt_mean.numpy().any() or (self.adapt_variance.numpy() != 1).any())

    def _statistics(self, batch):
        """(count, mean, variance) of one batch in float64; the count of an empty one is 0."""
        over = tuple(i for i in range(batch.ndim) if i not in self._kept)
        count = np.prod([batch.shape[i] for i in over], dtype=np.float64)
        if count == 0:
            return count, *(np.zeros([batch.shape[i] for i in self._kept]) for _ in range(2))
        x = batch.astype(np.float64)
        return count, x.mean(over), x.var(over)

    def _check_batch(self, shape):
        fits = len(shape) == len(self._shape) and all(shape[a] == self._shape[a] for a in self._kept)
        if not fits:
            wanted = tuple(n if i in self._kept else None for i, n in enumerate(self._shape))
            raise ValueError(
                f"Normalization {self.name!r} is built for inputs of shape {wanted}; adapt was given a batch of shape {shape}."
            )

    def call(self, inputs: Array) -> Array:
        """The normalized inputs, or the denormalized ones."""
        if not (self._told or in_scope() or isinstance(inputs, jax.core.Tracer) or self.is_adapted):
            self._told = True
            warn_not_adapted(repr(self.name))
        rows = rows_asked_for()
        if rows is not None and self.is_audited and inputs.size:
            self._statistics_at_hand.record(inputs, self._kept, rows)
        shift, offset, variance = self._parts()
        x = wide(jnp.asarray(inputs))
        deviation = jnp.where(variance > 0, jnp.maximum(jnp.sqrt(variance), EPSILON), 1)
        y = shift + (offset + x * deviation) if self.invert else ((x - shift) - offset) / deviation
        return y.astype(self.compute_dtype)

    @property
    def is_audited(self) -> bool:
        """Whether an audit and a monitor hold data against its statistics: not where it undoes a normalization, or rows have their own."""
        return self.built and not self.invert and 0 not in self._kept

    @property
    def mean(self) -> Array | np.ndarray:
        """The mean as an array that broadcasts against the inputs."""
        shift, offset, _ = self._parts()
        return shift + offset

    @property
    def variance(self) -> Array | np.ndarray:
        """The variance as an array that broadcasts against the inputs."""
        return self._parts()[2]

    def _parts(self):
        """The mean in two parts, which keeps the digits of a given one, and the variance."""
        if self.input_mean is None:
            mean, variance = (jnp.asarray(w.raw).reshape(self._shape) for w in (self.adapt_mean, self.adapt_variance))
            return wide(mean), 0, wide(variance)
        mean, variance = self._given
        shift = mean.astype(np.float32)
        return shift, (mean - shift).astype(np.float32), variance.astype(np.float32)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return input_shape

    def get_config(self) -> Config:
        """Every argument."""
        given = (self.input_mean, self.input_variance)
        mean, variance = (None if value is None else np.asarray(value).tolist() for value in given)
        return {**super().get_config(), "axis": self.axis, "invert": self.invert, "mean": mean, "variance": variance}


def warn_not_adapted(names: str) -> None:
    """Warn that these layers normalize with the statistics that they were made with."""
    warn(
        f"Normalization ({names}) was never adapted: its mean is 0 and its variance 1, so that the data pass unchanged. Call "
        "layer.adapt(data) first, load weights, or give mean= and variance=.",
        InitialStatisticsWarning,
    )


def _is_rounding(count, mean, variance):
    """Where a variance is no more than what rounding leaves of `count` equal numbers in float64, as in scikit-learn."""
    return variance <= count * ROUNDING * variance + (count * mean * ROUNDING) ** 2


def _checked(mean, variance, axis):
    """`(mean, variance)` as they were given.

    Raises:
        ValueError: only one is given, their shapes differ, or they have more axes than are kept.
    """
    if (mean is None) != (variance is None):
        raise ValueError(
            f"Normalization takes both mean and variance, or neither; got mean={mean!r} and variance={variance!r}."
        )
    if mean is None:
        return None, None
    if not np.all(np.asarray(variance) >= 0):
        raise ValueError(f"Normalization's variance must be at least 0; got {variance!r}.")
    shape, other = np.shape(mean), np.shape(variance)
    if shape != other:
        raise ValueError(f"Normalization's mean and variance must have one shape; got shapes {shape} and {other}.")
    if len(shape) > len(axis):
        raise ValueError(
            f"Normalization's mean has shape {shape}, more axes than are kept (axis={axis}); the others are averaged over."
        )
    return mean, variance
