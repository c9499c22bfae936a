"""RandAugment and AugMix: each image goes through operations of its own, and what belongs to it goes along."""

import json

import jax.numpy as jnp
import keras
import numpy as np
import pytest

import phasewise as pw
from phasewise import layers
from phasewise.layers.augmentation.aug_mix import FURTHER_NAMES
from phasewise.layers.augmentation.operations import operations
from phasewise.layers.augmentation.rand_augment import NAMES

RNG = np.random.default_rng(0)
IMAGES = RNG.integers(0, 255, (6, 8, 9, 3)).astype("float32")  # none quite white
GEOMETRY = [NAMES.index(name) for name in ("random_shear", "random_translation", "random_rotation")]


def in_training(layer, images, seed=2, **options):
    """What a model of this layer predicts in the training phase."""
    inputs = pw.Input(images.shape[1:])
    model = pw.Model(inputs, layer(inputs))
    pw.set_random_seed(seed)
    with pw.learning_phase_scope("training"):
        return model.predict(images, verbose=0, **options)


def one_row(nest, row, step):
    """What was drawn for a step of an image, as a batch of one."""
    if isinstance(nest, dict):
        return {key: one_row(value, row, step) for key, value in nest.items()}
    return nest[row : row + 1, step] if jnp.ndim(nest) else nest


@pytest.mark.extensive
def test_an_image_goes_through_the_operations_that_were_drawn_for_it_in_their_order():
    layer = layers.RandAugment(num_ops=3, factor=0.8, seed=1)
    drawn = layer.get_random_transformation(IMAGES)
    found = np.asarray(layer.transform_images(IMAGES, drawn))
    made = operations(layer.settings(), NAMES)
    choices = np.asarray(drawn["layer_idxes"])
    assert choices.shape == (6, 3)
    for row, image in enumerate(IMAGES[:3]):
        expected = image[None]
        for step in range(3):
            name = NAMES[choices[row, step]]
            expected = made[name][0].transform_images(expected, one_row(drawn["transforms"][name] or {}, row, step))
        np.testing.assert_allclose(found[row], expected[0], rtol=1e-5, atol=1e-3)


@pytest.mark.extensive
def test_every_operation_is_drawn_as_often_and_for_each_image_by_itself():
    drawn = layers.RandAugment(seed=1).get_random_transformation(np.zeros((4000, 1, 1, 3), "float32"))
    choices = np.asarray(drawn["layer_idxes"])
    counts = np.bincount(choices.ravel(), minlength=11) / choices.size
    np.testing.assert_allclose(counts, 1 / 11, atol=0.02)
    assert abs(np.corrcoef(choices.T)[0, 1]) < 0.06
    rests = layers.AugMix(all_ops=False, seed=1).get_random_transformation(np.zeros((900, 1, 1, 3), "float32"))
    counts = np.bincount(np.ravel(rests["layer_idxes"]), minlength=8) / (900 * 9)
    np.testing.assert_allclose(counts, 1 / 8, atol=0.02)  # seven, and none


@pytest.mark.parametrize("name", [*NAMES[:9]])
@pytest.mark.few(1)
def test_a_strength_of_zero_changes_nothing_and_a_small_one_little(name):
    """Auto-contrast and equalization have no strength."""
    for factor, most in ((0.0, 2e-3), (0.02, 60)):
        (operation, *_) = operations(layers.RandAugment(factor=factor).settings(), [name])[name]
        smooth = np.broadcast_to(np.arange(60, 69, dtype="float32")[:, None], (4, 8, 9, 3))
        done = operation(smooth, training=True)
        assert np.abs(done - smooth).max() <= most


@pytest.mark.extensive
def test_changes_go_to_either_side():
    flat = np.full((300, 1, 1, 3), 100, "float32")
    layer = layers.RandAugment(num_ops=1, factor=(0.1, 0.2), seed=1)
    drawn = layer.get_random_transformation(flat)
    brightness = np.ravel(drawn["transforms"]["random_brightness"]["rgb_delta"]) / 255
    assert 0.35 < (brightness > 0).mean() < 0.65
    assert (np.abs(brightness) >= 0.1).all()
    assert (np.abs(brightness) <= 0.2).all()
    shifts = np.asarray(drawn["transforms"]["random_translation"]["transform"])[:, 0]
    assert len({tuple(pair) for pair in np.sign(shifts[:, [2, 5]])}) == 4
    turns = np.ravel(drawn["transforms"]["random_rotation"]["angle"])
    assert 0.35 < (turns > 0).mean() < 0.65


