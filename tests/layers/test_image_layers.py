"""What every layer of images does: alone, in batches, with labels, boxes and masks; by the switch; in fit, predict and Dataset.map."""

import warnings

import augmentation_rows
import jax
import keras
import numpy as np
import pytest

import parity
import phasewise as pw
from phasewise.layers.augmentation.bounding_boxes import FORMATS, convert_format

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 256, (6, 7, 5, 3)).astype("uint8")
RANDOM = [
    pytest.param(name, arguments, marks=[] if name == "RandomFlip" else [pytest.mark.extensive])
    for name, (arguments, _) in augmentation_rows.RANDOM.items()
]
GEOMETRIC = [
    ("RandomCrop", {"height": 4, "width": 3}),
    ("RandomElasticTransform", {}),
    ("RandomErasing", {"factor": (1.0, 1.0)}),
    ("RandomFlip", {}),
    ("RandomPerspective", {"factor": (1.0, 1.0)}),
    ("RandomRotation", {"factor": 0.4}),
    ("RandomShear", {"x_factor": 0.4}),
    ("RandomTranslation", {"height_factor": 0.3, "width_factor": 0.3}),
    ("RandomZoom", {"height_factor": 0.4}),
]

EVERY = [
    pytest.param(*each, marks=[] if each[0] in ("RandomCrop", "RandomTranslation") else [pytest.mark.extensive])
    for each in GEOMETRIC
]


def everything(rows=6):
    """Images with all that may go with them, and something that is not known."""
    boxes = np.tile(np.float32([[1, 2, 4, 6], [-1, -1, -1, -1]]), (rows, 1, 1))
    return {
        "images": IMAGES[:rows],
        "labels": np.arange(rows),
        "bounding_boxes": {"boxes": boxes, "labels": np.tile([7, -1], (rows, 1))},
        "segmentation_masks": IMAGES[:rows, :, :, :1] // 64,
        "weights": np.ones(rows, "float32"),
    }


def made(name, arguments, **more):
    return getattr(pw.layers, name)(**arguments, **more)


@pytest.mark.parametrize(("name", "arguments"), EVERY)
@pytest.mark.extensive
def test_one_image_is_a_batch_of_one(name, arguments):
    layer, data = made(name, arguments, bounding_box_format="xyxy"), everything()
    del data["weights"]
    one = jax.tree.map(lambda array: array[0], data)
    for training in (False, True):
        pw.set_random_seed(1)
        alone = layer(one, training=training)
        pw.set_random_seed(1)
        batch = layer(jax.tree.map(lambda array: array[:1], data), training=training)
        jax.tree.map(np.testing.assert_array_equal, alone, jax.tree.map(lambda array: array[0], batch))
        pw.set_random_seed(1)
        np.testing.assert_array_equal(layer(one["images"], training=training), alone["images"])


@pytest.mark.parametrize(("name", "arguments"), EVERY)
def test_in_inference_all_is_as_it_was_and_images_are_floats(name, arguments):
    data = everything()
    layer = made(
        name, {**arguments, "height": 7, "width": 5} if name == "RandomCrop" else arguments, bounding_box_format="xyxy"
    )
    out = layer(data, training=False)
    assert out["images"].dtype == np.float32
    jax.tree.map(np.testing.assert_array_equal, out, data)


@pytest.mark.parametrize(("name", "arguments"), EVERY)
@pytest.mark.extensive
def test_what_was_given_is_not_changed_and_nothing_is_rounded_to_the_compute_dtype(name, arguments):
    data = everything()
    data["labels"] = np.float32([1 / 3] * 6)
    data["segmentation_masks"] = np.full((6, 7, 5, 1), 1001, np.int32)
    before = jax.tree.map(np.copy, data)
    out = made(name, arguments, bounding_box_format="xywh", dtype="bfloat16", seed=1)(data, training=True)
    jax.tree.map(np.testing.assert_array_equal, data, before)
    assert out["images"].dtype == "bfloat16"
    assert out["bounding_boxes"]["boxes"].dtype == np.float32
    np.testing.assert_array_equal(out["labels"], data["labels"])
    assert set(np.unique(out["segmentation_masks"])) <= {0, 1001}
    np.testing.assert_array_equal(out["weights"], data["weights"])


