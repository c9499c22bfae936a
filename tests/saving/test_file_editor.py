"""KerasFileEditor: the weights in a file looked at, held against a model, changed and written, for us and for Keras."""

import inspect
import io
import os
import zipfile

import archives
import h5py
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import phasewise as pw
from phasewise.saving import FileError, KerasFileEditor, load_model

LAYERS = pw.layers


@pytest.fixture(autouse=True)
def quiet(capsys):
    yield
    capsys.readouterr()


def trained(library, units=3):
    """Layers with weights inside of others: a chain without weights of its own, a layer with weights and a layer inside."""
    inner = library.Sequential([library.layers.Dense(2, use_bias=False)], name="inner")
    outer = library.layers.Bidirectional(library.layers.LSTM(2), name="both")
    model = library.Sequential(
        [
            library.Input((5, 4)),
            outer,
            library.layers.Dense(units, name="first"),
            library.layers.BatchNormalization(),
            inner,
        ]
    )
    model.compile("adam", "mse")
    model.fit(np.ones((4, 5, 4)), np.ones((4, 2)), verbose=0)
    return model


@pytest.fixture(scope="module", params=[pw, keras], ids=["ours", "theirs"])
def saved(request, tmp_path_factory):
    """(model, .keras file, .weights.h5 file), of ours and of Keras's."""
    folder, model = tmp_path_factory.mktemp("saved"), trained(request.param)
    model.save(folder / "x.keras")
    model.save_weights(folder / "x.weights.h5")
    return model, folder / "x.keras", folder / "x.weights.h5"


@pytest.fixture
def small(tmp_path):
    """The file of a model of two layers."""
    model = pw.Sequential([pw.Input((4,)), LAYERS.Dense(3, name="first"), LAYERS.Dense(2, name="last")])
    model.save_weights(tmp_path / "small.weights.h5")
    return tmp_path / "small.weights.h5"


def leaves(tree, path=""):
    for name, each in tree.items():
        if isinstance(each, dict):
            yield from leaves(each, f"{path}/{name}")
        else:
            yield f"{path}/{name}", each


# -- looking


def test_it_has_the_methods_of_keras_with_their_arguments():
    def methods(cls):
        return {
            name: list(inspect.signature(method).parameters)
            for name, method in vars(cls).items()
            if not name.startswith("_") and callable(method)
        }

    assert methods(KerasFileEditor) == methods(keras.saving.KerasFileEditor)
    assert list(inspect.signature(KerasFileEditor).parameters) == ["filepath"]


@pytest.mark.parametrize("form", [1, 2], ids=["keras", "weights"])
def test_every_array_of_the_file_is_there_at_its_place(saved, form):
    tree, expected = KerasFileEditor(saved[form]).weights_dict, {}
    with archives_h5(saved[form]) as file:
        file.visititems(lambda name, item: expected.update({name: item[()]}) if hasattr(item, "shape") else None)
    found = {
        f"{path.rpartition('/')[0]}/vars/{path.rpartition('/')[2]}".lstrip("/"): each for path, each in leaves(tree)
    }
    assert found.keys() == expected.keys()
    for name, each in expected.items():
        np.testing.assert_array_equal(found[name], each)


def archives_h5(path):
    if not zipfile.is_zipfile(path):
        return h5py.File(path)
    return h5py.File(io.BytesIO(zipfile.ZipFile(path).read("model.weights.h5")))


def test_a_whole_model_s_config_and_metadata_are_there_too(saved):
    whole, weights = KerasFileEditor(saved[1]), KerasFileEditor(saved[2])
    assert whole.config["class_name"] == "Sequential" and "keras_version" in whole.metadata
    assert (weights.config, weights.metadata) == (None, None)


def test_the_names_of_layers_are_told(saved):
    told = KerasFileEditor(saved[2]).object_metadata
    assert told["/layers/dense"] == {"name": "first"} and "adam" in told["/optimizer"]["name"]


