"""Metrics that a model or a layer holds and updates in its call."""

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers, metrics

X = np.float32([[1], [2], [3], [6]])
Y = np.zeros((4, 1), np.float32)


class Watched(pw.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seen = metrics.Mean(name="seen")

    def call(self, inputs):
        self.seen.update_state(inputs)
        return inputs


class Model(pw.Model):
    def __init__(self):
        super().__init__()
        self.largest = [metrics.Sum(name="total")]
        self.watched, self.dense = Watched(), layers.Dense(1, kernel_initializer="zeros", trainable=False)

    def call(self, inputs):
        self.largest[0].update_state(inputs)
        return self.dense(self.watched(inputs))


@pytest.fixture
def model():
    model = Model()
    model.compile(pw.optimizers.SGD(0.0), "mse", metrics=["mae"])
    return model


def test_they_are_among_the_metrics_and_not_among_the_weights(model):
    model.build((None, 1))
    assert [m.name for m in model.metrics] == ["loss", "compile_metrics", "total", "seen"]
    model.fit(X, Y, verbose=0)
    assert [m.name for m in model.metrics] == ["loss", "compile_metrics", "total", "seen"]
    assert model.metrics_names == ["loss", "mae", "total", "seen"]
    assert [m.name for m in model.watched.metrics] == ["seen"]
    assert len(model.weights) == 2


def test_fit_logs_them_and_resets_them_every_epoch(model):
    history = model.fit(X, Y, epochs=2, batch_size=2, validation_data=(10 * X, Y), verbose=0).history
    assert history["seen"] == [3.0, 3.0]
    assert history["total"] == [12.0, 12.0]
    assert history["val_seen"] == [30.0, 30.0]
    assert history["val_total"] == [120.0, 120.0]


def test_evaluate_and_single_batches_return_them(model):
    assert model.evaluate(X, Y, batch_size=3, verbose=0, return_dict=True)["seen"] == 3.0
    assert model.evaluate(X, Y, verbose=0)[2:] == [12.0, 3.0]
    assert model.train_on_batch(X[:2], Y[:2], return_dict=True)["total"] == 3.0
    assert model.test_on_batch(X[2:], Y[2:], return_dict=True)["seen"] == 4.5


def test_a_call_on_arrays_updates_them_and_a_prediction_does_not(model):
    model(X)
    model(X[:1])
    assert model.watched.seen.result() == 13 / 5
    model.predict(X, verbose=0)
    assert model.watched.seen.result() == 13 / 5
    model.fit(X, Y, verbose=0)
    assert model.watched.seen.result() == 3.0


def test_a_layer_of_a_graph_holds_one_too_and_equal_names_are_told_apart():
    model = pw.Sequential([pw.Input((1,)), Watched(), layers.Rescaling(2.0), Watched(), layers.Dense(1)])
    model.compile("sgd", "mse")
    history = model.fit(X, Y, verbose=0).history
    assert (history["seen"], history["seen_1"]) == ([3.0], [6.0])


def test_one_that_is_held_later_is_followed_from_the_next_run_on(model):
    model.fit(X, Y, verbose=0)
    model.watched.seen = metrics.Sum(name="other")
    assert model.fit(X, Y, verbose=0).history["other"] == [12.0]


class Adds(pw.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(1, kernel_initializer="zeros", trainable=False)
        self.largest = metrics.Sum(name="total")

    def call(self, inputs):
        self.add_metric(inputs, name="seen")
        self.add_metric(inputs, aggregation=self.largest)
        return self.dense(inputs)


def functional():
    inputs = pw.Input((1,))
    hidden = layers.Dense(1, kernel_initializer="ones", trainable=False)(inputs)
    model = pw.Model(inputs, layers.Dense(1, kernel_initializer="zeros", trainable=False)(hidden))
    model.add_metric(hidden, name="seen")
    model.add_metric(hidden, aggregation=metrics.Sum(name="total"))
    return model


@pytest.mark.parametrize("make", [Adds, functional])
def test_what_add_metric_is_given_is_logged_in_fit_and_evaluate(make):
    model = make()
    model.compile(pw.optimizers.SGD(0.0), "mse")
    expected = {"loss": pytest.approx(0), "seen": pytest.approx(3), "total": pytest.approx(12)}
    zeros = np.zeros((4, 1), np.float32)
    # three rows to a batch: the last one is short, and each row counts once
    history = model.fit(X, zeros, batch_size=3, epochs=2, verbose=0, validation_data=(X, zeros)).history
    assert [history["seen"], history["total"]] == [[pytest.approx(3)] * 2, [pytest.approx(12)] * 2]
    assert [history["val_seen"], history["val_total"]] == [[pytest.approx(3)] * 2, [pytest.approx(12)] * 2]
    model(X)
    model.predict(X, verbose=0)
    assert model.evaluate(X, zeros, batch_size=3, verbose=0, return_dict=True) == expected
    assert {"loss", "seen", "total"} == {metric.name for metric in model.metrics}


def test_a_config_says_that_it_leaves_out_what_add_metric_logs():
    model = functional()
    with pytest.warns(pw.warning.PhasewiseWarning, match="What add_metric logs has no place"):
        again = pw.models.clone_model(model)
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers][:3]


def test_mistakes_with_add_metric_are_told():
    inputs = pw.Input((1,))
    model = pw.Model(inputs, inputs)
    with pytest.raises(ValueError, match="add_metric needs the name under which the value is logged"):
        model.add_metric(inputs)
    with pytest.raises(
        ValueError, match="aggregation='mean', or a metric that the values are given to; got 'max' of type str"
    ):
        model.add_metric(inputs, name="largest", aggregation="max")
    with pytest.raises(ValueError, match="does not connect"):
        model.add_metric(pw.Input((1,)), name="other")
    with pytest.raises(
        TypeError, match=r"has no graph that the tensor .* could belong to: call self.add_metric in `call`"
    ):
        Adds().add_metric(inputs, name="seen")
