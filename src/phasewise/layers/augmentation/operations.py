"""The operations of RandAugment and AugMix, by one strength, and a chain of some of them for each image.

Which operations an image goes through is drawn for that image. A loop over the images runs the chosen one of the operations and
no other, so that the work is that of what was drawn: to compute all for all images and take what was drawn costs as many times
more as there are operations.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from phasewise.core.types import Array, Nest
from phasewise.layers.augmentation.auto_contrast import AutoContrast
from phasewise.layers.augmentation.equalization import Equalization
from phasewise.layers.augmentation.image_preprocessing import BaseImagePreprocessingLayer
from phasewise.layers.augmentation.random_brightness import RandomBrightness
from phasewise.layers.augmentation.random_color_degeneration import RandomColorDegeneration
from phasewise.layers.augmentation.random_contrast import RandomContrast
from phasewise.layers.augmentation.random_image import RandomImageLayer
from phasewise.layers.augmentation.random_posterization import RandomPosterization
from phasewise.layers.augmentation.random_rotation import RandomRotation
from phasewise.layers.augmentation.random_sharpness import RandomSharpness
from phasewise.layers.augmentation.random_shear import RandomShear
from phasewise.layers.augmentation.random_translation import RandomTranslation
from phasewise.layers.augmentation.ranges import check_factor, check_value_range
from phasewise.layers.augmentation.solarization import Solarization
from phasewise.layers.augmentation.warping import WARPING_RULES

MOST_BITS = 4  # that are dropped at a strength of 1, as in AutoAugment (Cubuk et al. 2019, table 6)

Variants = Sequence[BaseImagePreprocessingLayer]
"""Layers that do the same thing in one direction and in the other, of which one is drawn for each image."""


class Settings(NamedTuple):
    """What the operations of a layer are made by: hashable, so that what was compiled is found again."""

    factor: tuple[float, float]
    value_range: tuple[float, float]
    interpolation: str
    data_format: str
    bounding_box_format: str | None


def operations(settings: Settings, names: Sequence[str]) -> dict[str, Variants]:
    """The operations of these names. They are made for each trace: so they follow what is set, and belong to no tree of layers."""
    lower, upper = settings.factor
    signed = ((lower, upper), (-upper, -lower))
    common = {
        "data_format": settings.data_format,
        "bounding_box_format": settings.bounding_box_format,
        "dtype": "float32",
        "name": "operation",
    }

    def moving(cls, **arguments):
        return cls(**arguments, interpolation=settings.interpolation, **common)

    def changing(cls, *arguments, **more):
        return cls(*arguments, **more, value_range=settings.value_range, **common)

    bits = 8 - round(MOST_BITS * upper), 8 - round(MOST_BITS * lower)
    makers: dict[str, Callable[[], Variants]] = {
        "random_shear": lambda: [moving(RandomShear, x_factor=(lower, upper), y_factor=(lower, upper))],
        "random_translation": lambda: [
            moving(RandomTranslation, height_factor=down, width_factor=across) for down in signed for across in signed
        ],
        "random_rotation": lambda: [moving(RandomRotation, factor=turn) for turn in signed],
        "random_brightness": lambda: [changing(RandomBrightness, share) for share in signed],
        "random_color_degeneration": lambda: [changing(RandomColorDegeneration, share) for share in signed],
        "random_contrast": lambda: [changing(RandomContrast, (upper, upper))],
        "random_sharpness": lambda: [
            changing(RandomSharpness, tuple((1 + bound) / 2 for bound in share)) for share in signed
        ],
        "random_posterization": lambda: [changing(RandomPosterization, bits)],
        "solarization": lambda: [
            changing(Solarization, addition_factor=(lower, upper), threshold_factor=(1 - upper, 1 - lower))
        ],
        "auto_contrast": lambda: [changing(AutoContrast)],
        "equalization": lambda: [changing(Equalization)],
    }
    return {name: makers[name]() for name in names}


class OperatingLayer(RandomImageLayer):
    """A layer that puts images through operations. Subclass it as `RandomImageLayer`; it has the attributes `value_range`, `factor`
    and `interpolation`."""

    rules: ClassVar = {
        "value_range": check_value_range,
        "factor": check_factor(0, 1),
        "interpolation": WARPING_RULES["interpolation"],
    }

    def settings(self) -> Settings:
        """What the operations are made by, as it is now."""
        return Settings(self.factor, self.value_range, self.interpolation, self.data_format, self.bounding_box_format)

    def draw_chains(self, data: Nest, names: Sequence[str], steps: Sequence[int], seed: Any, *, may_rest: bool) -> Any:
        """What each image of a batch goes through.

        Args:
            data: images, or a dict with such.
            names: of the operations.
            steps: how many steps there are, for several chains (chains, steps in each).
            seed: what to draw from.
            may_rest: whether a step may be none of them.

        Returns:
            {"layer_idxes": (batch, *steps) of int32, the number of the operation of each step, len(names) for none; "transforms": for
            each name what it is to do, if it is chosen, arrays (batch, *steps, ...)}.
        """
        images = data["images"] if isinstance(data, dict) else data
        batch, count = self.sizes(images)[0], 1
        for number in steps:
            count *= number
        shape = jnp.shape(images)
        of_steps = jax.ShapeDtypeStruct((batch * count, *shape[-3:]), jnp.float32)
        choices = self.draw_whole((batch, *steps), len(names) + may_rest, seed)

        def by_step(leaf):
            return leaf.reshape(batch, *steps, *leaf.shape[1:]) if jnp.ndim(leaf) else leaf

        transforms = {
            name: jax.tree.map(by_step, self._draw_variant(variants, of_steps, seed))
            for name, variants in operations(self.settings(), names).items()
        }
        return {"layer_idxes": choices, "transforms": transforms}

    def _draw_variant(self, variants, data, seed):
        """The transformations of one operation, for each image that of one of its variants."""
        drawn = [variant.get_random_transformation(data, training=True, seed=seed) for variant in variants]
        if len(drawn) == 1:
            return drawn[0]
        chosen = self.draw_whole((data.shape[0],), len(drawn), seed)

        def taken(*leaves):
            if not jnp.ndim(leaves[0]):
                return leaves[0]
            return jnp.take_along_axis(jnp.stack(leaves, 1), chosen.reshape(-1, *(1,) * leaves[0].ndim), 1)[:, 0]

        return jax.tree.map(taken, *drawn)

    def draw_whole(self, shape: Sequence[int], count: int, seed: Any) -> Array:
        """Draws from 0 to `count` - 1, int32."""
        return jnp.minimum(jnp.floor(self.draw_uniform(tuple(shape), 0, count, seed=seed)), count - 1).astype(jnp.int32)


def through_chain(
    settings: Settings, names: Sequence[str], method: str, part: Nest, choices: Array, transforms: Any
) -> Nest:
    """One image, or what belongs to it, through one chain of operations.

    Args:
        settings: of the operations.
        names: of the operations, in the order in which they are numbered.
        method: of the operations, as "transform_images".
        part: arrays of one image, without the axis of the batch.
        choices: (steps,).
        transforms: as of `draw_chains`, arrays (steps, ...).
    """
    arrays, put = apart(transforms)

    def branch_of(name, layer):
        def branch(part, given):
            transformation = put([leaf[None] for leaf in given])[name]
            rows = jax.tree.map(lambda array: array[None], part)
            return jax.tree.map(lambda array: array[0], getattr(layer, method)(rows, transformation, True))

        return branch

    branches = [branch_of(name, variants[0]) for name, variants in operations(settings, names).items()]
    branches.append(lambda part, given: part)

    def step(part, given):
        choice, leaves = given
        return jax.lax.switch(choice, branches, part, leaves), None

    return jax.lax.scan(step, part, (choices, arrays))[0]


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3))
def for_each_image(
    function: Callable[..., Nest],
    settings: Settings,
    names: tuple[str, ...],
    method: str,
    parts: Nest,
    transformation: Any,
) -> Nest:
    """`function(settings, names, method, part, what was drawn for it)` for each image of a batch, one after the other.

    Compiled once for the settings, so that calls outside of a model find it again.

    Args:
        function: see above, one of a module.
        settings, names, method: as of `through_chain`.
        parts: arrays (batch, ...).
        transformation: a nest of arrays (batch, ...), and of numbers, which go to each as they are.
    """
    arrays, put = apart(transformation)
    return jax.lax.map(lambda given: function(settings, names, method, given[0], put(given[1])), (parts, arrays))


def apart(nest: Nest) -> tuple[list[Array], Callable[[list[Array]], Nest]]:
    """The arrays that a nest holds, and a function that returns the nest with others in their places; numbers stay."""
    leaves, tree = jax.tree.flatten(nest)
    places = [place for place, leaf in enumerate(leaves) if jnp.ndim(leaf)]

    def put(arrays):
        held = list(leaves)
        for place, array in zip(places, arrays, strict=True):
            held[place] = array
        return jax.tree.unflatten(tree, held)

    return [jnp.asarray(leaves[place]) for place in places], put
