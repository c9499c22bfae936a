"""make_train_function and its siblings, which scripts written for Keras call: harmless, of use, and not to be defined anew."""

import numpy as np
import pytest

import phasewise as pw

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 3)).astype("float32"), RNG.normal(size=(8, 1)).astype("float32")


def network():
    made = pw.Sequential([pw.Input((3,)), pw.layers.Dense(2, name="first"), pw.layers.Dense(1)])
    made.compile("sgd", "mse", metrics=["mae"])
    return made


@pytest.fixture(scope="module")
def model():
    return network()


def test_called_after_a_change_of_trainable_they_leave_what_the_change_does(model):
    model.fit(X, Y, verbose=0)
    layer = model.get_layer("first")
    layer.trainable = False
    model.make_train_function()
    frozen, rest = layer.get_weights()[0], model.layers[1].get_weights()[0]
    model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(layer.get_weights()[0], frozen)
    assert np.abs(model.layers[1].get_weights()[0] - rest).max() > 0
    layer.trainable = True


def test_each_returns_a_function_of_an_iterator_of_batches(model):
    twin = network()
    twin.set_weights(model.get_weights())
    logs = model.make_train_function()(iter([(X, Y)]))
    assert logs == twin.train_on_batch(X, Y, return_dict=True)
    assert model.make_test_function()(iter([(X, Y)])) == twin.test_on_batch(X, Y, return_dict=True)
    np.testing.assert_array_equal(model.make_predict_function()(iter([(X,)])), twin.predict_on_batch(X))
    np.testing.assert_array_equal(model.get_weights()[0], twin.get_weights()[0])


def test_force_drops_what_was_compiled():
    model = network()
    model.train_on_batch(X, Y)
    model.make_train_function()
    assert model.programs
    model.make_train_function(force=True)
    assert not model.programs
    model.train_on_batch(X, Y)


@pytest.mark.parametrize("kind, use", [("train", "fit"), ("test", "evaluate"), ("predict", "predict")])
def test_a_class_that_defines_one_anew_is_refused_where_keras_would_call_it(kind, use):
    own = type("Own", (pw.Sequential,), {f"make_{kind}_function": lambda self, force=False: None})
    made = own([pw.Input((3,)), pw.layers.Dense(1)])
    made.compile("sgd", "mse")
    said = rf"Own defines make_{kind}_function, which nothing here calls: .* Define {kind}_step\(self, data\) instead\."
    with pytest.raises(TypeError, match=said):
        getattr(made, use)(X, **({} if use == "predict" else {"y": Y}), verbose=0)


def test_what_keras_keeps_of_them_is_answered_with_what_there_is(model):
    with pytest.raises(AttributeError, match=r"has no 'train_function'\. Use train_on_batch\."):
        model.train_function  # noqa: B018
