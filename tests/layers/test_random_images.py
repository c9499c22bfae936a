"""Flips, perspective, elastic transforms and erasing: their distributions and what they preserve."""

import keras
import numpy as np
import pytest

import phasewise as pw

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, (6, 9, 7, 3)).astype("float32")


def boxed(rows=40):
    """Black images with one white rectangle, its box and its mask."""
    images = np.zeros((rows, 24, 30, 1), "float32")
    images[:, 8:17, 9:21] = 1
    boxes = {"boxes": np.tile(np.float32([9, 8, 21, 17]), (rows, 1, 1)), "labels": np.full((rows, 1), 3)}
    return {"images": images, "bounding_boxes": boxes, "segmentation_masks": images.astype("int32")}


def white(images):
    """The smallest box around the pixels of each image that are more white than black."""
    found = []
    for image in np.asarray(images)[..., 0]:
        rows, columns = np.nonzero(image > 0.5)
        found.append([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    return np.array(found)


@pytest.mark.parametrize("mode", ["horizontal", "vertical", "horizontal_and_vertical"])
def test_each_direction_is_flipped_in_half_of_the_images_by_itself(mode):
    image = IMAGES[0]
    ways = {"": image, "horizontal": image[:, ::-1], "vertical": image[::-1], "both": image[::-1, ::-1]}
    out = np.asarray(pw.layers.RandomFlip(mode, seed=1)(np.tile(image, (400, 1, 1, 1)), training=True))
    counts = {way: sum(np.array_equal(flipped, each) for each in out) for way, flipped in ways.items()}
    expected = {"horizontal_and_vertical": set(ways)}.get(mode, {"", mode})
    assert {way for way, count in counts.items() if count} == expected
    share = 400 / len(expected)
    assert all(abs(count - share) < 2.6 * share**0.5 for count in counts.values() if count)
    assert sum(counts.values()) == 400


def test_a_flip_moves_pixels_as_keras_does_and_undoes_itself():
    ours, theirs = (library.layers.RandomFlip("horizontal") for library in (pw, keras))
    transformation = ours.get_random_transformation(IMAGES, seed=3)
    flips = np.asarray(transformation["horizontal"])
    once = ours.transform_images(IMAGES, transformation)
    expected = theirs.transform_images(IMAGES, {"flips": flips[:, None, None, None]}, training=True)
    np.testing.assert_array_equal(once, expected)
    np.testing.assert_array_equal(ours.transform_images(once, transformation), IMAGES)


@pytest.mark.parametrize(
    ("name", "arguments", "within"),
    [
        ("RandomFlip", {}, 1e-6),
        ("RandomPerspective", {"factor": (1.0, 1.0), "scale": 0.3}, 2.0),
        ("RandomElasticTransform", {"factor": (1.0, 1.0), "scale": (0.5, 1.0), "value_range": (0, 1)}, 2.001),
    ],
)
@pytest.mark.few(1)
def test_boxes_and_masks_go_where_the_pixels_go(name, arguments, within):
    out = getattr(pw.layers, name)(**arguments, bounding_box_format="xyxy", seed=1)(boxed(), training=True)
    boxes, expected = np.asarray(out["bounding_boxes"]["boxes"])[:, 0], white(out["images"])
    assert np.abs(boxes - expected).max() < within  # a corner of which less than half is left is not seen to be white
    assert np.abs((boxes - expected).mean(0)).max() < within / 4
    masks = np.asarray(out["segmentation_masks"])
    assert ((np.asarray(out["images"]) > 0.5) != (masks > 0)).mean() < 0.02


@pytest.mark.extensive
@pytest.mark.parametrize("scale", [0.3, 1.0])
@pytest.mark.parametrize("interpolation", ["bilinear", "nearest"])
def test_perspective_moves_pixels_as_keras_does_by_the_same_corners(scale, interpolation):
    options = {"scale": scale, "interpolation": interpolation, "fill_value": 3.0}
    ours, theirs = (library.layers.RandomPerspective(1.0, **options) for library in (pw, keras))
    images = np.tile(IMAGES, (5, 1, 1, 1))
    transformation = ours.get_random_transformation(images, seed=4)
    assert 0 < np.mean(transformation["apply_perspective"]) < 1
    got = ours.transform_images(images, transformation)
    np.testing.assert_allclose(got, theirs.transform_images(images, transformation, training=True), atol=5e-3)
    same = ~np.asarray(transformation["apply_perspective"])
    np.testing.assert_array_equal(np.asarray(got)[same], images[same])


@pytest.mark.extensive
def test_all_four_corners_move_and_never_fold_the_image_over():
    layer = pw.layers.RandomPerspective((1.0, 1.0), 1.0, seed=2)
    transformation = layer.get_random_transformation(np.zeros((3000, 11, 21, 1)))
    start, end = (np.asarray(transformation[each]) for each in ("start_points", "end_points"))
    moves = (end - start) / [20, 10]
    assert (moves.std((0,)) > 0.1).all()
    assert np.abs(moves).max() <= 0.5
    ring = end[:, [0, 1, 3, 2]] / [20, 10]
    edges = np.roll(ring, -1, 1) - ring
    following = np.roll(edges, -1, 1)
    assert (edges[..., 0] * following[..., 1] - edges[..., 1] * following[..., 0] > 0.05).all()
    assert np.isfinite(transformation["transform"]).all()


def test_an_elastic_field_has_the_strength_and_the_smoothness_that_are_said():
    layer = pw.layers.RandomElasticTransform((1.0, 1.0), (1.0, 1.0), seed=3)
    transformation = layer.get_random_transformation(np.zeros((100, 40, 60, 1)))
    strength, sigma = 0.1 * 60 / (2 * np.sqrt(np.pi)), 0.05 * 40
    for field in (np.asarray(transformation["dx"]), np.asarray(transformation["dy"])):
        np.testing.assert_allclose(field.std((0,)).mean(), strength, rtol=0.05)
        np.testing.assert_allclose(field[:, 0].std(), field[:, 20].std(), rtol=0.2)  # at an edge as in the middle
        alike = (field[:, :, :-3] * field[:, :, 3:]).mean() / field.var()
        np.testing.assert_allclose(alike, np.exp(-(3**2) / (4 * sigma**2)), rtol=0.1)
    assert abs(np.corrcoef(*(np.ravel(transformation[each]) for each in ("dx", "dy")))[0, 1]) < 0.05


@pytest.mark.extensive
def test_an_elastic_transform_keeps_to_the_value_range_and_leaves_what_it_does_not_choose():
    images = np.full((20, 8, 8, 1), 3.0, "float32")
    layer = pw.layers.RandomElasticTransform(fill_mode="constant", fill_value=-5.0, value_range=(0, 2), seed=1)
    assert 0 <= np.min(layer(images, training=True)) <= np.max(layer(images, training=True)) <= 2
    never = pw.layers.RandomElasticTransform(factor=0.0)
    np.testing.assert_array_equal(never(IMAGES, training=True), IMAGES)


def erased_parts(**options):
    images = np.zeros((300, 30, 20, 3), "float32")
    out = np.asarray(pw.layers.RandomErasing(seed=2, **options)(images, training=True))
    return (out != 0).any(-1), out


def test_one_rectangle_of_about_the_said_part_of_each_image_is_erased():
    erased, out = erased_parts(factor=(1.0, 1.0), scale=(0.1, 0.3), fill_value=(10, 20, 300))
    np.testing.assert_array_equal(np.unique(out[erased], axis=0), [[10, 20, 255]])
    for each in erased:
        rows, columns = np.nonzero(each)
        assert each.sum() == (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    shares = erased.mean((1, 2))
    assert 0.08 < shares.min() < shares.max() < 0.36
    np.testing.assert_allclose(shares.mean(), 0.2, atol=0.01)


def test_erasing_chooses_images_with_a_probability_and_fills_with_noise_about_the_middle_of_the_range():
    erased, out = erased_parts(factor=(0.3, 0.3))
    assert abs(erased.any((1, 2)).mean() - 0.3) < 2.6 * (0.21 / 300) ** 0.5
    noise = out[erased]
    assert 0 <= noise.min() < noise.max() <= 255
    np.testing.assert_allclose(noise.mean(), 127.5, rtol=0.02)
    np.testing.assert_allclose((noise == 0).mean(), 0.1587, atol=0.02)


@pytest.mark.extensive
def test_what_goes_with_an_erased_image_stays():
    out = pw.layers.RandomErasing((1.0, 1.0), bounding_box_format="xyxy")(boxed(3), training=True)
    np.testing.assert_array_equal(out["segmentation_masks"], boxed(3)["segmentation_masks"])
    np.testing.assert_array_equal(out["bounding_boxes"]["boxes"], boxed(3)["bounding_boxes"]["boxes"])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: pw.layers.RandomFlip("diagonal"), "mode is one of 'horizontal', 'vertical'.*got 'diagonal'"),
        (lambda: pw.layers.RandomFlip(seed="a"), "RandomFlip's seed is an integer or None; got 'a'"),
        (lambda: pw.layers.RandomPerspective(2.0), r"RandomPerspective's factor is a number in \[0, 1\]"),
        (lambda: pw.layers.RandomPerspective(scale=1.5), r"RandomPerspective's scale is a number in \[0, 1\]; got 1.5"),
        (lambda: pw.layers.RandomElasticTransform(scale=(0, 2)), r"RandomElasticTransform's scale .*got \(0, 2\)"),
        (lambda: pw.layers.RandomElasticTransform(fill_mode="mirro"), "Did you mean 'mirror'"),
        (lambda: pw.layers.RandomErasing(fill_value="black"), "fill_value is a number, one for each channel, or None"),
        (
            lambda: pw.layers.RandomErasing(value_range=(1, 1)),
            r"value_range is the pair \(lowest, highest\).*got \(1, 1\)",
        ),
        (
            lambda: pw.layers.RandomErasing(fill_value=[1, 2])(IMAGES, training=True),
            r"has a fill_value of 2 channels; its images have shape \(6, 9, 7, 3\)",
        ),
    ],
)
def test_what_cannot_be_meant_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("RandomFlip", {"mode": "vertical"}),
        ("RandomPerspective", {"factor": 0.4, "scale": 0.3, "interpolation": "nearest", "fill_value": 2.0}),
        (
            "RandomElasticTransform",
            {
                "factor": 0.4,
                "scale": 0.3,
                "interpolation": "nearest",
                "fill_mode": "mirror",
                "fill_value": 2.0,
                "value_range": (0, 1),
            },
        ),
        ("RandomErasing", {"factor": 0.4, "scale": 0.3, "fill_value": 2.0, "value_range": (0, 1)}),
    ],
)
def test_a_config_makes_the_layer_again_here_and_in_keras(name, arguments):
    options = {**arguments, "seed": 3, "data_format": "channels_first", "bounding_box_format": "xywh", "name": "it"}
    ours, theirs = (getattr(library.layers, name)(**options) for library in (pw, keras))
    assert type(ours).from_config(ours.get_config()).get_config() == ours.get_config()
    assert type(ours).from_config(theirs.get_config()).get_config() == ours.get_config()
    assert type(theirs).from_config(ours.get_config()).data_format == "channels_first"
