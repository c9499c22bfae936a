"""save and load_model: whole models both ways, what is told of a file that does not do, and a disk that takes no more."""

import json
import os
import resource
import zipfile

import keras
import numpy as np
import pytest

import phasewise as pw
from phasewise.saving import FileError, load_model
from saving.archives import config, members, with_config, written

X = np.random.default_rng(0).normal(size=(6, 8, 8, 3)).astype("float32")


def network(library):
    layers = library.layers
    x = library.Input((8, 8, 3))
    h = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(4, 3, padding="same")(x)))
    shared = layers.Conv2D(4, 1, name="shared")
    h = layers.Dropout(0.2)(layers.Add()([shared(h), shared(shared(h))]))
    inner = library.Sequential([library.Input((4,)), layers.Dense(5, activation="gelu"), layers.Dense(3)], name="head")
    return library.Model(x, inner(layers.GlobalAveragePooling2D()(h)))


def test_a_model_goes_from_keras_to_us_and_back_with_every_bit(tmp_path):
    theirs = network(keras)
    rng = np.random.default_rng(1)
    theirs.set_weights([rng.uniform(0.1, 1.0, w.shape).astype("float32") for w in theirs.get_weights()])
    theirs.save(tmp_path / "theirs.keras")
    ours = load_model(tmp_path / "theirs.keras")
    expected = theirs.predict(X, verbose=0)
    np.testing.assert_allclose(ours.predict(X, verbose=0), expected, rtol=1e-5, atol=1e-5)
    ours.save(tmp_path / "ours.keras")
    again = keras.saving.load_model(tmp_path / "ours.keras")
    np.testing.assert_allclose(again.predict(X, verbose=0), expected, rtol=1e-6, atol=1e-6)
    for a, b in zip(again.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_person_brings_a_model_asks_it_mends_it_and_takes_it_back(tmp_path):
    labels = (X.mean((1, 2, 3)) > 0).astype("int32")
    theirs = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            keras.layers.Conv2D(4, 3, activation="relu"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    theirs.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    theirs.fit(X, labels, epochs=1, verbose=0)
    theirs.save(tmp_path / "trained.keras")

    model = pw.saving.load_model(tmp_path / "trained.keras")
    assert "norm" in str(model.explain(print_fn=False))
    by_batch = model.predict(X, batch_size=6, verbose=0, statistics="batch")
    assert np.abs(by_batch - model.predict(X, verbose=0)).max() > 1e-3
    pw.recalibrate(model, X, batch_size=6)
    np.testing.assert_allclose(model.predict(X, verbose=0), by_batch, rtol=1e-3, atol=1e-4)
    model.save(tmp_path / "mended.keras")

    mended = keras.saving.load_model(tmp_path / "mended.keras")
    np.testing.assert_allclose(mended.evaluate(X, labels, verbose=0), model.evaluate(X, labels, verbose=0), atol=1e-5)


@pw.utils.register_keras_serializable("mine")
class Counting(pw.layers.Layer):
    """A layer that says itself how it stands in a file, and keeps a file of its own."""

    def __init__(self, words=(), **kwargs):
        super().__init__(**kwargs)
        self.words, self.seen = list(words), None

    def build(self, shape):
        self.scale = self.add_weight((), initializer="ones", name="scale")

    def call(self, x):
        return x * self.scale

    def save_own_variables(self, store):
        super().save_own_variables(store)
        store["more"] = np.arange(3)

    def load_own_variables(self, store):
        self.more = np.array(store["more"])
        super().load_own_variables({name: value for name, value in store.items() if name != "more"})

    def save_assets(self, dir_path):
        with open(os.path.join(dir_path, "words.txt"), "w") as file:
            file.write("\n".join(self.words))

    def load_assets(self, dir_path):
        with open(os.path.join(dir_path, "words.txt")) as file:
            self.words = file.read().split("\n")


@pytest.mark.parametrize("zipped", [True, False])
def test_hooks_of_a_layer_of_one_s_own(zipped, tmp_path):
    model = pw.Sequential([pw.Input((2,)), Counting(["a", "b"])])
    model.layers[0].scale.assign(3.0)
    path = tmp_path / ("x.keras" if zipped else "saved")
    model.save(path, zipped=zipped)
    layer = load_model(path).layers[0]
    assert (float(layer.scale.value), layer.words, layer.more.tolist()) == (3.0, ["a", "b"], [0, 1, 2])


def test_a_vocabulary_goes_with_the_model(tmp_path):
    words = np.array(["a b c", "b c", "c d"], object)
    for mode in ("int", "multi_hot", "tf_idf"):
        layer = pw.layers.TextVectorization(output_mode=mode, output_sequence_length=4 if mode == "int" else None)
        layer.adapt(words)
        model = pw.Sequential([pw.Input((), dtype="string"), layer])
        model.save(tmp_path / "x.keras")
        again = load_model(tmp_path / "x.keras")
        np.testing.assert_array_equal(again.predict(words, verbose=0), model.predict(words, verbose=0))
    with zipfile.ZipFile(tmp_path / "x.keras") as file:
        assert (
            file.read("assets/layers/text_vectorization/vocabulary.txt").decode().split("\n") == layer.get_vocabulary()
        )


def test_tokens_that_no_line_can_hold_are_not_lost(tmp_path):
    layer = pw.layers.StringLookup()
    layer.adapt(np.array(["two\nlines", "a\u2028b", "", "z"], object))
    pw.Sequential([pw.Input((), dtype="string"), layer]).save(tmp_path / "x.keras")
    assert load_model(tmp_path / "x.keras").layers[0].get_vocabulary() == layer.get_vocabulary()


# -- what is told


def test_a_path_that_does_not_exist_is_told_with_what_is_there(tmp_path):
    written(tmp_path / "digits.keras", members())
    with pytest.raises(FileNotFoundError, match=r"digit.keras' does not exist.*Did you mean .*digits.keras"):
        load_model(tmp_path / "digit.keras")
    with pytest.raises(FileNotFoundError, match="nor does its folder"):
        load_model(tmp_path / "nowhere" / "x.keras")


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n" + bytes(99), b"hello", b"PK\x03\x04 hello"])
def test_a_file_that_is_no_model(content, tmp_path):
    (tmp_path / "x.keras").write_bytes(content)
    with pytest.raises(FileError, match=r"x.keras' is no (model|\.keras file)"):
        load_model(tmp_path / "x.keras")
    with pytest.raises(FileError, match="is no model"):
        load_model(tmp_path)


def test_what_a_file_is_is_found_by_its_content(tmp_path):
    load_model(written(tmp_path / "model.bin", members()))
    (tmp_path / "x.keras").write_text(json.dumps(config()))
    with pytest.raises(FileError, match=r"is a JSON text.*model_from_json"):
        load_model(tmp_path / "x.keras")


def test_a_truncated_archive(tmp_path):
    whole = written(tmp_path / "x.keras", members()).read_bytes()
    for part in (len(whole) // 2, len(whole) - 30):
        (tmp_path / "x.keras").write_bytes(whole[:part])
        with pytest.raises(FileError, match=r"is no .keras file, or it is cut off"):
            load_model(tmp_path / "x.keras")


def test_a_bit_that_has_changed(tmp_path):
    path = written(tmp_path / "x.keras", members())
    found = bytearray(path.read_bytes())
    found[found.index(b"\x89HDF") + 3000] ^= 4
    path.write_bytes(found)
    with pytest.raises(FileError, match=r"damaged in 'model.weights.h5': its checksum is another"):
        load_model(path)


def test_weights_of_another_shape_name_the_layer_and_both_shapes(tmp_path):
    changed = config()
    changed["config"]["layers"][2]["config"]["units"] = 5
    with pytest.raises(FileError, match=r"Dense 'last' .*kernel has shape \(3, 5\); the file has \(3, 2\)"):
        load_model(with_config(tmp_path / "x.keras", changed))


def test_an_unknown_class_is_named_with_how_to_register_it(tmp_path):
    changed = config()
    changed["config"]["layers"][1].update(module="mine", class_name="Densely", registered_name="mine>Densely")
    path = with_config(tmp_path / "x.keras", changed)
    with pytest.raises(FileError, match=r"'mine>Densely'.*register_keras_serializable.*custom_objects={'Densely'"):
        load_model(path)
    assert load_model(path, custom_objects={"Densely": pw.layers.Dense}).layers[0].units == 3


def newer(path, **more):
    changed = config()
    changed["config"]["layers"][1]["config"].update(more)
    metadata = {"keras_version": "9.1.0", "date_saved": "later"}
    return written(path, {**members(), "config.json": changed, "metadata.json": metadata})


def test_a_newer_keras_is_opened_as_far_as_it_is_known(tmp_path):
    path = newer(tmp_path / "x.keras", shiny=7)
    with pytest.warns(pw.warning.PhasewiseWarning, match=r"newer Keras than .* Dense 'first' has shiny=7"):
        model = load_model(path)
    np.testing.assert_array_equal(model.get_weights()[0], load_model(written(path, members())).get_weights()[0])
    with pytest.raises(FileError, match=r"written by Keras 9.1.0, which is newer.*units"):
        load_model(newer(path, units="many"))
    changed = config()
    changed["config"]["layers"][1]["config"]["shiny"] = 7
    with pytest.raises(FileError, match="shiny"):
        load_model(with_config(path, changed))


def test_where_a_model_is_saved_is_checked(tmp_path):
    model = load_model(written(tmp_path / "x.keras", members()))
    for path, words in [("x.h5", "Name it .*x.keras"), ("x", "ends in '.keras'"), ("gs://b/x.keras", "elsewhere")]:
        with pytest.raises(ValueError, match=words):
            model.save(path)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.save(tmp_path / "x.keras", overwrite=False)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(FileExistsError, match="holds other things"):
        model.save(tmp_path / "mine", zipped=False)
    with pytest.raises(OSError, match="could not be written"):
        model.save(tmp_path / "nowhere" / "x.keras")
    assert (tmp_path / "mine" / "letter.txt").read_text() == "dear"


def test_every_file_of_the_folder_form_is_flushed_before_it_is_put_in_place(tmp_path, monkeypatch):
    flushed, flush = set(), os.fsync

    def noted(number):
        flushed.add(os.path.basename(os.readlink(f"/proc/self/fd/{number}")))
        flush(number)

    lookup = pw.layers.StringLookup()
    lookup.adapt(np.array(["a", "b"]))
    model = pw.Sequential([pw.Input((1,), dtype="string"), lookup])
    monkeypatch.setattr(os, "fsync", noted)
    model.save(tmp_path / "words", zipped=False)
    written = {each.name for each in (tmp_path / "words").rglob("*") if each.is_file()}
    assert "vocabulary.txt" in written and written <= flushed


def halved(x):
    return x / 2


def test_a_function_that_is_not_registered_is_told_of_when_the_model_is_saved(tmp_path):
    x = np.ones((1, 2))
    model = pw.Sequential([pw.Input((2,)), pw.layers.Lambda(halved), pw.layers.Activation(halved)])
    with pytest.warns(pw.warning.PhasewiseWarning, match="function halved by name only.*@phasewise.saving.register"):
        model.save(tmp_path / "x.keras")
    with pytest.raises(FileError, match="halved"):
        load_model(tmp_path / "x.keras")
    again = load_model(tmp_path / "x.keras", custom_objects={"halved": halved})  # as the warning says
    np.testing.assert_array_equal(again.predict(x, verbose=0), x / 4)


def test_a_function_of_a_users_own_is_never_taken_for_ours_of_the_same_name(tmp_path):
    def relu(x):
        return 100 * x

    def mse(y_true, y_pred):
        return abs(y_true - y_pred)

    model = pw.Sequential([pw.Input((2,)), pw.layers.Dense(2, activation=relu)])
    compiled = pw.Sequential([pw.Input((2,)), pw.layers.Dense(2)])
    compiled.compile("sgd", loss=mse)
    for each, name in ((model, "relu"), (compiled, "mse")):
        with pytest.warns(pw.warning.PhasewiseWarning, match=f"function {name} by name only"):
            each.save(tmp_path / "x.keras")
        with pytest.raises(FileError, match=f"speaks of '{name}', which is nothing that is registered here") as refused:
            load_model(tmp_path / "x.keras")
        assert f"Did you mean '{name}'" not in str(refused.value)
    x = np.ones((1, 2))
    model.save(tmp_path / "x.keras")
    again = load_model(tmp_path / "x.keras", custom_objects={"relu": relu})
    np.testing.assert_array_equal(again.predict(x, verbose=0), model.predict(x, verbose=0))


class Halving(pw.layers.Layer):
    def call(self, x):
        return x / 2


class Gap(pw.losses.Loss):
    def call(self, y_true, y_pred):
        return pw.ops.mean(abs(y_true - y_pred), -1)


class Own(pw.Model):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.halving = Halving()

    def call(self, x):
        return self.halving(x)


def test_a_class_that_is_not_registered_is_told_of_when_the_model_is_saved(tmp_path):
    x = np.ones((1, 2))
    model = pw.Sequential([pw.Input((2,)), Halving(), Halving()])
    model.compile("sgd", loss=Gap())
    with pytest.warns(pw.warning.PhasewiseWarning, match="the class Halving, the class Gap by name only.*'Gap': Gap}"):
        model.save(tmp_path / "x.keras")
    with pytest.raises(FileError, match="Halving"):
        load_model(tmp_path / "x.keras")
    again = load_model(tmp_path / "x.keras", custom_objects={"Halving": Halving, "Gap": Gap})  # as the warning says
    np.testing.assert_array_equal(again.predict(x, verbose=0), x / 4)


def test_a_model_whose_own_class_is_not_registered_is_told_of_and_a_known_one_is_not(tmp_path, recwarn):
    model = Own()
    model(np.ones((1, 2)))
    with pw.utils.custom_object_scope({"Own": Own}):
        model.save(tmp_path / "x.keras")
    assert not [str(each.message) for each in recwarn]
    with pytest.warns(pw.warning.PhasewiseWarning, match="the class Own by name only"):
        model.save(tmp_path / "x.keras")


def test_a_class_that_another_module_has_registered_does_not_stand_for_one_of_the_same_name(tmp_path):
    model = Own()
    model(np.ones((1, 2)))
    elsewhere = type("Own", (pw.Model,), {"__module__": "elsewhere"})
    pw.utils.register_keras_serializable("another")(elsewhere)
    try:
        with pytest.warns(pw.warning.PhasewiseWarning, match="the class Own by name only"):
            model.save(tmp_path / "x.keras")
    finally:
        for name in [name for name, value in pw.utils.get_custom_objects().items() if value is elsewhere]:
            del pw.utils.get_custom_objects()[name]


@pytest.fixture
def registered():
    """Registers a class or function under a package for one test."""
    entered = []

    def register(package, item):
        entered.append(item)
        return pw.utils.register_keras_serializable(package)(item)

    yield register
    for name in [name for name, value in pw.utils.get_custom_objects().items() if value in entered]:
        del pw.utils.get_custom_objects()[name]


@pytest.mark.parametrize("written_as", ["Halving", "first>Halving"])
def test_what_another_module_has_registered_is_not_taken_for_a_class_of_the_same_name(tmp_path, registered, written_as):
    model = pw.Sequential([pw.Input((2,)), Halving()])
    with pytest.warns(pw.warning.PhasewiseWarning, match="the class Halving by name only"):
        model.save(tmp_path / "x.keras")
    with zipfile.ZipFile(tmp_path / "x.keras") as file:
        inside = {name: file.read(name) for name in file.namelist()}
    changed = json.loads(inside["config.json"])
    changed["config"]["layers"][1]["registered_name"] = written_as
    path = written(tmp_path / "y.keras", {**inside, "config.json": changed})
    elsewhere = registered("second", type("Halving", (Halving,), {"__module__": "elsewhere"}))
    with pytest.raises(
        FileError,
        match=rf"speaks of '{written_as}', which is nothing that is registered here. What is registered as 'second>Halving' is of the module "
        rf"'elsewhere', and this was of '{__name__}': it is taken only where custom_objects={{'Halving': it}} says that it is meant",
    ):
        load_model(path)
    assert type(load_model(path, custom_objects={"Halving": elsewhere}).layers[0]) is elsewhere


def test_a_function_of_another_package_is_not_taken_for_one_of_the_same_name(tmp_path, registered):
    def thirds(x):
        return x / 3

    keras.saving.register_keras_serializable("first")(thirds)
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation=thirds)]).save(tmp_path / "x.keras")
    registered("second", thirds)
    with pytest.raises(
        FileError, match=r"'second>thirds' is of the module .*, and this was another by its package: it is"
    ):
        load_model(tmp_path / "x.keras")


