"""Images seen through a map of the plane: each pixel of the result is looked up where the map says that it comes from.

Places are in the coordinates of the pixels' middles: (0, 0) is the middle of the first pixel, (width - 1, height - 1) of the last.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.kernels.moments import wide

FILL_MODES = ("reflect", "wrap", "constant", "nearest", "mirror")
INTERPOLATIONS = ("nearest", "bilinear")
FAR = -1e9


def sampled(images, x, y, interpolation, fill_mode, fill_value=0.0):
    """The values of images at places between and beyond their pixels.

    "nearest" takes the pixel whose middle is nearest, "bilinear" weighs the four around by `(1 - dx) (1 - dy)`. Beyond the ends a row
    `a b c d` goes on, by `fill_mode`, as

    - "reflect": `d c b a | a b c d | d c b a`, "mirror": `d c b | a b c d | c b a`,
    - "wrap": `a b c d | a b c d | a b c d`,
    - "nearest": `a a a a | a b c d | d d d d`,
    - "constant": `k k k k | a b c d | k k k k`, k the `fill_value`.

    Args:
        images: (batch, height, width, channels), any real dtype; weighed in float32 or wider.
        x, y: (batch, new height, new width), float32.
        interpolation, fill_mode: see above.
        fill_value: a number, or one for each channel.

    Returns:
        (batch, new height, new width, channels) of the images' dtype.
    """
    batch, height, width, channels = images.shape
    pixels = images.reshape(batch * height * width, channels)
    firsts = (np.arange(batch, dtype=np.int32) * (height * width))[:, None, None]

    def at(column, row):
        """The pixels there; and for "constant" which of them are in the image."""
        places = firsts + _inside(row, height, fill_mode) * width + _inside(column, width, fill_mode)
        found = pixels.at[places].get(mode="promise_in_bounds")
        if fill_mode != "constant":
            return found
        is_inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        return jnp.where(is_inside[..., None], found, jnp.asarray(fill_value, images.dtype))

    if interpolation == "nearest":
        return at(_whole(jnp.floor(x + 0.5)), _whole(jnp.floor(y + 0.5)))
    left, top = jnp.floor(x), jnp.floor(y)
    right_share, low_share = (x - left)[..., None], (y - top)[..., None]
    left, top = _whole(left), _whole(top)
    upper, lower = (
        wide(at(left, row)) * (1 - right_share) + wide(at(left + 1, row)) * right_share for row in (top, top + 1)
    )
    return _as(upper * (1 - low_share) + lower * low_share, images.dtype)


@functools.partial(jax.jit, static_argnums=(2, 3))
def projected(images, transforms, interpolation, fill_mode, fill_value=0.0):
    """Images seen through maps: the result at (x, y) is what is at `((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k)` with
    `k = c0 x + c1 y + c2`.

    Args:
        images: (batch, height, width, channels).
        transforms: (batch, 9), the numbers (a0, a1, a2, b0, b1, b2, c0, c1, c2), or (batch, 6) for affine maps: k is 1.
        interpolation, fill_mode, fill_value: as of `sampled`.
    """
    x, y = transformed(transforms, *_middles(*images.shape[1:3]))
    return _sampled_where_it_moves(images, x, y, interpolation, fill_mode, fill_value)


@functools.partial(jax.jit, static_argnums=(3, 4))
def displaced(images, dx, dy, interpolation, fill_mode, fill_value=0.0):
    """Images of which the result at (x, y) is what is at (x + dx, y + dy); `dx` and `dy` of shape (batch, height, width)."""
    x, y = _middles(*images.shape[1:3])
    return _sampled_where_it_moves(images, x + dx, y + dy, interpolation, fill_mode, fill_value)


def _sampled_where_it_moves(images, x, y, interpolation, fill_mode, fill_value):
    """`sampled`, or the images where each of their pixels is at its own place.

    The branch is for the compiler's sake: on a CPU it would else compute all that comes before, and that is four times for each pixel,
    inside of what comes after: 15 times as long in a compiled loop, and longer with each further layer.
    """
    own_x, own_y = _middles(*images.shape[1:3])
    moves = ((x != own_x) | (y != own_y)).any()
    return jax.lax.cond(moves, lambda: sampled(images, x, y, interpolation, fill_mode, fill_value), lambda: images)


def transformed(transforms, x, y):
    """Where maps take points, as `projected` says; where `k` is not positive, behind the viewer, far beyond any image.

    Args:
        transforms: (batch, 9) or (batch, 6).
        x, y: two arrays that broadcast against (batch, n, m).
    """
    a0, a1, a2, b0, b1, b2, *rest = (transforms[:, i, None, None] for i in range(transforms.shape[1]))
    new_x, new_y = a0 * x + a1 * y + a2, b0 * x + b1 * y + b2
    if not rest:
        return new_x, new_y
    scale = rest[0] * x + rest[1] * y + rest[2]
    is_seen = scale > 1e-6
    scale = jnp.where(is_seen, scale, 1)
    return jnp.where(is_seen, new_x / scale, FAR), jnp.where(is_seen, new_y / scale, FAR)


def inverted(transforms):
    """The maps that undo these, (batch, 9) or (batch, 6).

    An affine map that squeezes the plane to a line has no such; what comes out for it is not finite.
    """
    matrices = _matrices(transforms)
    first, second, third = matrices[:, 0], matrices[:, 1], matrices[:, 2]
    columns = jnp.cross(second, third), jnp.cross(third, first), jnp.cross(first, second)
    return _numbers(jnp.stack(columns, -1), transforms.shape[1])


def from_rectangle(width, height, corners):
    """The maps by which the rectangle with the corners (0, 0) and (width, height) is seen as another quadrilateral.

    The unit square is taken to the quadrilateral by Heckbert (1989), section 2.2.3; the map is the inverse of that.

    Args:
        width, height: positive numbers.
        corners: (batch, 4, 2), x before y, of the upper left, upper right, lower left and lower right; convex.

    Returns:
        (batch, 9); k is 1 at the middle of the corners, and positive all over the quadrilateral.
    """
    (x0, x1, x3, x2), (y0, y1, y3, y2) = (jnp.moveaxis(corners[..., i], -1, 0) for i in (0, 1))
    (dx1, dx2, dx3), (dy1, dy2, dy3) = (
        (p1 - p2, p3 - p2, p0 - p1 + p2 - p3) for p0, p1, p2, p3 in ((x0, x1, x2, x3), (y0, y1, y2, y3))
    )
    area = dx1 * dy2 - dx2 * dy1
    g, h = (dx3 * dy2 - dx2 * dy3) / area, (dx1 * dy3 - dx3 * dy1) / area
    one = jnp.ones_like(x0)
    to_corners = [x1 - x0 + g * x1, x3 - x0 + h * x3, x0, y1 - y0 + g * y1, y3 - y0 + h * y3, y0, g, h, one]
    from_corners = inverted(jnp.stack(to_corners, -1)) * np.repeat(np.float32([width, height, 1]), 3)
    x, y = corners[..., 0].mean(-1), corners[..., 1].mean(-1)
    return from_corners / (from_corners[:, 6] * x + from_corners[:, 7] * y + from_corners[:, 8])[:, None]


def about(x, y, linear):
    """The affine maps (batch, 6) that leave the point (x, y) where it is: `linear` (batch, 4), the numbers (a0, a1, b0, b1)."""
    a0, a1, b0, b1 = (linear[:, i] for i in range(4))
    return jnp.stack([a0, a1, x - a0 * x - a1 * y, b0, b1, y - b0 * x - b1 * y], -1)


def between_edges(transforms):
    """Maps of the coordinates of pixels' middles as maps of those of the edges between pixels, half a pixel further."""
    there, back = (np.array([[1, 0, d], [0, 1, d], [0, 0, 1]], np.float32) for d in (0.5, -0.5))
    matrices = jnp.einsum("ij,bjk,kl->bil", there, _matrices(transforms), back, precision="highest")
    return _numbers(matrices, transforms.shape[1])


