"""MixUp and CutMix: what is mixed, by which weight, and that padding is never mixed in."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import phasewise as pw
from phasewise import layers
from phasewise.core import padding

RNG = np.random.default_rng(0)
COUNT = 6
IMAGES = RNG.uniform(0, 255, (COUNT, 8, 10, 3)).astype("float32")
ORDER = np.array([3, 0, 1, 5, 4, 2], "int32")
WEIGHT = RNG.uniform(0, 1, COUNT).astype("float32")
LABELS = np.eye(COUNT, dtype="float32")


def test_the_same_draw_mixes_as_in_keras():
    mask = RNG.uniform(size=(COUNT, 8, 10, 1)) < 0.4
    mixtures = {"mix_weight": WEIGHT, "permutation_order": ORDER}
    for name, transformation in (
        ("MixUp", mixtures),
        ("CutMix", {**mixtures, "batch_masks": mask, "mix_weight": WEIGHT[:, None, None, None]}),
    ):
        mine, theirs = (getattr(library.layers, name)() for library in (pw, keras))
        for method, given in (("transform_images", IMAGES), ("transform_labels", LABELS)):
            expected = getattr(theirs, method)(jnp.asarray(given), transformation)
            np.testing.assert_allclose(getattr(mine, method)(given, transformation), expected, rtol=1e-5)


def constant_images(count):
    """Image k has the value k + 1 everywhere, and label k."""
    values = np.arange(1, count + 1, dtype="float32")
    return {
        "images": np.broadcast_to(values[:, None, None, None], (count, 8, 10, 3)),
        "labels": np.eye(count, dtype="float32"),
        "segmentation_masks": np.broadcast_to(values[:, None, None, None], (count, 8, 10, 1)),
    }


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("layer", [layers.MixUp, layers.CutMix])
@pytest.mark.extensive
def test_labels_say_how_much_of_each_image_is_in_the_mixture(layer, data_format):
    count = 40
    given = constant_images(count)
    if data_format == "channels_first":
        given = {key: np.moveaxis(value, -1, 1) if value.ndim == 4 else value for key, value in given.items()}
    done = layer(data_format=data_format, seed=1)(given, training=True)
    np.testing.assert_allclose(np.sum(done["labels"], 1), 1, rtol=1e-6)
    content = np.asarray(done["images"]).mean((1, 2, 3))  # sum of share * (k + 1)
    np.testing.assert_allclose(np.asarray(done["labels"]) @ np.arange(1, count + 1), content, rtol=1e-5)
    np.testing.assert_allclose(np.asarray(done["segmentation_masks"]).mean((1, 2, 3)), content, rtol=1e-5)
    assert (np.asarray(done["labels"]) > 0).sum() > count  # something was mixed
    unchanged = layer(data_format=data_format)(given, training=False)
    np.testing.assert_array_equal(unchanged["labels"], given["labels"])


def test_a_pasted_box_is_a_box_of_whole_pixels():
    done = np.asarray(layers.CutMix(seed=1)(constant_images(30)["images"], training=True))
    for row, image in enumerate(done[..., 0]):
        pasted = image != row + 1
        inside = np.ix_(pasted.any(1), pasted.any(0))
        assert pasted[inside].all()
        assert len(np.unique(image)) <= 2


def test_weights_are_drawn_from_the_beta_distribution():
    layer = layers.MixUp(alpha=1.0, seed=1)
    weights = np.asarray(layer.get_random_transformation(np.zeros((2000, 1, 1, 1)))["mix_weight"])
    np.testing.assert_allclose(np.sort(weights), np.linspace(0, 1, 2000), atol=0.06)  # Beta(1, 1) is uniform
    near_ends = np.asarray(layers.MixUp(0.05, seed=1).get_random_transformation(np.zeros((500, 1, 1, 1)))["mix_weight"])
    assert np.isfinite(near_ends).all()
    assert ((near_ends < 0.1) | (near_ends > 0.9)).mean() > 0.7


@pytest.mark.parametrize("layer", [layers.MixUp, layers.CutMix])
def test_padding_is_never_mixed_into_a_row(layer):
    images = np.where(np.arange(8)[:, None, None, None] < 5, 1.0, np.nan) * np.ones((1, 4, 4, 1))
    with padding.real_rows(jnp.arange(8) < 5):
        for seed in range(20):
            done = layer(seed=seed)(images.astype("float32"), training=True)
            np.testing.assert_allclose(done[:5], 1, rtol=1e-6)


@pytest.mark.parametrize("layer", [layers.MixUp(1.0), layers.CutMix()])
@pytest.mark.extensive
def test_a_batch_that_is_filled_up_is_mixed_in_itself(layer):
    inputs = pw.Input((4, 4, 1))
    model = pw.Model(inputs, layer(inputs))
    images = np.full((37, 4, 4, 1), 9, "float32")  # one beyond a tile, and no size that batches are filled up to
    np.testing.assert_allclose(model(images, training=True), images, rtol=1e-6)
    with pw.learning_phase_scope("training"):
        np.testing.assert_allclose(model.predict(images, batch_size=10, verbose=0), images, rtol=1e-6)
        seen = model.predict(np.arange(40, dtype="float32").reshape(40, 1, 1, 1) * np.ones((1, 4, 4, 1)), batch_size=4)
    for batch in range(10):  # partners are of the batch as its user cut it
        assert seen[4 * batch : 4 * batch + 4].min() >= 4 * batch - 1e-4
        assert seen[4 * batch : 4 * batch + 4].max() <= 4 * batch + 3 + 1e-4
    assert "batch" in model.explain(print_fn=False)[0].fit.action


@pytest.mark.extensive
def test_a_mapped_data_set_trains_on_rows_that_are_mixed_anew_in_every_epoch():
    mix, images = layers.MixUp(1.0), (IMAGES / 255).astype("float32")
    plan = pw.data.Dataset.from_tensor_slices({"images": images, "labels": LABELS}).batch(4)
    mixed = plan.map(lambda rows: mix(rows, training=True))
    first, second = ([np.asarray(rows["labels"]) for rows in mixed] for _ in range(2))
    assert [len(labels) for labels in first] == [4, 2]
    assert not np.array_equal(first[0], second[0])
    for labels in (*first, *second):
        np.testing.assert_allclose(labels.sum(1), 1, rtol=1e-6)
    assert first[0][:, 4:].sum() == 0  # of its own batch
    model = pw.Sequential([pw.layers.Flatten(), pw.layers.Dense(COUNT, activation="softmax")])
    model.compile("sgd", "categorical_crossentropy")
    history = model.fit(mixed.map(lambda rows: (rows["images"], rows["labels"])), epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()


def test_boxes_of_both_images_are_kept_with_their_labels():
    boxes = {"boxes": RNG.uniform(0, 8, (2, 3, 4)).astype("float32"), "labels": np.array([[0, 1, 2], [3, 4, 5]])}
    transformation = {"mix_weight": np.array([0.5, 0.5], "float32"), "permutation_order": np.array([1, 0])}
    done = layers.MixUp(bounding_box_format="xyxy").transform_bounding_boxes(boxes, transformation)
    np.testing.assert_array_equal(done["labels"], [[0, 1, 2, 3, 4, 5], [3, 4, 5, 0, 1, 2]])
    np.testing.assert_array_equal(done["boxes"][1], np.concatenate([boxes["boxes"][1], boxes["boxes"][0]]))
    with pytest.raises(NotImplementedError, match=r"CutMix 'cut_mix' was given bounding boxes.* Use MixUp"):
        layers.CutMix(bounding_box_format="xyxy")(
            {"images": np.ones((2, 8, 8, 3), "float32"), "bounding_boxes": boxes}, training=True
        )


def test_labels_of_every_rank_are_mixed_row_by_row_in_their_dtype():
    transformation = {"mix_weight": WEIGHT, "permutation_order": ORDER}
    layer = layers.MixUp(dtype="mixed_bfloat16")
    for labels in (RNG.normal(size=COUNT), RNG.normal(size=(COUNT, 2, 3))):
        weight = WEIGHT.reshape(-1, *(1,) * (labels.ndim - 1))
        found = layer.transform_labels(labels.astype("float32"), transformation)
        assert found.dtype == jnp.float32
        np.testing.assert_allclose(found, weight * labels + (1 - weight) * labels[ORDER], rtol=1e-5, atol=1e-6)
    assert layer.transform_images(IMAGES, transformation).dtype == jnp.bfloat16
    one_hot = layer.transform_labels(LABELS.astype("int32"), transformation)
    np.testing.assert_allclose(one_hot, layer.transform_labels(LABELS, transformation))


@pytest.mark.parametrize("layer", [layers.MixUp, layers.CutMix])
def test_numbers_of_classes_are_refused(layer):
    for labels in (np.arange(COUNT), np.arange(COUNT)[:, None]):
        with pytest.raises(ValueError, match=r"mixes labels, which numbers of classes cannot be.* Write them one-hot"):
            layer()({"images": IMAGES, "labels": labels}, training=True)
    if layer is layers.MixUp:
        with pytest.raises(ValueError, match=r"mixes segmentation masks.* a channel for each class"):
            layer()({"images": IMAGES, "segmentation_masks": np.ones((COUNT, 8, 10, 1), "uint8")}, training=True)


def test_one_image_has_no_other_to_be_mixed_with():
    for layer in (layers.MixUp(), layers.CutMix()):
        np.testing.assert_allclose(layer(IMAGES[0], training=True), IMAGES[0], rtol=1e-6)


def test_arguments_and_configs():
    for wrong in (0, -1, "a", float("nan")):
        with pytest.raises(ValueError, match="MixUp's alpha must be a finite number above 0; got"):
            layers.MixUp(wrong)
    with pytest.raises(ValueError, match=r"CutMix's factor is a number in \[0, 1\]"):
        layers.CutMix(2)
    for layer in (layers.MixUp(0.5, "channels_first", 3), layers.CutMix((0.2, 0.8), 3, "channels_first")):
        theirs = getattr(keras.layers, type(layer).__name__).from_config(layer.get_config())
        assert type(layer).from_config(theirs.get_config()).get_config() == layer.get_config()


def test_mixing_is_compiled_as_it_is_called():
    layer = layers.CutMix(seed=1)
    found = jax.jit(lambda x: layer(x, training=True))(IMAGES)
    assert found.shape == IMAGES.shape
