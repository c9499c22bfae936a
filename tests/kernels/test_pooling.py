"""Pooling and interpolation against their definitions, in float64."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phasewise.kernels import interpolation, pooling

pytestmark = pytest.mark.extensive

RNG = np.random.default_rng(3)


def windows(size, width, stride, padding):
    """The entries that each place of a moving window holds, along one axis."""
    if padding == "valid":
        return [range(start, start + width) for start in range(0, size - width + 1, stride)]
    count = -(-size // stride)
    before = max((count - 1) * stride + width - size, 0) // 2
    starts = [i * stride - before for i in range(count)]
    return [range(max(start, 0), min(start + width, size)) for start in starts]


def pooled(x, reduced, per_axis):
    """`reduced` of the entries of each combination of windows."""
    places = itertools.product(*per_axis)
    values = [reduced(x[np.ix_(*place)]) for place in places]
    return np.reshape(values, [len(found) for found in per_axis])


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(
    ("shape", "window", "strides"),
    [
        ((6, 7), (2, 3), (1, 2)),
        ((6, 7), (4, 1), (3, 1)),
        ((6, 7), (3, 2), (2, 5)),
        ((6, 7), (6, 7), (1, 1)),
        ((3, 40), (2, 12), (1, 3)),
        ((3, 40), (1, 12), (1, 12)),
        ((3, 40), (2, 9), (3, 14)),
    ],
)
def test_a_moving_window_takes_the_entries_that_it_holds_and_no_others(shape, window, strides, padding):
    x = RNG.normal(size=shape) - 5  # no entry is near the 0 that a border might be filled with
    per_axis = [windows(*each, padding) for each in zip(x.shape, window, strides)]
    largest = pooling.max_pool(jnp.float32(x), window, strides, padding)
    mean = pooling.average_pool(jnp.float32(x), window, strides, padding)
    np.testing.assert_array_equal(largest, pooled(np.float32(x), np.max, per_axis))
    np.testing.assert_allclose(mean, pooled(x, np.mean, per_axis), rtol=1e-6)


@pytest.mark.parametrize("sizes", [(3, 4), (7, 1), (6, 10), (13, 6), (1, 9)])
def test_adaptive_windows_begin_and_end_where_the_fractions_of_the_axis_do(sizes):
    x = RNG.normal(size=(6, 7))
    per_axis = [[range(i * n // m, int(np.ceil((i + 1) * n / m))) for i in range(m)] for n, m in zip(x.shape, sizes)]
    np.testing.assert_array_equal(
        pooling.adaptive_max_pool(jnp.float32(x), (0, 1), sizes), pooled(np.float32(x), np.max, per_axis)
    )
    np.testing.assert_allclose(
        pooling.adaptive_average_pool(jnp.float32(x), (0, 1), sizes), pooled(x, np.mean, per_axis), rtol=1e-5, atol=1e-6
    )


def test_adaptive_windows_of_a_long_axis_are_not_rounded():
    """Places are computed in integers: in float32 the window's bounds would be off by one here."""
    size, count = 30_000, 29_999
    x = jnp.arange(size, dtype=jnp.float32)
    starts = np.arange(count) * size // count
    ends = -(-(np.arange(count) + 1) * size // count)
    np.testing.assert_array_equal(pooling.adaptive_max_pool(x, (0,), (count,)), ends - 1)
    np.testing.assert_allclose(pooling.adaptive_average_pool(x, (0,), (count,)), (starts + ends - 1) / 2, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_means_of_half_precision_are_summed_in_float32(dtype):
    ones = jnp.ones((1, 4096, 1), dtype)  # a bfloat16 sum of ones stays at 256, a float16 sum at 2048
    for mean in (
        pooling.average_pool(ones, (1, 4096, 1), (1, 1, 1), "valid"),
        pooling.average_pool(ones, (1, 4096, 1), (1, 4096, 1), "same"),
        pooling.adaptive_average_pool(ones, (1,), (1,)),
        pooling.global_average(ones, (1,)),
        pooling.global_average(ones, (1,), mask=jnp.arange(4096).reshape(1, -1, 1) < 3000),
    ):
        assert mean.dtype == dtype
        np.testing.assert_array_equal(np.float32(mean).ravel(), [1.0])


@pytest.mark.parametrize("dtype", ["int32", "uint8", "bool"])
def test_the_largest_of_integers_is_an_integer(dtype):
    x = np.array([0, 0, 1, 0, 0, 0]).astype(dtype)
    expected = np.array([0, 1, 0]).astype(dtype)
    for found in (
        pooling.max_pool(x, (2,), (2,), "valid"),
        pooling.adaptive_max_pool(jnp.asarray(x), (0,), (3,)),
        pooling.global_max(jnp.asarray(x).reshape(3, 2), (1,)),
        pooling.global_max(jnp.asarray(x).reshape(3, 2), (1,), mask=jnp.array([[True, False]])),
    ):
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, expected)
    assert pooling.max_pool(np.int32([-5, -7, -3]), (2,), (2,), "same").tolist() == [-5, -3]


@pytest.mark.parametrize(
    "pool", [lambda x: pooling.max_pool(x, (3,), (3,), "valid"), lambda x: pooling.adaptive_max_pool(x, (0,), (2,))]
)
def test_the_first_of_several_largest_entries_has_the_gradient(pool):
    x = jnp.array([0.0, 0.0, 0.0, -1.0, 2.0, 2.0])
    gradient = jax.grad(lambda x: (pool(x) * jnp.array([3.0, 5.0])).sum())(x)
    np.testing.assert_array_equal(gradient, [3, 0, 0, 0, 5, 0])


@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("width", [3, 8])
def test_what_is_not_a_number_is_the_largest_of_its_window(width, stride):
    x = jnp.full((2 * width,), 1.0).at[1].set(np.nan)
    expected = [np.nan] * (2 if stride == 1 else 1) + [1] * width
    y = pooling.max_pool(x, (width,), (stride,), "valid")
    np.testing.assert_array_equal(y, expected[: len(y)])


def test_a_maximum_over_windows_has_derivatives_of_every_kind():
    x = jnp.float32(RNG.normal(size=(5, 4)))

    def total(x, power):
        return (pooling.max_pool(x, (2, 2), (1, 2), "same") ** power).sum()

    direction = jnp.float32(RNG.normal(size=(5, 4)))
    times = jax.grad(total)(x, 1)  # how often each entry is the largest
    _, along = jax.jvp(lambda x: jax.grad(total)(x, 3), (x,), (direction,))
    np.testing.assert_allclose(along, 6 * x * times * direction, rtol=1e-5, atol=1e-6)


def test_windows_that_overlap_add_their_gradients():
    x = jnp.array([1.0, 4.0, 2.0, 3.0])
    largest = jax.grad(lambda x: pooling.max_pool(x, (2,), (1,), "valid").sum())(x)
    mean = jax.grad(lambda x: pooling.average_pool(x, (2,), (1,), "same").sum())(x)
    np.testing.assert_array_equal(largest, [0, 2, 0, 1])
    np.testing.assert_array_equal(mean, [0.5, 1, 1, 1.5])  # the last window holds the last entry alone


@pytest.mark.parametrize("pool", [pooling.global_max, pooling.global_average])
def test_where_nothing_counts_the_result_is_0_and_has_no_gradient(pool):
    x = jnp.array([[1.0, 2.0], [np.nan, np.inf]])
    mask = jnp.array([[True, True], [False, False]])
    y, gradient = jax.value_and_grad(lambda x: pool(x, (1,), mask=mask).sum())(x)
    assert y == pool(x[0], (0,))
    np.testing.assert_array_equal(gradient[1], [0, 0])
    assert np.isfinite(gradient).all()


def test_bilinear_interpolation_is_right_to_rounding_on_a_long_axis():
    size, factor = 3000, 7
    x = RNG.normal(size=size)
    at = (np.arange(size * factor) + 0.5) / factor - 0.5
    expected = np.interp(at, np.arange(size), x)  # beyond the ends: the last entry
    np.testing.assert_allclose(
        interpolation.upsampled(jnp.float32(x), (0,), (factor,), "bilinear"), expected, atol=1e-6
    )


@pytest.mark.parametrize(("kind", "inner"), [("bilinear", 1), ("bicubic", 2)])
def test_a_straight_line_stays_straight_away_from_the_ends(kind, inner):
    x, factor = np.arange(12.0), 4
    y = interpolation.upsampled(jnp.float32(x), (0,), (factor,), kind)
    at = (np.arange(12 * factor) + 0.5) / factor - 0.5
    inside = slice(inner * factor, -inner * factor)
    np.testing.assert_allclose(y[inside], at[inside], rtol=1e-6)


@pytest.mark.parametrize("kind", ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"])
@pytest.mark.parametrize("size", [1, 2, 9])
def test_what_is_constant_stays_constant_to_the_ends(kind, size):
    y = interpolation.upsampled(jnp.full((2, size, 3), 7.0), (1,), (3,), kind)
    assert y.shape == (2, 3 * size, 3)
    np.testing.assert_allclose(y, 7, rtol=1e-6)


@pytest.mark.parametrize("kind", ["bilinear", "bicubic", "lanczos3", "lanczos5"])
def test_an_odd_factor_keeps_the_entries_themselves(kind):
    x = jnp.float32(RNG.normal(size=8))
    np.testing.assert_allclose(interpolation.upsampled(x, (0,), (3,), kind)[1::3], x, rtol=1e-5, atol=1e-6)
