"""A FeatureSpace in a file: it comes back as it was adapted, from files of ours and of Keras's, and Keras opens ours."""

import gzip
import io
import json
import pathlib
import zipfile

import h5py
import keras
import numpy as np
import pytest

import phasewise as pw
from phasewise.files.file_error import FileError
from phasewise.saving import load_model

FeatureSpace = pw.utils.FeatureSpace
DATA = pathlib.Path(__file__).parent / "data"  # by Keras; see make_feature_space_files.py
OTHER = {
    "age": [0.0, 35.0],
    "city": ["rome", "paris"],
    "code": [8, 7],
    "cut": [0.0, 0.25],
    "kept": [-1.0, 2.0],
    "plain": [1.0, 2.0],
    "tag": ["z", "w"],
    "text": ["b b c", "e"],
}
NUMBERS = {"age": [20.0, 30.0, 40.0], "cut": [0.1, 0.2, 0.4], "kept": [1.5, 2.5, 3.5], "plain": [9.0, 8.0, 7.0]}


@pw.saving.register_keras_serializable("tests")
class Ranked(pw.layers.Layer):
    """A preprocessor of one's own: how far a number is above the least that it has seen."""

    def build(self, input_shape):
        self.least = self.add_weight((), initializer="zeros", trainable=False, name="least")

    def adapt(self, data):
        self.build((None, 1))
        self.built = True
        self.least.assign(min(np.min(batch) for batch in data))

    def call(self, inputs):
        return inputs - self.least


def by_keras(name, tmp_path):
    """A space that Keras saved, opened, and what Keras made of other rows."""
    path = tmp_path / f"{name}.keras"
    path.write_bytes(gzip.decompress((DATA / f"{name}.keras.gz").read_bytes()))
    return load_model(path)


def rows_of(space):
    return {column: OTHER[column] for column in space.features}


@pytest.fixture(scope="module")
def numbers():
    space = FeatureSpace(
        {
            "age": "float_normalized",
            "cut": FeatureSpace.float_discretized(3),
            "kept": "float",
            "plain": FeatureSpace.float_rescaled(2.0, 1.0),
        },
        name="numbers",
    )
    space.adapt(NUMBERS)
    return space


def again(space, tmp_path, **options):
    space.save(tmp_path / "space.keras")
    return load_model(tmp_path / "space.keras", **options)


# -- of Keras's


def test_a_space_of_keras_makes_of_rows_what_it_made_there(tmp_path):
    space = by_keras("vector", tmp_path)
    np.testing.assert_allclose(space(rows_of(space)), np.load(DATA / "vector.npz")["rows"], rtol=1e-6)


def test_a_space_of_keras_with_words_and_a_dict_does(tmp_path):
    space, expected = by_keras("apart", tmp_path), np.load(DATA / "apart.npz")
    found = space(rows_of(space))
    assert found.keys() == set(expected.files)
    for name, rows in found.items():
        np.testing.assert_allclose(rows, expected[name], rtol=1e-6)


def test_one_that_keras_saved_before_it_had_seen_data_asks_for_them(tmp_path):
    space = by_keras("unadapted", tmp_path)
    with pytest.raises(ValueError, match="The features age learn from data: call adapt"):
        space({"age": [1.0], "kept": [2.0]})
    space.adapt({"age": [1.0, 3.0], "kept": [0.0, 0.0]})
    np.testing.assert_allclose(space({"age": [2.0], "kept": [5.0]}), [[0, 5]])


# -- there and back


@pytest.mark.parametrize("name", ["vector", "apart"])
def test_it_comes_back_with_what_it_has_learnt(name, tmp_path):
    space = by_keras(name, tmp_path)
    found = again(space, tmp_path)
    assert found.name == space.name
    expected, rows = space(rows_of(space)), found(rows_of(space))
    for one, other in zip(*(each.values() if isinstance(each, dict) else [each] for each in (expected, rows))):
        np.testing.assert_array_equal(one, other)


def test_it_is_the_first_part_of_a_model_after_it_was_opened(numbers, tmp_path):
    found = again(numbers, tmp_path)
    model = pw.Model(found.get_inputs(), pw.layers.Dense(1, kernel_initializer="ones")(found.get_encoded_features()))
    columns = {name: np.array(values, "float32") for name, values in NUMBERS.items()}
    expected = np.asarray(numbers(NUMBERS)).sum(1, keepdims=True)
    np.testing.assert_allclose(model.predict(columns, verbose=0), expected, rtol=1e-5)


def test_it_can_be_adapted_anew(numbers, tmp_path):
    found = again(numbers, tmp_path)
    found.adapt({**NUMBERS, "age": [0.0, 2.0, 4.0]})
    np.testing.assert_allclose(np.asarray(found(NUMBERS))[0, 0], (20 - 2) / np.std([0, 2, 4]), rtol=1e-6)


def test_a_folder_does_as_well(numbers, tmp_path):
    numbers.save(tmp_path / "space", zipped=False)
    np.testing.assert_array_equal(load_model(tmp_path / "space")(NUMBERS), numbers(NUMBERS))


def test_layers_of_one_s_own_are_found_by_the_name_they_are_registered_under(tmp_path):
    space = FeatureSpace({"kept": FeatureSpace.feature("float32", Ranked(), "float")})
    space.adapt({"kept": [3.0, 2.0, 9.0]})
    np.testing.assert_array_equal(again(space, tmp_path)({"kept": [4.0]}), [[2.0]])


