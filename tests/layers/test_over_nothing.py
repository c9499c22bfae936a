"""Means over nothing: rows that are wholly masked, batches without rows. The result is 0 or unchanged, never NaN."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import phasewise as pw
from phasewise import layers, losses, metrics
from phasewise.core import registry

LOSSES = sorted((c for c in registry.members("loss") if isinstance(c, type)), key=lambda c: c.__name__)
OF_INTEGERS = (losses.SparseCategoricalCrossentropy, losses.CategoricalGeneralizedCrossEntropy, losses.Circle)
NORMALIZATIONS = {
    "batch": lambda: layers.BatchNormalization(),
    "ghost batches": lambda: layers.BatchNormalization(virtual_batch_size=2),
    "renormalized": lambda: layers.BatchNormalization(renorm=True),
    "layer": lambda: layers.LayerNormalization(),
    "group": lambda: layers.GroupNormalization(2),
    "unit": lambda: layers.UnitNormalization(),
    "rms": lambda: layers.RMSNormalization(),
}


@pytest.mark.parametrize("axis", [-1, (-1,), [-1]])
def test_a_wholly_masked_row_of_a_softmax_is_0_and_has_no_gradient(axis):
    softmax = layers.Softmax(axis=axis)
    mask = np.array([[True, True, False], [False, False, False]])
    x = jnp.asarray([[1.0, 2.0, np.nan], [3.0, np.inf, 5.0]])
    weights = np.float32([[1, 2, 3], [4, 5, 6]])
    (_, y), gradient = jax.value_and_grad(
        lambda x: ((softmax(x, mask=mask) * weights).sum(), softmax(x, mask=mask)), has_aux=True
    )(x)
    p = 1 / (1 + np.exp(1.0))
    np.testing.assert_allclose(y, [[p, 1 - p, 0], [0, 0, 0]], rtol=1e-6)
    np.testing.assert_allclose(gradient, [[-p * (1 - p), p * (1 - p), 0], [0, 0, 0]], rtol=1e-5)


def test_the_mask_of_a_sequence_masks_whole_steps_of_a_softmax():
    y = layers.Softmax()(np.zeros((1, 2, 4), "float32"), mask=np.array([[True, False]]))
    np.testing.assert_array_equal(y, [[[0.25] * 4, [0] * 4]])


@pytest.mark.parametrize("loss", [losses.CategoricalCrossentropy(), losses.SparseCategoricalCrossentropy()])
def test_a_row_of_zeros_for_probabilities_has_a_finite_loss_and_gradient(loss):
    y = np.array([1, 0]) if isinstance(loss, OF_INTEGERS) else np.eye(2)[[1, 0]]
    value, gradient = jax.value_and_grad(lambda p: loss(y, p))(jnp.asarray([[0.0, 0.0], [0.5, 0.5]]))
    np.testing.assert_allclose(value, (-np.log(1e-7) + np.log(2)) / 2, rtol=1e-6)
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(
    "layer", [layers.ActivityRegularization(l1=1.0, l2=1.0), layers.Dense(2, activity_regularizer="l2")]
)
def test_the_activity_of_no_rows_costs_nothing(layer):
    layer(np.zeros((0, 3), "float32"))
    np.testing.assert_array_equal(layer.losses, [0.0])


@pytest.mark.few(33)
@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "mean_with_sample_weight", "sum"])
@pytest.mark.parametrize("cls", LOSSES, ids=lambda c: c.__name__)
def test_the_loss_of_no_rows_is_0(cls, reduction):
    labels = np.zeros((0,), "int32") if issubclass(cls, OF_INTEGERS) else np.zeros((0, 3), "float32")
    predictions = np.zeros((0, 3), "float32")
    if cls is losses.CTC:
        labels, predictions = np.zeros((0, 2), "int32"), np.zeros((0, 4, 3), "float32")
    assert cls(reduction=reduction)(labels, predictions) == 0


@pytest.mark.parametrize("metric", [metrics.Mean(), metrics.Sum(), metrics.RootMeanSquaredError(), metrics.Accuracy()])
def test_no_rows_change_no_metric(metric):
    arguments = [[[1.0, 2.0]], [[1.0, 4.0]]][: 1 if type(metric) in (metrics.Mean, metrics.Sum) else 2]
    metric.update_state(*map(np.float32, arguments))
    before = metric.result()
    metric.update_state(*[np.zeros((0, 2), "float32")] * len(arguments))
    assert metric.result() == before


@pytest.mark.parametrize("shape", [(0, 4), (0, 3, 4), (2, 0, 4)])
@pytest.mark.parametrize("kind", NORMALIZATIONS)
def test_normalizing_nothing_gives_nothing_and_moves_no_statistic(kind, shape):
    layer = NORMALIZATIONS[kind]()
    layer.build((None, *shape[1:-1], 4))
    before = layer.get_weights()
    assert layer(np.zeros(shape, "float32"), **({"training": True} if "batch" in kind else {})).shape == shape
    for now, then in zip(layer.get_weights(), before):
        np.testing.assert_array_equal(now, then)


def test_a_model_trains_on_where_a_batch_is_empty_but_for_its_mask():
    model = pw.Sequential([pw.Input((2,)), layers.Dense(1, activity_regularizer="l2")])
    model.compile("sgd", "mse")
    value = model.train_on_batch(np.ones((2, 2)), np.ones((2, 1)), sample_weight=np.zeros(2))
    assert np.isfinite(value)
    assert all(np.isfinite(w).all() for w in model.get_weights())
