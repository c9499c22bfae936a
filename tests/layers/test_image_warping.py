"""Layers that look at images through a drawn map: turned, shifted, zoomed, sheared."""

import jax
import keras
import numpy as np
import pytest

import phasewise as pw

RNG = np.random.default_rng(3)
IMAGES = RNG.uniform(0, 255, (5, 7, 6, 2)).astype("float32")
# class, its range arguments, how Keras names what ours calls "transform"
MAPS = [
    ("RandomRotation", {"factor": 0.5}),
    ("RandomTranslation", {"height_factor": 0.9, "width_factor": 0.4}),
    ("RandomZoom", {"height_factor": 0.9, "width_factor": (-0.4, 0.8)}),
    ("RandomZoom", {"height_factor": (0.1, 0.5)}),
    ("RandomShear", {"x_factor": 0.7, "y_factor": (0.2, 0.4)}),
]


def drawn(layer, images=IMAGES, **given):
    """One transformation of the layer."""
    return layer.get_random_transformation(images, training=True, **given)


def for_keras(transformation):
    """The transformation as Keras has it: affine maps are eight numbers there, the last two of them 0."""
    matrix = np.asarray(transformation["transform"])
    return {**transformation, "rotation_matrix": np.pad(matrix, ((0, 0), (0, 2)))}


@pytest.mark.extensive
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("fill_mode", ["reflect", "wrap", "nearest", "constant"])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_pixels_go_where_those_of_keras_go_by_the_same_transformation(fill_mode, interpolation, data_format):
    options = {"fill_mode": fill_mode, "interpolation": interpolation, "fill_value": 7.0, "data_format": data_format}
    images = IMAGES if data_format == "channels_last" else np.moveaxis(IMAGES, -1, 1)
    for name, ranges in MAPS:
        ours, theirs = (getattr(library.layers, name)(**ranges, **options) for library in (pw, keras))
        transformation = drawn(ours, images)
        expected = theirs.transform_images(images, for_keras(transformation), training=True)
        got = ours.transform_images(images, transformation, training=True)
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=2e-4)  # a place is right to 1e-6 pixels of 255 values


@pytest.mark.parametrize("turns", [0.25, 0.5, -0.25, 0.75, 1.0])
def test_a_quarter_turn_is_numpys_to_the_left(turns):
    square = IMAGES[:, :6]
    layer = pw.layers.RandomRotation((turns, turns))
    expected = np.rot90(square, round(4 * turns), axes=(1, 2))
    np.testing.assert_allclose(layer(square, training=True), expected, atol=1e-3)
    layer.interpolation = "nearest"
    np.testing.assert_array_equal(layer(square, training=True), expected)


def test_a_shift_is_downwards_and_to_the_right():
    layer = pw.layers.RandomTranslation((2 / 7, 2 / 7), (-1 / 6, -1 / 6), fill_mode="constant", fill_value=-1.0)
    got = np.asarray(layer(IMAGES, training=True))
    np.testing.assert_allclose(got[:, 2:, :-1], IMAGES[:, :-2, 1:], rtol=1e-4)
    assert (got[:, :2] == -1).all()
    assert (got[:, :, -1] == -1).all()


def test_a_positive_zoom_shows_more_of_the_image_and_keeps_its_middle():
    ramp = np.broadcast_to(np.arange(9.0, dtype="float32"), (1, 9, 9))[..., None]
    for factor in (0.5, -0.5):
        got = np.asarray(pw.layers.RandomZoom((factor, factor), fill_mode="nearest")(ramp, training=True))[0, 4, :, 0]
        np.testing.assert_allclose(got, np.clip(4 + (1 + factor) * (np.arange(9) - 4), 0, 8), rtol=1e-6)


def test_without_a_width_factor_shapes_keep_their_proportions():
    transformation = drawn(pw.layers.RandomZoom(0.5))
    np.testing.assert_array_equal(transformation["height_zoom"], transformation["width_zoom"])
    transformation = drawn(pw.layers.RandomZoom(0.5, 0.5))
    assert (np.asarray(transformation["height_zoom"]) != np.asarray(transformation["width_zoom"])).any()


BOX = (6.0, 8.0, 16.0, 14.0)  # left, top, right, bottom


def marked(rows):
    """Black images with one white rectangle at BOX, and that box."""
    images = np.zeros((rows, 22, 26, 1), "float32")
    images[:, 8:14, 6:16] = 1
    boxes = {"boxes": np.tile(np.float32(BOX), (rows, 1, 1)), "labels": np.full((rows, 1), 3)}
    return {"images": images, "bounding_boxes": boxes, "segmentation_masks": images.astype("uint8")}


def white(image):
    """The smallest box around the pixels that are more white than black."""
    rows, columns = np.nonzero(np.asarray(image)[..., 0] > 0.5)
    return [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]


