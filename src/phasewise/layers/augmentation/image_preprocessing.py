"""What layers share that take images, alone or with their labels, bounding boxes and segmentation masks."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core import random
from phasewise.core.types import Array, Config, Nest
from phasewise.graph import symbolic
from phasewise.layer.layer import Layer
from phasewise.layers.augmentation.bounding_boxes import check_format, dense
from phasewise.layers.spatial import check_data_format

PARTS = ("images", "labels", "bounding_boxes", "segmentation_masks")


class BaseImagePreprocessingLayer(Layer):
    """Subclass it with `get_random_transformation` and those of the four `transform_...` methods that change something.

    A call takes images of shape (batch, height, width, channels), one image (height, width, channels), or a dict with "images" and
    what belongs to them: "labels", "bounding_boxes" (a dict with "boxes" (batch, boxes, 4) and "labels" (batch, boxes)) and
    "segmentation_masks" (batch, height, width, 1) or (batch, height, width). One transformation is drawn for a call and each part is changed by it. The methods see
    batches, one image as a batch of one; what is returned has the structure of what was given, and other keys go through untouched.

    Images come out in the layer's compute dtype. Labels, segmentation masks and bounding boxes (float32) are never rounded to it.

    Attributes of a subclass:
        rules: what an argument must be: a function (layer, name, value) for each name, that returns the value in its one form or
            raises. They hold whenever the attribute is set, in the constructor and later.
        acts_by_phase: False where training and inference are the same.

    Args:
        data_format: "channels_last" (the default) or "channels_first", for (batch, channels, height, width).
        bounding_box_format: how boxes are written: "xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx",
            "rel_xywh" or "rel_center_xywh" (see `bounding_boxes.convert_format`). Needed where there are boxes.

    Where we differ from Keras: whether a layer acts is decided by the switch, so that a bare call `layer(images)` is in inference, as
    it is for every layer; in `Dataset.map` say `layer(images, training=True)`. One that is random warns of this.
    """

    rules: ClassVar[Mapping[str, Callable[..., Any]]] = {}

    def __init__(self, *, data_format: str | None = None, bounding_box_format: str | None = None, **kwargs: Any):
        super().__init__(**{"autocast": False, **kwargs})  # images are cast where they are changed, boxes not at all
        self.data_format, self.bounding_box_format = data_format, bounding_box_format

    def __setattr__(self, name: str, value: Any) -> None:
        rule = self.rules.get(name) or _COMMON_RULES.get(name)
        super().__setattr__(name, value if rule is None else rule(self, name, value))

    # -- what a subclass defines

    def get_random_transformation(self, data: Nest, training: bool = True, seed: Any = None) -> Any:
        """What the `transform_...` methods need to know: what is drawn, the sizes of the images.

        Args:
            data: a batch of images, or a dict with such.
            training: the phase.
            seed: what to draw from in place of the layer's seed.
        """
        return None

    def transform_images(self, images: Array, transformation: Any, training: bool = True) -> Array:
        """The images of a batch, of any real dtype, changed; in inference too where the layer acts there."""
        raise NotImplementedError(f"{type(self).__name__} must define `transform_images`.")

    def transform_labels(self, labels: Array, transformation: Any, training: bool = True) -> Array:
        """The labels of a batch; the default changes none."""
        return labels

    def transform_bounding_boxes(
        self, bounding_boxes: dict[str, Array], transformation: Any, training: bool = True
    ) -> dict[str, Array]:
        """The boxes of a batch, in the layer's `bounding_box_format`; the default changes none."""
        return bounding_boxes

    def transform_segmentation_masks(
        self, segmentation_masks: Array, transformation: Any, training: bool = True
    ) -> Array:
        """The masks of a batch, with a channel axis, in their own dtype; the default changes none."""
        return segmentation_masks

    # -- the call

    def call(self, data: Nest, training: bool | None = None) -> Nest:
        """Every part of the data, changed by one transformation."""
        parts = self._arrays_of(data)
        is_single = parts["images"].ndim == 3
        if is_single:
            parts = jax.tree.map(lambda array: array[None], parts)
        given = parts if isinstance(data, dict) else parts["images"]
        training = bool(training)
        transformation = self.get_random_transformation(given, training=training)
        done = {name: self._transformed(name, part, transformation, training) for name, part in parts.items()}
        if is_single:
            done = jax.tree.map(lambda array: array[0], done)
        return {**data, **done} if isinstance(data, dict) else done["images"]

    def _transformed(self, name, part, transformation, training):
        if name != "segmentation_masks":
            return getattr(self, f"transform_{name}")(part, transformation, training)
        channels = self.channel_axis
        lacks_channels = part.ndim == 3
        part = jnp.expand_dims(part, channels) if lacks_channels else part
        part = self.transform_segmentation_masks(part, transformation, training)
        return jnp.squeeze(part, channels) if lacks_channels else part

    def _arrays_of(self, data):
        """The parts of the data that are transformed, as arrays that belong together.

        Raises:
            ValueError: there are no images, they are no images, boxes have no format, or a part has another batch.
        """
        named = data if isinstance(data, dict) else {"images": data}
        if "images" not in named:
            raise ValueError(
                f'{type(self).__name__} takes images, or a dict with "images"; got one with {sorted(named)}.'
            )
        if isinstance(named["images"], list | tuple):
            raise ValueError(
                f"{type(self).__name__} takes images as one array, and what belongs to them in a dict with it, as "
                f'{{"images": x, "labels": y}}; got a {type(named["images"]).__name__} of {len(named["images"])}.'
            )
        parts = {name: named[name] for name in PARTS if named.get(name) is not None}
        if "bounding_boxes" in parts:
            if self.bounding_box_format is None:
                raise ValueError(
                    f'{type(self).__name__} was given "bounding_boxes" and does not know how they are written: say so when it is '
                    'made, as bounding_box_format="xyxy".'
                )
            parts["bounding_boxes"] = dense(parts["bounding_boxes"])
        parts = jax.tree.map(jnp.asarray, parts)
        shape = parts["images"].shape
        if len(shape) not in (3, 4):
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) expects images of shape {self._shape_words(batch=True)}, or one "
                f"image {self._shape_words(batch=False)}; got shape {shape}."
            )
        self._check_masks(shape, parts.get("segmentation_masks"))
        self._check_batches(parts)
        return parts

    def _check_batches(self, parts):
        """One of a part for each image: what is too short would be broadcast, or looked up beyond its end."""
        batch = parts["images"].shape[:-3]
        for name, part in parts.items():
            arrays = [part["boxes"]] if name == "bounding_boxes" else jax.tree.leaves(part)
            for array in arrays:
                found = array.shape[:-2] if name == "bounding_boxes" else array.shape[: len(batch)]
                if found != batch:
                    raise ValueError(
                        f"Layer {self.name!r} ({type(self).__name__}) expects {name} that belong to the images one by one; got images "
                        f"of shape {parts['images'].shape} and {name} of shape {array.shape}."
                    )

    def _check_masks(self, shape, masks):
        if masks is None:
            return
        sizes = [shape[axis] for axis in self.spatial_axes]
        lacks_channels = masks.ndim == len(shape) - 1
        found = masks.shape[-2:] if lacks_channels else [masks.shape[axis] for axis in self.spatial_axes]
        if masks.ndim not in (len(shape), len(shape) - 1) or list(found) != sizes:
            raise ValueError(
                f"Layer {self.name!r} ({type(self).__name__}) expects segmentation masks of the images' height and width; got images "
                f"of shape {shape} and masks of shape {masks.shape}."
            )

    def _shape_words(self, batch):
        words = (
            ("channels", "height", "width") if self.data_format == "channels_first" else ("height", "width", "channels")
        )
        return f"({', '.join(('batch', *words) if batch else words)})"

    # -- which axes are what, from the end, so that they hold for one image as for a batch

    @property
    def spatial_axes(self) -> tuple[int, int]:
        """The axes of height and width."""
        return (-2, -1) if self.data_format == "channels_first" else (-3, -2)

    @property
    def channel_axis(self) -> int:
        """The axis of the channels."""
        return -3 if self.data_format == "channels_first" else -1

    def sizes(self, data: Nest) -> tuple[int, int, int]:
        """(batch, height, width) of images, or of a dict with such; the batch of one image is 1."""
        shape = np.shape(data["images"] if isinstance(data, dict) else data)
        return (shape[0] if len(shape) == 4 else 1, *(shape[axis] for axis in self.spatial_axes))

    def in_channels_last(self, function: Callable[[Array], Array], images: Array) -> Array:
        """`function` of images with their channels last, and its result with the channels where they were."""
        if self.data_format == "channels_last":
            return function(images)
        return jnp.moveaxis(function(jnp.moveaxis(images, -3, -1)), -1, -3)

    # -- shapes and config

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Nest:
        """Structure of symbolic tensors that a call would return; found by tracing it, which draws from no one's sequence."""
        with random.scope(np.uint32(0), np.int32(0)):
            return symbolic.infer(self.__call__, args, {"training": False, **kwargs})

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes of what a call returns, None for unknown axes, for the shape of images or a dict of shapes."""
        spec = self.compute_output_spec(symbolic.specs_of(input_shape, self.compute_dtype))
        return jax.tree.map(lambda leaf: tuple(leaf.shape), spec, is_leaf=symbolic.is_symbolic)

    def get_config(self) -> Config:
        """Every argument."""
        config = {**super().get_config(), "data_format": self.data_format}
        return (
            config if self.bounding_box_format is None else {**config, "bounding_box_format": self.bounding_box_format}
        )


def _check_format(layer, name, value):
    return None if value is None else check_format(type(layer).__name__, name, value)


_COMMON_RULES = {"data_format": check_data_format, "bounding_box_format": _check_format}
