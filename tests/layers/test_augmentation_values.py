"""Image layers that change values: like Keras where Keras is right, and what each must preserve."""

import json

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import phasewise as pw
from phasewise import layers

RNG = np.random.default_rng(0)
IMAGES = RNG.uniform(0, 255, (4, 6, 7, 3)).astype("float32")
COUNT = 4


def drawn(*shape, low=0.0, high=1.0):
    return RNG.uniform(low, high, shape).astype("float32")


CHOSEN = np.array([True, False, False, True])
# name, arguments, the transformation that both are given; arguments at other than their defaults
LIKE_KERAS = [
    ("RandomBrightness", {"factor": (-0.3, 0.8)}, {"rgb_delta": drawn(COUNT, 1, 1, 1, low=-99, high=99)}),
    ("RandomContrast", {"factor": 0.5}, {"contrast_factor": drawn(COUNT, 1, 1, 1, high=2)}),
    ("RandomHue", {"factor": 0.5}, {"factor": drawn(COUNT, low=-0.5, high=0.5)}),
    ("RandomColorDegeneration", {"factor": 0.5}, {"factor": drawn(COUNT, 1, 1, 1, low=-1)}),
    ("RandomGrayscale", {"factor": 0.3}, CHOSEN[:, None, None, None]),
    ("RandomInvert", {"factor": 0.7}, {"apply_inversion": CHOSEN}),
    ("RandomPosterization", {"factor": 3}, {"shift_factor": np.array([1, 3, 5, 7], "uint8")}),
    (
        "Solarization",
        {"addition_factor": 0.2, "threshold_factor": 0.4},
        {"additions": drawn(COUNT, 1, 1, 1, high=99), "thresholds": drawn(COUNT, 1, 1, 1, high=255)},
    ),
]
INSIDE = [  # Keras takes what lies beyond the edge for black
    ("RandomSharpness", {"factor": 0.5}, {"factor": drawn(COUNT)}, 1),
    (
        "RandomGaussianBlur",
        {"factor": 0.5, "kernel_size": (5, 3), "sigma": 0.7},
        {"should_apply_blur": CHOSEN, "blur_factor": np.array([0.5, 0.9], "float32")},
        2,
    ),
]
EVERY = {
    "RandomBrightness": {"factor": 0.5},
    "RandomColorDegeneration": {"factor": 0.9},
    "RandomColorJitter": {
        "brightness_factor": 0.4,
        "contrast_factor": (0.2, 0.6),
        "saturation_factor": 0.9,
        "hue_factor": (0.1, 0.4),
    },
    "RandomContrast": {"factor": 0.5},
    "RandomGaussianBlur": {"factor": (1, 1), "sigma": (0.5, 2)},
    "RandomGrayscale": {"factor": 0.5},
    "RandomHue": {"factor": 0.5},
    "RandomInvert": {"factor": 1.0},
    "RandomPosterization": {"factor": (2, 6)},
    "RandomSaturation": {"factor": 0.9},
    "RandomSharpness": {"factor": 0.9},
    "Solarization": {"addition_factor": 0.3, "threshold_factor": 0.9},
}
ALWAYS = {
    "AutoContrast": {},
    "Equalization": {"bins": 64},
    "ContrastLimitedAdaptiveHistogramEqualization": {"clip_limit": 3.0, "tile_grid_size": (2, 2)},
}
TAKES_RANGE = [name for name in (*EVERY, *ALWAYS) if name not in ("RandomGrayscale", "RandomColorJitter")]


def ours(kind, **more):
    return getattr(layers, kind)(**{**EVERY, **ALWAYS}[kind], **more)


@pytest.mark.extensive
def test_the_same_draw_changes_images_as_in_keras():
    for name, arguments, transformation in LIKE_KERAS:
        mine, theirs = (getattr(library.layers, name)(**arguments) for library in (pw, keras))
        expected = theirs.transform_images(jnp.asarray(IMAGES), transformation, training=True)
        found = mine.transform_images(jnp.asarray(IMAGES), transformation, training=True)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-3, err_msg=name)  # 1e-3 of 255 levels
        assert not np.allclose(found, IMAGES), name


