"""The state of a large model is written over by each chunk; the last good one is there whatever ends the run."""

import gc
import os
import signal
import threading
import weakref

import jax
import numpy as np
import pytest

import phasewise as pw
from phasewise import layers
from phasewise.training import run

X = np.random.default_rng(0).normal(size=(64, 6)).astype("float32")
Y = X[:, :2].copy()


@pytest.fixture(params=[0, 1 << 40], ids=["in place", "kept"])
def bytes_from_which(request, monkeypatch):
    """Every model counts as large, or none."""
    monkeypatch.setattr(run, "IN_PLACE_BYTES", request.param)


def regressor(optimizer="adam", **options):
    pw.set_random_seed(1)
    pw.backend.clear_session(free_memory=False)
    model = pw.Sequential(
        [pw.Input((6,)), layers.Dense(8, activation="tanh"), layers.BatchNormalization(), layers.Dense(2, name="head")]
    )
    model.compile(optimizer, "mse", **options)
    return model


def fitted(monkeypatch, least, **options):
    monkeypatch.setattr(run, "IN_PLACE_BYTES", least)
    model = regressor()
    history = model.fit(X, Y, batch_size=20, epochs=4, verbose=0, **options)
    return model, history.history["loss"]


@pytest.mark.parametrize("policy", ["raise", "ignore", "skip"])
@pytest.mark.few(1)
def test_both_ways_give_the_same_training(monkeypatch, policy):
    kept, losses = fitted(monkeypatch, 1 << 40, on_nonfinite=policy)
    in_place, others = fitted(monkeypatch, 0, on_nonfinite=policy)
    np.testing.assert_allclose(others, losses, rtol=1e-5)
    for ours, theirs in zip(in_place.get_weights(), kept.get_weights()):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("bytes_from_which")
def test_nan_in_the_data_leaves_the_state_before_that_step():
    bad = X.copy()
    bad[45, 2] = np.nan  # in the third batch of 20
    model, twin = regressor(), regressor()
    with pytest.warns(pw.warning.NonFiniteWarning), pytest.raises(pw.NonFiniteError) as raised:
        model.fit(bad, Y, batch_size=20, shuffle=False, verbose=0)
    assert (raised.value.step, raised.value.where, raised.value.rows.tolist()) == (2, "input", [5])
    twin.fit(X[:40], Y[:40], batch_size=20, shuffle=False, verbose=0)
    for ours, theirs in zip(model.get_weights(), twin.get_weights()):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    assert model.optimizer.iterations == 2


@pytest.mark.usefixtures("bytes_from_which")
def test_a_gradient_that_is_not_finite_is_located_and_changes_nothing():
    inputs = pw.Input((6,))
    hidden = layers.Dense(4, name="before")(inputs)
    outputs = layers.Dense(2)(layers.Lambda(lambda x: pw.ops.sqrt(pw.ops.abs(x * 0)), name="rooted")(hidden))
    model = pw.Model(inputs, outputs)
    model.compile("adam", "mse")
    before = model.get_weights()
    with pytest.raises(pw.NonFiniteError) as raised:
        model.fit(X, Y, batch_size=32, verbose=0)
    assert raised.value.where == "gradient"
    for ours, theirs in zip(model.get_weights(), before):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.usefixtures("bytes_from_which")
def test_an_update_that_overflows_is_an_error_and_changes_nothing():
    model = regressor(pw.optimizers.SGD(1e38))
    before = model.get_weights()
    with pytest.raises(pw.NonFiniteError) as raised:
        model.fit(X, Y * 1e20, batch_size=32, verbose=0)
    assert raised.value.step == 0
    for ours, theirs in zip(model.get_weights(), before):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.usefixtures("bytes_from_which")
@pytest.mark.extensive
def test_a_large_gradient_that_does_no_harm_is_no_error():
    """A step that only might have gone wrong is made all the same, as is what follows it."""
    model = regressor(pw.optimizers.SGD(1e-20))
    history = model.fit(X, Y * 1e17, batch_size=20, epochs=2, verbose=0)
    assert np.isfinite(history.history["loss"]).all()
    assert model.optimizer.iterations == 8


