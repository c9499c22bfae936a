"""Vocabularies in files of Keras on TensorFlow: opened here they give the same, and go back as they were.

`data/make_vocabulary_files.py` tells how the files were made.
"""

import gzip
import io
import json
import pathlib
import zipfile

import h5py
import numpy as np
import pytest
from archives import members, written

import phasewise as pw
from phasewise.saving import FileError, load_model

DATA = pathlib.Path(__file__).parent / "data"
NAMES = ["strings", "integers", "texts", "values"]
KERAS_CANNOT_OPEN = {  # an empty token at the end, which it leaves out; weights filled up to `max_tokens`
    "string_lookup_14",
    "string_lookup_16",
    "string_lookup_17",
    "string_lookup_18",
    "string_lookup_20",
    "string_lookup_21",
    "integer_lookup_18",
    "text_vectorization_19",
}
SET_LATER = {"string_lookup_22", "integer_lookup_20"}  # by `set_vocabulary`
DATA_OF = {
    "strings": [["cat", "cat", "dog"], ["emu", "cat", "dog"], ["Émile", "日本", "cat"], ["", "dog", "fox fox"]],
    "texts": ["the cat and the dog", "a cat; a cat", "Émile the 日本", "dog's dog", ""],
}


@pytest.fixture(params=NAMES, scope="module")
def opened(request, tmp_path_factory):
    """(path of the file, the model in it, what was noted of it)."""
    path = tmp_path_factory.mktemp("vocabularies") / f"{request.param}.keras"
    path.write_bytes(gzip.decompress((DATA / f"{request.param}.keras.gz").read_bytes()))
    with np.load(DATA / f"{request.param}.npz") as noted:
        return path, load_model(path), dict(noted)


def contents(path):
    """Configs of the layers by name, and the members of a file."""
    with zipfile.ZipFile(path) as file:
        inside = {name: file.read(name) for name in file.namelist()}
    layers = json.loads(inside["config.json"])["config"]["layers"]
    return {layer["name"]: {**layer["config"], "dtype": None} for layer in layers}, inside


