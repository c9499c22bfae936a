"""Normal noise in training, added or multiplied; the identity in inference."""

import jax

from phasewise.layers.regularization.random_layer import RandomLayer, check_rate
from phasewise.registry import register


@register("layer")
class GaussianNoise(RandomLayer):
    """In training, adds noise drawn from N(0, stddev²). The identity in inference.

    Args:
        stddev: at least 0.
        seed: as in `Dropout`.

    Input: any shape. Output: the same shape.
    """

    def __init__(self, stddev, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        if not isinstance(stddev, int | float) or isinstance(stddev, bool) or not stddev >= 0:
            raise ValueError(f"GaussianNoise's stddev must be at least 0; got {stddev!r}.")
        self.stddev = stddev

    def disturb(self, inputs):
        """The inputs with noise."""
        if self.stddev == 0:
            return inputs
        return inputs + self.stddev * jax.random.normal(self.draw_key(self.seed), inputs.shape, inputs.dtype)

    def disturbance(self):
        """Adds noise."""
        return f"adds noise, stddev {self.stddev:g}"

    def get_config(self):
        """Every argument."""
        return {**super().get_config(), "stddev": self.stddev}


@register("layer")
class GaussianDropout(RandomLayer):
    """In training, multiplies by noise drawn from N(1, rate / (1 - rate)), whose variance is that of dropout.

    Srivastava et al. (2014), section 10. The identity in inference.

    Args:
        rate: in [0, 1).
        seed: as in `Dropout`.

    Input: any shape. Output: the same shape.
    """

    def __init__(self, rate, seed=None, **kwargs):
        super().__init__(seed=seed, **kwargs)
        self.rate = check_rate(self, rate, one_included=False)

    def disturb(self, inputs):
        """The inputs times the noise."""
        if self.rate == 0:
            return inputs
        stddev = (self.rate / (1 - self.rate)) ** 0.5
        noise = jax.random.normal(self.draw_key(self.seed), inputs.shape, inputs.dtype)
        return inputs * (1 + stddev * noise)

    def disturbance(self):
        """Multiplies by noise."""
        return f"multiplies by noise, stddev {(self.rate / (1 - self.rate)) ** 0.5:.2g}"

    def get_config(self):
        """Every argument."""
        return {**super().get_config(), "rate": self.rate}
