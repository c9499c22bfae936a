"""Initializers whose variance follows from the number of inputs and outputs, so that signals keep their size."""

import math
from collections.abc import Sequence

import numpy as np

from phasewise.core.registry import one_of, register
from phasewise.initializers.distributions import truncated_standard_normal
from phasewise.initializers.initializer import KIND, RandomInitializer, Seed

_TRUNCATED_STDDEV = 0.87962566103423978  # of a standard normal cut off at two standard deviations


@register(KIND)
class VarianceScaling(RandomInitializer):
    """Mean 0 and variance `scale / n`, where n is the fan that `mode` names, and at least 1.

    Args:
        scale: positive.
        mode: "fan_in", "fan_out" or "fan_avg" (the mean of both).
        distribution: "truncated_normal" (also called "normal"), "untruncated_normal" or "uniform".
        seed: as in `RandomInitializer`.
        input_axes, output_axes: lists of int, the axes whose sizes multiply to fan_in and fan_out. Without both of them
            the last axis is the output, the one before it the input, and the others a receptive field.

    Raises:
        ValueError: `scale` is not positive, or `mode` or `distribution` is unknown.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        super().__init__(seed)
        if not 0 < scale < math.inf:
            raise ValueError(f"VarianceScaling's scale must be a positive number; got {scale!r}.")
        self.scale = scale
        self.mode = one_of("VarianceScaling", "mode", mode, ("fan_in", "fan_out", "fan_avg"))
        known = ("normal", "truncated_normal", "untruncated_normal", "uniform")
        distribution = one_of("VarianceScaling", "distribution", str(distribution).lower(), known)
        self.distribution = "truncated_normal" if distribution == "normal" else distribution
        self.input_axes, self.output_axes = input_axes, output_axes

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        fan_in, fan_out = fans(shape, self.input_axes, self.output_axes)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, fan))
        if self.distribution == "truncated_normal":
            return stddev / _TRUNCATED_STDDEV * truncated_standard_normal(generator, shape, dtype)
        if self.distribution == "untruncated_normal":
            return stddev * generator.standard_normal(shape, dtype)
        return math.sqrt(3) * stddev * (2 * generator.random(shape, dtype) - 1)


class _Named(VarianceScaling):
    """A `VarianceScaling` known by its authors: `recipe` is its (scale, mode, distribution)."""

    recipe = (1.0, "fan_in", "truncated_normal")

    def __init__(
        self,
        seed: Seed = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ):
        super().__init__(*self.recipe, seed=seed, input_axes=input_axes, output_axes=output_axes)


@register(KIND)
class GlorotUniform(_Named):
    """Uniform with variance 2 / (fan_in + fan_out) (Glorot & Bengio 2010, equation 16)."""

    recipe = (1.0, "fan_avg", "uniform")


@register(KIND)
class GlorotNormal(_Named):
    """Truncated normal with variance 2 / (fan_in + fan_out) (Glorot & Bengio 2010)."""

    recipe = (1.0, "fan_avg", "truncated_normal")


@register(KIND)
class HeUniform(_Named):
    """Uniform with variance 2 / fan_in (He et al. 2015)."""

    recipe = (2.0, "fan_in", "uniform")


@register(KIND)
class HeNormal(_Named):
    """Truncated normal with variance 2 / fan_in (He et al. 2015, equation 10)."""

    recipe = (2.0, "fan_in", "truncated_normal")


@register(KIND)
class LecunUniform(_Named):
    """Uniform with variance 1 / fan_in (LeCun et al. 1998)."""

    recipe = (1.0, "fan_in", "uniform")


@register(KIND)
class LecunNormal(_Named):
    """Truncated normal with variance 1 / fan_in (LeCun et al. 1998; Klambauer et al. 2017 for `selu`)."""

    recipe = (1.0, "fan_in", "truncated_normal")


def fans(shape, input_axes=None, output_axes=None):
    """(fan_in, fan_out) of a weight: how many numbers meet in one output, and how many one input feeds.

    Args:
        shape: tuple of int; the last axis is the output, the one before it the input, the others a receptive field.
        input_axes, output_axes: lists of int that name the axes instead; both or neither.
    """
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[axis] for axis in input_axes), math.prod(shape[axis] for axis in output_axes)
    if len(shape) < 2:
        return math.prod(shape), math.prod(shape)
    field = math.prod(shape[:-2])
    return shape[-2] * field, shape[-1] * field