def _matrices(transforms):
    """Maps as matrices (batch, 3, 3)."""
    batch, count = transforms.shape
    if count == 6:
        last = jnp.broadcast_to(jnp.asarray([0, 0, 1], transforms.dtype), (batch, 3))
        transforms = jnp.concatenate([transforms, last], 1)
    return transforms.reshape(batch, 3, 3)


def _numbers(matrices, count):
    """Maps that are given as matrices (batch, 3, 3), as `count` numbers: nine, or six of an affine one, whose ninth is made 1."""
    return matrices.reshape(-1, 9) if count == 9 else (matrices / matrices[:, 2:, 2:]).reshape(-1, 9)[:, :6]


def _middles(height, width):
    return np.arange(width, dtype=np.float32)[None, None, :], np.arange(height, dtype=np.float32)[None, :, None]


def _inside(index, size, fill_mode):
    """The index of the pixel that stands at `index`, which may lie beyond the ends."""
    if fill_mode == "wrap":
        return jnp.mod(index, size)
    if fill_mode == "reflect":
        index = jnp.mod(index, 2 * size)
        return jnp.minimum(index, 2 * size - 1 - index)
    if fill_mode == "mirror":
        period = max(2 * size - 2, 1)
        index = jnp.mod(index, period)
        return jnp.minimum(jnp.minimum(index, period - index), size - 1)
    return jnp.clip(index, 0, size - 1)


def _whole(index):
    """As int32; what is far beyond any image, or not finite, is kept within its range."""
    return jnp.clip(jnp.nan_to_num(index), -1e9, 1e9).astype(jnp.int32)


def _as(values, dtype):
    """In this dtype, whole numbers rounded."""
    return jnp.round(values).astype(dtype) if jnp.issubdtype(dtype, jnp.integer) else values.astype(dtype)