def test_the_summary_is_a_tree_with_shapes(small, capsys):
    editor = KerasFileEditor(small)
    capsys.readouterr()
    editor.summary()
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[lines.index(["layers"]) :] == [
        ["layers"],
        ["dense", "first"],
        ["0", "(4,", "3)", "float32"],
        ["1", "(3,)", "float32"],
        ["dense_1", "last"],
        ["0", "(3,", "2)", "float32"],
        ["1", "(2,)", "float32"],
    ]


def test_weights_are_in_the_order_of_their_numbers(saved):
    optimizer = list(KerasFileEditor(saved[2]).weights_dict["optimizer"])
    assert optimizer == [str(number) for number in range(len(optimizer))] and len(optimizer) > 10


# -- comparing


def test_a_file_fits_the_model_that_it_is_of(saved, capsys):
    model, _, weights = saved
    if not isinstance(model, pw.Model):
        model = load_model(saved[1])
    editor = KerasFileEditor(weights)
    arrays = len(list(leaves(editor.weights_dict)))
    assert editor.compare(model) == {"status": "success", "error_count": 0, "match_count": arrays}
    assert f"fits the model {model.name!r}: {arrays} weights match" in capsys.readouterr().out


def test_what_differs_is_listed_and_counted_once(saved, capsys):
    model = trained(pw, units=7)
    model.add(LAYERS.Dense(4, use_bias=False))
    found = KerasFileEditor(saved[1]).compare(model)
    printed = capsys.readouterr().out
    assert found["status"] == "error"
    for words in ("/layers/dense/0 (4, 3) (4, 7)", "/layers/dense/1 (3,) (7,)", "/layers/dense_1 - 1 weight"):
        assert words in " ".join(printed.split())
    assert f"{found['error_count']} differences; {found['match_count']} weights match" in printed


def test_on_chains_it_counts_the_errors_that_keras_counts(small):
    theirs = keras.Sequential([keras.Input((4,)), keras.layers.Dense(5), keras.layers.BatchNormalization()])
    ours = pw.Sequential([pw.Input((4,)), LAYERS.Dense(5), LAYERS.BatchNormalization()])
    expected = keras.saving.KerasFileEditor(str(small)).compare(theirs)
    assert KerasFileEditor(small).compare(ours)["error_count"] == expected["error_count"] == 4


def test_a_model_that_is_not_built_has_nothing_to_compare(small):
    with pytest.raises(ValueError, match="has no weights to compare yet"):
        KerasFileEditor(small).compare(pw.Sequential([LAYERS.Dense(3)]))


# -- changing and writing


def test_what_is_saved_unchanged_opens_in_both_with_every_weight(saved, tmp_path):
    KerasFileEditor(saved[1]).save(tmp_path / "again.weights.h5")
    for library in (pw, keras):
        model = trained(library)
        model.load_weights(tmp_path / "again.weights.h5")
        for weight, expected in zip(model.get_weights(), saved[0].get_weights(), strict=True):
            np.testing.assert_array_equal(weight, expected)


def test_a_whole_model_stays_one_with_its_assets_and_its_optimizer(tmp_path):
    words = pw.layers.TextVectorization(output_mode="count")
    words.adapt(["a b", "b c"])
    model = pw.Sequential([pw.Input((), dtype="string"), words, LAYERS.Dense(2)])
    model.compile("adam", "mse")
    model.fit(np.array(["a", "b"], object), np.ones((2, 2)), verbose=0)
    model.save(tmp_path / "x.keras")
    editor = KerasFileEditor(tmp_path / "x.keras")
    editor.weights_dict["layers"]["dense"]["1"] += 1
    editor.save(tmp_path / "x.keras")
    opened, texts = load_model(tmp_path / "x.keras"), np.array(["c b", "d"], object)
    expected = model.predict(texts, verbose=0) + 1
    np.testing.assert_allclose(opened.predict(texts, verbose=0), expected, rtol=1e-6)
    assert int(opened.optimizer.iterations) == 1


