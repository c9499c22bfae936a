"""Losses as objects: reductions, weights and masks; names, configs and subclasses; mistakes."""

import inspect

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from keras.src.losses import ALL_OBJECTS_DICT as NAMES_IN_KERAS

import phasewise as pw
from phasewise import losses
from phasewise.core import registry
from phasewise.losses.loss import LossFunctionWrapper

CLASSES = [item for item in registry.members("loss") if isinstance(item, type)]
REDUCTIONS = ["sum_over_batch_size", "mean", "sum", "mean_with_sample_weight", "none", None]
RNG = np.random.default_rng(7)
FLAT = RNG.normal(size=(2, 5, 3)).astype(np.float32)  # labels and predictions (5, 3), values (5,)
DEEP = RNG.normal(size=(2, 5, 4, 3)).astype(np.float32)  # values (5, 4)
WEIGHTS = RNG.uniform(0.5, 2, (5, 4)).astype(np.float32)
MASK = RNG.random((5, 4)) < 0.6


class Cubed(losses.Loss):
    """A user's loss."""

    def __init__(self, power=3, name="cubed", reduction="sum_over_batch_size"):
        super().__init__(name=name, reduction=reduction)
        self.power = power

    def call(self, y_true, y_pred):
        return jnp.mean(jnp.abs(y_pred - y_true) ** self.power, axis=-1)

    def get_config(self):
        return {**super().get_config(), "power": self.power}


@pytest.mark.few(39)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize(
    ("pair", "weights", "mask"),
    [
        (FLAT, None, None),
        (FLAT, WEIGHTS[:, 0], None),
        (FLAT, WEIGHTS[:, :1], None),
        (FLAT, np.float32([1, 0, 2, 0, 1]), None),
        (FLAT, np.zeros(5, np.float32), None),
        (FLAT, np.array([1, 0, 2, 0, 1]), None),
        (FLAT, None, MASK[:, 0]),
        (FLAT, WEIGHTS[:, 0], MASK[:, 0]),
        (FLAT, None, np.zeros(5, bool)),
        (DEEP, None, None),
        (DEEP, WEIGHTS, None),
        (DEEP, None, MASK),
        (DEEP, WEIGHTS, MASK),
    ],
)
def test_reductions_of_weighted_and_masked_values_agree_with_keras(reduction, pair, weights, mask):
    ours, theirs = losses.MeanSquaredError(reduction=reduction), keras.losses.MeanSquaredError(reduction=reduction)
    y_true, y_pred = pair[0], jnp.asarray(pair[1])
    if mask is not None:
        y_pred._keras_mask = jnp.asarray(mask)  # where Keras looks for the mask of the predictions
    value, wanted = (
        ours(y_true, pair[1], sample_weight=weights, mask=mask),
        theirs(y_true, y_pred, sample_weight=weights),
    )
    assert value.shape == wanted.shape
    np.testing.assert_allclose(value, wanted, rtol=1e-5)


def test_weights_of_rows_weigh_rows_also_where_the_values_are_square():
    # Keras broadcasts from the right, so that it weighs columns here, and refuses values that are not square.
    y_true, y_pred = DEEP[:, :4]
    weights = np.float32([1, 2, 3, 4])
    values = losses.mean_squared_error(y_true, y_pred)
    for each in (weights, weights[:, None]):
        np.testing.assert_allclose(
            losses.MeanSquaredError()(y_true, y_pred, each), np.mean(values * weights[:, None]), rtol=1e-6
        )


def test_mean_with_sample_weight_is_the_weighted_mean_whatever_the_weights_size():
    y_true, y_pred = DEEP
    values = losses.mean_squared_error(y_true, y_pred)
    loss = losses.MeanSquaredError(reduction="mean_with_sample_weight")
    for scale in (1, 1e-12, -1):
        weights = WEIGHTS[:, 0] * np.float32(scale)
        wanted = np.average(values, weights=np.broadcast_to(np.float64(weights)[:, None], (5, 4)))
        np.testing.assert_allclose(loss(y_true, y_pred, weights), wanted, rtol=1e-5)
    np.testing.assert_allclose(loss(y_true, y_pred, np.float32(3)), np.mean(values), rtol=1e-6)