def test_a_class_that_was_registered_since_is_found_by_its_name_and_module(tmp_path, registered, recwarn):
    model = pw.Sequential([pw.Input((2,)), Halving()])
    with pytest.warns(pw.warning.PhasewiseWarning, match="the class Halving by name only"):
        model.save(tmp_path / "x.keras")
    registered("mine", Halving)
    recwarn.clear()
    assert type(load_model(tmp_path / "x.keras").layers[0]) is Halving
    assert not recwarn.list


def test_a_function_that_keras_wrote_by_its_name_alone_is_told_of_where_one_is_registered(
    tmp_path, registered, recwarn
):
    theirs = keras.Sequential([keras.Input((2,)), keras.layers.Dense(2, activation=halved)])
    theirs.save(tmp_path / "x.keras")
    registered("mine", halved)
    with pytest.warns(
        pw.warning.PhasewiseWarning,
        match=r"not registered when it was written, by names alone; taken for them is what is registered now \('halved': 'mine>halved'\)."
        r" Say custom_objects={'halved': halved} if it is the same",
    ):
        load_model(tmp_path / "x.keras")
    recwarn.clear()
    load_model(tmp_path / "x.keras", custom_objects={"halved": halved}).save(tmp_path / "y.keras")
    load_model(tmp_path / "y.keras")
    assert not recwarn.list