@pytest.mark.usefixtures("bytes_from_which")
def test_an_error_in_a_callback_leaves_what_was_learnt_so_far():
    class Failing(pw.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                seen.extend(self.model.get_weights())
                raise RuntimeError("enough")

    seen, model = [], regressor()
    with pytest.raises(RuntimeError, match="enough"):
        model.fit(X, Y, batch_size=20, verbose=0, callbacks=[Failing()])
    for ours, theirs in zip(model.get_weights(), seen):
        np.testing.assert_array_equal(ours, theirs)
    model.fit(X, Y, batch_size=20, verbose=0)


@pytest.mark.usefixtures("bytes_from_which")
def test_ctrl_c_at_any_moment_leaves_weights_that_can_be_read_and_trained_on():
    model = regressor()
    model.fit(X, Y, batch_size=2, verbose=0)
    for delay in (0.005, 0.01, 0.03, 0.1):
        timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
        with pytest.raises(KeyboardInterrupt):
            timer.start()
            model.fit(X, Y, batch_size=2, epochs=2000, verbose=0)
        assert all(np.isfinite(w).all() for w in model.get_weights())
    model.fit(X, Y, batch_size=20, verbose=0)


@pytest.mark.usefixtures("bytes_from_which")
def test_arrays_that_someone_else_holds_stay_what_they_were():
    model = regressor()
    model.fit(X, Y, batch_size=20, verbose=0)
    held = [v.value for v in model.weights]
    views = [np.asarray(v.value) for v in model.weights]
    slots = jax.tree.leaves(model.optimizer.state)
    copies = [np.array(array) for array in (*held, *slots)]
    model.fit(X, Y, batch_size=20, epochs=2, verbose=0)
    for array, copied in zip((*held, *slots), copies):
        np.testing.assert_array_equal(np.asarray(array), copied)
    for view, copied in zip(views, copies):
        np.testing.assert_array_equal(view, copied)


@pytest.mark.usefixtures("bytes_from_which")
def test_weights_that_a_callback_sets_are_trained_on():
    class Zeroing(pw.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.get_layer("head").set_weights([np.zeros((8, 2)), np.zeros(2)])

    model = regressor(pw.optimizers.SGD(1e-12))
    model.fit(X, Y, batch_size=32, epochs=2, verbose=0, callbacks=[Zeroing()])
    np.testing.assert_allclose(model.get_layer("head").get_weights()[0], np.zeros((8, 2)), atol=1e-9)


def test_a_slow_step_does_not_mean_chunks_of_one():
    from phasewise.training.loop import Chunks

    for seconds, least, most in ((1e-5, 4, 20_000), (0.02, 4, 10), (0.1, 8, 8), (0.2, 5, 5), (0.5, 2, 2), (3.0, 1, 1)):
        chunks = Chunks()
        chunks._learn(4, 4 * seconds)
        assert least <= chunks._next() <= most


def test_a_short_rest_of_an_epoch_is_no_chunk_of_its_own():
    from phasewise.training.loop import Chunks

    for steps, counts in ((4, [4]), (9, [9]), (12, [12]), (13, [8, 5]), (17, [8, 9])):
        chunks = Chunks()
        chunks._learn(4, 4 * 0.06)
        chunks._learn = lambda count, seconds: None
        assert [count for _, count in chunks.split(steps)] == counts
    assert [count for _, count in Chunks(4).split(5)] == [4, 1]  # where callbacks ask for every fourth step


@pytest.mark.extensive
def test_a_prediction_keeps_no_weights_alive_that_training_has_replaced():

    model = pw.Sequential([pw.Input((6,)), layers.Dense(4000), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    model.predict(X, verbose=0)
    model(X)
    held = weakref.ref(model.layers[0].kernel.value)
    model.fit(X, Y, verbose=0)
    gc.collect()
    assert held() is None