@pytest.mark.parametrize(
    "layer",
    [layers.RandAugment(seed=5), pytest.param(layers.AugMix(num_chains=2, seed=5), marks=pytest.mark.extensive)],
)
@pytest.mark.extensive
def test_what_is_drawn_for_an_image_has_nothing_to_do_with_the_others(layer):
    whole = in_training(layer, np.concatenate([IMAGES] * 2), batch_size=12)
    parts = in_training(layer, np.concatenate([IMAGES, 255 - IMAGES]), batch_size=5)
    np.testing.assert_array_equal(whole[:6], parts[:6])
    assert not np.array_equal(whole[:6], whole[6:])
    assert whole.min() >= 0
    assert whole.max() <= 255


def test_a_compiled_model_draws_anew_at_every_call():
    inputs = pw.Input((8, 9, 3))
    model = pw.Model(inputs, layers.AugMix(chain_depth=2)(inputs))
    first, second = (np.asarray(model(IMAGES, training=True)) for _ in range(2))
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(model(IMAGES, training=False), IMAGES)
    told = model.explain(print_fn=False)[0]
    assert told.fit.action == "blends each image with 3 chains of operations on it"
    assert told.predict.action == "passes through"


@pytest.mark.extensive
def test_masks_and_boxes_go_where_their_pixels_go():
    layer = layers.RandAugment(interpolation="nearest", num_ops=2, factor=0.3, bounding_box_format="xyxy", seed=1)
    masks = RNG.integers(0, 5, (6, 8, 9, 1)).astype("uint8")
    boxes = {"boxes": np.tile([2.0, 2.0, 6.0, 6.0], (6, 2, 1)), "labels": np.ones((6, 2), "uint8")}
    given = {"images": np.repeat(masks, 3, -1).astype("float32"), "segmentation_masks": masks, "bounding_boxes": boxes}
    drawn = layer.get_random_transformation(given)
    drawn["layer_idxes"] = jnp.asarray(RNG.choice(GEOMETRY, (6, 2)).astype("int32"))
    moved = layer.transform_images(given["images"], drawn)
    moved_masks = layer.transform_segmentation_masks(masks, drawn)
    assert moved_masks.dtype == np.uint8
    np.testing.assert_array_equal(moved[..., :1], moved_masks)
    assert not np.array_equal(moved_masks, masks)
    moved_boxes = layer.transform_bounding_boxes(boxes, drawn)
    made = operations(layer.settings(), NAMES)
    for row in range(3):
        expected = {key: np.asarray(value[row : row + 1]) for key, value in boxes.items()}
        for step in range(2):
            name = NAMES[int(drawn["layer_idxes"][row, step])]
            transformation = one_row(drawn["transforms"][name], row, step)
            expected = made[name][0].transform_bounding_boxes(expected, transformation)
        np.testing.assert_allclose(moved_boxes["boxes"][row], expected["boxes"][0], atol=1e-4)
    done = layer({**given, "labels": np.eye(6)}, training=True)
    np.testing.assert_array_equal(done["labels"], np.eye(6))
    drawn["layer_idxes"] = jnp.full((6, 2), NAMES.index("random_brightness"))
    np.testing.assert_array_equal(layer.transform_segmentation_masks(masks, drawn), masks)
    np.testing.assert_array_equal(layer.transform_bounding_boxes(boxes, drawn)["boxes"], boxes["boxes"])


@pytest.mark.extensive
@pytest.mark.parametrize("kind", [layers.RandAugment, layers.AugMix])
def test_one_draw_means_the_same_in_every_layout_range_and_dtype(kind):
    whole = IMAGES.astype("uint8")
    drawn = kind(seed=1).get_random_transformation(whole)
    done = np.asarray(kind().transform_images(whole, drawn))
    assert done.dtype == np.float32
    turned = kind(data_format="channels_first").transform_images(np.moveaxis(whole, -1, 1), drawn)
    np.testing.assert_allclose(np.moveaxis(np.asarray(turned), 1, -1), done, atol=1e-3)
    half = kind(dtype="mixed_bfloat16").transform_images(whole, drawn)
    assert half.dtype == jnp.bfloat16
    np.testing.assert_allclose(np.asarray(half, "float32"), done, rtol=1e-2, atol=1e-3)
    assert kind()(whole[0], training=True).shape == (8, 9, 3)
    assert kind(value_range=(0, 1))(IMAGES / 255, training=True).max() <= 1


