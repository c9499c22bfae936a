"""Spectral normalization: a layer called with a kernel whose largest singular value is about 1."""

from typing import Any

import jax.numpy as jnp

from phasewise import initializers
from phasewise.core import logits
from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Shape
from phasewise.core.variable import standing_in
from phasewise.kernels.moments import wide
from phasewise.kernels.spectral_norm import spectral_norm
from phasewise.layer.layer import Layer
from phasewise.layer.wrapping import build_inside
from phasewise.layers.wrapper import Wrapper


@register("layer")
class SpectralNormalization(Wrapper):
    """Calls the wrapped layer with `kernel / sigma`, sigma an estimate of the kernel's largest singular value.

    The kernel counts as a matrix (everything else, last axis). Sigma is v W uᵀ after `power_iterations` rounds of power
    iteration that begin at `vector_u`, with u and v constants to the gradient (Miyato et al. 2018, algorithm 1). Training
    and inference compute alike; a call in training stores the new `vector_u`, which is how the estimate comes closer from
    step to step, and one in inference stores nothing. A kernel of zeros stays as it is. A frozen layer is always in
    inference.

    Args:
        layer: a layer that has a `kernel`, or `embeddings`, once it is built.
        power_iterations: positive int.

    Input and output: those of the wrapped layer.

    Where it differs from Keras: the kernel itself is never changed, so that its regularizer and the optimizer see the
    weight that is trained. Keras overwrites the kernel with `kernel / sigma` at each call in training (which its `fit` on
    JAX silently loses) and predicts with the kernel as it stands, not normalized where that was lost. Keras also casts the
    output to the input's dtype, which makes integers of embeddings.
    """

    freezing_means_inference = True
    updates_state = "vector_u follows"

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any):
        super().__init__(layer, **kwargs)
        if isinstance(power_iterations, bool) or not hasattr(power_iterations, "__index__") or power_iterations < 1:
            raise ValueError(
                f"SpectralNormalization's power_iterations must be a positive integer; got {power_iterations!r}."
            )
        self.power_iterations = int(power_iterations)

    def build(self, input_shape: Shape) -> None:
        """Builds the wrapped layer and makes vector_u, of shape (1, last axis of the kernel)."""
        build_inside(self, self.layer, input_shape)
        self.kernel = getattr(self.layer, "kernel", getattr(self.layer, "embeddings", None))
        if self.kernel is None:
            raise ValueError(
                f"SpectralNormalization {self.name!r} wraps {self.layer.name!r} ({type(self.layer).__name__}), which has "
                "neither a `kernel` nor `embeddings`."
            )
        self.vector_u = self.add_weight(
            (1, self.kernel.shape[-1]),
            initializers.TruncatedNormal(stddev=0.02),
            dtype=self.kernel.dtype,
            trainable=False,
            autocast=False,
            name="vector_u",
        )
        self.built = True

    def call(self, inputs: Array, training: bool | None = None) -> Array:
        """The wrapped layer's output."""
        kernel = jnp.asarray(self.kernel.raw)
        matrix = wide(kernel).reshape(-1, kernel.shape[-1])
        sigma, u = spectral_norm(matrix, jnp.asarray(self.vector_u.raw), self.power_iterations)
        if training:
            self.vector_u.assign(u)
        normalized = (matrix / sigma).reshape(kernel.shape).astype(kernel.dtype)
        with standing_in(self.kernel, normalized):
            outputs = self.layer(inputs)
            return logits.follow(outputs.astype(self.compute_dtype), outputs)

    def compute_mask(self, inputs: Array, previous_mask: Array | None) -> Array | None:
        """The wrapped layer's."""
        return self.layer.compute_mask(inputs, previous_mask)

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        """The wrapped layer's."""
        return self.layer.compute_output_shape(input_shape)

    def phase_action(self, training: bool, statistics: str | None = None) -> str:
        """What the wrapped layer is called with, in both phases."""
        return "kernel / sigma"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "power_iterations": self.power_iterations}
