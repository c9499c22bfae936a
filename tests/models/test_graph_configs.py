"""Functional models go to Keras as configs, and come from it: the same layers, weights and predictions."""

import inspect
import json

import jax
import keras
import numpy as np
import pytest

import phasewise as pw

EMPTY = {"activity_regularizer", "quantization_config", "compile_config"}  # what Keras writes where there is none


def as_file(config):
    return json.loads(json.dumps(config))


def differences(a, b, path=""):
    """The places at which two configs differ, but for what says that there is none."""
    if isinstance(a, dict) and isinstance(b, dict):
        keys = [key for key in {**a, **b} if key not in EMPTY or a.get(key) or b.get(key)]
        return [d for key in keys for d in differences(a.get(key, "-"), b.get(key, "-"), f"{path}/{key}")]
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return [d for i, (x, y) in enumerate(zip(a, b)) for d in differences(x, y, f"{path}[{i}]")]
    return [] if a == b else [(path, a, b)]


def branches(K):
    """Two inputs and outputs, a branch, a layer called twice."""
    L = K.layers
    image, numbers = K.Input((6, 6, 2), name="image"), K.Input((4,), name="numbers")
    x = L.Conv2D(3, 3, padding="same", activation="relu", kernel_regularizer="l2", name="c1")(image)
    short = L.Conv2D(4, 1, name="short")(x)
    x = L.BatchNormalization(name="bn")(L.Conv2D(4, 3, padding="same", name="c2")(x))
    x = L.GlobalAveragePooling2D(name="gap")(L.Add(name="add")([short, x]))
    shared = L.Dense(4, name="shared")
    y = L.Dropout(0.5, name="drop")(shared(shared(numbers)))
    out = L.Dense(3, name="out")(L.Concatenate(name="cat")([x, y]))
    return K.Model([image, numbers], [L.Dense(2, name="early")(y), out], name="branches")


def arithmetic(K):
    """Operators, slices, functions of `ops`, nested outputs."""
    x = K.Input((4,), name="x")
    y = K.layers.Dense(4, name="d")(x)
    z = (2 - y + x * 0.5)[..., 1:]
    w = K.ops.concatenate([z, y], axis=-1) / 3.0
    w = K.ops.mean(w, axis=1, keepdims=True) ** 2
    w = w * K.ops.cast(z > 0, "float32")
    return K.Model({"x": x}, [w, {"z": -z, "last": y[:, -1]}], name="arithmetic")


def nested(K):
    """A model in a model, called twice; a Sequential; a part of a graph."""
    a, b = K.Input((3,), name="a"), K.Input((3,), name="b")
    inner = K.Model([a, b], K.layers.Add(name="sum")([K.layers.Dense(3, name="one")(a), b]), name="inner")
    chain = K.Sequential([K.Input((3,)), K.layers.Dense(3, name="two"), K.layers.ReLU(name="relu")], name="chain")
    x, y = K.Input((3,), name="x"), K.Input((3,), name="y")
    return K.Model([x, y], [inner([chain(x), inner([x, y])]), inner([y, y])], name="nested")


def data_for(model):
    rng = np.random.default_rng(0)
    return jax.tree.map(
        lambda t: rng.normal(size=(3, *t.shape[1:])).astype("float32"),
        model.input if isinstance(model.input, dict) else list(model.inputs),
    )


def assert_alike(model, other, data):
    for a, b in zip(jax.tree.leaves(model.predict(data, verbose=0)), jax.tree.leaves(other.predict(data, verbose=0))):
        np.testing.assert_allclose(a, b, atol=1e-5)


BUILDERS = [branches, arithmetic, nested]


@pytest.mark.parametrize("build", BUILDERS)
def test_a_model_comes_from_keras_and_goes_back_as_it_came(build):
    theirs = build(keras)
    config = as_file(theirs.get_config())
    ours = pw.Model.from_config(config)
    assert [layer.name for layer in ours.layers] == [layer.name for layer in theirs.layers]
    assert [w.shape for w in ours.weights] == [tuple(w.shape) for w in theirs.weights]
    assert differences(config, as_file(ours.get_config())) == []
    again = keras.Model.from_config(as_file(ours.get_config()))
    data = data_for(theirs)
    for model in (ours, again):
        model.set_weights(theirs.get_weights())
        assert_alike(theirs, model, data)


@pytest.mark.parametrize("build", BUILDERS)
def test_a_model_of_ours_goes_to_keras_and_comes_back(build):
    ours = build(pw)
    config = as_file(ours.get_config())
    theirs, again = keras.Model.from_config(as_file(config)), pw.Model.from_config(config)
    assert as_file(again.get_config()) == config
    for model in (theirs, again):
        model.set_weights(ours.get_weights())
        assert_alike(ours, model, data_for(ours))


def test_text_goes_both_ways():
    ours = arithmetic(pw)
    theirs = keras.models.model_from_json(ours.to_json(indent=1))
    back = pw.models.model_from_json(theirs.to_json())
    for model in (theirs, back):
        model.set_weights(ours.get_weights())
        assert_alike(ours, model, data_for(ours))


def test_the_layers_of_a_model_come_in_the_order_of_keras():
    assert [layer.name for layer in branches(pw).layers] == [layer.name for layer in branches(keras).layers]


def test_a_second_config_of_a_model_looks_at_no_signature_again(monkeypatch):
    model = branches(pw)
    first = model.get_config()

    def looked_at(function, **kwargs):
        raise AssertionError(f"the signature of {function} was read once more")

    monkeypatch.setattr(inspect, "signature", looked_at)
    assert model.get_config() == first


def test_a_constructor_that_a_class_was_given_later_is_the_one_that_its_config_follows():
    class Scaled(pw.layers.Layer):
        def __init__(self, scale=2, **kwargs):
            super().__init__(**kwargs)

    assert Scaled(scale=3).get_config()["scale"] == 3

    def with_offset(self, offset=1, **kwargs):
        pw.layers.Layer.__init__(self, **kwargs)

    Scaled.__init__ = with_offset
    config = Scaled(offset=4).get_config()
    assert config["offset"] == 4 and "scale" not in config


def test_the_default_of_training_in_a_users_subclass_of_keras_dropout_is_no_pin():
    theirs = type("Thinner", (keras.layers.Dropout,), {"__module__": "mine"})
    x = keras.Input((3,))
    config = as_file(keras.Model(x, theirs(0.5, name="drop")(x)).get_config())
    node = config["layers"][1]["inbound_nodes"][0]
    assert node["kwargs"] == {"training": False}
    ours = type("Thinner", (pw.layers.Dropout,), {"__module__": "mine"})
    (row,) = pw.models.Model.from_config(config, custom_objects={"Thinner": ours}).explain(print_fn=False)
    assert (row.fit.phase, row.fit.reason) == ("training", "fit")
