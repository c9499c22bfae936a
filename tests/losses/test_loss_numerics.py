"""Losses against float64, where float32 formulas lose digits and where Keras computes something else."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

from phasewise import losses

LOGITS = np.float32([-200, -90, -30, -20, -8, -1, -1e-3, 0, 1e-3, 1, 8, 20, 30, 90, 200])
TINIEST = np.finfo(np.float32).tiny  # below this, float32 has no digits to keep


def values_and_slopes(function, y_true, y_pred):
    """One value and its slope for each pair of numbers."""
    each = jax.vmap(jax.value_and_grad(lambda p, y: function(y[None], p[None])), in_axes=(0, 0))
    return jax.jit(each)(jnp.asarray(y_pred, jnp.float32), jnp.asarray(y_true, jnp.float32))


def sigmoid(x):
    x = np.float64(x)
    return np.where(x < 0, np.exp(x) / (1 + np.exp(x)), 1 / (1 + np.exp(-np.maximum(x, 0))))


@pytest.mark.parametrize("label", [0, 1, 0.25])
def test_binary_crossentropy_of_logits_keeps_its_digits_when_saturated(label):
    x = np.float64(LOGITS)
    value, slope = values_and_slopes(
        lambda y, p: losses.binary_crossentropy(y, p, from_logits=True), np.full_like(LOGITS, label), LOGITS
    )
    np.testing.assert_allclose(value, label * np.logaddexp(0, -x) + (1 - label) * np.logaddexp(0, x), 2e-6, TINIEST)
    np.testing.assert_allclose(slope, (1 - label) * sigmoid(x) - label * sigmoid(-x), rtol=1e-5, atol=TINIEST)


@pytest.mark.parametrize("label", [0, 1])
def test_focal_crossentropy_of_logits_has_a_slope_however_wrong_the_logit(label):
    # Keras turns logits into probabilities first and keeps those 1e-7 from 0 and 1: its slope is 0 beyond 16.
    x = np.float64(LOGITS) * (1 if label else -1)
    value, slope = values_and_slopes(
        lambda y, p: losses.binary_focal_crossentropy(y, p, from_logits=True), np.full_like(LOGITS, label), LOGITS
    )
    np.testing.assert_allclose(value, sigmoid(-x) ** 2 * np.logaddexp(0, -x), rtol=1e-5, atol=TINIEST)
    wrong = x < -16
    assert (np.abs(np.asarray(slope)[wrong]) > 0.99).all()


def test_categorical_crossentropy_of_logits_has_no_bound():
    y_true, logits = np.eye(3)[[0, 1, 2]], np.float32([[-300, 0, 0], [0, 50, -50], [80, 0, 79]])
    wanted = (
        np.log(np.exp(np.float64(logits) - logits.max(1, keepdims=True)).sum(1))
        + logits.max(1)
        - logits[range(3), range(3)]
    )
    for values in (
        losses.categorical_crossentropy(y_true, logits, from_logits=True),
        losses.sparse_categorical_crossentropy([0, 1, 2], logits, from_logits=True),
    ):
        np.testing.assert_allclose(values, wanted, rtol=1e-6, atol=1e-6)


def test_saturated_probabilities_cost_what_they_cost_in_keras_and_all_gradients_are_finite():
    p, y = np.float32([0, 1, 1e-9, 1 - 1e-7, 0.5, 1, 0]), np.float32([0, 0, 1, 0, 1, 1, 1])
    value, slope = values_and_slopes(losses.binary_crossentropy, y, p)
    theirs = [keras.losses.binary_crossentropy(y[i : i + 1], p[i : i + 1]) for i in range(len(p))]
    np.testing.assert_allclose(value, theirs, rtol=1e-6, atol=1e-7)
    assert np.isfinite(slope).all()


def test_log_cosh_keeps_the_digits_of_small_errors_and_the_size_of_large_ones():
    error = np.float32([1e-5, 1e-3, 0.03, 0.5, 0.999, 1, 1.001, 5, 60, 500, 0])
    error = np.concatenate([error, -error])
    value, slope = values_and_slopes(losses.log_cosh, np.zeros_like(error), error)
    wide = np.abs(np.float64(error))
    exact = np.where(
        wide < 1, np.log1p(2 * np.sinh(np.minimum(wide, 1) / 2) ** 2), wide + np.log1p(np.exp(-2 * wide)) - np.log(2)
    )
    np.testing.assert_allclose(value, exact, rtol=1e-6)
    np.testing.assert_allclose(slope, np.tanh(np.float64(error)), rtol=1e-6)


def test_mean_squared_logarithmic_error_keeps_the_digits_of_small_values():
    y_true, y_pred = np.float32([1e-6, 1e-4, 0.1, 1000]), np.float32([3e-6, 4e-4, 0.2, 10])
    value, slope = values_and_slopes(losses.mean_squared_logarithmic_error, y_true, y_pred)
    difference = np.log1p(np.float64(y_pred)) - np.log1p(np.float64(y_true))
    np.testing.assert_allclose(value, difference**2, rtol=1e-5)
    np.testing.assert_allclose(slope, 2 * difference / (1 + np.float64(y_pred)), rtol=1e-5)


@pytest.mark.few(2)
@pytest.mark.parametrize("name", ["sparse_categorical_crossentropy", "categorical_crossentropy"])
@pytest.mark.parametrize("from_logits", [False, True])
def test_classes_may_lie_along_any_axis(name, from_logits):
    # Keras refuses integer labels here, and smooths one-hot labels by the size of the last axis.
    rng = np.random.default_rng(0)
    scores, labels = rng.uniform(0.1, 1, (2, 3, 4)).astype(np.float32), rng.integers(0, 3, (2, 4))
    one_hot, smoothing = np.moveaxis(np.eye(3)[labels], -1, 1), 0.3 * (name == "categorical_crossentropy")
    powers = np.exp(np.float64(scores)) if from_logits else np.float64(scores)
    soft = one_hot * (1 - smoothing) + smoothing / 3
    wanted = -(soft * np.log(powers / powers.sum(1, keepdims=True))).sum(1)
    if name == "categorical_crossentropy":
        values = losses.categorical_crossentropy(one_hot, scores, from_logits, smoothing, axis=1)
    else:
        values = losses.sparse_categorical_crossentropy(labels, scores, from_logits, axis=1)
        single = losses.sparse_categorical_crossentropy(labels[:, None], scores, from_logits, axis=1)
        np.testing.assert_array_equal(single, values)
    np.testing.assert_allclose(values, wanted, rtol=1e-5)


def test_an_ignored_label_gives_no_gradient_whatever_is_predicted_there():
    y_pred = jnp.asarray([[0.1, 0.9], [np.nan, np.inf], [0.0, 0.0]])
    loss = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    value, gradient = jax.value_and_grad(lambda p: loss(np.array([1, -1, -1]), p))(y_pred)
    np.testing.assert_allclose(value, -np.log(0.9), rtol=1e-6)
    np.testing.assert_array_equal(gradient[1:], np.zeros((2, 2)))


def test_cosine_similarity_is_minus_one_for_the_same_direction_and_finite_for_zeros():
    y_true, y_pred = np.float32([[3, 4], [1e-5, 0], [0, 0], [1, 0]]), np.float32([[6, 8], [2e-5, 0], [0, 0], [0, -2]])
    value, gradient = jax.vmap(jax.value_and_grad(lambda p, y: losses.cosine_similarity(y, p)))(y_pred, y_true)
    np.testing.assert_allclose(value, [-1, -1, 0, 0], rtol=1e-6, atol=1e-7)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_narrow_predictions_are_computed_in_float32(dtype):
    y_pred = jnp.asarray([[0.2], [0.7], [0.9]], dtype)
    value = losses.BinaryCrossentropy()(np.array([0, 1, 1]), y_pred)
    p = np.asarray(y_pred, np.float64)[:, 0]
    assert value.dtype == jnp.float32
    np.testing.assert_allclose(value, -np.log([1 - p[0], p[1], p[2]]).mean(), rtol=1e-6)
