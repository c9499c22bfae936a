"""Images seen through a map of the plane."""

import jax
import jax.numpy as jnp

from phasewise.core.registry import one_of
from phasewise.kernels.images.warping import FILL_MODES, INTERPOLATIONS, displaced, projected
from phasewise.ops.image.batches import on_batch
from phasewise.ops.image.filters import blurred
from phasewise.ops.op import arrays, op
from phasewise.random import key_of


@op
def affine_transform(images, transform, interpolation="bilinear", fill_mode="constant", fill_value=0, data_format=None):
    """Images of which the pixel at (x, y) is the one at ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), k = c0 x + c1 y + 1.

    Args:
        images: one, or a batch.
        transform: (8,) or (batch, 8): a0, a1, a2, b0, b1, b2, c0, c1; the last two are 0 for an affine map.
        interpolation: "bilinear" or "nearest".
        fill_mode: what is beyond the edges: "constant", "nearest", "wrap", "mirror" or "reflect".
        fill_value: number, for "constant".
        data_format: "channels_last" or "channels_first"; None is `image_data_format()`.

    Raises:
        ValueError: an argument is out of its range.
    """
    one_of("affine_transform", "interpolation", interpolation, INTERPOLATIONS)
    one_of("affine_transform", "fill_mode", fill_mode, FILL_MODES)
    transform = jnp.asarray(transform, "float32")
    if transform.ndim not in (1, 2) or transform.shape[-1] != 8:
        raise ValueError(f"affine_transform takes a transform of shape (8,) or (batch, 8); got {transform.shape}.")

    def seen(batch):
        return projected(batch, _nine(transform, len(batch)), interpolation, fill_mode, fill_value)

    return on_batch("affine_transform", seen, images, data_format)


@op
def perspective_transform(images, start_points, end_points, interpolation="bilinear", fill_value=0, data_format=None):
    """Images seen so that four points come to lie where four others are.

    Args:
        images: one, or a batch.
        start_points, end_points: (4, 2) or (batch, 4, 2), x before y, in pixels: corners of a quadrilateral, in one order.
        interpolation: "bilinear" or "nearest".
        fill_value: what is where the image is not.
        data_format: "channels_last" or "channels_first"; None is `image_data_format()`.

    Raises:
        ValueError: an argument is out of its range.
    """
    one_of("perspective_transform", "interpolation", interpolation, INTERPOLATIONS)
    points = [jnp.asarray(each, "float32") for each in (start_points, end_points)]
    if any(each.ndim not in (2, 3) or each.shape[-2:] != (4, 2) for each in points):
        raise ValueError(
            "perspective_transform takes start_points and end_points of shape (4, 2) or (batch, 4, 2); got "
            f"{points[0].shape} and {points[1].shape}."
        )
    start, end = (each.reshape(-1, 4, 2) for each in points)

    def seen(batch):
        return projected(batch, _nine(_homography(end, start), len(batch)), interpolation, "constant", fill_value)

    return on_batch("perspective_transform", seen, images, data_format)


def _homography(points, targets):
    """The eight numbers of the map that takes four points to four others: (batch, 8)."""
    points, targets = jnp.broadcast_arrays(points, targets)
    x, y = points[..., 0], points[..., 1]
    zero, one = jnp.zeros_like(x), jnp.ones_like(x)
    rows, values = [], []
    for to, ours in (
        (targets[..., 0], (x, y, one, zero, zero, zero)),
        (targets[..., 1], (zero, zero, zero, x, y, one)),
    ):
        rows.append(jnp.stack([*ours, -to * x, -to * y], -1))
        values.append(to)
    return jnp.linalg.solve(jnp.concatenate(rows, 1), jnp.concatenate(values, 1)[..., None])[..., 0]


def _nine(numbers, batch):
    """Eight numbers of a map, or those of one for each image, as nine for each image."""
    numbers = jnp.broadcast_to(numbers.reshape(-1, 8), (batch, 8))
    return jnp.concatenate([numbers, jnp.ones((batch, 1), numbers.dtype)], 1)


@op
def map_coordinates(inputs, coordinates, order, fill_mode="constant", fill_value=0):
    """The values of an array at places between and beyond its entries.

    Args:
        inputs: array.
        coordinates: (axes of `inputs`, ...): the places, axis by axis.
        order: 0 takes the nearest entry, 1 weighs those around.
        fill_mode: what is beyond the ends: "constant", "nearest", "wrap", "mirror" or "reflect".
        fill_value: number, for "constant".

    Returns:
        (...), of the dtype of `inputs`.

    Raises:
        ValueError: an argument is out of its range.
    """
    one_of("map_coordinates", "fill_mode", fill_mode, FILL_MODES)
    one_of("map_coordinates", "order", order, (0, 1))
    inputs, coordinates = arrays(inputs, coordinates)
    if coordinates.ndim < 2 or len(coordinates) != inputs.ndim:
        raise ValueError(
            f"map_coordinates takes coordinates of shape ({inputs.ndim}, ...) for an array of shape {inputs.shape}; got "
            f"{coordinates.shape}."
        )
    return jax.scipy.ndimage.map_coordinates(inputs, list(coordinates), order, fill_mode, fill_value)


@op
def elastic_transform(
    images,
    alpha=20.0,
    sigma=5.0,
    interpolation="bilinear",
    fill_mode="reflect",
    fill_value=0.0,
    seed=None,
    data_format=None,
):
    """Images whose pixels are moved by a smooth random field (Simard et al. 2003): noise of standard deviation `sigma`, blurred over
    `sigma` pixels, times `alpha`.

    Args:
        images: one, or a batch; each gets a field of its own.
        alpha, sigma: positive numbers.
        interpolation: "bilinear" or "nearest".
        fill_mode, fill_value: as of `affine_transform`.
        seed: int, `SeedGenerator` or None for a fresh one.
        data_format: "channels_last" or "channels_first"; None is `image_data_format()`.

    Raises:
        ValueError: an argument is out of its range.
    """
    one_of("elastic_transform", "interpolation", interpolation, INTERPOLATIONS)
    one_of("elastic_transform", "fill_mode", fill_mode, FILL_MODES)
    width = int(6 * sigma) | 1
    key = key_of("elastic_transform", seed)

    def stretched(batch):
        noise = jax.random.normal(key, (*batch.shape[:3], 2)) * sigma
        field = alpha * blurred(noise, (width, width), (sigma, sigma))
        return displaced(batch, field[..., 0], field[..., 1], interpolation, fill_mode, fill_value)

    return on_batch("elastic_transform", stretched, images, data_format)
