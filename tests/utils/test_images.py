"""Images as files, arrays and in another size."""

import io
import subprocess
import sys

import jax
import keras
import numpy as np
import pytest

import phasewise as pw
from phasewise.core import defaults
from phasewise.utils.resizing import resized

U, K = pw.utils, keras.utils
rng = np.random.default_rng(0)
RGB = rng.integers(0, 256, (6, 9, 3)).astype("uint8")


@pytest.mark.parametrize("color_mode", ["rgb", "rgba", "grayscale"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"target_size": (4, 5)},
        {"target_size": (8, 4), "interpolation": "bilinear", "keep_aspect_ratio": True},
        {"target_size": (3, 12), "interpolation": "lanczos", "keep_aspect_ratio": True},
    ],
)
def test_an_image_is_saved_and_loaded_as_keras_does(tmp_path, color_mode, settings):
    path = tmp_path / "a.png"
    U.save_img(path, RGB, scale=False)
    ours, theirs = (each.load_img(path, color_mode=color_mode, **settings) for each in (U, K))
    assert ours.mode == theirs.mode
    for data_format in (None, "channels_first"):
        arrays = [each.img_to_array(ours, data_format) for each in (U, K)]
        assert arrays[0].dtype == arrays[1].dtype == np.float32
        np.testing.assert_array_equal(*arrays)
    np.testing.assert_array_equal(U.img_to_array(ours), K.img_to_array(theirs))
    if not settings and color_mode == "rgb":
        np.testing.assert_array_equal(U.img_to_array(ours), RGB)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("data_format", [None, "channels_first"])
@pytest.mark.parametrize("scale", [True, False])
def test_an_array_becomes_the_image_of_keras(channels, data_format, scale):
    array = rng.uniform(0, 255, (channels, 4, 5) if data_format else (4, 5, channels))
    ours, theirs = (each.array_to_img(array, data_format, scale) for each in (U, K))
    assert ours.mode == theirs.mode
    np.testing.assert_array_equal(np.asarray(ours), np.asarray(theirs))


def test_an_open_file_is_written_and_read():
    file = io.BytesIO()
    U.save_img(file, RGB, file_format="png", scale=False)
    file.seek(0)
    np.testing.assert_array_equal(U.img_to_array(U.load_img(file)), RGB)


def test_jpeg_leaves_the_transparency_out_and_says_so(tmp_path):
    with pytest.warns(UserWarning, match="JPEG holds no transparency"):
        U.save_img(tmp_path / "a.jpg", np.ones((4, 4, 4)))
    assert U.load_img(tmp_path / "a.jpg").mode == "RGB"


def test_images_have_their_channels_where_they_have_them_by_default(tmp_path, monkeypatch):
    monkeypatch.setitem(defaults._values, "image_data_format", "channels_first")
    U.save_img(tmp_path / "a.png", np.zeros((3, 4, 5)))
    image = U.load_img(tmp_path / "a.png")
    assert image.size == (5, 4) and U.img_to_array(image).shape == (3, 4, 5)
    assert U.img_to_array(image, "channels_last").shape == (4, 5, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: U.array_to_img(np.ones((2, 2))),
            r"takes one image, \(height, width, channels\); got the shape \(2, 2\)",
        ),
        (
            lambda: U.array_to_img(np.ones((2, 2, 5))),
            r"1, 3 or 4 channels; an array of shape \(2, 2, 5\) has 5 of them",
        ),
        (lambda: U.array_to_img(np.full((2, 2, 3), 300), scale=False), r"between 0 and 255; these between 300 and 300"),
        (lambda: U.array_to_img(np.full((2, 2, 1), -1.0), scale=False), r"between 0 and 255; these between -1 and -1"),
        (lambda: U.img_to_array(np.ones(3)), r"got the shape \(3,\)"),
        (lambda: U.img_to_array(RGB, "last"), r"data_format is one of .*; got 'last'"),
        (lambda: U.load_img("x.png", color_mode="RGB"), r"color_mode is one of .*; got 'RGB'. Did you mean 'rgb'"),
        (lambda: U.load_img("x.png", interpolation="cubic"), r"interpolation is one of .*Did you mean 'bicubic'"),
        (lambda: U.load_img("x.png", target_size=(8, 8, 3)), r"target_size must be .* a tuple of 2 of them; got"),
        (lambda: U.save_img(io.BytesIO(), RGB), r"needs file_format where it writes to an open file"),
    ],
)
def test_what_is_no_image_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_without_pillow_it_is_named():
    program = (
        "import sys; sys.modules['PIL'] = None; import phasewise as pw\n"
        "try: pw.utils.load_img('x.png')\n"
        "except ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "load_img needs Pillow, which is not installed: pip install pillow", done.stderr


@pytest.mark.parametrize("size", [(6, 9), (11, 4), (3, 20), (1, 1)])
@pytest.mark.parametrize(
    ("method", "of_jax"),
    [
        ("bilinear", "linear"),
        ("bicubic", "cubic"),
        ("lanczos3", "lanczos3"),
        ("lanczos5", "lanczos5"),
        ("nearest", "nearest"),
    ],
)
def test_an_image_is_resized_as_jax_does_it(size, method, of_jax):
    with jax.enable_x64(True):
        expected = jax.image.resize(RGB.astype("float64"), (*size, 3), of_jax, antialias=False)
    np.testing.assert_allclose(resized(RGB, *size, method), expected, rtol=1e-5, atol=1e-3)


def test_an_area_is_the_mean_over_it():
    np.testing.assert_allclose(resized(RGB, 2, 3, "area"), RGB.reshape(2, 3, 3, 3, 3).mean((1, 3)), rtol=1e-6)
    halves = resized(np.arange(3.0).reshape(1, 3, 1), 1, 2, "area")
    np.testing.assert_allclose(halves.ravel(), [(0 + 0.5) / 1.5, (0.5 + 2) / 1.5], rtol=1e-6)


@pytest.mark.parametrize("method", ["gaussian", "mitchellcubic"])
def test_a_constant_image_stays_constant(method):
    np.testing.assert_allclose(resized(np.full((5, 4, 1), 7.0), 9, 3, method), np.full((9, 3, 1), 7.0), rtol=1e-6)