def test_images_from_zero_to_one_and_channels_first_are_changed_as_in_keras():
    images = np.moveaxis(IMAGES, -1, 1) / 255
    options = {"value_range": (0, 1), "data_format": "channels_first"}
    transformation = {"factor": drawn(COUNT)}
    for name in ("RandomHue", "RandomSaturation"):
        mine, theirs = (getattr(library.layers, name)(0.5, **options) for library in (pw, keras))
        expected = theirs.transform_images(jnp.asarray(images), transformation, training=True)
        np.testing.assert_allclose(mine.transform_images(images, transformation), expected, atol=2e-6, err_msg=name)


@pytest.mark.extensive
def test_blurred_and_sharpened_images_are_those_of_keras_up_to_their_edges():
    for name, arguments, transformation, edge in INSIDE:
        mine, theirs = (getattr(library.layers, name)(**arguments) for library in (pw, keras))
        expected = theirs.transform_images(jnp.asarray(IMAGES), transformation, training=True)
        found = mine.transform_images(IMAGES, transformation, training=True)
        inside = (slice(None), slice(edge, -edge), slice(edge, -edge))
        np.testing.assert_allclose(found[inside], np.asarray(expected)[inside], rtol=1e-5, atol=1e-3, err_msg=name)


@pytest.mark.extensive
def test_one_image_is_equalized_as_in_keras():
    whole = np.floor(IMAGES)
    for bins in (256, 40):
        mine, theirs = (library.layers.Equalization(bins=bins) for library in (pw, keras))
        for row in range(2):
            expected = theirs.transform_images(jnp.asarray(whole[row : row + 1]), None)
            np.testing.assert_allclose(mine(whole)[row], expected[0], atol=1e-4)


@pytest.mark.parametrize("name", [*EVERY, *ALWAYS])
@pytest.mark.few(3)
@pytest.mark.extensive
def test_a_layer_takes_every_form_of_images_and_keeps_their_shape(name):
    whole = np.floor(IMAGES).astype("uint8")
    layer, first = ours(name, seed=3) if name in EVERY else ours(name), slice(0, 1)
    done = np.asarray(layer(whole, training=True))
    assert done.shape == whole.shape
    assert done.dtype == np.float32
    assert done.min() >= 0
    assert done.max() <= 255
    assert layer(whole[0], training=True).shape == whole.shape[1:]
    if name in ALWAYS:  # no draw: channels first, one image and a range from 0 to 1 give the same numbers
        turned = ours(name, data_format="channels_first")(np.moveaxis(whole, -1, 1))
        np.testing.assert_array_equal(np.moveaxis(np.asarray(turned), 1, -1), done)
        np.testing.assert_array_equal(layer(whole[0]), done[0])
        np.testing.assert_array_equal(layer(whole[first]), done[first])
        scaled = ours(name, value_range=(0, 1))(whole / np.float32(255))
        np.testing.assert_allclose(scaled * 255, done, atol=1e-3)


@pytest.mark.parametrize("name", EVERY)
def test_one_draw_means_the_same_in_every_layout_range_and_dtype(name):
    whole = np.floor(IMAGES).astype("uint8")
    layer = ours(name)
    transformation = layer.get_random_transformation(whole)
    done = np.asarray(layer.transform_images(whole, transformation))
    turned = ours(name, data_format="channels_first").transform_images(np.moveaxis(whole, -1, 1), transformation)
    np.testing.assert_allclose(np.moveaxis(np.asarray(turned), 1, -1), done, rtol=1e-6, atol=1e-4)
    half = ours(name, dtype="mixed_bfloat16").transform_images(whole, transformation)
    assert half.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.asarray(half, "float32"), done, rtol=2e-2)
    if name in TAKES_RANGE:
        scale = 1 / 255 if name == "RandomBrightness" else 1  # what is added is in the units of the images
        given = {key: value * scale for key, value in transformation.items()} if scale != 1 else transformation
        scaled = ours(name, value_range=(-1, 1)).transform_images(
            whole / 127.5 - 1, {key: value * 2 for key, value in given.items()} if scale != 1 else given
        )
        np.testing.assert_allclose((scaled + 1) * 127.5, done, rtol=1e-5, atol=1e-3)