def test_keras_opens_an_edited_whole_model(tmp_path):
    model = trained(keras)
    model.save(tmp_path / "x.keras")
    editor = KerasFileEditor(tmp_path / "x.keras")
    editor.add_weights("layers/dense", {"1": jnp.full(3, 7.0)})
    editor.save(tmp_path / "y.keras")
    opened = keras.models.load_model(tmp_path / "y.keras")
    np.testing.assert_array_equal(opened.get_layer("first").bias, [7, 7, 7])
    np.testing.assert_array_equal(opened.get_layer("first").kernel, model.get_layer("first").kernel)


@pytest.mark.parametrize("library", [pw, keras], ids=["ours", "theirs"])
def test_a_file_is_made_to_fit_a_changed_model(library, saved, tmp_path):
    """A layer in front of another of its class, and one that is gone."""
    layers = library.layers
    inner = library.Sequential([layers.Dense(2, use_bias=False)])
    outer = layers.Bidirectional(layers.LSTM(2))
    model = library.Sequential([library.Input((5, 4)), outer, layers.Dense(4, use_bias=False), layers.Dense(3), inner])
    editor = KerasFileEditor(saved[2])
    editor.rename_object("layers/dense", "dense_1")
    editor.add_object("layers/dense", {"0": np.eye(4, dtype="float32")})
    editor.delete_object("batch_normalization")
    editor.delete_object("optimizer")
    editor.resave_weights(tmp_path / "new.weights.h5")
    model.load_weights(tmp_path / "new.weights.h5")
    np.testing.assert_array_equal(model.layers[1].kernel, np.eye(4))
    np.testing.assert_array_equal(model.layers[2].kernel, saved[0].get_layer("first").kernel)
    np.testing.assert_array_equal(model.layers[3].get_weights()[0], saved[0].get_layer("inner").get_weights()[0])


def test_weights_are_taken_out_and_put_in(small, tmp_path):
    editor = KerasFileEditor(small)
    editor.delete_weight("dense", "1")
    assert list(editor.weights_dict["layers"]["dense"]) == ["0"]
    editor.add_weights("dense", {"1": [1.0, 2.0, 3.0]})
    editor.save(tmp_path / "new.weights.h5")
    again = KerasFileEditor(tmp_path / "new.weights.h5").weights_dict["layers"]["dense"]
    assert again["1"].tolist() == [1, 2, 3]


def test_names_go_with_what_is_renamed_and_loading_by_name_finds_it(small, tmp_path):
    editor = KerasFileEditor(small)
    editor.rename_object("dense_1", "head")
    editor.save(tmp_path / "new.weights.h5")
    model = pw.Sequential([pw.Input((3,)), LAYERS.Dense(2, name="last")])
    loaded = model.load_weights(tmp_path / "new.weights.h5", by_name=True)
    assert len(loaded.taken) == 2


def test_half_precision_survives(tmp_path):
    model = pw.Sequential([pw.Input((2,)), LAYERS.Dense(2, dtype="bfloat16")])
    model.save_weights(tmp_path / "x.weights.h5")
    editor = KerasFileEditor(tmp_path / "x.weights.h5")
    assert editor.weights_dict["layers"]["dense"]["0"].dtype == jnp.bfloat16
    editor.save(tmp_path / "y.weights.h5")
    model.load_weights(tmp_path / "y.weights.h5")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e: e.rename_object("dens", "x"), "no object 'dens' in .* Did you mean 'dense'"),
        (lambda e: e.rename_object("layer/dense", "x"), "Did you mean 'layers/dense'"),
        (
            lambda e: e.rename_object("dense", "dense_1"),
            "cannot be called 'dense_1': 'layers/dense_1' is there already",
        ),
        (lambda e: e.rename_object("dense", "layers/x"), "'layers/x' is no name .* without '/'"),
        (lambda e: e.rename_object("dense", "vars"), "'vars' is no name"),
        (lambda e: e.delete_object("zzz"), r"no object 'zzz' in .* summary\(\) lists all"),
        (lambda e: e.delete_weight("dense", "2"), "'layers/dense' has no weight '2'; it has '0', '1'"),
        (lambda e: e.delete_weight("layers", "dense"), "'layers' has no weight 'dense'; it has none"),
        (lambda e: e.add_object("layrs/x", {}), "no 'layrs' for 'layrs/x' to lie in. Did you mean 'layers'"),
        (lambda e: e.add_object("layers/dense", {}), "There is 'layers/dense' already"),
        (lambda e: e.add_object("layers/x", [1]), "weights is a dict of names, .* got list"),
        (lambda e: e.add_weights("dense", {0: np.ones(1)}), "0 is no name for an object or a weight"),
        (lambda e: e.save("x.npz"), "a name that ends in '.weights.h5'; got 'x.npz'"),
        (lambda e: e.save("x.keras"), "the ending .keras is for what was opened as such a file"),
    ],
)
def test_mistakes_are_told_and_change_nothing(change, message, small):
    editor = KerasFileEditor(small)
    before = dict(leaves(editor.weights_dict))
    with pytest.raises(ValueError, match=message):
        change(editor)
    after = dict(leaves(editor.weights_dict))
    assert after.keys() == before.keys() and all(after[name] is before[name] for name in before)