@given(
    arrays(np.float32, (6, 2), elements=st.floats(-1e3, 1e3, width=32)), st.lists(st.booleans(), min_size=6, max_size=6)
)
@settings(max_examples=25, deadline=None)
def test_masked_rows_count_nowhere_whatever_they_hold(y_pred, keep):
    y_true, keep = np.ones((6, 2), np.float32), np.array(keep)
    value, gradient = masked_value_and_gradient(y_true, y_pred, keep)
    real = np.float64(y_pred)[keep] - 1
    np.testing.assert_allclose(value, np.mean(real**2) if keep.any() else 0, rtol=1e-5)
    np.testing.assert_array_equal(np.asarray(gradient)[~keep], 0)


@jax.jit
def masked_value_and_gradient(y_true, y_pred, keep):
    return jax.value_and_grad(lambda p: losses.MeanSquaredError()(y_true, p, mask=keep))(y_pred)


def test_the_ignored_class_counts_nowhere_alone_or_with_weights_and_mask_as_in_keras():
    rng = np.random.default_rng(1)
    labels, logits = rng.integers(-1, 3, (5, 4)), jnp.asarray(rng.normal(size=(5, 4, 3)), jnp.float32)
    arguments = {"from_logits": True, "ignore_class": -1}
    ours, theirs = (
        losses.SparseCategoricalCrossentropy(**arguments),
        keras.losses.SparseCategoricalCrossentropy(**arguments),
    )
    np.testing.assert_allclose(ours(labels, logits), theirs(labels, logits), rtol=1e-5)
    np.testing.assert_allclose(ours(labels, logits, WEIGHTS), theirs(labels, logits, WEIGHTS), rtol=1e-5)
    logits._keras_mask = jnp.asarray(MASK)
    np.testing.assert_allclose(ours(labels, logits, WEIGHTS, MASK), theirs(labels, logits, WEIGHTS), rtol=1e-5)
    assert ours(np.full((5, 4), -1), logits) == 0


@pytest.mark.parametrize("name", sorted(set(NAMES_IN_KERAS) - {"LossFunctionWrapper", "Loss"}))
def test_every_name_of_keras_gives_the_same_thing(name):
    theirs, ours = keras.losses.get(name), losses.get(name)
    if isinstance(theirs, keras.losses.Loss):
        assert type(ours).__name__ == type(theirs).__name__
        assert ours.name == theirs.name
    else:
        assert ours.__name__ == theirs.__name__
        assert losses.deserialize(losses.serialize(ours)) is ours


def test_none_a_function_an_object_and_a_class_are_taken():
    loss = losses.Huber()
    assert losses.get(None) is None
    assert losses.get(jnp.subtract) is jnp.subtract
    assert losses.get(loss) is loss
    assert type(losses.get(losses.Huber)) is losses.Huber
    assert losses.get({"class_name": "Huber", "config": {"delta": 2.5}}).get_config()["delta"] == 2.5


