"""Brightness, contrast, saturation and hue, changed at random one after the other."""

from typing import Any, ClassVar

from phasewise.core.registry import register
from phasewise.core.types import Array, Config, Nest
from phasewise.layers.augmentation.changing_values import ChangingValues
from phasewise.layers.augmentation.random_brightness import RandomBrightness
from phasewise.layers.augmentation.random_contrast import RandomContrast
from phasewise.layers.augmentation.random_hue import RandomHue
from phasewise.layers.augmentation.random_image import RandomImageLayer
from phasewise.layers.augmentation.random_saturation import RandomSaturation
from phasewise.layers.augmentation.ranges import check_value_range
from phasewise.layers.regularization.random_layer import Seed

Factor = float | tuple[float, float] | None
STEPS = {
    "brightness": RandomBrightness,
    "contrast": RandomContrast,
    "saturation": RandomSaturation,
    "hue": RandomHue,
}


def _rule_of(step):
    rule = STEPS[step].rules["factor"]
    return lambda layer, name, value: None if value is None else rule(layer, name, value)


@register("layer")
class RandomColorJitter(ChangingValues, RandomImageLayer):
    """In training, `RandomBrightness`, `RandomContrast`, `RandomSaturation` and `RandomHue`, one after the other. The identity in inference.

    Args:
        value_range: (low, high) of the images' values, as (0, 255) or (0, 1).
        brightness_factor, contrast_factor, saturation_factor, hue_factor: the `factor` of each; None leaves it out.
        seed: int or `phasewise.random.SeedGenerator`: see `Dropout`.
        data_format: see `BaseImagePreprocessingLayer`.

    Input: images (batch, height, width, channels) of any real dtype, one image, or a dict; with a saturation or hue of three channels.
    Output: the same shapes; images in the compute dtype.

    Raises:
        ValueError: images have no three channels where saturation or hue is changed.

    Where we differ from Keras: "channels_first" holds for all four, where Keras tells none of them; and see the four.
    """

    rules: ClassVar = {
        "value_range": check_value_range,
        **{f"{step}_factor": _rule_of(step) for step in STEPS},
    }

    def __init__(
        self,
        value_range: tuple[float, float] = (0, 255),
        brightness_factor: Factor = None,
        contrast_factor: Factor = None,
        saturation_factor: Factor = None,
        hue_factor: Factor = None,
        seed: Seed = None,
        data_format: str | None = None,
        **kwargs: Any,
    ):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = value_range
        self.brightness_factor, self.contrast_factor = brightness_factor, contrast_factor
        self.saturation_factor, self.hue_factor = saturation_factor, hue_factor

    @property
    def channel_counts(self) -> tuple[int, ...] | None:
        """Three, where saturation or hue is changed."""
        return None if self.saturation_factor is None and self.hue_factor is None else (3,)

    def _steps(self):
        """The layers that do it, in order. They are made for each trace: so they follow what is set here, and belong to no tree."""
        factors = {step: getattr(self, f"{step}_factor") for step in STEPS}
        return {
            step: STEPS[step](factor, value_range=self.value_range, name=step)
            for step, factor in factors.items()
            if factor is not None
        }

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> dict[str, Any] | None:
        """The transformation of each that is not left out, by "brightness", "contrast", "saturation" and "hue"."""
        if not training:
            return None
        source = self._seed_of_draw(self.seed if seed is None else seed)
        return {step: layer.get_random_transformation(data, seed=source) for step, layer in self._steps().items()}

    def changed(self, images: Array, transformation: Any) -> Array:
        """The images, changed by one after the other."""
        for step, layer in self._steps().items():
            images = layer.change(images, transformation[step])
        return images

    def disturbance(self) -> str:
        """Changes colours."""
        steps = list(self._steps())
        return f"changes {', '.join(steps)}" if steps else "changes nothing"

    def get_config(self) -> Config:
        """Every argument."""
        return {**super().get_config(), **{f"{step}_factor": getattr(self, f"{step}_factor") for step in STEPS}}
