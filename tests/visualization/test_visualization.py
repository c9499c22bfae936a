"""Pictures of images with boxes, masks and labels."""

import inspect
import sys

import keras
import matplotlib
import numpy as np
import pytest
from matplotlib import pyplot
from PIL import Image

import phasewise as pw

matplotlib.use("Agg")
GREY = np.full((2, 40, 60, 3), 100, np.uint8)
BOXES = {"boxes": np.array([[[10, 12, 30, 35], [0, 0, 0, 0]]] * 2, "float32"), "labels": np.array([[1, -1]] * 2)}
RED = (255, 0, 0)


@pytest.mark.parametrize("name", pw.visualization.__all__)
def test_arguments_are_those_of_keras(name):
    def parameters(library):
        return [
            (p.name, p.default) for p in inspect.signature(getattr(library.visualization, name)).parameters.values()
        ]

    assert parameters(pw) == parameters(keras)


def drawn(images=GREY, boxes=BOXES, form="xyxy", **options):
    return pw.visualization.draw_bounding_boxes(images, boxes, form, **{"color": RED, "line_thickness": 1, **options})


def test_a_box_is_drawn_along_its_edges_and_nothing_else_changes():
    found = drawn()
    expected = GREY.copy()
    expected[:, 12:36, [10, 30]] = RED
    expected[:, [12, 35], 10:31] = RED
    np.testing.assert_array_equal(found, expected)
    assert (GREY == 100).all()


def test_a_thick_line_lies_on_both_sides_of_the_edge():
    columns = (drawn(line_thickness=3)[0, 20] == RED).all(-1)
    assert np.flatnonzero(columns).tolist() == [9, 10, 11, 29, 30, 31]


def test_a_name_stands_above_its_box_and_inside_the_picture():
    low = {**BOXES, "boxes": BOXES["boxes"] + [0, 8, 0, 0]}
    named = drawn(boxes=low, class_mapping={1: "a cat"}, font_scale=0.6)
    rows, columns = np.nonzero((named != drawn(boxes=low)).any((0, 3)))
    assert 0 < rows.min() < rows.max() < 20
    assert columns.min() >= 10
    sure = drawn(boxes={**BOXES, "confidences": np.full((2, 2), 0.5)}, class_mapping={1: "a"}, font_scale=0.6)
    assert (sure != drawn(class_mapping={1: "a"}, font_scale=0.6)).any()
    assert (drawn(class_mapping={7: "a cat"}) == drawn()).all()


def test_boxes_and_images_may_come_in_any_form():
    forms = pw.utils.bounding_boxes.convert_format(BOXES, "xyxy", "rel_xywh", 40, 60)
    np.testing.assert_array_equal(drawn(boxes=forms, form="rel_xywh"), drawn())
    np.testing.assert_array_equal(drawn(GREY.transpose(0, 3, 1, 2), data_format="channels_first"), drawn())
    np.testing.assert_array_equal(drawn((GREY / 255).astype("float32")), drawn())
    assert drawn(GREY[..., :1]).shape == (2, 40, 60, 1)


def test_masks_are_blended_as_keras_blends_them():
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (2, 8, 9, 3)).astype("uint8")
    masks = rng.integers(1, 4, (2, 8, 9, 1))
    for options in (
        {},
        {"alpha": 0.3, "ignore_index": 2},
        {"color_mapping": {0: (0, 0, 0), 1: RED, 2: (1, 2, 3), 3: (9, 9, 9)}},
    ):
        ours, theirs = (K.visualization.draw_segmentation_masks(images, masks, 4, **options) for K in (pw, keras))
        assert np.abs(ours.astype(int) - theirs).max() <= 1  # Keras's float32
    np.testing.assert_array_equal(
        pw.visualization.draw_segmentation_masks(images, masks[..., 0], blend=False),
        np.asarray(keras.visualization.draw_segmentation_masks(images, masks, 4, blend=False)),
    )


def test_the_background_is_left_as_it_is_and_the_last_class_is_drawn():
    masks = np.zeros((2, 40, 60), int)
    masks[:, :5] = 3
    found = pw.visualization.draw_segmentation_masks(GREY, masks, blend=False, color_mapping={3: RED})
    assert (found[:, :5] == RED).all()
    assert (found[:, 5:] == 100).all()


@pytest.fixture
def written(tmp_path):
    """A function that has a gallery written, and returns the picture as an array."""

    def write(name, *arguments, **options):
        path = tmp_path / "figure.png"
        getattr(pw.visualization, name)(*arguments, path=path, transparent=False, **options)
        assert not pyplot.get_fignums()
        return np.asarray(Image.open(path).convert("RGB")).astype(int)

    return write