FEW = [name if name == "RandomHue" else pytest.param(name, marks=pytest.mark.extensive) for name in EVERY]


@pytest.mark.parametrize("name", FEW)
def test_what_is_drawn_for_an_image_has_nothing_to_do_with_the_others(name):
    inputs = pw.Input((6, 7, 3))
    model = pw.Model(inputs, ours(name, seed=5)(inputs))
    with pw.learning_phase_scope("training"):
        pw.set_random_seed(2)
        whole = model.predict(np.concatenate([IMAGES] * 3), batch_size=12, verbose=0)
        pw.set_random_seed(2)
        parts = model.predict(np.concatenate([IMAGES, 255 - IMAGES, IMAGES]), batch_size=5, verbose=0)
    for rows in (slice(0, 4), slice(8, 12)):
        np.testing.assert_array_equal(whole[rows], parts[rows])
    assert not np.array_equal(whole[:4], whole[4:8])
    np.testing.assert_array_equal(model.predict(IMAGES, verbose=0), IMAGES)
    told = model.explain(print_fn=False)
    assert told[0].predict.phase == "inference"


def test_unknown_sizes_stay_unknown():
    for name in (*EVERY, *ALWAYS):
        assert ours(name)(pw.Input((None, None, 3), dtype="uint8")).shape == (None, None, None, 3)
        assert ours(name, data_format="channels_first")(pw.Input((3, 8, None))).shape == (None, 3, 8, None)
        done = ours(name)({"images": pw.Input((8, 8, 3)), "labels": pw.Input((4,))})
        assert (done["images"].shape, done["labels"].shape) == ((None, 8, 8, 3), (None, 4))


@pytest.mark.extensive
def test_gradients_reach_the_images_and_are_finite_where_images_are_flat_too():
    differentiable = [name for name in EVERY if name != "RandomPosterization"]
    made = [(ours(name), ours(name).get_random_transformation(IMAGES)) for name in differentiable]
    flat = np.concatenate([IMAGES[:2], np.zeros_like(IMAGES[:1]), np.full_like(IMAGES[:1], 255)])

    @jax.jit
    def gradients(images):
        def score(layer, drawn):
            return jax.grad(lambda x: (layer.transform_images(x, drawn) ** 2).sum())(images)

        return [score(layer, drawn) for layer, drawn in made]

    for name, gradient in zip(differentiable, gradients(flat)):
        assert np.isfinite(gradient).all(), name
        assert np.abs(gradient[:2]).sum() > 0, name


@pytest.mark.parametrize("name", [*EVERY, *ALWAYS])
def test_a_config_goes_to_keras_and_comes_back(name):
    layer = ours(name, name="it", data_format="channels_first")
    config = json.loads(json.dumps(layer.get_config()))
    theirs = getattr(keras.layers, name).from_config(config)
    assert type(layer).from_config(config).get_config() == layer.get_config()
    again = type(layer).from_config(json.loads(json.dumps(theirs.get_config())))
    assert again.get_config() == layer.get_config()


def test_labels_masks_and_boxes_stay_as_they_are_and_so_does_what_was_given():
    given = {
        "images": np.floor(IMAGES).astype("uint8"),
        "labels": np.eye(4, dtype="float32"),
        "segmentation_masks": RNG.integers(0, 5, (4, 6, 7, 1)).astype("uint8"),
        "bounding_boxes": {"boxes": drawn(4, 2, 4), "labels": np.ones((4, 2), "int32")},
    }
    for name in (*EVERY, *ALWAYS):
        done = ours(name, bounding_box_format="xyxy")(given, training=True)
        assert given["images"].dtype == np.uint8
        np.testing.assert_array_equal(done["labels"], given["labels"])
        np.testing.assert_array_equal(done["segmentation_masks"], given["segmentation_masks"])
        np.testing.assert_array_equal(done["bounding_boxes"]["boxes"], given["bounding_boxes"]["boxes"])
        assert done["images"].shape == IMAGES.shape


# -- what each must preserve


