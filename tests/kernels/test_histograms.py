"""Histograms of images and what is done by them, against the definitions in float64."""

import jax.numpy as jnp
import numpy as np
import pytest

from phasewise.kernels.images import histograms, levels, mixing

RNG = np.random.default_rng(0)
IMAGES = np.round(RNG.beta(2, 5, (3, 12, 14, 2)) * 1020).astype("float32") / 4


def plain_equalized(plane, bins):
    """One plane equalized, pixel by pixel."""
    found = np.floor(plane.astype(float) * (bins - 1) / 255).astype(int)
    reached = np.cumsum(np.bincount(found.ravel(), minlength=bins))
    lowest = reached[found.min()]
    if reached[-1] == lowest:
        return plane
    return np.round((reached[found] - lowest) * 255 / (reached[-1] - lowest))


def test_a_histogram_counts():
    found = RNG.integers(0, 9, (4, 100))
    expected = [np.bincount(row, minlength=9) for row in found]
    np.testing.assert_array_equal(histograms.histogram(jnp.asarray(found), 9), expected)


@pytest.mark.parametrize("bins", [256, 32])
def test_every_plane_is_equalized_by_its_own_histogram(bins):
    found = histograms.equalized(jnp.asarray(IMAGES), bins)
    for row in range(3):
        for channel in range(2):
            np.testing.assert_array_equal(found[row, ..., channel], plain_equalized(IMAGES[row, ..., channel], bins))


def test_a_plane_of_one_value_is_neither_equalized_nor_stretched():
    flat = jnp.full((1, 3, 4, 1), 41.5)
    np.testing.assert_array_equal(histograms.equalized(flat, 256), flat)
    np.testing.assert_array_equal(levels.stretched(flat), flat)


def test_an_equalized_image_is_as_flat_as_its_levels_allow():
    levels_ = np.repeat(np.arange(64), 4).reshape(1, 16, 16, 1).astype("float32")  # dark, and flat already
    found = np.unique(histograms.equalized(jnp.asarray(levels_), 256), return_counts=True)
    np.testing.assert_array_equal(found[0], np.round(np.arange(64) * 255 / 63))
    assert set(found[1]) == {4}


def test_stretching_uses_the_whole_range_and_keeps_the_order():
    found = np.asarray(levels.stretched(jnp.asarray(IMAGES)))
    low, high = (f(IMAGES.astype(float), axis=(1, 2), keepdims=True) for f in (np.min, np.max))
    np.testing.assert_allclose(found, (IMAGES - low) / (high - low) * 255, rtol=1e-5, atol=1e-4)


def test_one_tile_without_a_limit_is_plain_equalization():
    whole = np.floor(IMAGES)
    whole[:, 0, 0] = 0  # F(0) is then that of the lowest level
    found = histograms.adaptively_equalized(jnp.asarray(whole), 0, (1, 1))
    for row in range(3):
        np.testing.assert_allclose(np.round(found[row, ..., 0]), plain_equalized(whole[row, ..., 0], 256), atol=1e-3)


def test_a_low_limit_leaves_less_contrast_than_a_high_one():
    narrow = jnp.asarray(RNG.integers(100, 110, (1, 16, 16, 1)).astype("float32"))
    spreads = [float(histograms.adaptively_equalized(narrow, limit, (2, 2)).std()) for limit in (1.0, 4.0, 20.0, 0.0)]
    assert spreads == sorted(spreads)
    assert spreads[0] < 0.1 * spreads[-1]


def test_partners_are_a_permutation_of_the_real_rows_alone():
    real = np.array([True, False, True, True, False, True])
    seen = set()
    for _ in range(200):
        keys = jnp.asarray(RNG.integers(0, 2**32, 6, dtype=np.uint32))
        found = np.asarray(mixing.partners(keys, jnp.asarray(real)))
        assert sorted(found) == list(range(6))
        assert all(real[found[row]] == real[row] for row in range(6))
        assert sorted(np.asarray(mixing.partners(keys))) == list(range(6))
        seen.add(tuple(found[real]))
    assert len(seen) == 24  # every permutation of four


def test_a_box_covers_whole_pixels():
    found = mixing.box_mask((jnp.array([1, 0]), jnp.array([2, 0])), (jnp.array([2, 4]), jnp.array([3, 0])), (4, 5))
    expected = np.zeros((2, 4, 5, 1), bool)
    expected[0, 1:3, 2:5] = True
    np.testing.assert_array_equal(found, expected)
