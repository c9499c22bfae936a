"""Images in other sizes: resized, cropped, padded, moved and scaled."""

import jax
import jax.numpy as jnp

from phasewise.core.arguments import check_sizes
from phasewise.core.registry import one_of
from phasewise.kernels.interpolation import KERNELS, resized
from phasewise.layers.augmentation.windows import largest_window, smallest_frame, within
from phasewise.ops.image.batches import on_batch
from phasewise.ops.op import arrays, op
from phasewise.ops.tensors import saturate_cast

_METHODS = ("linear", "bilinear", "trilinear", "cubic", "bicubic", "tricubic", "lanczos3", "lanczos5")


@op
def resize(
    images,
    size,
    interpolation="bilinear",
    antialias=False,
    crop_to_aspect_ratio=False,
    pad_to_aspect_ratio=False,
    fill_mode="constant",
    fill_value=0.0,
    data_format=None,
):
    """Images in another size.

    Args:
        images: one, or a batch; whole numbers come out rounded, as what they were.
        size: (height, width).
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        antialias: whether images that shrink are smoothed first, so that every pixel counts.
        crop_to_aspect_ratio, pad_to_aspect_ratio: keep the proportions, by cutting off or by filling up; not both.
        fill_mode: "constant".
        fill_value: what is filled up with. Unlike Keras, a border of an odd number of pixels is filled up whole.
        data_format: "channels_last" or "channels_first"; None is `image_data_format()`.

    Raises:
        ValueError: an argument is out of its range.
    """
    height, width = check_sizes("resize", "size", tuple(size) if len(size) == 2 else size, 2)
    one_of("resize", "interpolation", interpolation, ("nearest", *KERNELS))
    one_of("resize", "fill_mode", fill_mode, ("constant",))
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("resize keeps the proportions by crop_to_aspect_ratio or by pad_to_aspect_ratio; got both.")

    def fit(batch):
        own = batch.shape[1], batch.shape[2]
        if crop_to_aspect_ratio:
            batch = within(batch, largest_window(*own, height, width), fill_value)
        elif pad_to_aspect_ratio:
            batch = within(batch, smallest_frame(*own, height, width), fill_value)
        found = resized(batch, (1, 2), (height, width), interpolation, antialias)
        if found.dtype == batch.dtype:
            return found
        return saturate_cast(jnp.round(found) if jnp.issubdtype(batch.dtype, jnp.integer) else found, batch.dtype)

    return on_batch("resize", fit, images, data_format)


def _thirds(owner, ends, first, last, target, size, sign):
    """(first, last) of the numbers at both ends, of which one follows from the size that is wanted."""
    if [first, last, target].count(None) != 1:
        raise ValueError(f"{owner} takes two of {', '.join(ends)}; got {first}, {last} and {target}.")
    if first is None:
        first = sign * (target - size) - last
    elif last is None:
        last = sign * (target - size) - first
    if min(first, last) < 0 or (target is not None and target < 0) or (sign < 0 and first + last > size):
        raise ValueError(
            f"{owner} finds {ends[0]}={first} and {ends[1]}={last} for a size of {size}: neither may be negative, and what is "
            "left must not be either."
        )
    return first, last


@op
def pad_images(
    images,
    top_padding=None,
    left_padding=None,
    bottom_padding=None,
    right_padding=None,
    target_height=None,
    target_width=None,
    data_format=None,
):
    """Images with zeros around.

    Args:
        top_padding, bottom_padding, target_height: two of the three, in pixels.
        left_padding, right_padding, target_width: two of the three.
        data_format: "channels_last" or "channels_first"; None is `image_data_format()`.

    Raises:
        ValueError: not two of three are given, or a number comes out negative.
    """

    def pad(batch):
        names = [("top_padding", "bottom_padding", "target_height"), ("left_padding", "right_padding", "target_width")]
        rows = _thirds("pad_images", names[0], top_padding, bottom_padding, target_height, batch.shape[1], 1)
        columns = _thirds("pad_images", names[1], left_padding, right_padding, target_width, batch.shape[2], 1)
        return jnp.pad(batch, ((0, 0), rows, columns, (0, 0)))

    return on_batch("pad_images", pad, images, data_format)


@op
def crop_images(
    images,
    top_cropping=None,
    left_cropping=None,
    bottom_cropping=None,
    right_cropping=None,
    target_height=None,
    target_width=None,
    data_format=None,
):
    """Images without what is near their edges.

    Args:
        top_cropping, bottom_cropping, target_height: two of the three, in pixels.
        left_cropping, right_cropping, target_width: two of the three.
        data_format: "channels_last" or "channels_first"; None is `image_data_format()`.

    Raises:
        ValueError: not two of three are given, or a number comes out negative.
    """

    def crop(batch):
        height, width = batch.shape[1:3]
        names = [
            ("top_cropping", "bottom_cropping", "target_height"),
            ("left_cropping", "right_cropping", "target_width"),
        ]
        top, bottom = _thirds("crop_images", names[0], top_cropping, bottom_cropping, target_height, height, -1)
        left, right = _thirds("crop_images", names[1], left_cropping, right_cropping, target_width, width, -1)
        return batch[:, top : height - bottom, left : width - right]

    return on_batch("crop_images", crop, images, data_format)


@op
def scale_and_translate(images, output_shape, scale, translation, spatial_dims, method, antialias=True):
    """Images scaled and moved along some axes: what was at x is at `x * scale + translation`; nothing outside counts.

    Args:
        images: array.
        output_shape: as many sizes as it has axes.
        scale, translation: (len(spatial_dims),).
        spatial_dims: the axes that are scaled.
        method: "linear", "cubic", "lanczos3" or "lanczos5" (also "bilinear", "trilinear", "bicubic", "tricubic").
        antialias: whether images that shrink are smoothed first.
    """
    one_of("scale_and_translate", "method", method, _METHODS)
    images, scale, translation = arrays(images, scale, translation)
    return jax.image.scale_and_translate(
        images, tuple(output_shape), tuple(spatial_dims), scale, translation, method, antialias
    )
