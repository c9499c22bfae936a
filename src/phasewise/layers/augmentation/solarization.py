"""Bright values inverted."""

from typing import Any, ClassVar, Self

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.kernels.images.levels import solarized
from phasewise.layers.augmentation.changing_values import ChangingValues, per_image
from phasewise.layers.augmentation.random_image import RandomImageLayer
from phasewise.layers.augmentation.ranges import check_factor, check_value_range
from phasewise.layers.augmentation.written_ranges import by_name, is_pair, read_by_name
from phasewise.layers.regularization.random_layer import Seed


@register("layer")
class Solarization(ChangingValues, RandomImageLayer):
    """In training, inverts the values of each image that are not below a threshold. The identity in inference.

    With values from 0 to 1: y = x + addition, kept in that range; then y where y < threshold, else 1 - y. As it is by default, it
    inverts everything.

    Args:
        addition_factor, threshold_factor: the additions and thresholds from which is drawn for each image, as shares of the range of
            values, in [0, 1]: a pair, or one number f for (0, f).
        value_range: (low, high) of the images' values, as (0, 255) or (0, 1).
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.
        data_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict. Output: the same shapes; images in the
    compute dtype.

    Where we differ from Keras: the lower end of a pair is a share of the range too, where its code takes it for a number of levels, so
    that (0.5, 0.5) is drawn from 0.5 to 127.5 levels. A config holds it in levels, for Keras to mean the
    same; of more levels than Keras takes there, 1 or the upper end, it refuses the config.
    """

    working_range = (0, 255)
    rules: ClassVar = {
        "addition_factor": check_factor(0, 1),
        "threshold_factor": check_factor(0, 1),
        "value_range": check_value_range,
    }

    def __init__(
        self,
        addition_factor: float | tuple[float, float] = 0.0,
        threshold_factor: float | tuple[float, float] = 0.0,
        value_range: tuple[float, float] = (0, 255),
        seed: Seed = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, **kwargs)
        self.addition_factor, self.threshold_factor = addition_factor, threshold_factor
        self.value_range = value_range

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Array] | None:
        """What is added, "additions", and the "thresholds", each (batch, 1, 1, 1) in levels from 0 to 255."""
        if not training:
            return None
        shape = (self.sizes(data)[0], 1, 1, 1)
        drawn = (self.draw_uniform(shape, *f, seed=seed) * 255 for f in (self.addition_factor, self.threshold_factor))
        return dict(zip(("additions", "thresholds"), drawn))

    def changed(self, images: Array, transformation: Any) -> Array:
        """The images, solarized."""
        return solarized(images, per_image(transformation["additions"]), per_image(transformation["thresholds"]))

    def disturbance(self) -> str:
        """Inverts bright values."""
        return "inverts bright values"

    def get_config(self) -> Config:
        """Every argument."""
        factors = {
            "addition_factor": _written(self.addition_factor),
            "threshold_factor": _written(self.threshold_factor),
        }
        return {**super().get_config(), **factors}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new layer, from a config of ours or of Keras's."""
        factors = {name: _read(config[name]) for name in ("addition_factor", "threshold_factor") if name in config}
        return super().from_config({**config, **factors})


def _written(factor):
    levels, share = 255 * factor[0], factor[1]
    return (levels, share) if levels <= share else by_name(factor)


def _read(factor):
    if not is_pair(factor):
        return read_by_name(factor)
    levels, share = sorted(factor)
    return levels / 255, share