ARGUMENTS = {
    "Huber": {"delta": 2.5},
    "CosineSimilarity": {"axis": 0},
    "BinaryCrossentropy": {"from_logits": True, "label_smoothing": 0.1, "axis": 0},
    "CategoricalCrossentropy": {"from_logits": True, "label_smoothing": 0.1, "axis": 0},
    "BinaryFocalCrossentropy": {"apply_class_balancing": True, "alpha": 0.5, "gamma": 3.0, "from_logits": True},
    "CategoricalFocalCrossentropy": {"alpha": 0.5, "gamma": 3.0, "label_smoothing": 0.2},
    "SparseCategoricalCrossentropy": {"from_logits": True, "ignore_class": 3},
    "CategoricalGeneralizedCrossEntropy": {"q": 0.2},
    "Dice": {"axis": (1, 2)},
    "Tversky": {"alpha": 0.2, "beta": 0.7, "axis": 1},
    "Circle": {"gamma": 20.0, "margin": 0.3, "remove_diagonal": False},
}


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_the_config_rebuilds_the_loss_here_and_in_keras(cls):
    arguments = {**ARGUMENTS.get(cls.__name__, {}), "name": "mine", "reduction": "sum"}
    first = cls(**arguments)
    again = losses.deserialize(losses.serialize(first))
    theirs = getattr(keras.losses, cls.__name__).from_config(first.get_config())
    assert type(again) is cls
    assert again.get_config() == first.get_config()
    assert first.get_config().items() >= {**theirs.get_config(), **arguments}.items()


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_class_says_what_its_function_says_and_where_that_is(cls):
    function = cls().fn
    assert cls.__doc__.startswith(inspect.getdoc(function))
    assert cls.__doc__.endswith(f"As a function: `phasewise.losses.{function.__name__}`.")
    assert getattr(losses, function.__name__) is function


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_every_loss_says_on_which_scale_it_comes_out_and_what_its_reduction_makes_of_it(cls):
    assert "Scale: " in inspect.getdoc(cls().fn)
    assert "by its `reduction`: by default the mean over all that count" in cls.__doc__


def test_a_yes_or_no_loss_is_a_mean_over_labels_and_one_over_classes_a_sum():
    coin = np.full((1, 4), 0.5)
    np.testing.assert_allclose(losses.binary_crossentropy(np.eye(4)[:1], coin), [np.log(2)], rtol=1e-6)
    np.testing.assert_allclose(losses.categorical_crossentropy(np.eye(4)[:1], coin), [np.log(4)], rtol=1e-6)
    np.testing.assert_allclose(losses.kl_divergence(np.eye(4)[:1], coin / 2), [np.log(4)], rtol=1e-5)
    np.testing.assert_allclose(losses.mean_squared_error(np.zeros((1, 4)), coin), [0.25], rtol=1e-6)


@pytest.mark.parametrize("name", ["MeanSquaredError", "BinaryCrossentropy", "Hinge"])
def test_weights_and_masks_of_rows_of_one_number_weigh_rows(name):
    # Keras weighs the mean of the rows: the weights of rows then weigh nothing.
    y_true, y_pred, weights = np.float32([0, 1, 1, 0]), np.float32([0.2, 0.4, 0.9, 0.7]), np.float32([0, 1, 2, 5])
    loss = getattr(losses, name)()
    each = np.array([float(loss(y_true[i : i + 1, None], y_pred[i : i + 1, None])) for i in range(4)])
    if name == "Hinge":  # labels of which all are 0, or all are 1, say less than both
        each = np.maximum(1 - (2 * y_true - 1) * y_pred, 0)
    np.testing.assert_allclose(loss(y_true, y_pred, weights), np.mean(each * weights), rtol=1e-6)
    np.testing.assert_allclose(loss(y_true, y_pred, mask=weights > 0), each[1:].mean(), rtol=1e-6)
    np.testing.assert_allclose(loss(y_true, y_pred), each.mean(), rtol=1e-6)


def test_a_wrapped_function_is_rebuilt_with_its_arguments():
    first = LossFunctionWrapper(losses.huber, delta=0.5, reduction="sum")
    again = LossFunctionWrapper.from_config(first.get_config())
    assert again.get_config() == first.get_config()
    np.testing.assert_array_equal(again(*FLAT), first(*FLAT))


def test_a_subclass_needs_only_call_and_comes_back_from_its_config():
    loss = Cubed(power=4, reduction="sum")
    again = Cubed.from_config(loss.get_config())
    assert again.get_config() == {"name": "cubed", "reduction": "sum", "power": 4}
    np.testing.assert_allclose(again(*FLAT), np.sum(np.mean(np.abs(FLAT[1] - FLAT[0]) ** 4, -1)), rtol=1e-5)


