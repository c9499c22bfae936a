"""Two runs do not share state: each has its metrics, and a model its optimizer, to itself."""

import gc

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4)).astype("float32")
Y = X.sum(1, keepdims=True)


def regression(optimizer="sgd", metrics=("mae",), **options):
    pw.set_random_seed(1)
    model = pw.Sequential([pw.Input((4,)), layers.Dense(1)])
    model.compile(optimizer, "mse", metrics=list(metrics), **options)
    return model


class Interrupted(pw.callbacks.Callback):
    """Calls a function with the model after batch 3."""

    def __init__(self, function):
        super().__init__()
        self.function, self.told = function, []

    def on_train_batch_end(self, batch, logs=None):
        if batch == 3:
            self.function(self.model)

    def on_test_batch_end(self, batch, logs=None):
        self.told.append((batch, logs["loss"]))
        if batch == 3 and len(self.told) == 4:
            self.function(self.model)


def history(function, **options):
    model = regression()
    return model.fit(X, Y, batch_size=8, epochs=2, verbose=0, callbacks=[Interrupted(function)], **options).history


@pytest.mark.parametrize(
    "function",
    [
        lambda model: model.evaluate(10 * X, Y, verbose=0),
        lambda model: model.test_on_batch(10 * X, Y),
        lambda model: model.predict(10 * X, verbose=0),
        lambda model: regression().fit(10 * X, Y, verbose=0),
    ],
    ids=["evaluate", "test_on_batch", "predict", "another model's fit"],
)
def test_what_a_callback_runs_does_not_count_into_the_epoch(function):
    assert history(function) == history(lambda model: None)


def test_nor_does_it_where_steps_are_skipped():
    data = X.copy()
    data[9] = np.nan
    model, other = regression(), regression()
    interrupted = Interrupted(lambda model: model.evaluate(10 * X, Y, verbose=0))
    options = {"batch_size": 8, "verbose": 0, "on_nonfinite": "skip", "shuffle": False}
    with pytest.warns(Warning):
        found = model.fit(data, Y, callbacks=[interrupted], **options).history
    with pytest.warns(Warning):
        assert found == other.fit(data, Y, **options).history
    assert found["skipped"] == [1]


def test_an_evaluation_inside_an_evaluation_does_not_count_into_it():
    model = regression()
    interrupted = Interrupted(lambda model: model.evaluate(10 * X, Y, verbose=0))
    expected = model.evaluate(X, Y, batch_size=8, verbose=0)
    assert model.evaluate(X, Y, batch_size=8, verbose=0, callbacks=[interrupted]) == expected


def test_the_metrics_hold_the_last_run_when_none_is_around_it():
    model = regression()
    found = model.evaluate(X, Y, verbose=0)
    loss, given = model.metrics
    assert [float(loss.result()), *map(float, given.result().values())] == found


def test_a_metric_object_of_two_models_counts_for_the_run_in_progress():
    metric = pw.metrics.MeanAbsoluteError(name="mae")
    one, another = regression(metrics=[metric]), regression(metrics=[metric])
    interrupted = Interrupted(lambda model: another.evaluate(10 * X, Y, verbose=0))
    found = one.fit(X, Y, batch_size=8, shuffle=False, verbose=0, callbacks=[interrupted]).history
    assert found == regression().fit(X, Y, batch_size=8, shuffle=False, verbose=0).history


def test_a_metric_object_in_two_places_of_a_compile_is_refused():
    metric = pw.metrics.MeanAbsoluteError()
    for options in ({"metrics": [metric, metric]}, {"metrics": [metric], "weighted_metrics": [metric]}):
        with pytest.raises(
            ValueError, match=r"The metric object .* is given twice: its state would mix both. Give one object for each"
        ):
            regression(**options).evaluate(X, Y, verbose=0)


def test_a_loss_object_serves_two_outputs_and_two_models():
    loss = pw.losses.MeanSquaredError()
    inputs = pw.Input((4,))
    model = pw.Model(inputs, [layers.Dense(1)(inputs), layers.Dense(1)(inputs)])
    model.compile("sgd", [loss, loss])
    model.layers[2].set_weights(model.layers[1].get_weights())
    total, first, second = model.evaluate(X, [Y, Y], verbose=0)
    assert first == second
    np.testing.assert_allclose(total, 2 * first, rtol=1e-6)


# -- optimizers


def test_an_optimizer_object_of_two_models_is_refused():
    optimizer = pw.optimizers.Adam()
    first, second = regression(optimizer), regression(optimizer)
    first.fit(X, Y, verbose=0)
    with pytest.raises(
        ValueError, match=rf"{second.name!r} is the object that already trains {first.name!r}.*Adam.from_config"
    ):
        second.train_on_batch(X, Y)
    first.train_on_batch(X, Y)
    assert optimizer.iterations == 3


def test_an_optimizer_whose_model_is_gone_begins_anew_at_its_present_rate():
    optimizer = pw.optimizers.Adam(0.01)
    first = regression(optimizer)
    first.fit(X, Y, verbose=0)
    optimizer.learning_rate = 0.5
    del first
    gc.collect()
    second, fresh = regression(optimizer), regression(pw.optimizers.Adam(0.5))
    second.train_on_batch(X, Y), fresh.train_on_batch(X, Y)
    assert optimizer.iterations == 1
    for ours, theirs in zip(second.get_weights(), fresh.get_weights()):
        np.testing.assert_array_equal(ours, theirs)


def test_models_of_the_same_weights_may_share_an_optimizer():
    optimizer = pw.optimizers.Adam()
    first = regression(optimizer)
    first.fit(X, Y, verbose=0)
    again = pw.Sequential([pw.Input((4,)), *first.layers])
    again.compile(optimizer, "mse")
    again.train_on_batch(X, Y)
    first.compile(optimizer, "mae")
    first.train_on_batch(X, Y)
    assert optimizer.iterations == 4
