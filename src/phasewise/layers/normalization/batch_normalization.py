"""Batch normalization: the batch's statistics in training, the moving ones in inference."""

import math
from typing import Any

import jax.numpy as jnp

from phasewise import initializers
from phasewise.core import padding, registry
from phasewise.core.arguments import check_flag
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config, Named, Shape
from phasewise.core.variable import Variable
from phasewise.kernels.batch_normalization import normalized_by_own, own_moments, suits
from phasewise.kernels.instance_aware import instance_aware
from phasewise.kernels.moments import Moments, blended, count_values, moments, normalize
from phasewise.kernels.row_moments import row_moments
from phasewise.layer.config import unless_default
from phasewise.layer.input_spec import InputSpec
from phasewise.layer.layer import Layer
from phasewise.layers.normalization.affine import Affine, HasAffine, as_axis, check_axis, check_number
from phasewise.layers.normalization.batch_renormalization import Renormalization, check_clipping
from phasewise.layers.normalization.converting import Convertible
from phasewise.layers.normalization.ghost_batches import ghosts_of, rows_of
from phasewise.layers.normalization.moving_statistics import MovingStatistics
from phasewise.switch import observe, statistics_policy
from phasewise.switch.collected_moments import is_collecting, record_moments
from phasewise.switch.collected_rows import record_rows, rows_asked_for