def shades(picture):
    """How many pixels have about each of the colours that are asked for."""
    return lambda color: int((np.abs(picture - color).max(-1) <= 3).sum())


def test_a_gallery_has_room_for_every_image(written):
    images = np.stack([np.full((20, 20, 3), 20 * n + 20, np.uint8) for n in range(5)])
    count = shades(written("plot_image_gallery", images))
    assert [count(20 * n + 20) > 500 for n in range(5)] == [True] * 5
    count = shades(written("plot_image_gallery", images / 255, value_range=(0, 1), rows=1))
    assert [count(20 * n + 20) > 500 for n in range(5)] == [True] * 5


def test_a_gallery_tells_labels_and_predictions(monkeypatch):
    titles = []
    monkeypatch.setattr(pyplot, "show", lambda: titles.extend(a.get_title() for a in pyplot.gcf().axes))
    pw.visualization.plot_image_gallery(GREY, np.array([0, 1]), [1, 7], {0: "cat", 1: "dog"})
    assert titles == ["Label: cat  Pred: dog", "Label: dog  Pred: Unknown"]
    assert not pyplot.get_fignums()


def test_a_legend_stands_below_the_images_and_covers_none(monkeypatch):
    def look():
        figure = pyplot.gcf()
        figure.canvas.draw()
        legend = figure.legends[0].get_window_extent()
        assert [text.get_text() for text in figure.legends[0].get_texts()] == ["Ground Truth", "Prediction"]
        seen.extend(legend.overlaps(axes.get_window_extent()) for axes in figure.axes)

    seen = []
    monkeypatch.setattr(pyplot, "show", look)
    pw.visualization.plot_bounding_box_gallery(np.concatenate([GREY, GREY])[:, :, :40], "xyxy", legend=True)
    assert seen == [False] * 4


def test_galleries_of_boxes_and_masks_show_what_is_true_and_what_was_predicted(written):
    moved = {**BOXES, "boxes": BOXES["boxes"] + 5}
    count = shades(written("plot_bounding_box_gallery", GREY, "xyxy", BOXES, moved, scale=4))
    assert count((0, 188, 212)) > 100
    assert count((255, 235, 59)) > 100
    masks = np.full((2, 40, 60), 2)
    picture = written(
        "plot_segmentation_mask_gallery",
        GREY,
        2,
        y_true=masks,
        y_pred=masks[..., None],
        blend=False,
        color_mapping={2: RED},
    )
    assert shades(picture)(RED) == pytest.approx(2 * shades(picture)(100), rel=0.1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda v: v.plot_image_gallery(GREY[0]), ValueError, r"batch of images, an array of four axes; got shape \(40, 60, 3\)"),
        (lambda v: v.plot_image_gallery(GREY, path="x.png", show=True), ValueError, "either writes to a file or shows"),
        (lambda v: v.plot_image_gallery(GREY, [0, 1]), ValueError, "need label_map"),
        (lambda v: v.draw_bounding_boxes(GREY, {"boxes": []}, "xyxy"), ValueError, '"boxes" and "labels"'),
        (lambda v: v.draw_bounding_boxes(GREY, BOXES, "xyyx"), ValueError, "Did you mean"),
        (lambda v: v.draw_bounding_boxes(GREY[:1], BOXES, "xyxy"), ValueError, "1 images and boxes for 2"),
        (lambda v: v.draw_segmentation_masks(GREY, GREY[..., 0] / 2), TypeError, "integers, one a pixel; got dtype float64"),
        (lambda v: v.draw_segmentation_masks(GREY, GREY[:, :3, :, 0]), ValueError, r"have the shape \(2, 40, 60\)"),
        (lambda v: v.draw_segmentation_masks(GREY, GREY[..., 0], color_mapping={1: RED}), ValueError, "no colour for class 100"),
        (lambda v: v.plot_bounding_box_gallery(GREY, "xyxy", legend=True, legend_handles=[1]), ValueError, "not both"),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(pw.visualization)


def test_without_the_libraries_that_draw_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"plot_image_gallery needs matplotlib, .* pip install 'phasewise\[plot\]'"):
        pw.visualization.plot_image_gallery(GREY)
    monkeypatch.setitem(sys.modules, "PIL.ImageDraw", None)
    with pytest.raises(
        ImportError, match="draw_bounding_boxes needs Pillow, which is not installed: pip install pillow"
    ):
        drawn()