@pytest.mark.parametrize(("name", "arguments"), EVERY)
def test_a_box_that_fills_up_stays_one(name, arguments):
    out = made(name, arguments, bounding_box_format="center_xywh")(everything(), training=True)["bounding_boxes"]
    np.testing.assert_array_equal(np.asarray(out["boxes"])[:, 1], -1)
    np.testing.assert_array_equal(np.asarray(out["labels"])[:, 1], -1)


@pytest.mark.parametrize(("name", "arguments"), EVERY)
def test_channels_first_is_channels_last_moved(name, arguments):
    first, last = (made(name, arguments, data_format=form, seed=3) for form in ("channels_first", "channels_last"))
    data = everything()
    masks, images = data["segmentation_masks"], data["images"]
    if name == "RandomErasing":  # its noise is drawn in the order of the numbers
        first.fill_value = last.fill_value = (1, 2, 3)
    moved = {"images": np.moveaxis(images, -1, 1), "segmentation_masks": np.moveaxis(masks, -1, 1)}
    got = first(moved, training=True)
    expected = last({"images": images, "segmentation_masks": masks}, training=True)
    for part, array in expected.items():
        np.testing.assert_array_equal(np.moveaxis(np.asarray(got[part]), 1, -1), array)


@pytest.mark.parametrize(("name", "arguments"), EVERY)
def test_masks_may_lack_the_channel_axis(name, arguments):
    layer, data = made(name, arguments, seed=2), everything()
    data.pop("bounding_boxes")
    pw.set_random_seed(2)
    expected = made(name, arguments, seed=2)(data, training=True)["segmentation_masks"]
    got = layer({**data, "segmentation_masks": data["segmentation_masks"][..., 0]}, training=True)
    np.testing.assert_array_equal(got["segmentation_masks"], np.asarray(expected)[..., 0])


@pytest.mark.parametrize(("name", "arguments"), RANDOM)
def test_a_seed_repeats_and_a_call_draws_anew(name, arguments):
    x = IMAGES.astype("float32") + np.float32(0.5)
    first, second = (made(name, arguments, seed=5) for _ in range(2))
    one = np.asarray(first(x, training=True))
    np.testing.assert_array_equal(one, second(x, training=True))
    assert not np.array_equal(one, first(x, training=True))


@pytest.mark.parametrize(("name", "arguments"), EVERY)
@pytest.mark.extensive
def test_an_images_draws_do_not_depend_on_the_batch_it_is_in(name, arguments):
    x = np.tile(IMAGES[:1], (40, 1, 1, 1))
    inputs = pw.Input(x.shape[1:], dtype="uint8")
    model = pw.Model(inputs, made(name, arguments, seed=5)(inputs, training=True))
    outputs = []
    for size in (40, 7):
        pw.set_random_seed(9)
        outputs.append(model.predict(x, batch_size=size, verbose=0))
    np.testing.assert_allclose(outputs[0], outputs[1], rtol=1e-5, atol=1e-3)
    assert len(np.unique(outputs[0].reshape(40, -1), axis=0)) > 2  # each its own


@pytest.mark.parametrize(("name", "arguments"), EVERY)
def test_it_is_known_to_a_graph_with_unknown_sizes(name, arguments):
    images = pw.Input((None, None, 3), dtype="uint8")
    out = made(name, arguments, bounding_box_format="xyxy")(
        {
            "images": images,
            "labels": pw.Input((), dtype="int32"),
            "bounding_boxes": {"boxes": pw.Input((None, 4)), "labels": pw.Input((None,), dtype="int32")},
        },
        training=True,
    )
    sizes = (4, 3) if name == "RandomCrop" else (None, None)
    assert (out["images"].shape, out["images"].dtype) == ((None, *sizes, 3), "float32")
    assert (out["labels"].shape, out["labels"].dtype) == ((None,), "int32")
    assert out["bounding_boxes"]["boxes"].shape == (None, None, 4)


