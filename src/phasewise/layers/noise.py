"""Layers that draw random numbers in training and are the identity in inference."""

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.layer import Layer
from phasewise.registry import register


@register("layer")
class Dropout(Layer):
    """In training, sets each entry to 0 with probability `rate` and scales the others by 1 / (1 - rate).

    Srivastava et al. (2014). The identity in inference.

    Args:
        rate: in [0, 1].
        noise_shape: shape of the mask that is drawn, None for axes taken from the input; size 1 broadcasts.
        seed: int; the draw is then a function of it, the step and the layer's path, else of the run's seed.

    Input: any shape. Output: the same shape.
    """

    supports_masking = True

    def __init__(self, rate, noise_shape=None, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(rate, int | float) or not 0 <= rate <= 1:
            raise ValueError(f"Dropout's rate is the fraction to drop, in [0, 1]; got {rate!r}.")
        self.rate, self.noise_shape, self.seed = rate, noise_shape, seed

    def call(self, inputs, training=None):
        """The inputs, thinned in training."""
        if not training or self.rate == 0:
            return inputs
        if self.rate == 1:
            return jnp.zeros_like(inputs)
        given = self.noise_shape or (None,) * inputs.ndim
        shape = [size if n is None else n for n, size in zip(given, inputs.shape, strict=True)]
        keep = self.draw_bits(shape, self.seed) >= np.uint32(min(round(self.rate * 2**32), 2**32 - 1))
        return jnp.where(keep, inputs / (1 - self.rate), 0).astype(inputs.dtype)

    def phase_action(self, training, statistics=None):
        """Drops, or passes its input through."""
        return f"drops {self.rate:.0%}" if training else "passes through"

    def compute_output_shape(self, input_shape):
        """The input's shape."""
        return input_shape

    def get_config(self):
        """Every argument."""
        return {**super().get_config(), "rate": self.rate, "noise_shape": self.noise_shape, "seed": self.seed}


@register("layer")
class GaussianNoise(Layer):
    """In training, adds noise drawn from N(0, stddev²). The identity in inference.

    Args:
        stddev: at least 0.
        seed: as in `Dropout`.

    Input: any shape. Output: the same shape.
    """

    supports_masking = True

    def __init__(self, stddev, seed=None, **kwargs):
        super().__init__(**kwargs)
        if not isinstance(stddev, int | float) or stddev < 0:
            raise ValueError(f"GaussianNoise's stddev must be at least 0; got {stddev!r}.")
        self.stddev, self.seed = stddev, seed

    def call(self, inputs, training=None):
        """The inputs, with noise in training."""
        if not training or self.stddev == 0:
            return inputs
        return inputs + self.stddev * jax.random.normal(self.draw_key(self.seed), inputs.shape, inputs.dtype)

    def phase_action(self, training, statistics=None):
        """Adds noise, or passes its input through."""
        return f"adds noise, stddev {self.stddev:g}" if training else "passes through"

    def compute_output_shape(self, input_shape):
        """The input's shape."""
        return input_shape

    def get_config(self):
        """Every argument."""
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}
