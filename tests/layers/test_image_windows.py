"""Resizing and cropping: what is cut out, its size, its dtype, and where boxes go."""

import keras
import numpy as np
import pytest

import phasewise as pw

RNG = np.random.default_rng(0)
INTERPOLATIONS = ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"]


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("interpolation", INTERPOLATIONS)
@pytest.mark.few(2)
def test_images_of_whole_numbers_are_resized_as_by_keras(interpolation, antialias):
    images = RNG.integers(0, 256, (3, 11, 17, 2)).astype("uint8")
    images[0], images[1] = images[0] // 128 * 255, 255  # so that some values overshoot
    for height, width in ((5, 30), (23, 7)):
        options = {"height": height, "width": width, "interpolation": interpolation, "antialias": antialias}
        ours, theirs = (library.layers.Resizing(**options)(images) for library in (pw, keras))
        assert ours.dtype == np.uint8
        unrounded = np.clip(pw.layers.Resizing(**options)(images.astype("float32")), 0, 255)
        is_tie = np.abs(unrounded % 1 - 0.5) < 1e-3  # where the last digits of float32 decide
        np.testing.assert_array_equal(np.asarray(ours)[~is_tie], np.asarray(theirs)[~is_tie])
        np.testing.assert_array_equal(np.asarray(ours)[~is_tie], np.round(unrounded)[~is_tie])


def test_a_resized_ramp_is_a_ramp_with_its_middle_where_it_was():
    ramp = np.broadcast_to(np.arange(8.0, dtype="float32")[:, None], (1, 8, 8))[..., None]
    larger = np.asarray(pw.layers.Resizing(16, 8)(ramp))[0, :, 0, 0]
    np.testing.assert_allclose(larger, np.clip((np.arange(16) + 0.5) / 2 - 0.5, 0, 7), rtol=1e-6, atol=1e-6)
    smaller = np.asarray(pw.layers.Resizing(4, 8, antialias=True)(ramp))[0, :, 0, 0]
    np.testing.assert_allclose(smaller + smaller[::-1], 7, rtol=1e-6)


def test_a_border_of_an_odd_number_of_pixels_keeps_the_proportions():
    images = np.ones((1, 3, 4, 1), "float32")
    out = np.asarray(pw.layers.Resizing(4, 4, pad_to_aspect_ratio=True, fill_value=7)(images))[0, :, :, 0]
    np.testing.assert_array_equal(out, [[1] * 4, [1] * 4, [1] * 4, [7] * 4])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"height": 20, "width": 20}, [4, 4, 12, 16]),
        ({"height": 20, "width": 20, "crop_to_aspect_ratio": True}, [0, 4, 14, 16]),
        ({"height": 20, "width": 20, "pad_to_aspect_ratio": True}, [4, 7, 12, 13]),
    ],
)
def test_boxes_follow_their_pixels_into_another_size(options, expected):
    images = np.zeros((1, 20, 40, 1), "float32")
    images[0, 4:16, 8:24] = 1
    layer = pw.layers.Resizing(**options, bounding_box_format="xywh")
    boxes = {"boxes": np.float32([[[8, 4, 16, 12]]]), "labels": np.int32([[2]])}
    out = layer({"images": images, "bounding_boxes": boxes})
    left, top, width, height = np.asarray(out["bounding_boxes"]["boxes"])[0, 0]
    np.testing.assert_allclose([left, top, left + width, top + height], expected, atol=1e-5)
    rows, columns = np.nonzero(np.asarray(out["images"])[0, :, :, 0] > 0.5)
    assert [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1] == expected


def coded(rows, height, width):
    """Images in which each pixel says where it is."""
    where = np.arange(height)[:, None] * 100 + np.arange(width)
    return np.broadcast_to(where[None, :, :, None], (rows, height, width, 1)).astype("float32")


def test_each_image_is_cropped_at_a_place_of_its_own_from_all_that_there_are():
    images = coded(600, 6, 5)
    layer = pw.layers.RandomCrop(4, 3, seed=2, bounding_box_format="xyxy")
    boxes = {"boxes": np.tile(np.float32([2, 2, 3, 5]), (600, 1, 1)), "labels": np.ones((600, 1))}
    out = layer(
        {"images": images, "bounding_boxes": boxes, "segmentation_masks": images.astype("int32")}, training=True
    )
    crops = np.asarray(out["images"])[..., 0]
    first = crops[:, 0, 0].astype(int)
    tops, lefts = first // 100, first % 100
    np.testing.assert_array_equal(crops, first[:, None, None] + coded(1, 4, 3)[..., 0])
    counts = np.histogram2d(tops, lefts, (3, 3))[0]
    assert ((counts - 600 / 9) ** 2 / (600 / 9)).sum() < 20.1  # chi-squared, 8 degrees of freedom, 1 %
    np.testing.assert_array_equal(out["segmentation_masks"], out["images"])
    expected = np.stack([2 - lefts, 2 - tops, 3 - lefts, np.minimum(5 - tops, 4)], -1)
    np.testing.assert_array_equal(np.asarray(out["bounding_boxes"]["boxes"])[:, 0], np.clip(expected, 0, [3, 4, 3, 4]))


def test_an_image_that_fits_in_one_direction_is_cropped_at_random_in_the_other():
    tops = np.asarray(pw.layers.RandomCrop(3, 5, seed=1)(coded(50, 6, 5), training=True))[:, 0, 0, 0]
    assert set(tops) == {0, 100, 200, 300}