@pytest.mark.extensive
def test_a_pipeline_of_layers_trains_and_goes_on_where_it_was_interrupted():
    y = np.arange(6) % 2

    def trained(*epochs):
        pw.set_random_seed(3)
        layers = [made(name, arguments) for name, arguments in GEOMETRIC]
        model = pw.Sequential(
            [
                pw.Input((7, 5, 3), dtype="uint8"),
                *layers,
                pw.layers.Rescaling(1 / 255),
                pw.layers.Flatten(),
                pw.layers.Dense(1),
            ]
        )
        model.compile("sgd", "mse")
        for count in epochs:
            model.fit(IMAGES, y, batch_size=4, epochs=count, shuffle=False, verbose=0)
        return model.get_weights()

    for whole, parts in zip(trained(3), trained(1, 2)):
        np.testing.assert_array_equal(whole, parts)
        assert np.isfinite(whole).all()


def test_in_a_pipeline_of_data_every_image_is_changed_by_itself():
    layer = pw.layers.RandomTranslation(0.4, 0.4, seed=1)
    plan = pw.data.Dataset.from_tensor_slices((IMAGES, np.arange(6)))
    changed = plan.map(lambda x, y: (layer(x, training=True), y)).batch(6)
    images, labels = next(iter(changed))
    assert np.shape(images) == IMAGES.shape
    assert not np.array_equal(images, IMAGES)
    np.testing.assert_array_equal(labels, np.arange(6))


def test_a_call_for_which_nobody_has_decided_warns_once_that_nothing_is_drawn():
    message = (
        r"Layer 'flip' \(RandomFlip\) drew nothing: it was called by itself, which is inference. Say training=True"
    )
    layer = pw.layers.RandomFlip(name="flip")
    with pytest.warns(pw.warning.NoEffectWarning, match=message):
        np.testing.assert_array_equal(layer(IMAGES), IMAGES)
    pipeline = pw.Sequential([pw.layers.RandomFlip(name="flip"), pw.layers.Rescaling(1 / 255)])
    with pytest.warns(pw.warning.NoEffectWarning, match=message):
        pipeline(IMAGES)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(IMAGES)
        pw.layers.RandomFlip()(IMAGES, training=False)
        layers = [pw.layers.RandomFlip(), pw.layers.RandomCrop(3, 3)]
        inputs = pw.Input((7, 5, 3))
        outputs = pw.layers.Dense(1)(pw.layers.Flatten()(pw.Sequential(layers)(inputs)))
        model = pw.Model(inputs, outputs)
        model(IMAGES)
        model.predict(IMAGES, verbose=0)
        unbuilt = pw.Sequential([pw.layers.RandomFlip(), pw.layers.Flatten(), pw.layers.Dense(1)])
        unbuilt(IMAGES)
        unbuilt.compile("sgd", "mse")
        unbuilt.explain(print_fn=False)
        assert pw.layers.RandomCrop(3, 3).compute_output_shape((None, 7, 5, 3)) == (None, 3, 3, 3)


@pytest.mark.parametrize("name", sorted({*augmentation_rows.RANDOM, *(row[0] for row in augmentation_rows.TABLE)}))
def test_arguments_are_those_of_keras_in_their_order_with_their_defaults(name):
    ours, theirs = (parity.arguments(getattr(library.layers, name).__init__) for library in (pw, keras))
    assert ours == theirs