def test_a_weight_is_made_of_numbers(small, tmp_path):
    editor = KerasFileEditor(small)
    with pytest.raises(TypeError, match="The weight '1' is an array of numbers; got 'ones'"):
        editor.add_weights("dense", {"1": "ones"})
    editor.weights_dict["layers"]["dense"]["1"] = None
    with pytest.raises(TypeError, match="The weight 'layers/dense/1' is an array of numbers; got None"):
        editor.save(tmp_path / "x.weights.h5")
    assert not (tmp_path / "x.weights.h5").exists()


def test_of_two_objects_of_one_name_the_path_says_which(saved):
    with pytest.raises(
        ValueError, match="2 objects are called 'dense': say which by its path, 'layers/dense', 'layers/seq"
    ):
        KerasFileEditor(saved[2]).delete_object("dense")


def test_the_old_file_stays_whole_where_the_disk_fails(small, monkeypatch):
    editor, before = KerasFileEditor(small), small.read_bytes()
    editor.delete_object("dense")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(
        OSError, match=r"could not be written: No space left on device\. What was there before is whole"
    ):
        editor.save(small)
    assert small.read_bytes() == before and os.listdir(small.parent) == [small.name]


# -- files that are none


def test_what_holds_no_weights_is_refused_by_what_it_is(tmp_path):
    (tmp_path / "x.txt").write_text("weights")
    with pytest.raises(FileError, match=r"opens \.keras and \.weights\.h5 files; .* is no model"):
        KerasFileEditor(tmp_path / "x.txt")
    with pytest.raises(FileNotFoundError, match=r"Did you mean .*x\.txt"):
        KerasFileEditor(tmp_path / "x.tx")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(tmp_path / "x.h5")
    with pytest.raises(FileError, match=r"is a legacy \.h5 file"):
        KerasFileEditor(tmp_path / "x.h5")


def link_outside(file):
    file["layers/dense/vars/9"] = h5py.ExternalLink("/etc/passwd", "/x")


def soft_link(file):
    file["layers/dense/vars/9"] = h5py.SoftLink("/layers")


def huge(file):
    file.create_dataset("layers/dense/vars/9", (1 << 40,), "f4", chunks=(1 << 20,))


@pytest.mark.parametrize(
    ("harm", "message"),
    [(link_outside, "outside of itself"), (soft_link, "outside of itself"), (huge, "says that its shape is")],
)
def test_nothing_outside_of_the_file_is_read_and_no_size_believed(harm, message, small):
    with h5py.File(small, "r+") as file:
        harm(file)
    with pytest.raises(FileError, match=message):
        KerasFileEditor(small)


def test_an_archive_is_looked_at_as_load_model_does(tmp_path):
    members = archives.members()
    path = tmp_path / "x.keras"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, "../out": b"x"}.items():
            archive.writestr(name, content)
    with pytest.raises(FileError, match="leads out of its folder"):
        KerasFileEditor(path)


def test_a_file_that_is_cut_off_is_told(small):
    small.write_bytes(small.read_bytes()[:-100])
    with pytest.raises(FileError, match="is cut off"):
        KerasFileEditor(small)