def test_a_random_crop_has_one_size_in_both_phases_and_keeps_proportions():
    images = RNG.uniform(size=(2, 8, 12, 3)).astype("float32")
    layer = pw.layers.RandomCrop(4, 4)
    expected = pw.layers.Resizing(4, 4, crop_to_aspect_ratio=True)(images)
    np.testing.assert_array_equal(layer(images, training=False), expected)
    small = images[:, :3]
    expected = pw.layers.Resizing(4, 4, crop_to_aspect_ratio=True)(small)
    np.testing.assert_array_equal(layer(small, training=True), expected)


def test_the_middle_is_cut_out_and_boxes_and_masks_with_it():
    images = coded(2, 7, 6)
    layer = pw.layers.CenterCrop(4, 3, bounding_box_format="xyxy")
    boxes = {"boxes": np.tile(np.float32([[1, 2, 4, 7], [0, 0, 1, 1]]), (2, 1, 1)), "labels": np.ones((2, 2), "uint8")}
    out = layer({"images": images, "bounding_boxes": boxes, "segmentation_masks": images.astype("int32")})
    np.testing.assert_array_equal(out["images"], images[:, 1:5, 1:4])
    np.testing.assert_array_equal(out["segmentation_masks"], images[:, 1:5, 1:4])
    np.testing.assert_array_equal(np.asarray(out["bounding_boxes"]["boxes"])[0, 0], [0, 1, 3, 4])
    np.testing.assert_array_equal(np.asarray(out["bounding_boxes"]["labels"])[0], [1, -1])


def test_masks_of_a_resized_image_hold_no_class_that_was_not_there():
    masks = RNG.choice([0, 200], (2, 5, 5, 1)).astype("uint8")
    for layer in (pw.layers.Resizing(9, 9), pw.layers.CenterCrop(9, 9), pw.layers.RandomCrop(9, 9)):
        out = layer({"images": masks, "segmentation_masks": masks}, training=False)["segmentation_masks"]
        assert out.dtype == np.uint8
        assert set(np.unique(out)) == {0, 200}


def test_a_border_is_filled_with_the_nearest_value_that_whole_numbers_have():
    for fill_value, expected in ((300, 255), (-1.0, 0), (0.7, 1)):
        out = pw.layers.Resizing(4, 4, "nearest", pad_to_aspect_ratio=True, fill_value=fill_value)(
            np.full((1, 2, 4, 1), 7, "uint8")
        )
        np.testing.assert_array_equal(np.asarray(out)[0, :, 0, 0], [expected, 7, 7, expected])


def test_masks_are_not_filled_up_with_a_class_that_they_cannot_hold():
    data = {"images": np.zeros((1, 2, 4, 1), "float32"), "segmentation_masks": np.ones((1, 2, 4), "uint8")}
    frame = pw.layers.Resizing(4, 4, pad_to_aspect_ratio=True, fill_value=-1)
    shift = pw.layers.RandomTranslation(1.0, 0.0, fill_mode="constant", fill_value=-1)
    for layer in (frame, shift):
        with pytest.raises(ValueError, match=r"fill_value=-1, which their dtype uint8 cannot hold.*as int32"):
            layer(data, training=True)
    masks = frame({**data, "segmentation_masks": np.ones((1, 2, 4), "int32")})["segmentation_masks"]
    np.testing.assert_array_equal(masks[0, :, 0], [-1, 1, 1, -1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pw.layers.Resizing(0, 3), "Resizing's height must be a positive integer; got 0"),
        (lambda: pw.layers.Resizing(3, 3.5), "Resizing's width must be a positive integer; got 3.5"),
        (lambda: pw.layers.Resizing(3, 3, "bilinar"), "interpolation is one of 'nearest'.*Did you mean 'bilinear'"),
        (lambda: pw.layers.Resizing(3, 3, fill_mode="reflect"), "fill_mode is one of 'constant'; got 'reflect'"),
        (lambda: pw.layers.Resizing(3, 3, antialias="no"), "antialias is True or False; got 'no'"),
        (
            lambda: pw.layers.Resizing(3, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True),
            "by crop_to_aspect_ratio or by pad_to_aspect_ratio; got True for both",
        ),
        (lambda: pw.layers.CenterCrop("a", 3), "CenterCrop's height must be a positive integer; got 'a'"),
        (lambda: pw.layers.RandomCrop(3, -1), "RandomCrop's width must be a positive integer; got -1"),
        (lambda: pw.layers.RandomCrop(3, 1, data_format="first"), "data_format is one of"),
    ],
)
def test_what_is_no_size_or_mode_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        (
            "Resizing",
            {"height": 4, "width": 5, "interpolation": "bicubic", "pad_to_aspect_ratio": True, "fill_value": 3.0},
        ),
        (
            "Resizing",
            {"height": 4, "width": 5, "crop_to_aspect_ratio": True, "antialias": True, "data_format": "channels_first"},
        ),
        ("CenterCrop", {"height": 4, "width": 5, "data_format": "channels_first"}),
        ("RandomCrop", {"height": 4, "width": 5, "seed": 3, "data_format": "channels_first"}),
        ("MaxNumBoundingBoxes", {"max_number": 4}),
    ],
)
def test_a_config_makes_the_layer_again_here_and_in_keras(name, arguments):
    options = {**arguments, "bounding_box_format": "yxyx", "name": "it"}
    ours, theirs = (getattr(library.layers, name)(**options) for library in (pw, keras))
    assert type(ours).from_config(ours.get_config()).get_config() == ours.get_config()
    assert type(ours).from_config(theirs.get_config()).get_config() == ours.get_config()
    assert type(theirs).from_config(ours.get_config()).bounding_box_format == "yxyx"