def weights_in(inside):
    found = {}
    with h5py.File(io.BytesIO(inside["model.weights.h5"])) as file:
        file.visititems(lambda name, item: found.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
    return found


def test_the_layers_give_what_they_gave_in_keras(opened):
    _, model, noted = opened
    for number, (layer, found) in enumerate(zip(model.layers[1:], model.predict(noted["x"], verbose=0), strict=True)):
        np.testing.assert_allclose(found, noted[str(number)], rtol=1e-6, atol=1e-6, err_msg=str(layer.get_config()))


def test_saved_again_they_are_as_keras_wrote_them(opened, tmp_path):
    """Vocabularies that Keras cannot open again from its own file stand in the config instead, where it can."""
    path, model, noted = opened
    model.save(tmp_path / "again.keras")
    (theirs, inside), (ours, again) = contents(path), contents(tmp_path / "again.keras")
    moved = {name for name in theirs if theirs[name] != ours[name]}
    assert moved == KERAS_CANNOT_OPEN & set(theirs)
    for name in moved:
        layer = model.get_layer(name)
        assert ours[name].pop("vocabulary") == layer.get_vocabulary(include_special_tokens=False)
        assert theirs[name].pop("vocabulary") is None
        first = len(layer.get_vocabulary()) - len(layer.get_vocabulary(include_special_tokens=False))
        assert theirs[name].pop("idf_weights") is None
        weights = ours[name].pop("idf_weights")
        if layer.output_mode == "tf_idf":
            np.testing.assert_array_equal(np.float32(weights), layer.idf_weights[first : layer.vocabulary_size()])
    assert ours == theirs
    assets = {name for name in inside if name.startswith("assets/") and not moved & set(name.split("/"))}
    assert {name: again[name] for name in again if name.startswith("assets/")} == {
        name: inside[name] for name in assets
    }
    kept, written_again = weights_in(inside), weights_in(again)
    assert written_again.keys() == kept.keys()
    for name, values in kept.items():
        np.testing.assert_array_equal(written_again[name], values)
    twice = load_model(tmp_path / "again.keras")
    for found, wanted in zip(twice.predict(noted["x"], verbose=0), model.predict(noted["x"], verbose=0)):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("opened", NAMES[:3], indirect=True)
def test_layers_adapted_here_give_what_keras_gave(opened):
    """The sums behind a vocabulary and its weights, not only how they are read."""
    path, model, noted = opened
    configs, _ = contents(path)
    adapted = [name for name in configs if configs[name].get("vocabulary", "none") is None and name not in SET_LATER]
    assert len(adapted) >= 5
    data = np.array(DATA_OF[path.stem]) if path.stem in DATA_OF else noted["x"]
    numbers = {layer.name: number for number, layer in enumerate(model.layers[1:])}
    for name in adapted:
        layer = model.get_layer(name)
        again = type(layer).from_config({**layer.get_config(), "vocabulary": None, "idf_weights": None})
        again.adapt(data)
        np.testing.assert_allclose(again(noted["x"]), noted[str(numbers[name])], rtol=1e-6, atol=1e-6, err_msg=name)


# -- how many there are


def words(tmp_path, vocabulary, **changed):
    inside = members("words")
    config = json.loads(inside["config.json"])
    config["config"]["layers"][-1]["config"].update(changed)
    inside["config.json"] = json.dumps(config).encode()
    inside["assets/layers/string_lookup/vocabulary.txt"] = vocabulary
    return load_model(written(tmp_path / "x.keras", inside)).layers[-1].get_vocabulary()


@pytest.mark.parametrize(
    ("vocabulary", "size", "tokens"),
    [
        (b"[UNK]\nb\na", 3, ["[UNK]", "b", "a"]),
        (b"[UNK]\nb\na\n", 3, ["[UNK]", "b", "a"]),
        (b"[UNK]\nb\na\n", 4, ["[UNK]", "b", "a", ""]),
        (b"[UNK]\r\nb\r\na", 3, ["[UNK]", "b", "a"]),
        (b"[UNK]\nb\r\na", 3, ["[UNK]", "b\r", "a"]),
        ("[UNK]\nb\u2028c\na".encode(), 3, ["[UNK]", "b\u2028c", "a"]),
        (b"[UNK]\nb\na\n", None, ["[UNK]", "b", "a"]),
    ],
)
def test_the_number_of_tokens_tells_what_ends_a_line(tmp_path, vocabulary, size, tokens):
    assert words(tmp_path, vocabulary, vocabulary_size=size) == tokens


@pytest.mark.parametrize("vocabulary", [b"[UNK]\nb", b"[UNK]\nb\nc\na"])
def test_another_number_of_tokens_than_the_config_says_is_refused(tmp_path, vocabulary):
    found = len(vocabulary.split())
    with pytest.raises(
        FileError,
        match=rf"StringLookup 'lookup' has 3 tokens by its config, and vocabulary.txt has {found}.*damaged, or a token has a line",
    ):
        words(tmp_path, vocabulary, vocabulary_size=3)


def test_a_vocabulary_that_is_not_there_is_refused(tmp_path):
    inside = members("words")
    del inside["assets/layers/string_lookup/vocabulary.txt"]
    with pytest.raises(
        FileError, match=r"StringLookup 'lookup' has 3 tokens by its config, and vocabulary.txt is missing"
    ):
        load_model(written(tmp_path / "x.keras", inside))


def test_a_string_that_no_model_returns_is_told():
    with pytest.raises(ValueError, match="is strings, and a model computes numbers: it cannot return them"):
        pw.Sequential([pw.Input((2,), dtype="int64"), pw.layers.StringLookup(vocabulary=["a"], invert=True)])
