"""`utils.bounding_boxes`: every function against Keras, and by hand where Keras refuses."""

import copy
import inspect

import keras
import numpy as np
import pytest

import phasewise as pw

RNG = np.random.default_rng(0)
ours, theirs = pw.utils.bounding_boxes, keras.utils.bounding_boxes
NAMES = sorted(name for name in dir(theirs) if name[0] != "_")


def boxes(*shape):
    first = RNG.random((*shape, 2)) * 40
    return np.concatenate([first, first + RNG.random((*shape, 2)) * 30 + 1], -1).astype("float32")


ONE, MANY, ANCHORS = boxes(5), boxes(2, 5), boxes(5)
FEW = np.asarray([10.0, -20.0], "float32")
SIZES = (np.float32(50), np.float32(60))

CALLS = [
    ("affine_transform", (MANY, FEW, FEW / 100, FEW / 50, FEW / 10, FEW / 2, FEW / 3, *SIZES), {}),
    ("affine_transform", (MANY, FEW, FEW / 100, FEW / 50, FEW / 10, FEW / 2, FEW / 3, *SIZES, FEW / 40, FEW / 50), {}),
    ("clip_to_image_size", ({"boxes": MANY - 20, "labels": np.ones((2, 5), int)}, 20, 30), {}),
    ("clip_to_image_size", ({"boxes": MANY / 30},), {"bounding_box_format": "rel_xyxy"}),
    ("compute_ciou", (ONE, ANCHORS, "xyxy"), {}),
    ("compute_ciou", (MANY, MANY[::-1], "center_yxhw"), {}),
    ("compute_iou", (ONE, ANCHORS[:3], "xyxy"), {}),
    ("compute_iou", (MANY, ANCHORS, "xywh"), {}),
    ("compute_iou", (ONE - 60, ANCHORS - 30, "yxyx"), {"use_masking": True, "mask_val": -2}),
    ("compute_iou", (MANY / 60, MANY / 50, "rel_xyxy"), {"image_shape": (50, 60, 3)}),
    ("convert_format", (MANY, "xywh", "rel_center_xywh", 50, 60), {}),
    ("convert_format", (ONE, "rel_yxyx", "center_yxhw", 50, 60), {}),
    ("crop", (MANY, 10, 5, 20, 30), {}),
    ("decode_deltas_to_boxes", (ANCHORS, MANY / 60, "xyxy", "rel_xyxy"), {"image_shape": (50, 60, 3)}),
    ("decode_deltas_to_boxes", ({1: ANCHORS, 2: ONE}, {1: MANY / 60, 2: ONE / 50}, "xyxy", "xywh", "center_xywh", [1, 2, 3, 4]), {}),
    ("encode_box_to_deltas", (ANCHORS, MANY, "xyxy", "center_xywh"), {"variance": [0.1, 0.1, 0.2, 0.2]}),
    ("encode_box_to_deltas", (ANCHORS, ONE, "xywh", "yxyx", "center_xywh"), {}),
    ("pad", (MANY, 10, 5), {}),
]  # fmt: skip


def test_every_name_of_keras_is_here_with_its_arguments_and_is_called():
    for name in NAMES:
        mine, other = (list(inspect.signature(getattr(m, name)).parameters.values()) for m in (ours, theirs))
        assert [(p.name, p.default) for p in mine] == [(p.name, p.default) for p in other]
    assert {name for name, *_ in CALLS} == set(NAMES)


@pytest.mark.few(2)
@pytest.mark.parametrize(("name", "arguments", "options"), CALLS)
def test_results_are_those_of_keras(name, arguments, options):
    expected = getattr(theirs, name)(*copy.deepcopy(arguments), **options)
    given = copy.deepcopy(arguments)
    found = getattr(ours, name)(*given, **options)
    if not isinstance(expected, dict):
        expected, found = {"it": expected}, {"it": found}
    assert expected.keys() == found.keys()
    for key in expected:
        np.testing.assert_allclose(found[key], expected[key], rtol=1e-5, atol=2e-5)
    if isinstance(given[0], dict):  # what was handed in is as it was
        assert all((given[0][key] == arguments[0][key]).all() for key in given[0])


def test_boxes_may_be_written_in_any_form_of_pixels():
    centred = ours.convert_format(MANY, "xyxy", "center_xywh")
    for function, arguments in ((ours.crop, (10, 5, 20, 30)), (ours.pad, (10, 5))):
        found = function(centred, *arguments, bounding_box_format="center_xywh")
        expected = ours.convert_format(function(MANY, *arguments), "xyxy", "center_xywh")
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_relative_boxes_have_a_complete_overlap_too():
    relative = [ours.convert_format(each, "xyxy", "rel_xyxy", 50, 60) for each in (ONE, ANCHORS)]
    found = ours.compute_ciou(*relative, "rel_xyxy", (50, 60, 3))
    np.testing.assert_allclose(found, theirs.compute_ciou(ONE, ANCHORS, "xyxy"), atol=1e-4)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda b: b.convert_format(ONE, "xyxy", "xywhh"), "Did you mean 'xywh'"),
        (lambda b: b.convert_format(ONE[:, :3], "xyxy", "xywh"), r"got shape \(5, 3\)"),
        (lambda b: b.convert_format(ONE, "xyxy", "rel_xyxy"), "needs the image's height and width"),
        (lambda b: b.clip_to_image_size({"boxes": ONE}), "needs height and width"),
        (lambda b: b.crop(ONE, 1, 1, 1, 1, "rel_xyxy"), "crop takes boxes in pixels"),
        (lambda b: b.compute_iou(ONE[0], ONE, "xyxy"), r"boxes1 has the shape .* got \(4,\)"),
        (lambda b: b.encode_box_to_deltas(ONE, ONE, "xyxy", "xyxy", "xyxy"), "encoding_format is one of"),
        (lambda b: b.decode_deltas_to_boxes(ONE, ONE, "xyxy", "xyxy", variance=[1]), r"variance is four numbers; got \[1\]"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(ours)