def test_a_subclass_gets_floats_also_where_the_labels_are_lists_or_small_integers():
    class Difference(losses.Loss):
        def call(self, y_true, y_pred):
            assert y_true.dtype == y_pred.dtype == jnp.float32
            return y_true - y_pred

    np.testing.assert_array_equal(Difference(reduction=None)([0, 1], [2, 2]), [-2, -1])
    np.testing.assert_array_equal(Difference(reduction=None)(np.uint8([0, 1]), np.uint8([2, 2])), [-2, -1])


def test_a_subclass_may_take_structures_and_return_one_number():
    class Total(losses.Loss):
        def call(self, y_true, y_pred):
            return jnp.mean(y_pred["a"] * y_true["a"])

    pair = {"a": np.array([1, 2])}, {"a": np.array([3.0, 4.0])}
    weights, mask = np.float32([1, 3]), np.array([True, False])
    assert Total()(*pair) == 5.5
    assert Total()(*pair, sample_weight=weights) == 11
    assert Total()(*pair, mask=mask) == 5.5


def test_a_users_function_sees_labels_and_predictions_of_one_rank():
    def difference(y_true, y_pred):
        return jnp.mean(jnp.square(y_true - y_pred), -1)

    y_true, y_pred = FLAT[0, :, 0], FLAT[1, :, :1]
    value = LossFunctionWrapper(difference)(y_true, y_pred)
    np.testing.assert_allclose(value, losses.MeanSquaredError()(y_true, y_pred), rtol=1e-6)


def test_objects_without_a_name_are_numbered_and_show_it():
    class Mine(losses.Loss):
        pass

    assert [Mine().name, Mine().name] == ["mine", "mine_1"]
    assert repr(losses.Huber()) == "<Huber name=huber_loss>"


def test_a_registered_loss_is_found_by_its_name_in_a_config():
    registry.register_serializable("tests")(Cubed)
    again = losses.deserialize(losses.serialize(Cubed(power=5)))
    assert isinstance(again, Cubed)
    assert again.power == 5


def test_crossentropy_over_one_class_warns_and_names_binary_crossentropy():
    with pytest.warns(UserWarning, match=r"categorical_crossentropy of labels of shape \(3, 1\).*binary_crossentropy"):
        losses.categorical_crossentropy(np.ones((3, 1)), np.ones((3, 1)))


ROWS, SCORES = np.zeros(4, int), np.full((4, 3), 0.3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: losses.get("binary_crossentropi"),
            "Unknown loss 'binary_crossentropi'. Did you mean 'binary_crossentropy'",
        ),
        (lambda: losses.get(3), "Could not interpret 3 as loss"),
        (lambda: losses.MeanSquaredError(reduction="average"), "reduction is one of 'sum', .*got 'average'"),
        (lambda: losses.BinaryCrossentropy(label_smoothing=2), r"label_smoothing is in \[0, 1\]; got 2"),
        (lambda: losses.CategoricalGeneralizedCrossEntropy(q=1), "q is between 0 and 1; got 1"),
        (
            lambda: losses.binary_crossentropy(np.ones((4, 3)), np.ones((4, 2))),
            r"binary_crossentropy takes labels and predictions of one shape; got .* \(4, 3\) and .*\(4, 2\)",
        ),
        (
            lambda: losses.categorical_crossentropy(ROWS, SCORES),
            r"got labels of shape \(4,\) and .*\(4, 3\). Integer labels go with sparse_categorical_crossentropy",
        ),
        (
            lambda: losses.sparse_categorical_crossentropy(np.zeros((4, 3)), SCORES),
            r"Integer labels have .*along axis 1; got labels of shape \(4, 3\) and predictions of shape \(4, 3\)",
        ),
        (
            lambda: losses.MeanSquaredError()(*DEEP, sample_weight=np.ones(3)),
            r"Weights or a mask of shape \(3,\) do not fit values of shape \(5, 4\): give one number a row",
        ),
    ],
)
def test_a_mistake_is_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_subclass_without_call_is_told_to_have_one():
    class Empty(pw.losses.Loss):
        pass

    with pytest.raises(NotImplementedError, match=r"Empty must define call\(self, y_true, y_pred\)"):
        Empty()(*FLAT)