def test_a_jitter_is_its_four_parts_one_after_the_other():
    layer = ours("RandomColorJitter", seed=1)
    drawn_ = layer.get_random_transformation(IMAGES)
    expected = IMAGES
    for part, step in (
        (layers.RandomBrightness(0.4), "brightness"),
        (layers.RandomContrast((0.2, 0.6)), "contrast"),
        (layers.RandomSaturation(0.9), "saturation"),
        (layers.RandomHue((0.1, 0.4)), "hue"),
    ):
        expected = part.transform_images(expected, drawn_[step])
    np.testing.assert_allclose(layer.transform_images(IMAGES, drawn_), expected, rtol=1e-5, atol=1e-3)
    places = [np.argsort(np.ravel(drawn_[step][key])) for step, key in (("brightness", "rgb_delta"), ("hue", "factor"))]
    assert not np.array_equal(*places)  # one seed for the four does not mean one draw for them
    only = layers.RandomColorJitter(contrast_factor=0.5)
    assert only(np.ones((2, 3, 3, 5)), training=True).shape == (2, 3, 3, 5)  # no colours needed
    only.brightness_factor = (1, 1)
    assert list(only.get_random_transformation(IMAGES)) == ["brightness", "contrast"]
    with pytest.raises(ValueError, match=r"RandomColorJitter's hue_factor is a number in \[0, 1\]"):
        layers.RandomColorJitter(hue_factor=-1)
    with pytest.raises(ValueError, match=r"\(RandomColorJitter\) takes images of 3 channels"):
        layer(IMAGES[..., :2], training=True)


def many(image, count=400):
    return np.broadcast_to(np.asarray(image, "float32"), (count, *np.shape(image)))


def test_brightness_is_drawn_evenly_from_its_bounds():
    added = np.asarray(layers.RandomBrightness((-0.2, 0.4), seed=1)(many(np.full((1, 1, 1), 100)), training=True)) - 100
    added = np.sort(added.ravel()) / 255
    np.testing.assert_allclose(
        added, np.linspace(-0.2, 0.4, 400), atol=0.06
    )  # Kolmogorov's bound at 1e-5 is 0.12 of the width
    white = layers.RandomBrightness((1, 1))(IMAGES, training=True)
    np.testing.assert_array_equal(white, 255)


def test_one_number_lets_contrast_shrink_as_well_as_grow_and_the_mean_stays():
    image = np.stack([np.full((4, 4), 100.0), np.full((4, 4), 140.0)])[..., None].reshape(1, 8, 4, 1)[0]
    done = np.asarray(layers.RandomContrast(0.5, seed=1)(many(image), training=True))
    factors = (done[:, -1, 0, 0] - done[:, 0, 0, 0]) / 40
    np.testing.assert_allclose(np.sort(factors), np.linspace(0.5, 1.5, 400), atol=0.1)
    np.testing.assert_allclose(done.mean((1, 2)), 120, rtol=1e-5)
    assert layers.RandomContrast((0.5, 0.1)).factor == (0.5, 0.1)


def test_gray_images_have_three_equal_channels_and_are_as_many_as_was_said():
    done = np.asarray(layers.RandomGrayscale(0.25, seed=1)(many(IMAGES[0], 2000), training=True))
    is_gray = (done == done[..., :1]).all((1, 2, 3))
    assert 0.20 < is_gray.mean() < 0.30
    np.testing.assert_array_equal(done[~is_gray], many(IMAGES[0], (~is_gray).sum()))


def test_turned_hues_keep_value_and_saturation():
    done = np.asarray(layers.RandomHue((1, 1))(IMAGES, training=True))
    np.testing.assert_allclose(done.max(-1), IMAGES.max(-1), rtol=1e-5)
    np.testing.assert_allclose(done.min(-1), IMAGES.min(-1), atol=1e-2)
    turned_twice = layers.RandomHue((1, 1))(done, training=True)
    np.testing.assert_allclose(turned_twice, IMAGES, atol=1e-2)