@pytest.mark.parametrize(
    ("name", "arguments", "within"),
    [
        ("RandomRotation", {"factor": 0.1, "fill_mode": "constant"}, 1.3),
        ("RandomTranslation", {"height_factor": 0.2, "width_factor": 0.3, "fill_mode": "constant"}, 0.51),
        ("RandomZoom", {"height_factor": 0.3, "width_factor": 0.2, "fill_mode": "constant"}, 0.8),
        ("RandomShear", {"x_factor": 0.2, "y_factor": 0.2, "fill_mode": "constant"}, 1.3),
    ],
)
@pytest.mark.few(1)
def test_boxes_and_masks_go_where_the_pixels_go(name, arguments, within):
    data = marked(30)
    layer = getattr(pw.layers, name)(**arguments, bounding_box_format="xyxy", seed=1)
    out = layer(data, training=True)
    boxes, expected = np.asarray(out["bounding_boxes"]["boxes"])[:, 0], np.array([white(i) for i in out["images"]])
    assert np.abs(boxes - expected).max() < within  # pixels' corners are cut where they are half white
    assert np.abs((boxes - expected).mean(0)).max() < within / 2
    assert (np.asarray(out["bounding_boxes"]["labels"]) == 3).all()
    assert out["segmentation_masks"].dtype == np.uint8
    disagree = (np.asarray(out["images"]) > 0.5) != np.asarray(out["segmentation_masks"]).astype(bool)
    assert disagree.mean() < 0.02


@pytest.mark.extensive
def test_a_box_that_leaves_the_image_loses_its_label():
    layer = pw.layers.RandomTranslation((0.9, 0.9), 0.0, bounding_box_format="rel_xyxy")
    data = marked(2)
    data["bounding_boxes"]["boxes"] = np.tile(np.float32([0.1, 0.2, 0.5, 0.5]), (2, 1, 1))
    out = layer(data, training=True)["bounding_boxes"]
    np.testing.assert_allclose(np.asarray(out["boxes"])[0, 0], [0.1, 1.0, 0.5, 1.0], rtol=1e-6)
    assert (np.asarray(out["labels"]) == -1).all()


@pytest.mark.parametrize(
    ("name", "arguments", "key", "column", "bounds"),
    [
        ("RandomRotation", {"factor": (-0.1, 0.3)}, "angle", None, (-36, 108)),
        ("RandomTranslation", {"height_factor": (0.1, 0.5), "width_factor": 0.2}, "translations", 1, (0.7, 3.5)),
        ("RandomTranslation", {"height_factor": (0.1, 0.5), "width_factor": 0.2}, "translations", 0, (-1.2, 1.2)),
        ("RandomZoom", {"height_factor": 0.4}, "height_zoom", 0, (0.6, 1.4)),
        ("RandomShear", {"x_factor": 0.4}, "shear_factor", 0, (-0.4, 0.4)),
    ],
)
def test_draws_are_uniform_over_their_range(name, arguments, key, column, bounds):
    images = np.zeros((4000, 7, 6, 1), "uint8")
    values = np.asarray(drawn(getattr(pw.layers, name)(**arguments, seed=5), images)[key])
    values = np.sort(values if column is None else values[:, column])
    shares = (values - bounds[0]) / (bounds[1] - bounds[0])
    distance = np.abs(shares - (np.arange(4000) + 0.5) / 4000).max()
    assert distance < 1.63 / np.sqrt(4000)  # Kolmogorov's bound at 1 %


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: pw.layers.RandomRotation(1.5),
            r"RandomRotation's factor is a number in \[-1, 1\], or a pair.*got 1.5",
        ),
        (lambda: pw.layers.RandomRotation((0.1, 0.2, 0.3)), r"factor is a number in .*got \(0.1, 0.2, 0.3\)"),
        (lambda: pw.layers.RandomZoom(-1.0), r"RandomZoom's height_factor is a number in \(-1, 1\]"),
        (lambda: pw.layers.RandomZoom(0.1, "a"), r"RandomZoom's width_factor .*got 'a'"),
        (lambda: pw.layers.RandomShear((-0.1, 0.2)), r"RandomShear's x_factor is a number in \[0, 1\].*-0.1"),
        (
            lambda: pw.layers.RandomTranslation(0.1, 0.1, fill_mode="reflct"),
            r"fill_mode is one of 'reflect', 'wrap'.*Did you mean 'reflect'",
        ),
        (
            lambda: pw.layers.RandomRotation(0.1, interpolation="bicubic"),
            r"interpolation is one of 'nearest', 'bilinear'; got 'bicubic'",
        ),
        (lambda: pw.layers.RandomRotation(0.1, fill_value="x"), r"fill_value must be a finite number; got 'x'"),
    ],
)
def test_what_is_no_range_or_mode_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(("name", "ranges"), MAPS)
def test_a_config_makes_the_layer_again_here_and_in_keras(name, ranges):
    options = {
        "fill_mode": "wrap",
        "interpolation": "nearest",
        "fill_value": 2.0,
        "seed": 4,
        "data_format": "channels_first",
    }
    ours, theirs = (getattr(library.layers, name)(**ranges, **options, name="it") for library in (pw, keras))
    ours = getattr(pw.layers, name)(**ranges, **options, name="it", bounding_box_format="xywh")
    again = type(ours).from_config(ours.get_config())
    assert again.get_config() == ours.get_config()
    np.testing.assert_array_equal(again(IMAGES, training=True), ours(IMAGES, training=True))
    from_theirs = type(ours).from_config(theirs.get_config())
    assert {**from_theirs.get_config(), "bounding_box_format": "xywh"} == ours.get_config()
    assert type(theirs).from_config(ours.get_config()).fill_mode == "wrap"


def test_gradients_flow_through_a_warped_image_to_the_input():
    layer = pw.layers.RandomTranslation((2 / 7, 2 / 7), (0.0, 0.0), fill_mode="constant")
    grad = jax.grad(lambda x: (layer(x, training=True) ** 2).sum())(IMAGES)
    expected = 2 * IMAGES
    expected[:, 5:] = 0
    np.testing.assert_allclose(grad, expected, rtol=1e-4, atol=1e-3)
