"""Normal noise in training, added or multiplied; the identity in inference."""

from typing import Any

from phasewise.core.arguments import check_number
from phasewise.core.registry import register
from phasewise.core.types import Array, Config
from phasewise.kernels.random_bits import standard_normal
from phasewise.layers.regularization.random_layer import RandomLayer, Seed, check_rate


@register("layer")
class GaussianNoise(RandomLayer):
    """In training, adds noise drawn from N(0, stddev²). The identity in inference.

    Args:
        stddev: at least 0.
        seed: as in `Dropout`.

    Input: any shape. Output: the same shape.
    """

    def __init__(self, stddev: float, seed: Seed = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        self.stddev = check_number("GaussianNoise", "stddev", stddev, 0)

    def disturb(self, inputs: Array) -> Array:
        """The inputs with noise."""
        _check_stddev(self.stddev)  # it may have been assigned
        if self.stddev == 0:
            return inputs
        return inputs + self.stddev * _noise_like(inputs, self)

    def disturbance(self) -> str:
        """Adds noise."""
        return f"adds noise, stddev {self.stddev:g}"

    def get_config(self) -> Config:
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

    def __init__(self, rate: float, seed: Seed = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        self.rate = check_rate(self, rate, one_included=False)

    def disturb(self, inputs: Array) -> Array:
        """The inputs times the noise."""
        check_rate(self, self.rate, one_included=False)  # it may have been assigned
        if self.rate == 0:
            return inputs
        stddev = (self.rate / (1 - self.rate)) ** 0.5
        return inputs * (1 + stddev * _noise_like(inputs, self))

    def disturbance(self) -> str:
        """Multiplies by noise."""
        return f"multiplies by noise, stddev {(self.rate / (1 - self.rate)) ** 0.5:.2g}"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "rate": self.rate}


def _check_stddev(stddev):
    if not isinstance(stddev, int | float) or isinstance(stddev, bool) or not stddev >= 0:
        raise ValueError(f"GaussianNoise's stddev must be at least 0; got {stddev!r}.")
    return stddev


def _noise_like(inputs, layer):
    """Draws from N(0, 1) in the shape and dtype of `inputs`."""
    return standard_normal(layer.draw_bits(inputs.shape, layer.seed)).astype(inputs.dtype)