@register("layer")
class BatchNormalization(HasAffine, Convertible, Layer):
    """Normalizes each channel to mean 0 and variance 1 over the batch, then scales and centres it.

    In training: `gamma * (x - mean(batch)) / sqrt(var(batch) + epsilon) + beta`, and the moving statistics follow:
    `moving = momentum * moving + (1 - momentum) * batch`, with the biased variance (Ioffe & Szegedy 2015, algorithm 1
    and 2). In inference the moving statistics stand in for the batch's, unless `statistics=` says otherwise. Which of
    the two a call does is decided by the switch (see `phasewise.switch.phase`); a frozen layer is always in inference.

    Args:
        axis: int, the channel axis; every other axis is averaged over.
        momentum: in [0, 1], weight of the past in the moving statistics.
        epsilon: at least 0, added to the variance.
        center, scale: whether to add `beta`, multiply by `gamma`.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: initializers.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: for the two weights.
        renorm: whether training corrects the batch's statistics towards moving ones (Ioffe 2017, "Batch renormalization"), so
            that training and inference agree for small batches.
        renorm_clipping: dict with any of "rmin", "rmax", "dmax": bounds on the correction.
        renorm_momentum: in [0, 1], weight of the past in the statistics that correct.
        synchronized: accepted; a batch that is spread over devices is normalized as one batch either way.
        virtual_batch_size: positive int: training normalizes runs of so many rows, each by itself, and the moving statistics
            follow them in order (ghost batches: Hoffer et al. 2017, algorithm 1). Ours; Keras 3 lacks it.

    Input: (batch, ..., channels, ...), any rank from 2. A `mask` of the shape of the leading axes leaves positions out of
    the statistics. Output: the input's shape and dtype. Statistics are accumulated in float32 or wider.

    Where it differs from Keras: an explicit `training=` at the call holds in `predict` too; float32 data with a mean of
    1e5 standard deviations are normalized to 1e-5 of float64; the variance of a batch of one is 0, never NaN; a batch in
    which the mask leaves nothing moves no statistic.
    """

    freezing_means_inference = True
    updates_state = "moving ones follow"
    supports_masking = True
    fixed_by_build = ("axis", "renorm")

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Named = "zeros",
        gamma_initializer: Named = "ones",
        moving_mean_initializer: Named = "zeros",
        moving_variance_initializer: Named = "ones",
        beta_regularizer: Named = None,
        gamma_regularizer: Named = None,
        beta_constraint: Named = None,
        gamma_constraint: Named = None,
        renorm: bool = False,
        renorm_clipping: dict[str, float] | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        virtual_batch_size: int | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.autocast = False  # inputs keep their digits until they are normalized
        self.axis = as_axis(self, axis)
        self.momentum = check_number(self, "momentum", momentum, 0, 1, low_included=True)
        self.epsilon = check_number(self, "epsilon", epsilon, 0, low_included=True)
        self._affine = Affine(
            center,
            scale,
            beta=(beta_initializer, beta_regularizer, beta_constraint),
            gamma=(gamma_initializer, gamma_regularizer, gamma_constraint),
        )
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)
        self.renorm, self.renorm_clipping = (
            check_flag("BatchNormalization", "renorm", renorm),
            check_clipping(renorm_clipping),
        )
        self.renorm_momentum = check_number(self, "renorm_momentum", renorm_momentum, 0, 1, low_included=True)
        self.synchronized = check_flag("BatchNormalization", "synchronized", synchronized)
        self.virtual_batch_size = check_rows(virtual_batch_size)
        self._moving_statistics = None  # until the number of channels is known

    @property
    def center(self) -> bool:
        """Whether `beta` is added."""
        return self._affine.center

    @property
    def scale(self) -> bool:
        """Whether the result is multiplied by `gamma`."""
        return self._affine.scale

    def build(self, input_shape: Shape) -> None:
        """Makes gamma, beta, moving_mean and moving_variance, each of shape (channels,)."""
        axis = check_axis(self, self.axis, len(input_shape))
        channels = input_shape[axis]
        if channels is None:
            raise ValueError(
                f"BatchNormalization {self.name!r} needs a known size on its channel axis {self.axis}; the input has shape "
                f"{tuple(input_shape)}. Give that size in Input."
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={axis: channels})
        self.gamma, self.beta = self._affine.build(self, (channels,))
        kind = Renormalization if self.renorm else MovingStatistics
        self._moving_statistics = kind(self, channels, self.moving_mean_initializer, self.moving_variance_initializer)
        self.built = True

    @property
    def _averages(self):
        return (self._moving_statistics,) if self._moving_statistics is not None else ()

    @property
    def moving_mean(self) -> Variable:
        """The exponential moving average of the batches' means, a `Variable` of shape (channels,)."""
        return self._moving_statistics.mean

    @property
    def moving_variance(self) -> Variable:
        """The exponential moving average of the batches' variances, a `Variable` of shape (channels,)."""
        return self._moving_statistics.variance

    def call(self, inputs: Array, training: bool | None = None, mask: ArrayLike | None = None) -> Array:
        """The normalized inputs."""
        channel, counted = self.axis % inputs.ndim, _counted(inputs, mask)
        if rows_asked_for() is not None and inputs.size:
            self._record_rows(inputs, channel, counted, mask is None)
        if training:
            return self._train(inputs, channel, counted)
        axes, shape = _reduced(inputs, channel)
        return self._normalize(inputs, self._chosen(inputs, axes, shape, counted), shape)

    def _chosen(self, inputs, axes, shape, counted):
        """The statistics that the policy in force normalizes a prediction with."""
        policy = statistics_policy.policy_for(self.name)
        observe.note_statistics(str(policy), values=inputs.size // math.prod(shape))
        moving = Moments(_shaped(self.moving_mean, shape), None, _shaped(self.moving_variance, shape))
        if policy == "moving" and not is_collecting():
            return moving
        batch = moments(inputs, axes, mask=counted)
        self._record(inputs, axes, counted, batch)
        if policy in ("moving", "batch"):
            return moving if policy == "moving" else batch
        if isinstance(policy, statistics_policy.InstanceAware):
            own = tuple(axis for axis in axes if axis)
            centre = moving.shift, moving.variance
            if policy.of_batch:
                count = count_values(inputs, axes, counted)
                centre = batch.mean, batch.variance * count / jnp.maximum(count - 1, 1)
            return instance_aware(inputs, *centre, own, policy.k, epsilon=self.epsilon, mask=counted)
        rows = padding.count_rows(inputs)
        return blended(moving.shift, moving.variance, batch, rows / (policy.n + rows))

    def _train(self, inputs, channel, counted):
        if not inputs.size:  # there is nothing that statistics could follow
            return inputs.astype(self.compute_dtype)
        rows = self.virtual_batch_size
        x = inputs
        if rows is not None:
            x, counted = ghosts_of(inputs, rows, counted)
            channel += 1
        axes, shape = _reduced(x, channel, kept=() if rows is None else (0,))
        observe.note_statistics("batch", values=(x.size // x.shape[channel]) // shape[0])
        own = rows is None and suits(x, channel, counted, self.compute_dtype)
        batch = own_moments(x, counted) if own else moments(x, axes, mask=counted)
        self._record(x, axes, counted, batch, shape[0])
        weights = [1, *shape[1:]]
        correction = self._moving_statistics.correction(batch, weights) if self.renorm else None
        means, variances = (part.reshape(shape[0], -1) for part in (batch.mean, batch.variance))
        seen = None if counted is None else count_values(x, axes, counted).reshape(shape[0], -1) > 0
        self._moving_statistics.follow(means, variances, seen)
        if own:
            gamma, beta = self._scale_and_centre(weights, correction)
            how = {"gamma": gamma, "beta": beta, "epsilon": self.epsilon, "dtype": self.compute_dtype}
            return normalized_by_own(x, batch, counted, **how)
        y = self._normalize(x, batch, weights, correction)
        return y if rows is None else rows_of(y, inputs.shape[0])

    def _record(self, x, axes, counted, batch, parts=1):
        if is_collecting():
            found = (count_values(x, axes, counted), *batch)
            count, *moments = (part.reshape(parts, -1) for part in found)
            record_moments(self._moving_statistics, count, Moments(*moments))

    def _record_rows(self, x, channel, counted, is_of_rows):
        rows = rows_asked_for()
        count = len(x) if len(x) % rows else rows  # an axis that was folded into the rows is one of positions
        shape = (count, -1, x.shape[channel])

        def laid_out(array):
            return jnp.moveaxis(array, channel, -1).reshape(shape)

        _, scale = self._moving_statistics.used()
        mask = real = None
        if counted is not None and is_of_rows:
            real = counted.reshape(count, -1)[:, 0]
        elif counted is not None:
            mask = laid_out(jnp.broadcast_to(counted, x.shape))
        record_rows(self._moving_statistics, row_moments(laid_out(x), scale, mask, real))

    def _normalize(self, x, used, shape, correction=None):
        gamma, beta = self._scale_and_centre(shape, correction)
        return normalize(x, used, gamma=gamma, beta=beta, epsilon=self.epsilon).astype(self.compute_dtype)

    def _scale_and_centre(self, shape, correction=None):
        gamma, beta = (None if w is None else _shaped(w, shape) for w in (self.gamma, self.beta))
        if correction is not None:
            r, d = correction
            beta = (d if gamma is None else d * gamma) + (0 if beta is None else beta)
            gamma = r if gamma is None else r * gamma
        return gamma, beta

    def phase_action(self, training: bool, statistics: str | None = None) -> str:
        """Which statistics normalize."""
        return f"{statistics} statistics"

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return input_shape

    def get_config(self) -> Config:
        """Every argument; `virtual_batch_size`, which Keras lacks, where it is given."""
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            **self._affine.get_config(),
            "moving_mean_initializer": registry.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": registry.serialize(self.moving_variance_initializer),
            "renorm": self.renorm,
            "renorm_clipping": self.renorm_clipping if self.renorm else None,
            "renorm_momentum": self.renorm_momentum,
            "synchronized": self.synchronized,
            **unless_default(BatchNormalization, virtual_batch_size=self.virtual_batch_size),
        }


def check_rows(virtual_batch_size: int | None) -> int | None:
    """`virtual_batch_size` as an int, or None.

    Raises:
        ValueError: it is no positive integer.
    """
    if virtual_batch_size is None:
        return None
    if isinstance(virtual_batch_size, bool) or not hasattr(virtual_batch_size, "__index__") or virtual_batch_size < 1:
        raise ValueError(
            f"BatchNormalization's virtual_batch_size must be a positive integer; got {virtual_batch_size!r}."
        )
    return int(virtual_batch_size)


def _reduced(x, channel, kept=()):
    """(the axes that are averaged over, the shape that a statistic then has)."""
    axes = tuple(i for i in range(x.ndim) if i != channel and i not in kept)
    return axes, [1 if i in axes else size for i, size in enumerate(x.shape)]


def _shaped(variable, shape):
    return jnp.asarray(variable.raw).reshape(shape)


def _counted(inputs, mask):
    """Which positions count: those of the caller's mask in the real rows of the batch; None when all do."""
    rows = padding.mask_for(inputs)
    if mask is None:
        return rows
    mask = jnp.asarray(mask, bool)
    mask = mask.reshape(mask.shape + (1,) * (inputs.ndim - mask.ndim))
    return mask if rows is None else mask & rows
