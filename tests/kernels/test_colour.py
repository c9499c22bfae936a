"""Colours, levels and blurs of images, against the definitions in float64."""

import colorsys

import jax.numpy as jnp
import numpy as np

from phasewise.kernels.images import blurring, colour, levels

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 1, (3, 4, 5, 3)).astype("float32")
CORNERS = np.array([[r, g, b] for r in (0, 1) for g in (0, 0.5, 1) for b in (0, 1)], "float32").reshape(2, 3, 2, 3)


def of_each_pixel(function, images):
    """A function of three numbers, in float64, of each pixel."""
    return np.array([function(*map(float, pixel)) for pixel in images.reshape(-1, 3)]).reshape(images.shape)


def test_hue_saturation_and_value_are_those_of_the_cone():
    for images in (IMAGES, CORNERS):
        found = np.stack([np.asarray(part) for part in colour.hsv_of(jnp.asarray(images))], -1)
        np.testing.assert_allclose(found, of_each_pixel(colorsys.rgb_to_hsv, images), atol=1e-6)
        np.testing.assert_allclose(colour.rgb_of(*colour.hsv_of(jnp.asarray(images))), images, atol=1e-6)


def test_turning_hues_by_a_whole_circle_changes_nothing_and_by_a_third_swaps_the_channels():
    quarter = jnp.full((3, 1, 1), 1.0)
    np.testing.assert_allclose(colour.turned(jnp.asarray(IMAGES), quarter), IMAGES, atol=1e-6)
    third = np.asarray(colour.turned(jnp.asarray(IMAGES), jnp.full((3, 1, 1), 1 / 3)))
    np.testing.assert_allclose(third, IMAGES[..., [2, 0, 1]], atol=1e-6)


def test_saturation_of_zero_is_gray_and_no_saturation_leaves_the_range():
    for factor, share in ((0.0, 0.0), (0.5, 0.5), (1e7, None)):
        found = np.asarray(colour.saturated(jnp.asarray(IMAGES), jnp.full((3, 1, 1), factor)))
        assert found.min() >= 0
        np.testing.assert_allclose(found.max(-1), IMAGES.max(-1), rtol=1e-6)  # the value
        if share is not None:
            spread = IMAGES.max(-1) - IMAGES.min(-1)
            np.testing.assert_allclose(found.max(-1) - found.min(-1), share * spread, atol=1e-6)


def test_luma_is_the_weighted_sum_and_luma_of_luma_is_itself():
    gray = colour.grayscale(jnp.asarray(IMAGES))
    np.testing.assert_allclose(gray, IMAGES.astype(float) @ [[0.2989], [0.5870], [0.1140]], rtol=1e-6)
    assert colour.grayscale(gray) is gray


def test_contrast_keeps_the_mean_of_every_channel():
    found = colour.contrasted(jnp.asarray(IMAGES), jnp.asarray([0.0, 0.5, 2.0]).reshape(3, 1, 1, 1))
    mean = IMAGES.astype(float).mean((1, 2), keepdims=True)
    expected = mean + (IMAGES - mean) * np.reshape([0, 0.5, 2], (3, 1, 1, 1))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_gaussian_blur_is_the_weighted_mean_with_the_edge_going_on():
    sizes, sigmas = (3, 5), np.array([[0.5, 1.0], [2.0, 0.3], [1.0, 1.0]], "float32")
    found = blurring.gaussian_blurred(jnp.asarray(IMAGES), sizes, jnp.asarray(sigmas))
    padded = np.pad(IMAGES.astype(float), ((0, 0), (2, 2), (1, 1), (0, 0)), "edge")
    for row, (x_sigma, y_sigma) in enumerate(sigmas):
        across, down = (
            np.exp(-0.5 * (np.arange(-(n // 2), n // 2 + 1) / s) ** 2) for n, s in zip(sizes, (x_sigma, y_sigma))
        )
        kernel = np.outer(down / down.sum(), across / across.sum())[..., None]
        for y in range(4):
            for x in range(5):
                expected = (padded[row, y : y + 5, x : x + 3] * kernel).sum((0, 1))
                np.testing.assert_allclose(found[row, y, x], expected, rtol=1e-5)


def test_a_flat_image_stays_flat_when_it_is_blurred():
    flat = jnp.full((2, 4, 6, 1), 0.7)
    np.testing.assert_allclose(blurring.gaussian_blurred(flat, (7, 9), jnp.ones((2, 2))), flat, rtol=1e-6)
    np.testing.assert_allclose(blurring.smoothed(flat), flat, rtol=1e-6)
    np.testing.assert_array_equal(blurring.smoothed(flat[:, :2]), flat[:, :2])


def test_smoothing_is_the_filter_of_pillow():
    from PIL import Image, ImageFilter

    levels_ = RNG.integers(0, 256, (6, 7)).astype("uint8")
    expected = np.asarray(Image.fromarray(levels_).filter(ImageFilter.SMOOTH)).astype(float)
    found = np.asarray(blurring.smoothed(jnp.asarray(levels_, jnp.float32)[None, :, :, None]))[0, :, :, 0]
    np.testing.assert_allclose(found, expected, atol=0.5)  # Pillow rounds to whole levels


def test_posterizing_drops_the_lower_bits():
    every = np.arange(256, dtype="float32").reshape(1, 16, 16, 1)
    for bits in (1, 3, 8):
        found = levels.posterized(jnp.asarray(every), jnp.full((1, 1, 1, 1), bits))
        np.testing.assert_array_equal(found, every.astype(int) // 2 ** (8 - bits) * 2 ** (8 - bits))


def test_every_level_survives_being_scaled_to_one_and_back():
    every = np.arange(256, dtype="uint8")
    np.testing.assert_array_equal(levels.levels_of(jnp.asarray(every / np.float32(255)) * 255), every)


def test_solarizing_inverts_what_is_not_below_the_threshold():
    images = np.array([0, 100, 127, 128, 200, 255], "float32").reshape(1, 2, 3, 1)
    one = jnp.ones((1, 1, 1, 1))
    np.testing.assert_array_equal(levels.solarized(images, 0 * one, 128 * one).ravel(), [0, 100, 127, 127, 55, 0])
    np.testing.assert_array_equal(levels.solarized(images, 60 * one, 0 * one).ravel(), [195, 95, 68, 67, 0, 0])
