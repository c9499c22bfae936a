"""Batch normalization: the batch's statistics in training, the moving ones in inference."""

import jax.numpy as jnp

from phasewise import initializers, observe, padding, registry, statistics_policy
from phasewise.kernels.moments import moments, normalize
from phasewise.layer import Layer
from phasewise.layers.normalization.affine import Affine, as_axis, check_axis, check_number
from phasewise.registry import register
from phasewise.spec import InputSpec


@register("layer")
class BatchNormalization(Layer):
    """Normalizes each channel to mean 0 and variance 1 over the batch, then scales and centres it.

    In training: `gamma * (x - mean(batch)) / sqrt(var(batch) + epsilon) + beta`, and the moving statistics follow:
    `moving = momentum * moving + (1 - momentum) * batch`, with the biased variance (Ioffe & Szegedy 2015, algorithm 1
    and 2). In inference the moving statistics stand in for the batch's, unless `statistics=` says otherwise. Which of
    the two a call does is decided by the switch (see `phasewise.phase`); a frozen layer is always in inference.

    Args:
        axis: int, the channel axis; every other axis is averaged over.
        momentum: in [0, 1], weight of the past in the moving statistics.
        epsilon: at least 0, added to the variance.
        center, scale: whether to add `beta`, multiply by `gamma`.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: initializers.
        beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: for the two weights.
        synchronized: accepted; a batch that is spread over devices is normalized as one batch either way.

    Input: (batch, ..., channels, ...), any rank from 2. A `mask` of the shape of the leading axes leaves positions out of
    the statistics. Output: the input's shape and dtype. Statistics are accumulated in float32 or wider.

    Where it differs from Keras: an explicit `training=` at the call holds in `predict` too; float32 data with a mean of
    1e5 standard deviations are normalized to 1e-5 of float64; the variance of a batch of one is 0, never NaN.
    """

    freezing_means_inference = True
    updates_state = True
    supports_masking = True

    def __init__(
        self,
        axis=-1,
        momentum=0.99,
        epsilon=1e-3,
        center=True,
        scale=True,
        beta_initializer="zeros",
        gamma_initializer="ones",
        moving_mean_initializer="zeros",
        moving_variance_initializer="ones",
        beta_regularizer=None,
        gamma_regularizer=None,
        beta_constraint=None,
        gamma_constraint=None,
        synchronized=False,
        **kwargs,
    ):
        super().__init__(**kwargs)
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
        self.synchronized = bool(synchronized)

    @property
    def center(self):
        """Whether `beta` is added."""
        return self._affine.center

    @property
    def scale(self):
        """Whether the result is multiplied by `gamma`."""
        return self._affine.scale

    def build(self, input_shape):
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
        state = {"shape": (channels,), "trainable": False, "autocast": False}
        self.moving_mean = self.add_weight(initializer=self.moving_mean_initializer, name="moving_mean", **state)
        self.moving_variance = self.add_weight(
            initializer=self.moving_variance_initializer, name="moving_variance", **state
        )
        self.built = True

    def call(self, inputs, training=None, mask=None):
        """The normalized inputs."""
        channel = self.axis % inputs.ndim
        shape = [inputs.shape[i] if i == channel else 1 for i in range(inputs.ndim)]
        if training or statistics_policy.current() == "batch":
            observe.note_statistics("batch")
            axes = tuple(i for i in range(inputs.ndim) if i != channel)
            shift, offset, variance = moments(inputs, axes, mask=_counted(inputs, mask))
            if training:
                self._follow(shift + offset, variance)
        else:
            observe.note_statistics("moving")
            shift, offset = self.moving_mean.value.reshape(shape), None
            variance = self.moving_variance.value.reshape(shape)
        gamma, beta = (w.raw.reshape(shape) if w is not None else None for w in (self.gamma, self.beta))
        return normalize(inputs, shift, offset, variance, gamma=gamma, beta=beta, epsilon=self.epsilon)

    def _follow(self, mean, variance):
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            past = jnp.asarray(moving.value)
            moving.assign(past * self.momentum + now.reshape(past.shape).astype(past.dtype) * (1 - self.momentum))

    def phase_action(self, training, statistics=None):
        """Which statistics normalize."""
        return f"{statistics} statistics"

    def compute_output_shape(self, input_shape):
        """The input's shape."""
        return input_shape

    def get_config(self):
        """Every argument."""
        return {
            **super().get_config(),
            "axis": self.axis,
            "momentum": self.momentum,
            "epsilon": self.epsilon,
            **self._affine.get_config(),
            "moving_mean_initializer": registry.serialize(self.moving_mean_initializer),
            "moving_variance_initializer": registry.serialize(self.moving_variance_initializer),
            "synchronized": self.synchronized,
        }


def _counted(inputs, mask):
    """Which positions count: those of the caller's mask in the real rows of the batch; None when all do."""
    rows = padding.mask_for(inputs)
    if mask is None:
        return rows
    mask = jnp.asarray(mask, bool)
    mask = mask.reshape(mask.shape + (1,) * (inputs.ndim - mask.ndim))
    return mask if rows is None else mask & rows
