"""Weights by name: safetensors, npz, dicts of arrays; and layers by name in Keras 3's own files."""

import json
import os
import resource
import struct

import keras
import ml_dtypes
import numpy as np
import pytest
from safetensors.numpy import load_file

import phasewise as pw

L = pw.layers


def model_of(library=pw, units=2):
    layers = library.layers
    inner = library.Sequential([layers.Dense(3, name="d"), layers.BatchNormalization(name="norm")], name="inner")
    x = library.Input((3,))
    return library.Model(x, layers.Dense(units, name="head")(inner(x)))


def assert_same(a, b):
    for first, second in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


NAMES = {
    "inner/d/kernel",
    "inner/d/bias",
    *(f"inner/norm/{n}" for n in ("gamma", "beta", "moving_mean", "moving_variance")),
    "head/kernel",
    "head/bias",
}


@pytest.mark.parametrize("ending", ["safetensors", "npz"])
def test_a_file_of_named_weights_comes_back(ending, tmp_path):
    model, again = model_of(), model_of()
    model.save_weights(tmp_path / f"x.{ending}")
    again.load_weights(tmp_path / f"x.{ending}")
    assert_same(model, again)


def test_others_read_the_files_by_the_paths_of_the_variables(tmp_path):
    model, theirs = model_of(), model_of(keras)
    model.save_weights(tmp_path / "x.safetensors")
    model.save_weights(tmp_path / "x.npz")
    found = load_file(tmp_path / "x.safetensors")
    assert set(found) == set(np.load(tmp_path / "x.npz")) == NAMES == {v.path for v in theirs.weights}
    np.testing.assert_array_equal(found["head/kernel"], model.get_layer("head").get_weights()[0])
    with open(tmp_path / "x.safetensors", "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    assert header["__metadata__"]["format"] == "phasewise"


def test_a_dict_of_arrays_comes_back_and_is_a_copy():
    model, again = model_of(), model_of()
    weights = pw.saving.weights_to_dict(model)
    assert set(weights) == NAMES
    report = pw.saving.weights_from_dict(again, weights)
    assert_same(model, again)
    assert len(report.taken) == 8
    weights["head/kernel"][:] = 7
    for each in (model, again):
        assert not np.any(each.get_layer("head").get_weights()[0] == 7)


def test_names_under_the_name_of_another_model_are_the_same():
    chain, again = (pw.Sequential([pw.Input((3,)), L.Dense(2, name="d")]) for _ in range(2))
    other = {f"sequential_9/{name}": value for name, value in pw.saving.weights_to_dict(chain).items()}
    pw.saving.weights_from_dict(again, other)
    assert_same(chain, again)


@pytest.mark.parametrize("ending", ["safetensors", "npz"])
def test_bfloat16_keeps_its_bits(ending, tmp_path):
    model, again = (pw.Sequential([pw.Input((3,)), L.Dense(2, dtype="bfloat16", name="d")]) for _ in range(2))
    model.save_weights(tmp_path / f"x.{ending}")
    again.load_weights(tmp_path / f"x.{ending}")
    assert again.get_weights()[0].dtype == ml_dtypes.bfloat16
    assert_same(model, again)


@pytest.mark.parametrize("by_name", [None, True])
def test_what_only_one_side_has_is_told(by_name, tmp_path):
    model = model_of()
    weights = pw.saving.weights_to_dict(model)
    weights["head/kernal"] = weights.pop("head/kernel")
    if by_name:
        with pytest.warns(
            UserWarning, match=r"no layers called 'head': .* It has 'head/kernal', which the model has not"
        ):
            assert len(pw.saving.weights_from_dict(model, weights, by_name=True).taken) == 7
        return
    with pytest.raises(
        ValueError,
        match=r"no 'head/kernel' of shape \(3, 2\); there is 'head/kernal'\n.*it has 'head/kernal' of shape \(3, 2\)",
    ):
        pw.saving.weights_from_dict(model, weights)


def test_another_shape_has_both_in_the_message_and_changes_nothing(tmp_path):
    model, other = model_of(), model_of(units=4)
    other.save_weights(tmp_path / "x.safetensors")
    before = model.get_weights()
    with pytest.raises(
        ValueError, match=r"Dense 'head' \(head/kernel\): kernel has shape \(3, 2\); the file has \(3, 4\)"
    ):
        model.load_weights(tmp_path / "x.safetensors")
    for a, b in zip(model.get_weights(), before):
        np.testing.assert_array_equal(a, b)
    with pytest.warns(UserWarning, match="only what fits was loaded"):
        assert len(model.load_weights(tmp_path / "x.safetensors", skip_mismatch=True).mismatched) == 2


def test_two_weights_of_one_name_are_refused(tmp_path):
    class Twice(pw.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = L.Dense(2, name="d"), L.Dense(2, name="d")

        def call(self, x):
            return self.b(self.a(x))

    model = Twice()
    model(np.zeros((1, 3)))
    with pytest.raises(
        ValueError, match=r"Two weights are called 'd/kernel'.*save to .weights.h5, which goes by their places"
    ):
        model.save_weights(tmp_path / "x.npz")


@pytest.mark.parametrize("ending", ["safetensors", "npz"])
@pytest.mark.parametrize("damage", [lambda c: c[: len(c) // 2], lambda c: b"weights", lambda c: b""])
def test_a_damaged_file_is_told(ending, damage, tmp_path):
    path, model = tmp_path / f"x.{ending}", model_of()
    model.save_weights(path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(OSError, match=rf"x.{ending}' is no .*{ending} file, or it is damaged"):
        model.load_weights(path)


def test_changed_bytes_of_an_npz_are_found_before_anything_is_changed(tmp_path):
    path, model = tmp_path / "x.npz", model_of()
    model.save_weights(path)
    content, value = bytearray(path.read_bytes()), model.get_layer("head").get_weights()[0].tobytes()
    content[content.index(value)] ^= 1
    path.write_bytes(content)
    before = model.get_weights()
    with pytest.raises(OSError, match=r"Bad CRC-32 for file 'head/kernel.npy'"):
        model.load_weights(path)
    for a, b in zip(model.get_weights(), before):
        np.testing.assert_array_equal(a, b)


def test_objects_in_an_npz_are_not_unpickled(tmp_path):
    path, model = tmp_path / "x.npz", model_of()
    weights = pw.saving.weights_to_dict(model)

    class Run:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    np.savez(path, **{**weights, "head/bias": np.array([Run(), Run()], object)})
    with pytest.raises((OSError, ValueError), match="head/bias"):
        model.load_weights(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("ending", ["safetensors", "npz"])
def test_a_disk_that_takes_no_more_leaves_the_last_file_whole(ending, tmp_path):
    path, small = tmp_path / f"x.{ending}", model_of()
    small.save_weights(path)
    whole, allowed = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, allowed[1]))
    try:
        with pytest.raises(OSError, match=rf"x.{ending}' could not be written: .*What was there before is whole"):
            model_of(units=4000).save_weights(path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, allowed)
    assert path.read_bytes() == whole
    assert os.listdir(tmp_path) == [path.name]


def test_a_folder_that_does_not_exist_is_told(tmp_path):
    for ending in ("safetensors", "npz", "weights.h5"):
        with pytest.raises(
            FileNotFoundError, match=rf"nowhere/x.{ending}' could not be written: the folder '.*nowhere' does not exist"
        ):
            model_of().save_weights(tmp_path / "nowhere" / f"x.{ending}")


# -- layers by name in a file that goes by places


def backbone(library):
    layers = library.layers
    return [
        layers.Dense(3, name="first"),
        layers.BatchNormalization(name="norm"),
        layers.Bidirectional(layers.LSTM(2), name="both"),
    ]


def whole(library, *around):
    first, norm, both = backbone(library)
    before, after = (list(each) for each in around) if around else ([], [])
    return library.Sequential([library.Input((4, 3)), *before, first, norm, both, *after])


@pytest.mark.few(1)
@pytest.mark.parametrize("form", ["x.weights.h5", "x.weights.json", "x.keras"])
def test_layers_of_keras_are_taken_by_name_wherever_they_stand(form, tmp_path):
    theirs = whole(keras, [], [keras.layers.Dense(5, name="their_head")])
    theirs.save(tmp_path / form) if form == "x.keras" else theirs.save_weights(
        tmp_path / form, **({"max_shard_size": 400 / 2**30} if form == "x.weights.json" else {})
    )
    ours = whole(pw, [L.Dense(3, name="added")], [L.Dense(2, name="head")])
    with pytest.warns(UserWarning, match=r"no layers called 'added', 'head'.*It has 'their_head'"):
        report = ours.load_weights(tmp_path / form, by_name=True)
    for name in ("first", "norm", "both"):
        for a, b in zip(ours.get_layer(name).get_weights(), theirs.get_layer(name).get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)
    assert (report.missing, report.unused, len(report.taken)) == (["added", "head"], ["their_head"], 12)


def test_of_two_layers_of_one_name_it_is_the_one_in_models_of_the_same_names(tmp_path):
    def two(library):
        layers = library.layers
        inner = library.Sequential([layers.Dense(3, name="d")], name="inner")
        return library.Sequential([library.Input((3,)), inner, layers.Dense(3, name="d")])

    theirs, ours = two(keras), two(pw)
    theirs.save_weights(tmp_path / "x.weights.h5")
    ours.load_weights(tmp_path / "x.weights.h5", by_name=True)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    alone = pw.Sequential([pw.Input((3,)), pw.Sequential([L.Dense(3, name="d")], name="other")])
    with pytest.raises(ValueError, match=r"has 2 layers called 'd', at .*give the layers of the model other names"):
        alone.load_weights(tmp_path / "x.weights.h5", by_name=True)


def test_layers_inside_layers_are_not_taken_for_layers_of_the_model(tmp_path):
    theirs = keras.Sequential(
        [keras.Input((4, 3)), keras.layers.Bidirectional(keras.layers.LSTM(2, name="inside"), name="both")]
    )
    theirs.save_weights(tmp_path / "x.weights.h5")
    ours = pw.Sequential([pw.Input((4, 3)), L.LSTM(2, name="forward_inside")])
    with pytest.raises(ValueError, match=r"No layer with weights of .* is called like one"):
        ours.load_weights(tmp_path / "x.weights.h5", by_name=True)
    with pytest.raises(ValueError, match="by_name"):
        ours.load_weights(tmp_path / "x.weights.h5", by_name="both")