def test_full_saturation_stays_in_the_range_and_none_is_gray():
    full = np.asarray(layers.RandomSaturation((1, 1))(IMAGES, training=True))
    np.testing.assert_allclose(full.min(-1), 0, atol=1e-3)
    np.testing.assert_allclose(full.max(-1), IMAGES.max(-1), rtol=1e-5)
    gray = np.asarray(layers.RandomSaturation((0, 0))(IMAGES, training=True))
    np.testing.assert_allclose(gray, np.broadcast_to(IMAGES.max(-1, keepdims=True), IMAGES.shape), rtol=1e-5)
    np.testing.assert_allclose(layers.RandomSaturation((0.5, 0.5))(IMAGES, training=True), IMAGES, atol=1e-2)


def test_inverting_twice_gives_the_image_and_a_negative_is_in_the_range():
    layer = layers.RandomInvert((1, 1), value_range=(-1, 1))
    images = IMAGES / 127.5 - 1
    once = np.asarray(layer(images, training=True))
    np.testing.assert_allclose(once, -images, atol=1e-6)
    np.testing.assert_allclose(layer(once, training=True), images, atol=1e-6)
    is_inverted = np.asarray(layers.RandomInvert(1.0, seed=1)(many(np.ones((1, 1, 1)), 2000), training=True)) != 1
    assert 0.45 < is_inverted.mean() < 0.55  # a probability from (0, 1) is 1/2 in the mean


def test_posterizing_keeps_as_many_levels_as_bits_say_each_as_often():
    ramp = np.arange(256, dtype="float32").reshape(16, 16, 1)
    done = np.asarray(layers.RandomPosterization((1, 3), seed=1)(many(ramp, 900), training=True))
    counts = np.array([len(np.unique(image)) for image in done])
    for levels in (2, 4, 8):
        assert 0.26 < (counts == levels).mean() < 0.41
    assert len(np.unique(layers.RandomPosterization(4)(ramp, training=True))) == 16


@pytest.mark.extensive
def test_each_image_is_blurred_by_its_own_sigma_and_a_flat_one_stays_flat():
    point = np.zeros((5, 5, 1))
    point[2, 2] = 255
    done = np.asarray(layers.RandomGaussianBlur((1, 1), 5, (0.5, 3.0), seed=1)(many(point, 50), training=True))
    assert len(np.unique(done[:, 2, 2, 0])) > 40
    np.testing.assert_allclose(done.sum((1, 2, 3)), 255, rtol=1e-4)  # nothing of the point reaches the edge's copies
    flat = np.full((2, 6, 5, 3), 200, "float32")
    np.testing.assert_allclose(layers.RandomGaussianBlur((1, 1), 5, 3.0)(flat, training=True), flat, rtol=1e-5)
    np.testing.assert_allclose(layers.RandomSharpness((0, 0))(flat, training=True), flat, rtol=1e-5)


def test_a_degeneration_of_one_number_never_strengthens_colours():
    done = np.asarray(layers.RandomColorDegeneration(0.9, seed=1)(many(IMAGES[0], 50), training=True))
    spread = done.max(-1) - done.min(-1)
    assert (spread <= (IMAGES[0].max(-1) - IMAGES[0].min(-1)) + 1e-3).all()
    assert layers.RandomColorDegeneration((-0.5, 0.5)).factor == (-0.5, 0.5)


def test_solarization_draws_shares_of_the_range():
    layer = layers.Solarization((0.5, 0.5), (0.25, 0.25), value_range=(0, 1))
    found = layer.get_random_transformation(IMAGES)
    np.testing.assert_allclose(found["additions"], 127.5)
    np.testing.assert_allclose(found["thresholds"], 63.75)


@pytest.mark.extensive
def test_images_are_equalized_and_stretched_each_by_itself_and_in_inference_too():
    dark, bright = IMAGES[:1] / 4, 255 - IMAGES[:1] / 4
    for name in ALWAYS:
        layer = ours(name)
        both = layer(np.concatenate([dark, bright]))
        np.testing.assert_array_equal(both[:1], layer(dark))
        np.testing.assert_array_equal(both, layer(np.concatenate([dark, bright]), training=True))
        assert not np.allclose(both[:1], dark)
    equal = np.sort(np.asarray(layers.Equalization()(dark))[0, ..., 0].ravel())
    np.testing.assert_allclose(equal, np.linspace(0, 255, 42), atol=20)  # a flat histogram