def test_a_layer_that_stands_as_an_activation_goes_over_from_keras_and_back(tmp_path):
    x = np.linspace(-1, 1, 8).reshape(2, 4).astype("float32")
    theirs = keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(3, activation=keras.layers.ReLU(negative_slope=0.2))]
    )
    theirs.save(tmp_path / "theirs.keras")
    ours = load_model(tmp_path / "theirs.keras")
    np.testing.assert_allclose(ours.predict(x, verbose=0), theirs.predict(x, verbose=0), rtol=1e-6)
    ours.save(tmp_path / "ours.keras")
    again = keras.saving.load_model(tmp_path / "ours.keras")
    np.testing.assert_array_equal(again.predict(x, verbose=0), theirs.predict(x, verbose=0))


def test_nothing_is_told_of_functions_that_are_registered_or_our_own(tmp_path, recwarn):
    @pw.saving.register_keras_serializable("tests")
    def thirds(x):
        return x / 3

    model = pw.Sequential(
        [pw.Input((2,)), pw.layers.Lambda(thirds), pw.layers.Dense(2, activation=pw.activations.relu)]
    )
    model.add(pw.layers.Dense(2, activation=pw.ops.silu))
    model.compile("adam", loss=pw.losses.mean_squared_error, metrics=[pw.metrics.mean_absolute_error])
    model.save(tmp_path / "x.keras")
    assert not [str(each.message) for each in recwarn]
    load_model(tmp_path / "x.keras")


