"""Group normalization: each row, in groups of channels, by its own mean and variance, alike in both phases."""

from typing import Any

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Named, Shape
from phasewise.kernels.moments import normalized
from phasewise.layer.input_spec import InputSpec
from phasewise.layer.layer import Layer
from phasewise.layers.normalization.affine import Affine, HasAffine, as_axis, check_axis, check_number, known_sizes
from phasewise.layers.normalization.converting import Convertible


@register("layer")
class GroupNormalization(HasAffine, Convertible, Layer):
    """Normalizes each group of channels of each row to mean 0 and variance 1, then scales and centres each channel.

    `gamma * (x - mean) / sqrt(variance + epsilon) + beta`, the moments taken over a group's channels and all other axes of
    the row: Wu & He (2018), equations 1, 2 and 7. One group is layer normalization over the row; a group for each channel
    is instance normalization (Ulyanov et al. 2016).

    Args:
        groups: positive int that divides the channels; -1 makes each channel a group.
        axis: int, the channel axis.
        epsilon: at least 0, added to the variance.
        center, scale: whether to add `beta`, multiply by `gamma`, each of shape (channels,).
        beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: for
            the two weights.

    Input: (batch, ..., channels, ...), any rank from 2. Output: the input's shape and dtype. Statistics are accumulated in
    float32 or wider.

    Where it differs from Keras: float32 data with a mean of 1e5 standard deviations are normalized to 1e-5 of float64;
    `groups=-1` stays -1 in the config.
    """

    supports_masking = True
    fixed_by_build = ("axis",)

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Named = "zeros",
        gamma_initializer: Named = "ones",
        beta_regularizer: Named = None,
        gamma_regularizer: Named = None,
        beta_constraint: Named = None,
        gamma_constraint: Named = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.autocast = False  # inputs keep their digits until they are normalized
        if isinstance(groups, bool) or not hasattr(groups, "__index__") or (groups < 1 and groups != -1):
            raise ValueError(
                f"GroupNormalization's groups must be a positive integer, or -1 for one group a channel; got {groups!r}."
            )
        self.groups = int(groups)
        self.axis = as_axis(self, axis)
        self.epsilon = check_number(self, "epsilon", epsilon, 0, low_included=True)
        self._affine = Affine(
            center,
            scale,
            beta=(beta_initializer, beta_regularizer, beta_constraint),
            gamma=(gamma_initializer, gamma_regularizer, gamma_constraint),
        )

    def build(self, input_shape: Shape) -> None:
        """Makes gamma and beta, each of shape (channels,)."""
        axis = check_axis(self, self.axis, len(input_shape))
        (channels,) = known_sizes(self, (axis,), input_shape)
        if self.groups != -1 and channels % self.groups:
            raise ValueError(
                f"GroupNormalization {self.name!r} has groups={self.groups}, which does not divide the {channels} channels of "
                f"an input of shape {tuple(input_shape)} (axis {self.axis})."
            )
        self.input_spec = InputSpec(ndim=len(input_shape), axes={axis: channels})
        self.gamma, self.beta = self._affine.build(self, (channels,))
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The normalized inputs."""
        axis, shape = self.axis % inputs.ndim, inputs.shape
        groups = shape[axis] if self.groups == -1 else self.groups
        parts = (groups, shape[axis] // groups)
        grouped = inputs.reshape(*shape[:axis], *parts, *shape[axis + 1 :])
        over = tuple(i for i in range(1, grouped.ndim) if i != axis)
        weights = [*(1,) * axis, *parts, *(1,) * (inputs.ndim - axis - 1)]
        gamma, beta = (w.raw.reshape(weights) if w is not None else None for w in (self.gamma, self.beta))
        y = normalized(grouped, over, gamma=gamma, beta=beta, epsilon=self.epsilon)
        return y.reshape(shape).astype(self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return input_shape

    def get_config(self) -> Config:
        """Every argument."""
        return {
            **super().get_config(),
            "groups": self.groups,
            "axis": self.axis,
            "epsilon": self.epsilon,
            **self._affine.get_config(),
        }
