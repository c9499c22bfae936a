"""Images with fewer bits a channel."""

from typing import Any, ClassVar, Self

import jax.numpy as jnp

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.kernels.images.levels import posterized
from phasewise.layers.augmentation.changing_values import ChangingValues, check_pair, per_image
from phasewise.layers.augmentation.random_image import RandomImageLayer
from phasewise.layers.augmentation.ranges import check_value_range
from phasewise.layers.augmentation.written_ranges import is_pair
from phasewise.layers.regularization.random_layer import Seed


def _check_bits(layer, name, value):
    return tuple(sorted(check_pair(1, 8, whole=True)(layer, name, value)))


@register("layer")
class RandomPosterization(ChangingValues, RandomImageLayer):
    """In training, keeps only the uppermost bits of each channel. The identity in inference.

    Values are taken as levels from 0 to 255, whose lower bits are set to 0 (AutoAugment, Cubuk et al. 2019; RandAugment, 2020).

    Args:
        factor: how many bits are kept, from 1 to 8: one integer, or a pair, both included, from which is drawn for each image.
        value_range: (low, high) of the images' values, as (0, 255) or (0, 1).
        data_format: see `BaseImagePreprocessingLayer`.
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: the same shapes; images in the
    compute dtype.

    Where we differ from Keras: one integer is the number of bits, as its documentation has it, where its code draws from 1 to below it;
    the higher number of a pair is drawn too, so that a config, which has Keras's meaning, holds one more; and level k of images in
    (0, 1) is k, where rounding there can make k - 1 of it.
    """

    working_range = (0, 255)
    rules: ClassVar = {"factor": _check_bits, "value_range": check_value_range}

    def __init__(
        self,
        factor: int | tuple[int, int],
        value_range: tuple[float, float] = (0, 255),
        data_format: str | None = None,
        seed: Seed = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor, self.value_range = factor, value_range

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Array] | None:
        """How many bits are dropped: "shift_factor" (batch,), uint8."""
        if not training:
            return None
        fewest, most = self.factor
        bits = jnp.floor(self.draw_uniform((self.sizes(data)[0],), fewest, most + 1, seed=seed))
        return {"shift_factor": (8 - jnp.minimum(bits, most)).astype(jnp.uint8)}

    def changed(self, images: Array, transformation: Any) -> Array:
        """The images with fewer levels."""
        return posterized(images, 8 - per_image(transformation["shift_factor"]).astype(jnp.int32)).astype(images.dtype)

    def disturbance(self) -> str:
        """Keeps a few bits."""
        fewest, most = self.factor
        return f"keeps {fewest if fewest == most else f'{fewest} to {most}'} bits a channel"

    def get_config(self) -> Config:
        """Every argument; of two different numbers of bits the higher one is written as one more, which Keras draws up to."""
        fewest, most = self.factor
        return {**super().get_config(), "factor": (fewest, most + (most > fewest))}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new layer, from a config of ours or of Keras's."""
        factor = config.get("factor")
        if is_pair(factor):
            fewest, above = sorted(factor)
            factor = (fewest, max(fewest, above - 1))
        return super().from_config({**config, "factor": factor})