def test_on_a_full_disk_the_old_file_stays_whole(tmp_path):
    model = load_model(written(tmp_path / "x.keras", members()))
    whole = (tmp_path / "x.keras").read_bytes()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limit[1]))
    try:
        with pytest.raises(OSError, match=r"x.keras' could not be written.*was there before is whole"):
            model.save(tmp_path / "x.keras")
        with pytest.raises(OSError):
            model.save(tmp_path / "folder", zipped=False)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert (tmp_path / "x.keras").read_bytes() == whole
    assert [each.name for each in tmp_path.iterdir()] == ["x.keras"]


def test_an_error_while_saving_leaves_the_old_file_and_nothing_beside_it(tmp_path):
    class Strange(pw.layers.Layer):
        def call(self, x):
            return x

        def get_config(self):
            return {**super().get_config(), "what": {1, 2}}

    model = pw.Sequential([pw.Input((2,)), Strange()])
    written(tmp_path / "x.keras", members())
    whole = (tmp_path / "x.keras").read_bytes()
    with pytest.raises(ValueError):
        model.save(tmp_path / "x.keras")
    assert (tmp_path / "x.keras").read_bytes() == whole
    assert [each.name for each in tmp_path.iterdir()] == ["x.keras"]


def test_a_model_that_is_not_built_yet(tmp_path):
    model = pw.Sequential([pw.layers.Dense(2)])
    model.save(tmp_path / "x.keras")
    again = load_model(tmp_path / "x.keras")
    assert not again.built
    assert again.predict(np.ones((1, 3)), verbose=0).shape == (1, 2)