@pytest.mark.extensive
def test_images_of_one_channel_are_taken():
    assert layers.RandAugment(seed=1)(IMAGES[..., :1], training=True).shape == (6, 8, 9, 1)


@pytest.mark.extensive
def test_an_image_is_blended_with_its_chains_by_weights_that_add_up_to_one():
    layer = layers.AugMix(seed=1)
    drawn = layer.get_random_transformation(np.zeros((2000, 1, 1, 3)))
    np.testing.assert_allclose(np.sum(drawn["chain_mixing_weights"], 1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.mean(drawn["chain_mixing_weights"], 0), 1 / 3, atol=0.03)
    np.testing.assert_allclose(np.sort(drawn["weight_sample"]), np.linspace(0, 1, 2000), atol=0.06)
    np.testing.assert_allclose(layers.AugMix(chain_depth=0)(IMAGES, training=True), IMAGES, rtol=1e-5)
    few = layer.get_random_transformation(IMAGES)
    few["weight_sample"] = jnp.full(6, 0.25)
    few["chain_mixing_weights"] = jnp.tile(jnp.array([0.0, 1.0, 0.0]), (6, 1))
    few["layer_idxes"] = (
        jnp.full((6, 3, 3), 11).at[:, 1, 0].set(5)
    )  # in the second chain auto-contrast, and nothing else
    expected = 0.25 * IMAGES + 0.75 * np.asarray(layers.AutoContrast()(IMAGES))
    np.testing.assert_allclose(layer.transform_images(IMAGES, few), expected, rtol=1e-5)


@pytest.mark.extensive
def test_masks_of_class_numbers_cannot_be_blended():
    given = {"images": IMAGES, "segmentation_masks": np.ones((6, 8, 9, 1), "uint8")}
    with pytest.raises(ValueError, match=r"AugMix 'aug_mix' blends segmentation masks.* a channel for each class"):
        layers.AugMix(name="aug_mix")(given, training=True)
    given["segmentation_masks"] = np.ones((6, 8, 9, 4), "float32")
    np.testing.assert_allclose(layers.AugMix()(given, training=True)["segmentation_masks"], 1, rtol=1e-5)


def test_what_is_set_later_holds_from_the_next_call_on():
    layer = layers.RandAugment(factor=0.5)
    layer.factor = (0.1, 0.1)
    drawn = layer.get_random_transformation(IMAGES)
    np.testing.assert_allclose(np.abs(drawn["transforms"]["random_brightness"]["rgb_delta"]), 25.5, rtol=1e-5)


def test_configs_go_to_keras_and_come_back():
    for layer in (
        layers.RandAugment((0, 1), 3, (0.2, 0.6), "nearest", 4, "channels_first", name="it"),
        layers.AugMix((0, 1), 2, 4, 0.7, 0.5, False, "nearest", 4, "channels_first", name="it"),
    ):
        config = json.loads(json.dumps(layer.get_config()))
        theirs = getattr(keras.layers, type(layer).__name__).from_config(config)
        assert type(layer).from_config(theirs.get_config()).get_config() == layer.get_config()
    assert set(FURTHER_NAMES) < set(NAMES)


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("RandAugment", {"num_ops": -1}, "num_ops must be an integer of at least 0; got -1"),
        ("RandAugment", {"num_ops": 1.5}, "num_ops must be an integer of at least 0; got 1.5"),
        ("RandAugment", {"factor": 10}, r"factor is a number in \[0, 1\]"),
        ("RandAugment", {"interpolation": "bicubic"}, "interpolation is one of 'nearest', 'bilinear'; got 'bicubic'"),
        ("RandAugment", {"value_range": (255, 0)}, r"value_range is the pair \(lowest, highest\)"),
        ("AugMix", {"num_chains": 0}, "num_chains must be an integer of at least 1; got 0"),
        ("AugMix", {"chain_depth": "3"}, "chain_depth must be an integer of at least 0; got '3'"),
        ("AugMix", {"alpha": 0}, "alpha must be a finite number above 0; got 0"),
        ("AugMix", {"all_ops": "no"}, "all_ops is True or False; got 'no'"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(kind, arguments, message):
    with pytest.raises(ValueError, match=f"{kind}'s {message}"):
        getattr(layers, kind)(**arguments)
