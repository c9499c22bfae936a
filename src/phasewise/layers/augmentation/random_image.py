"""What layers share that change images at random in training and leave them as they are in inference."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core import naming, random, registry, warning
from phasewise.core.types import Array, Config, Nest, Shape
from phasewise.core.variable import in_scope
from phasewise.kernels import gamma
from phasewise.kernels.random_bits import standard_normal
from phasewise.layers.augmentation.image_preprocessing import BaseImagePreprocessingLayer
from phasewise.layers.regularization.random_layer import Seed, as_seed


class RandomImageLayer(BaseImagePreprocessingLayer):
    """Subclass it as `BaseImagePreprocessingLayer`, and with `disturbance()`, a few words for `explain`.

    What is drawn for an image has the batch for its first axis: `draw_uniform((batch,), ...)`. Then it is a function of the seed, the
    step and the image's place in the data, whatever the batch.

    Args:
        seed: int or `phasewise.random.SeedGenerator`; the draw is then a function of it, the step and the layer's place in the
            model, else of the run's seed.
        kwargs: as of `BaseImagePreprocessingLayer`.

    Raises:
        ValueError: `seed` is none of these.
    """

    def __init__(self, *, seed: Seed = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed = as_seed(self, seed)

    def call(self, data: Nest, training: bool | None = None) -> Nest:
        """Every part of the data, changed by one transformation in training."""
        if not training:
            self._tell_where_nobody_decided()
        return super().call(data, training=training)

    def _tell_where_nobody_decided(self):
        """Warn, once, that a call outside of any model that trains is in inference: in Keras such a call changes images."""
        if vars(self).get("_is_told", False) or self._decide().rule != 6 or not _is_all_there_is(naming.callers()[0]):
            return
        if not naming.is_called(self) or (in_scope() and not random.in_scope()):  # it is traced for shapes
            return
        self._is_told = True
        warning.warn(
            f"Layer {self.name!r} ({type(self).__name__}) drew nothing: it was called by itself, which is inference. Say training=True "
            "to change the images, as dataset.map(lambda x, y: (layer(x, training=True), y)), or training=False if this is meant. In a "
            "model, fit decides.",
            warning.NoEffectWarning,
        )

    def disturbance(self) -> str:
        """In a few words, what training does."""
        raise NotImplementedError(f"{type(self).__name__} must define `disturbance`.")

    def phase_action(self, training: bool, statistics: str | None = None) -> str:
        """The disturbance, or that the images pass through."""
        return self.disturbance() if training else "passes through"

    def draw_uniform(self, shape: Shape, lower: float = 0.0, upper: float = 1.0, seed: Any = None) -> Array:
        """Draws from [lower, upper), float32, of this shape; its first axis is that of the images.

        Args:
            shape: tuple of int.
            lower, upper: the bounds, numbers or arrays that broadcast.
            seed: what to draw from in place of the layer's seed.
        """
        bits = self.draw_bits(shape, self.seed if seed is None else seed)
        unit = (bits >> 8).astype(jnp.float32) * np.float32(2**-24)
        return lower + (upper - lower) * unit

    def draw_normal(self, shape: Shape, seed: Any = None) -> Array:
        """Draws from N(0, 1), float32, as `draw_uniform`."""
        return standard_normal(self.draw_bits(shape, self.seed if seed is None else seed))

    def draw_dirichlet(self, shape: Shape, alpha: Any, seed: Any = None) -> Array:
        """Draws from the Dirichlet distribution with equal `alpha`, float32 of this shape, that add up to 1 along the last axis.

        Args:
            shape: tuple of int; a last axis of 2 is a draw from Beta(alpha, alpha) and its counterpart.
            alpha: above 0, a number or an array that broadcasts against `shape`.
            seed: what to draw from in place of the layer's seed.
        """
        bits = self.draw_bits((*shape, gamma.BITS), self.seed if seed is None else seed)
        return jax.nn.softmax(gamma.log_gamma_draws(bits, alpha), axis=-1)

    def draw_chosen(self, batch: int, factor: tuple[float, float], seed: Any = None) -> Array:
        """Which images of a batch are changed, each with a probability that is itself drawn from `factor`; boolean (batch,)."""
        probability = self.draw_uniform((batch,), *factor, seed=seed)
        return self.draw_uniform((batch,), seed=seed) < probability

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), "seed": registry.serialize(self.seed)}


def _is_all_there_is(outermost):
    """Whether the outermost call is of layers that have been built and have no weights, so that nothing is trained by it."""
    return not outermost.weights and all(layer.built for layer in outermost._inventory().layers)