def test_opening_a_file_draws_nothing(tmp_path):
    path = written(tmp_path / "x.keras", members())
    drawn = []
    for opens in (False, True):
        pw.set_random_seed(5)
        if opens:
            load_model(path)
        drawn.append(
            pw.Sequential(
                [pw.Input((2,)), pw.layers.Dense(2, kernel_initializer=pw.initializers.HeNormal(1))]
            ).get_weights()[0]
        )
    np.testing.assert_array_equal(*drawn)


def test_the_functions_stand_where_keras_has_them(tmp_path):
    model = load_model(written(tmp_path / "x.keras", members()))
    pw.models.save_model(model, tmp_path / "y.keras")
    again = pw.models.load_model(tmp_path / "y.keras")
    pw.saving.save_weights(model, tmp_path / "y.weights.h5")
    pw.saving.load_weights(again, tmp_path / "y.weights.h5")
    for a, b in zip(model.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_a_layer_in_two_nested_models_is_told_of_when_it_is_saved(tmp_path):
    shared, x = pw.layers.Dense(3, name="both"), pw.Input((3,))
    first, second = (pw.Sequential([pw.Input((3,)), shared], name=name) for name in ("one", "two"))
    with pytest.warns(pw.warning.StructureWarning, match="'both' lies in 'one' and in 'two': .*will open the file"):
        pw.Model(x, first(x) + second(x)).save(tmp_path / "x.keras")
    with pytest.raises(FileError, match="has 2 weights"):
        load_model(tmp_path / "x.keras")
    pw.Model(x, first(x) + first(first(x))).save(tmp_path / "y.keras")  # one model called often is no such case
    load_model(tmp_path / "y.keras")


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (lambda: pw.layers.LSTM(2, normalization="batch", name="rec"), "normalization='batch' of LSTM 'rec'"),
        (lambda: pw.layers.RNN(pw.layers.GRUCell(2, normalization="layer", name="cell")), "of GRUCell 'cell'"),
        (lambda: pw.layers.BatchNormalization(virtual_batch_size=2, name="ghost"), "virtual_batch_size=2 of .*'ghost'"),
    ],
)
def test_what_keras_has_no_like_of_is_told_when_it_is_saved_and_keras_refuses_it(layer, told, tmp_path):
    with pytest.warns(pw.warning.PhasewiseWarning, match=f"Keras will refuse .*: .*{told}"):
        pw.Sequential([pw.Input((4, 3)), layer()]).save(tmp_path / "x.keras")
    load_model(tmp_path / "x.keras")
    with pytest.raises((ValueError, TypeError), match=told.split("=")[0] if "=" in told else "normalization"):
        keras.models.load_model(tmp_path / "x.keras")


def test_nothing_is_told_of_what_keras_knows(tmp_path, recwarn):
    plain = [pw.layers.LSTM(2, return_sequences=True), pw.layers.BatchNormalization()]
    pw.Sequential([pw.Input((4, 3)), *plain]).save(tmp_path / "x.keras")
    assert not recwarn
    keras.models.load_model(tmp_path / "x.keras")
