"""Layer normalization: each row by its own mean and variance, alike in training and in inference."""

from typing import Any

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Named, Shape
from phasewise.kernels.moments import normalized
from phasewise.layer.layer import Layer
from phasewise.layers.normalization.affine import (
    Affine,
    Axes,
    HasAffine,
    as_axes,
    check_axes,
    check_number,
    known_sizes,
)
from phasewise.layers.normalization.converting import Convertible


@register("layer")
class LayerNormalization(HasAffine, Convertible, Layer):
    """Normalizes each row over `axis` to mean 0 and variance 1, then scales and centres it (Ba et al. 2016).

    Args:
        axis: int or list of int, the axes to normalize over, which `gamma` and `beta` have one entry for.
        epsilon: at least 0, added to the variance.
        center, scale: whether to add `beta`, multiply by `gamma`.
        beta_initializer, gamma_initializer, beta_regularizer, gamma_regularizer, beta_constraint, gamma_constraint: for
            the two weights.

    Input: any shape with the axes. Output: the same shape. Statistics are accumulated in float32 or wider, exact for a mean
    far from zero.

    Where it differs from Keras: `rms_scaling=True`, deprecated there, is refused.
    """

    supports_masking = True
    fixed_by_build = ("axis",)

    def __init__(
        self,
        axis: Axes = -1,
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
        if kwargs.pop("rms_scaling", False):  # Keras writes down that there is none
            raise ValueError(
                "LayerNormalization was given rms_scaling=True, which Keras deprecates and which is not here: use RMSNormalization."
            )
        super().__init__(**kwargs)
        self.autocast = False  # inputs keep their digits until they are normalized
        self.axis = as_axes(self, axis)
        self.epsilon = check_number(self, "epsilon", epsilon, 0, low_included=True)
        self._affine = Affine(
            center,
            scale,
            beta=(beta_initializer, beta_regularizer, beta_constraint),
            gamma=(gamma_initializer, gamma_regularizer, gamma_constraint),
        )

    def build(self, input_shape: Shape) -> None:
        """Makes gamma and beta, of the shape of the normalized axes."""
        axes = check_axes(self, self.axis, len(input_shape))
        self.gamma, self.beta = self._affine.build(self, known_sizes(self, axes, input_shape))
        self.built = True

    def call(self, inputs: Array) -> Array:
        """The normalized inputs."""
        axes = check_axes(self, self.axis, inputs.ndim)
        shape = [size if i in axes else 1 for i, size in enumerate(inputs.shape)]
        gamma, beta = (w.raw.reshape(shape) if w is not None else None for w in (self.gamma, self.beta))
        y = normalized(inputs, axes, gamma=gamma, beta=beta, epsilon=self.epsilon)
        return y.astype(self.compute_dtype)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The input's shape."""
        return input_shape

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon, **self._affine.get_config()}
