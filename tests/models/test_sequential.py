"""Sequential: known and deferred input shapes, add and pop, what may come first, its config."""

import keras
import numpy as np
import pytest

import phasewise as pw

X = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
BOTH = pytest.mark.parametrize("K", [pw, keras], ids=["phasewise", "keras"])


def first_layers(K):
    """Every way to say the input's shape."""
    inputs = K.Input((5,))
    return {
        "Input": [K.Input((5,)), K.layers.Dense(3)],
        "InputLayer": [K.layers.InputLayer(shape=(5,)), K.layers.Dense(3)],
        "input_shape": [K.layers.Dense(3, input_shape=(5,))],
        "input_dim": [K.layers.Dense(3, input_dim=5)],
        "functional": [K.Model(inputs, K.layers.Dense(3)(inputs))],
        "sequential": [K.Sequential([K.Input((5,)), K.layers.Dense(3)])],
    }


@pytest.mark.filterwarnings("ignore:Do not pass an `input_shape`")
@pytest.mark.parametrize("way", ["Input", "InputLayer", "input_shape", "input_dim", "functional", "sequential"])
@BOTH
def test_a_chain_whose_input_shape_is_known_is_built_at_once(K, way):
    model = K.Sequential([*first_layers(K)[way], K.layers.Dense(2)])
    assert model.built
    assert (len(model.weights), len(model.layers)) == (4, 2)
    assert (model.input_shape, model.output_shape) == ((None, 5), (None, 2))
    assert model(X).shape == (4, 2)


@BOTH
def test_a_chain_without_an_input_shape_is_built_by_its_first_data(K):
    model = K.Sequential([K.layers.Dense(3), K.layers.BatchNormalization()])
    assert (model.built, len(model.weights)) == (False, 0)
    model(X)
    assert (model.built, len(model.weights)) == (True, 6)


@pytest.mark.parametrize("how", ["call", "build", "fit", "predict"])
def test_a_deferred_chain_has_the_weights_and_paths_of_one_that_knew(how):
    model = pw.Sequential([pw.layers.Dense(3, name="a"), pw.layers.Dense(2, name="b")], name="net")
    model.compile("sgd", "mse")
    {
        "call": lambda: model(X),
        "build": lambda: model.build((None, 5)),
        "fit": lambda: model.fit(X, X[:, :2], verbose=0),
        "predict": lambda: model.predict(X, verbose=0),
    }[how]()
    knew = pw.Sequential([pw.Input((5,)), pw.layers.Dense(3, name="a"), pw.layers.Dense(2, name="b")], name="net")
    assert (
        [w.path for w in model.weights]
        == [w.path for w in knew.weights]
        == [f"net/{layer}/{w}" for layer in "ab" for w in ("kernel", "bias")]
    )
    assert (model.input_shape, model.output_shape) == ((None, 5), (None, 2))


def test_a_deferred_chain_takes_other_lengths_later():
    model = pw.Sequential([pw.layers.Dense(3), pw.layers.Lambda(lambda x: x.mean(1))])
    assert model(np.ones((2, 7, 5))).shape == (2, 3)
    assert model(np.ones((2, 9, 5))).shape == (2, 3)


@pytest.mark.parametrize("start", [[], [5]], ids=["deferred", "known"])
def test_layers_added_and_popped_between_calls_change_the_model_and_keep_the_weights_of_the_rest(start):
    model = pw.Sequential([*(pw.Input((n,)) for n in start), pw.layers.Dense(3), pw.layers.Dense(2)])
    model(X)
    kernel = model.layers[0].get_weights()[0]
    popped = model.pop()
    assert popped.units == 2
    assert model(X).shape == (4, 3)
    model.add(pw.layers.Dense(6))
    model.compile("sgd", "mse")
    assert model(X).shape == model.predict(X, verbose=0).shape == (4, 6)
    assert len(model.weights) == 4
    np.testing.assert_array_equal(model.layers[0].get_weights()[0], kernel)
    model.fit(X, np.zeros((4, 6)), verbose=0)


def test_a_layer_that_stays_after_a_pop_still_has_one_output():
    model = pw.Sequential([pw.Input((5,)), pw.layers.Dense(3), pw.layers.Dense(2)])
    model.pop()
    assert model.layers[0].output.shape == model.output_shape == (None, 3)


def test_a_chain_that_was_emptied_can_be_filled_again():
    model = pw.Sequential([pw.Input((5,)), pw.layers.Dense(3)])
    model.pop()
    assert (model.built, model.layers) == (False, [])
    model.add(pw.layers.Dense(2))
    assert model(X).shape == (4, 2)


@BOTH
def test_chains_nest(K):
    inner = K.Sequential([K.layers.Dense(3), K.layers.Dense(2)])
    model = K.Sequential([K.Input((5,)), inner, K.layers.Dense(1)])
    assert model.output_shape == (None, 1)
    assert len(model.weights) == 6
    assert [w.path for w in model.weights][:4] == [w.path for w in inner.weights]


def test_paths_in_nested_chains_are_those_of_keras():
    def paths(K):
        inner = K.Sequential([K.Input((5,)), K.layers.Dense(3, name="a")], name="inner")
        return [w.path for w in K.Sequential([K.Input((5,)), inner, K.layers.Dense(2, name="b")], name="outer").weights]

    assert paths(pw) == paths(keras)


@BOTH
def test_training_reaches_the_layers(K):
    model = K.Sequential([K.Input((5,)), K.layers.Dropout(0.5)])
    np.testing.assert_array_equal(model(X), X)
    assert (np.asarray(model(X, training=True)) == 0).any()


def test_the_config_rebuilds_the_chain():
    model = pw.Sequential(
        [pw.Input((5,), name="x"), pw.layers.Dense(3, name="a"), pw.layers.ReLU(name="b")], name="net"
    )
    again = pw.Sequential.from_config(model.get_config())
    assert again.get_config() == model.get_config()
    assert again.built and again.output_shape == (None, 3)
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again(X), model(X))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: pw.Sequential([3]), TypeError, "Sequential takes layers; got 3 of type int"),
        (lambda: pw.Sequential([pw.layers.Dense]), TypeError, "Sequential takes layers"),
        (
            lambda: pw.Sequential([pw.layers.Dense(1, name="a"), pw.layers.Dense(2, name="a")]),
            ValueError,
            "already has a layer called 'a'",
        ),
        (lambda: pw.Sequential([pw.layers.Dense(1), pw.Input((5,))]), ValueError, "an Input can only come first"),
        (lambda: pw.Sequential(name="net").pop(), IndexError, "'net' has no layer to pop"),
        (lambda: pw.Sequential(name="net")(X), ValueError, "'net' has no layers: add some"),
        (
            lambda: pw.Sequential([pw.Input((5,)), pw.layers.Dot(1, name="dot")]),
            ValueError,
            "'dot' takes a list of two",
        ),
        (
            lambda: pw.Sequential([pw.Input((5,), name="x"), pw.layers.Dense(1)])(X[:, :2]),
            ValueError,
            r"Input 'x' expects shape \(None, 5\).*shape \(None, 2\)",
        ),
    ],
)
def test_a_mistake_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()
