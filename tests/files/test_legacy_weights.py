"""Weights in the legacy .h5 files of Keras 2 and 3: by the order of layers, by their names, and what does not fit."""

import h5py
import keras
import numpy as np
import pytest
from keras2_files import unpacked

import phasewise as pw

L = pw.layers


def recurrent():
    x = pw.Input((4, 3))
    h = L.Bidirectional(L.LSTM(2, return_sequences=True))(x)
    h = L.GRU(2, return_sequences=True)(h)
    h = L.SimpleRNN(2, return_sequences=True)(h)
    gates = pw.saving.get_registered_object("phasewise>keras2_hard_sigmoid")
    h = L.LSTM(2, return_sequences=True, go_backwards=True, recurrent_activation=gates)(h)
    h = L.RNN([L.GRUCell(2, reset_after=False)])(h)
    return pw.Model(x, L.Dense(2)(h))


def nested(library=pw, frozen=True):
    layers = library.layers
    hidden = layers.Dense(3, activation="tanh", name="hidden", trainable=not frozen)
    inner = library.Sequential([hidden, layers.BatchNormalization(name="norm")], name="inner")
    a, shared = library.Input((3,), name="a"), layers.Dense(3, name="shared")
    h = layers.Concatenate()([shared(inner(a)), shared(a)])
    h = layers.LayerNormalization(name="layer_normalization")(layers.Add()([h, h]))
    return library.Model(a, layers.Dense(1, name="dense")(h), name="outer")


def attention():
    x = pw.Input((4, 3))
    h = L.Add()([x, L.MultiHeadAttention(2, 2)(x, x)])
    h = L.LayerNormalization(epsilon=1e-6)(h)
    h = L.Flatten()(L.Attention()([h, h]))
    return pw.Model(x, L.Dense(2)(h))


@pytest.mark.parametrize("build", [recurrent, nested, attention])
def test_a_model_with_the_weights_of_keras_2_predicts_what_it_did_there(build, tmp_path):
    path, noted = unpacked(build.__name__, tmp_path)
    model = build()
    model.load_weights(path)
    np.testing.assert_allclose(model(noted["x"]), noted["y"], rtol=1e-5, atol=1e-6)


def test_weights_of_what_was_frozen_then_find_their_places_by_their_names(tmp_path):
    path, noted = unpacked("nested", tmp_path)
    model = nested(frozen=False)  # the file has the weights of the frozen layer behind all others
    model.load_weights(path)
    np.testing.assert_allclose(model(noted["x"]), noted["y"], rtol=1e-5, atol=1e-6)


def test_a_whole_model_of_keras_3_gives_its_weights(tmp_path):
    theirs, ours = nested(keras), nested()
    theirs.save(tmp_path / "x.h5")
    ours.load_weights(tmp_path / "x.h5")
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_names_in_several_attributes_are_one_list(tmp_path):
    model = pw.Sequential([pw.Input((1,)), *(L.Dense(1, name=f"d{i}") for i in range(6))])
    with h5py.File(tmp_path / "x.h5", "w") as file:
        for chunk in range(3):
            file.attrs[f"layer_names{chunk}"] = [f"d{i}".encode() for i in (2 * chunk, 2 * chunk + 1)]
        for number in range(6):
            group = file.create_group(f"d{number}")
            group.attrs["weight_names0"], group.attrs["weight_names1"] = [f"d{number}/kernel:0"], [f"d{number}/bias:0"]
            group[f"d{number}/kernel:0"], group[f"d{number}/bias:0"] = [[number]], [-number]
    model.load_weights(tmp_path / "x.h5")
    found = [float(np.squeeze(weight)) for weight in model.get_weights()]
    assert found == [value for number in range(6) for value in (number, -number)]


# -- by name


def dense(*names, units=2):
    return pw.Sequential([pw.Input((3,)), *(L.Dense(3 if name != "head" else units, name=name) for name in names)])


@pytest.fixture
def stored(tmp_path):
    model = keras.Sequential(
        [keras.Input((3,)), *(keras.layers.Dense(3, name=name) for name in ("one", "two", "head"))]
    )
    model.save(tmp_path / "x.h5")
    return tmp_path / "x.h5", {layer.name: layer.get_weights() for layer in model.layers}


def test_layers_are_found_by_name_and_the_others_told(stored):
    path, weights = stored
    model = dense("new", "two", "one")
    before = model.get_layer("new").get_weights()
    with pytest.warns(UserWarning, match=r"no layers called 'new': these are left as they are. It has 'head'"):
        report = model.load_weights(path, by_name=True)
    for name in ("one", "two"):
        for a, b in zip(model.get_layer(name).get_weights(), weights[name]):
            np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(model.get_layer("new").get_weights()[0], before[0])
    assert (len(report.taken), report.missing, report.unused) == (4, ["new"], ["head"])


def test_a_layer_of_the_same_name_and_another_shape_is_told_or_skipped(stored):
    path, weights = stored
    model = dense("one", "head", units=2)
    with pytest.raises(ValueError, match=r"Dense 'head' \(head\): kernel has shape \(3, 2\); the file has \(3, 3\)"):
        model.load_weights(path, by_name=True)
    with pytest.warns(UserWarning, match=r"kernel has shape \(3, 2\); the file has \(3, 3\)"):
        report = model.load_weights(path, skip_mismatch=True, by_name=True)
    np.testing.assert_array_equal(model.get_layer("one").get_weights()[0], weights["one"][0])
    assert len(report.mismatched) == 2


def test_no_name_in_common_is_an_error(stored):
    with pytest.raises(
        ValueError,
        match=r"No layer with weights of .* is called like one in .*'a', 'b'; the file has 'one', 'two', 'head'",
    ):
        dense("a", "b").load_weights(stored[0], by_name=True)


# -- what does not fit


def test_another_number_of_layers_names_those_of_one_side(stored):
    with pytest.raises(
        ValueError,
        match=r"model has 2 layers with weights, the file 3; only in the model: \['b'\]; only in the file: \['two', 'head'\]. by_name",
    ):
        dense("one", "b").load_weights(stored[0])


def test_another_number_of_weights_names_the_layer_and_all_shapes(stored):
    model = pw.Sequential([pw.Input((3,)), L.Dense(3), L.Dense(3), L.Dense(3, use_bias=False, name="last")])
    with pytest.raises(
        ValueError,
        match=r"Dense 'last' \(head\) has 1 weights, of shapes \[\(3, 3\)\]; the file has 2, of shapes \[\(3, 3\), \(3,\)\]",
    ):
        model.load_weights(stored[0])


def test_a_name_without_a_weight_is_damage(stored):
    with h5py.File(stored[0], "a") as file:
        del file["model_weights/two"]
    with pytest.raises(
        OSError, match=r"is damaged: it speaks of 'two' in '/model_weights', and there is no such thing"
    ):
        dense("one", "two", "head", units=3).load_weights(stored[0])


def test_mirrored_kernels_are_refused(tmp_path):
    model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Conv2D(1, 2)])
    model.save(tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5", "a") as file:
        file["model_weights"].attrs["backend"] = b"theano"
    with pytest.raises(ValueError, match="Theano, whose convolutions have their kernels mirrored"):
        pw.Sequential([pw.Input((4, 4, 1)), L.Conv2D(1, 2)]).load_weights(tmp_path / "x.h5")


def test_writing_the_legacy_form_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(
        ValueError, match=r"legacy .h5 files are read, not written: a whole model goes to a .keras file"
    ):
        dense("one").save_weights(tmp_path / "x.h5")