def test_explain_says_what_is_done():
    model = pw.Sequential([pw.Input((7, 5, 3)), pw.layers.RandomRotation(0.1, name="turn"), pw.layers.Resizing(4, 4)])
    told = model.explain(print_fn=False)
    assert [row.layer for row in told] == ["turn"]
    assert "turns images by ±36 degrees" in str(told)
    assert "passes through" in str(told)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (
            np.zeros((7, 5)),
            r"expects images of shape \(batch, height, width, channels\), or one image .*got shape \(7, 5\)",
        ),
        ({"image": IMAGES}, r'takes images, or a dict with "images"; got one with \[\'image\'\]'),
        (
            {"images": IMAGES, "bounding_boxes": {"boxes": np.zeros((6, 1, 4)), "labels": np.zeros((6, 1))}},
            r'RandomFlip was given "bounding_boxes" and does not know how they are written.*bounding_box_format="xyxy"',
        ),
        (
            {"images": IMAGES, "segmentation_masks": IMAGES[:, :6]},
            r"segmentation masks of the images' height and width; got images of shape \(6, 7, 5, 3\) and masks of shape \(6, 6, 5, 3\)",
        ),
        ((IMAGES, np.zeros(6)), r'in a dict with it, as \{"images": x, "labels": y\}; got a tuple of 2'),
        ({"images": [IMAGES[0], IMAGES[1]]}, r"takes images as one array.*got a list of 2"),
        (
            {"images": IMAGES, "labels": np.eye(1, 10)},
            r"expects labels that belong to the images one by one; got images of shape \(6, 7, 5, 3\) and labels of shape \(1, 10\)",
        ),
        ({"images": IMAGES, "segmentation_masks": IMAGES[:1]}, r"and segmentation_masks of shape \(1, 7, 5, 3\)"),
    ],
)
def test_what_is_no_image_is_refused(data, message):
    with pytest.raises(ValueError, match=message):
        pw.layers.RandomFlip()(data, training=True)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (np.zeros((6, 1, 4)), r'a dict with the keys "boxes" and "labels"; got ndarray'),
        ({"boxes": np.zeros((6, 1, 4))}, r"got \['boxes'\]"),
        ({"boxes": np.zeros((6, 1, 5)), "labels": np.zeros((6, 1))}, r"got boxes of shape \(6, 1, 5\)"),
        ({"boxes": np.zeros((6, 2, 4)), "labels": np.zeros((6, 1))}, r"\(6, 2, 4\) and labels of shape \(6, 1\)"),
        (
            {"boxes": [[[0, 0, 1, 1]], []], "labels": [[1], [2]]},
            r"as many labels as boxes; got \[1, 0\] boxes and \[1, 1\]",
        ),
        ({"boxes": np.zeros((1, 2, 4)), "labels": np.zeros((1, 2))}, r"and bounding_boxes of shape \(1, 2, 4\)"),
        ({"boxes": np.zeros((6, 4)), "labels": np.zeros(6)}, r"and bounding_boxes of shape \(6, 4\)"),
    ],
)
def test_what_are_no_boxes_is_refused(boxes, message):
    with pytest.raises(ValueError, match=message):
        pw.layers.RandomFlip(bounding_box_format="xyxy")({"images": IMAGES, "bounding_boxes": boxes}, training=True)


def test_lists_of_boxes_of_unequal_lengths_are_filled_up():
    boxes = {"boxes": [[[0, 0, 1, 1], [1, 1, 2, 3]], [[2, 2, 3, 3]]], "labels": [[1, 2], [3]]}
    out = pw.layers.RandomFlip(bounding_box_format="xyxy")(
        {"images": IMAGES[:2], "bounding_boxes": boxes}, training=False
    )
    np.testing.assert_array_equal(out["bounding_boxes"]["labels"], [[1, 2], [3, -1]])
    np.testing.assert_array_equal(np.asarray(out["bounding_boxes"]["boxes"])[1], [[2, 2, 3, 3], [0, 0, 0, 0]])


def test_an_unknown_box_format_is_refused():
    with pytest.raises(ValueError, match=r"bounding_box_format is one of 'xyxy'.*got 'xyxx'"):
        pw.layers.RandomFlip(bounding_box_format="xyxx")
    with pytest.raises(
        ValueError, match=r"from 'xyxy' to 'rel_xyxy' needs the image's height and width; got height=None"
    ):
        convert_format(np.zeros((1, 4)), "xyxy", "rel_xyxy")


@pytest.mark.parametrize("source", FORMATS)
def test_boxes_are_converted_as_by_keras(source):
    boxes = RNG.uniform(1, 9, (2, 3, 4)).astype("float32")
    for target in FORMATS:
        expected = keras.utils.bounding_boxes.convert_format(boxes, source, target, height=20, width=30)
        np.testing.assert_allclose(convert_format(boxes, source, target, 20, 30), expected, rtol=1e-5, atol=1e-6)


def test_boxes_are_cut_to_one_number_or_filled_up_to_it_as_by_keras():
    for number in (1, 4):
        data = everything()
        ours, theirs = (
            library.layers.MaxNumBoundingBoxes(number, fill_value=-2, bounding_box_format="xyxy")
            for library in (pw, keras)
        )
        expected = theirs({part: data[part] for part in ("images", "bounding_boxes")})
        out = ours(data)
        jax.tree.map(np.testing.assert_array_equal, out["bounding_boxes"], dict(expected["bounding_boxes"]))
        assert out["images"].dtype == np.uint8
    with pytest.raises(ValueError, match="max_number must be a positive integer; got 0"):
        pw.layers.MaxNumBoundingBoxes(0)