def test_a_layer_that_is_not_registered_is_told_of_and_refused_without_custom_objects(tmp_path):
    class Shifted(pw.layers.Layer):
        def call(self, inputs):
            return inputs + 1

    space = FeatureSpace({"kept": FeatureSpace.feature("float32", Shifted(), "float")})
    with pytest.warns(pw.warning.PhasewiseWarning, match="speaks of the class Shifted by name only"):
        space.save(tmp_path / "space.keras")
    with pytest.raises(pw.saving.FileError, match="'Shifted', which is nothing that is registered here"):
        load_model(tmp_path / "space.keras")
    opened = load_model(tmp_path / "space.keras", custom_objects={"Shifted": Shifted})
    np.testing.assert_array_equal(opened({"kept": [4.0]}), [[5.0]])


def test_one_that_has_not_seen_its_data_is_not_saved(tmp_path):
    with pytest.raises(ValueError, match="The features age learn from data: call adapt"):
        FeatureSpace({"age": "float_normalized"}).save(tmp_path / "space.keras")
    assert not list(tmp_path.iterdir())


def test_a_description_alone_has_learnt_nothing(numbers):
    made = FeatureSpace.from_config(json.loads(json.dumps(numbers.get_config())))
    with pytest.raises(ValueError, match="The features age learn from data"):
        made(NUMBERS)


# -- in Keras


def test_keras_opens_it_and_computes_the_same(numbers, tmp_path):
    numbers.save(tmp_path / "space.keras")
    space = keras.models.load_model(tmp_path / "space.keras")
    model = keras.Model(space.get_inputs(), space.get_encoded_features())
    columns = {name: np.array(values, "float32")[:, None] for name, values in NUMBERS.items()}
    np.testing.assert_allclose(model.predict(columns, verbose=0), numbers(NUMBERS), rtol=1e-6)


@pytest.mark.parametrize("name", ["vector", "apart"])
def test_it_is_written_as_keras_writes_it(name, tmp_path):
    space = by_keras(name, tmp_path)
    space.save(tmp_path / "ours.keras")
    theirs, ours = (zipfile.ZipFile(tmp_path / file) for file in (f"{name}.keras", "ours.keras"))
    assert set(ours.namelist()) == set(theirs.namelist())
    for member in theirs.namelist():
        if member.startswith("assets/"):
            assert ours.read(member) == theirs.read(member)
    assert arrays(ours) == arrays(theirs)
    assert without_what_differs(ours) == without_what_differs(theirs)


def arrays(archive):
    found = {}
    with h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(lambda name, item: found.update({name: item[()].tolist()} if hasattr(item, "shape") else {}))
    return found


def without_what_differs(archive):
    """The config without the numbers that only say which objects are the same, and without shapes to build layers that hold nothing."""

    def cut(item):
        if isinstance(item, list):
            return [cut(each) for each in item]
        if not isinstance(item, dict):
            return item
        if item.get("class_name") == "DTypePolicy":
            return item["config"]["name"]  # Keras writes some in this form, some in that
        return {key: cut(each) for key, each in item.items() if key not in ("shared_object_id", "build_config")}

    described = cut(json.loads(archive.read("config.json")))
    described["config"].pop("name", None)
    return described


# -- what a file may not do


def changed(tmp_path, change):
    """A space of Keras's whose config has been changed."""
    path = tmp_path / "vector.keras"
    path.write_bytes(gzip.decompress((DATA / "vector.keras.gz").read_bytes()))
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    config = json.loads(members["config.json"])
    change(config)
    members["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


LAMBDA = {"module": "keras.layers", "class_name": "Lambda", "config": {"function": {"class_name": "__lambda__"}}}
CALL = {"module": "os", "class_name": "function", "config": "system", "registered_name": "system"}


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ({"module": "keras.utils", "class_name": "get_file", "config": {}}, "'get_file', which is nothing"),
        ({"module": "os", "class_name": "popen", "config": {"cmd": "id"}}, "'popen', which is nothing"),
        ({"module": "keras.layers", "class_name": "Dense", "config": {"units": 1}}, "speaks of Feature and Cross; got"),
        ("float_bold", "one of 'float'"),
        (["float"], "one of 'float'"),
    ],
)
def test_a_feature_is_nothing_but_a_feature(what, message, tmp_path):
    path = changed(tmp_path, lambda config: config["config"]["features"].update(age=what))
    with pytest.raises(pw.saving.FileError, match=message):
        load_model(path)


@pytest.mark.parametrize(
    ("what", "message"),
    [(LAMBDA, "Lambda"), (CALL, "'system', which is nothing that is registered"), (None, "is a layer; got None")],
)
def test_a_feature_s_layer_runs_no_code_of_the_file(what, message, tmp_path):
    path = changed(tmp_path, lambda config: config["config"]["features"]["age"]["config"].update(preprocessor=what))
    with pytest.raises(pw.saving.FileError, match=message):
        load_model(path)


def test_a_build_config_of_other_columns_is_told(tmp_path):
    path = changed(tmp_path, lambda config: config["build_config"].update(agee={"input_shape": [None, 1]}))
    with pytest.raises(pw.saving.FileError, match=r"the column 'agee', which is none .* Did you mean 'age'"):
        load_model(path)


def test_a_vocabulary_that_is_missing_is_told(tmp_path):
    path = changed(tmp_path, lambda config: None)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist() if "string_lookup" not in name}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with pytest.raises(
        FileError, match=r"'city_preprocessor' has 4 tokens by its config, and vocabulary\.txt is missing"
    ):
        load_model(path)