WRONG = [
    ("RandomBrightness", {"factor": 1.5}, r"factor is a number in \[-1, 1\], or a pair of them"),
    ("RandomBrightness", {"factor": 0.5, "value_range": (1, 0)}, r"value_range is the pair \(lowest, highest\)"),
    ("RandomContrast", {"factor": -0.5}, r"factor is a number in \[0, 1\], or a pair"),
    ("RandomContrast", {"factor": "0.5"}, r"factor is a number in \[0, 1\], or a pair of them.*got '0.5'"),
    ("RandomHue", {"factor": (0.1, 0.2, 0.3)}, r"factor is a number in \[0, 1\], or a pair"),
    ("RandomSaturation", {"factor": 2}, r"factor is a number in \[0, 1\], or a pair"),
    ("RandomColorDegeneration", {"factor": -0.1}, r"factor is a number in \[0, 1\]"),
    ("RandomGrayscale", {"factor": 1.1}, r"factor is the probability that an image turns gray, in \[0, 1\]; got 1.1"),
    ("RandomSharpness", {"factor": None}, r"factor is a number in \[0, 1\]"),
    ("RandomGaussianBlur", {"kernel_size": 4}, "kernel_size must be odd, so that the kernel has a middle.*got 4"),
    ("RandomGaussianBlur", {"kernel_size": (3, 2.5)}, "kernel_size is an integer from 1 to 1023"),
    ("RandomGaussianBlur", {"sigma": -1}, r"sigma is a number in \[0, 1000\]"),
    ("RandomInvert", {"factor": 3}, r"factor is a number in \[0, 1\]"),
    ("RandomPosterization", {"factor": 9}, r"factor is a number in \[1, 8\]"),
    ("RandomPosterization", {"factor": 2.5}, "factor is an integer from 1 to 8, or a pair of them; got 2.5"),
    ("Solarization", {"threshold_factor": 200}, r"threshold_factor is a number in \[0, 1\]"),
    ("AutoContrast", {"value_range": 255}, r"value_range is the pair .* got 255"),
    ("Equalization", {"bins": 1}, "bins must be an integer of at least 2; got 1"),
    (
        "ContrastLimitedAdaptiveHistogramEqualization",
        {"tile_grid_size": (0, 8)},
        r"tile_grid_size is a number in \[1, 4096\]",
    ),
    ("ContrastLimitedAdaptiveHistogramEqualization", {"clip_limit": "x"}, "clip_limit must be a finite number"),
    ("RandomHue", {"factor": 0.1, "data_format": "last"}, "data_format is one of"),
    ("RandomHue", {"factor": 0.1, "seed": "x"}, "seed is an integer or None"),
]


@pytest.mark.parametrize(("name", "arguments", "message"), WRONG)
def test_arguments_that_cannot_be_meant_are_refused(name, arguments, message):
    with pytest.raises(ValueError, match=f"{name}'s {message}"):
        getattr(layers, name)(**arguments)


def test_images_that_have_no_colours_are_refused_where_colours_are_needed():
    gray = np.ones((2, 4, 4, 1), "float32")
    for name in ("RandomHue", "RandomSaturation"):
        with pytest.raises(
            ValueError, match=rf"\({name}\) takes images of 3 channels .* got images of shape \(2, 4, 4, 1\)"
        ):
            ours(name)(gray, training=True)
    for name in ("RandomGrayscale", "RandomColorDegeneration"):
        np.testing.assert_array_equal(ours(name)(gray, training=True), gray)
        with pytest.raises(ValueError, match=r"3 channels \(red, green, blue\) or 1 \(gray\)"):
            ours(name)(np.ones((2, 4, 4, 2), "float32"), training=True)


def test_a_saturation_drawn_from_below_0_as_from_a_config_of_keras_makes_gray():
    x = RNG.uniform(0, 255, (2, 3, 4, 3)).astype("float32")
    y = layers.RandomSaturation((-0.9, -0.1))(x, training=True)
    np.testing.assert_allclose(y, np.broadcast_to(x.max(-1, keepdims=True), x.shape), rtol=1e-5)
    with pytest.raises(ValueError, match=r"RandomSaturation's factor is a number in \[0, 1\], .* got -0.9"):
        layers.RandomSaturation(-0.9)
