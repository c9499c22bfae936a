"""No name in the logs hides another."""

import keras
import numpy as np
import pytest

import phasewise as pw
from phasewise import ops

X = np.random.default_rng(0).random(size=(8, 3)).astype(np.float32)
Y = (X.sum(1, keepdims=True) > 1.5).astype(np.float32)
WEIGHTS = np.arange(1.0, 9.0)


def logs(K, metrics, weighted_metrics, outputs=1):
    x = K.Input((3,))
    heads = [
        K.layers.Dense(1, activation="sigmoid", kernel_initializer="ones", name=f"h{i}")(x) for i in range(outputs)
    ]
    model = K.Model(x, heads if outputs > 1 else heads[0])
    model.compile("sgd", "mse", metrics=metrics(K), weighted_metrics=weighted_metrics(K))
    y = [Y] * outputs if outputs > 1 else Y
    weights = [WEIGHTS] * outputs if outputs > 1 else WEIGHTS
    return model.evaluate(X, y, sample_weight=weights, verbose=0, return_dict=True)


def borders(K):
    return [K.metrics.BinaryAccuracy(threshold=t) for t in (0.5, 0.8, 0.95)]


def test_a_metric_with_and_without_weights_is_logged_as_both_as_in_keras():
    ours, theirs = (logs(K, lambda K: ["mse"], lambda K: ["mse", "mse"]) for K in (pw, keras))
    assert set(ours) == set(theirs) == {"loss", "mse", "weighted_mse", "weighted_mse_1"}
    np.testing.assert_allclose([ours[name] for name in theirs], list(theirs.values()), rtol=1e-5)
    assert ours["mse"] != ours["weighted_mse"]


@pytest.mark.parametrize("outputs", [1, 3])
def test_metrics_of_one_name_are_numbered_as_in_keras(outputs):
    def metrics(K):
        return borders(K) if outputs == 1 else [borders(K) for _ in range(outputs)]

    ours, theirs = (logs(K, metrics, lambda K: None, outputs) for K in (pw, keras))
    assert set(ours) == set(theirs)
    assert len(ours) == 4 if outputs == 1 else 1 + 3 + 9
    np.testing.assert_allclose([ours[name] for name in theirs], list(theirs.values()), rtol=1e-5)


@pytest.mark.parametrize("losses", [{"price": "mse", "klass": "mae"}, {"klass": "mae", "price": "mse"}])
@pytest.mark.parametrize("by_key", [True, False])
def test_the_list_of_several_outputs_is_in_the_order_of_keras(losses, by_key):
    def listed(K):
        x = K.Input((3,))
        price, klass = (K.layers.Dense(1, kernel_initializer="ones", name=name)(x) for name in ("price", "klass"))
        model = K.Model(x, {"price": price, "klass": klass} if by_key else [price, klass])
        metrics = {"price": ["mae"], "klass": ["mse"]}
        model.compile("sgd", losses, metrics=metrics, weighted_metrics={"klass": ["msle"], "price": ["mape"]})
        y = {"price": Y, "klass": 3 * Y + 1} if by_key else [Y, 3 * Y + 1]
        return model.evaluate(X, y, verbose=0), model.test_on_batch(X, y)

    for ours, theirs in zip(listed(pw), listed(keras), strict=True):
        assert len(ours) == 7
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_functions_without_a_name_of_their_own_are_numbered():
    found = logs(pw, lambda K: [lambda t, p: ops.mean(t), lambda t, p: ops.mean(p)], lambda K: None)
    np.testing.assert_allclose(found["<lambda>"], Y.mean(), rtol=1e-5)
    assert found["<lambda>_1"] != found["<lambda>"]


def test_a_metric_may_not_take_the_name_of_the_loss():
    found = logs(pw, lambda K: [K.metrics.MeanAbsoluteError(name="loss")], lambda K: None)
    assert set(found) == {"loss", "loss_1"}


class Both(pw.metrics.Metric):
    def __init__(self, factor):
        super().__init__(name=f"both{factor}")
        self.factor, self.total = factor, self.add_variable((), "zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(self.factor * ops.sum(y_true))

    def result(self):
        return {"sum": self.total.value, "twice": 2 * self.total.value}


def test_metrics_that_say_several_things_keep_all_of_them():
    found = logs(pw, lambda K: [Both(1), Both(10)], lambda K: None)
    wanted = {"sum": Y.sum(), "twice": 2 * Y.sum(), "both10_sum": 10 * Y.sum(), "both10_twice": 20 * Y.sum()}
    assert {name: found[name] for name in wanted} == wanted


def test_one_metric_object_for_two_outputs_is_refused_since_its_state_would_mix_them():
    metric = pw.metrics.BinaryAccuracy()
    with pytest.raises(ValueError, match="metric object 'binary_accuracy' is given twice: its state would mix both"):
        logs(pw, lambda K: [[metric], [metric]], lambda K: None, outputs=2)


def test_history_has_every_name_for_training_and_validation():
    x = pw.Input((3,))
    model = pw.Model(x, pw.layers.Dense(1, name="h")(x))
    model.compile("sgd", "mse", metrics=["mse"], weighted_metrics=["mse"])
    history = model.fit(X, Y, validation_data=(X, Y), verbose=0).history
    assert set(history) == {"loss", "mse", "weighted_mse", "val_loss", "val_mse", "val_weighted_mse"}
