"""ExportArchive: several functions of models in one folder, served as predict computes, with StableHLO and with TensorFlow."""

import importlib.util
import inspect
import json
import os
import sys

import jax
import keras
import numpy as np
import pytest

import phasewise as pw
from phasewise import layers
from phasewise.export import ExportArchive

RNG = np.random.default_rng(0)
ROW, PAIR = pw.InputSpec(shape=(None, 4)), pw.InputSpec(shape=(None, 2))
X, Y = RNG.normal(size=(5, 4)).astype("float32"), RNG.normal(size=(5, 2)).astype("float32")


@pytest.fixture(scope="module")
def model():
    chain = [layers.Dense(3), layers.BatchNormalization(), layers.Dropout(0.5), layers.Dense(2, name="scores")]
    made = pw.Sequential([pw.Input((4,), name="row"), *chain])
    made.compile("adam", "mse")
    made.fit(X, Y, verbose=0)
    return made


def written(archive, path):
    archive.write_out(path, verbose=False)
    return pw.export.load(path)


@pytest.fixture
def archive():
    return ExportArchive(format="stablehlo")


def test_its_methods_take_what_keras_s_take():
    names = ["track", "add_endpoint", "track_and_add_endpoint", "add_variable_collection", "write_out"]

    def parameters(cls):
        return {name: list(inspect.signature(getattr(cls, name)).parameters) for name in names}

    assert parameters(ExportArchive) == parameters(keras.export.ExportArchive)


# -- what is served


def test_a_model_its_call_and_a_function_of_several_arguments(model, archive, tmp_path):
    archive.track_and_add_endpoint("serve", model, [ROW])
    archive.add_endpoint("call", model.call, [ROW])
    archive.add_endpoint("both", lambda x, y: {"sum": model(x) + y, "first": model.layers[0](x)}, [ROW, PAIR])
    served, expected = written(archive, tmp_path / "served"), model.predict(X, verbose=0)
    np.testing.assert_allclose(served.serve(X), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(served.call(X), expected, rtol=1e-5, atol=1e-6)
    found = served.both((X, Y))
    np.testing.assert_allclose(found["sum"], expected + Y, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found["first"], model.layers[0](X), rtol=1e-5, atol=1e-6)
    assert list(served.endpoints) == ["serve", "call", "both"]
    assert (served.serve.input_names, served.serve.output_names) == (["row"], ["scores"])
    assert (served.both.input_names, served.both.output_names) == (["x", "y"], ["first", "sum"])


def test_inputs_in_lists_and_dicts(archive, tmp_path):
    a, b = pw.Input((4,), name="a"), pw.Input((2,), name="b")
    of_list = pw.Model([a, b], layers.Concatenate()([a, b]))
    of_dict = pw.Model({"a": a, "b": b}, layers.Concatenate()([a, b]))
    archive.add_endpoint("listed", of_list, [[ROW, PAIR]])
    archive.add_endpoint("named", of_dict, [{"a": ROW, "b": PAIR}])
    archive.add_endpoint("known", of_dict)
    archive.add_endpoint("free", lambda both: both["b"] * 2, [{"a": ROW, "b": PAIR}])
    served, expected = written(archive, tmp_path / "served"), np.concatenate([X, Y], 1)
    np.testing.assert_array_equal(served.listed([X, Y]), expected)
    np.testing.assert_array_equal(served.named({"a": X, "b": Y}), expected)
    np.testing.assert_array_equal(served.known({"a": X, "b": Y}), expected)
    np.testing.assert_array_equal(served.free({"a": X, "b": Y}), 2 * Y)


def test_a_model_of_one_s_own_that_takes_several_arguments(archive, tmp_path):
    class Added(pw.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x, y=None):
            return self.dense(x) if y is None else self.dense(x) + y

    made = Added()
    expected = np.asarray(made(X))
    archive.add_endpoint("one", made)
    archive.add_endpoint("two", made, [ROW, PAIR])
    served = written(archive, tmp_path / "served")
    np.testing.assert_allclose(served.one(X), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(served.two((X, Y)), expected + Y, rtol=1e-5, atol=1e-6)


def test_each_file_runs_by_jax_alone(model, archive, tmp_path):
    archive.add_endpoint("serve", model)
    archive.write_out(tmp_path / "served", verbose=False)
    program = jax.export.deserialize(bytearray((tmp_path / "served" / "serve.stablehlo").read_bytes()))
    np.testing.assert_allclose(program.call(X), model.predict(X, verbose=0), rtol=1e-5, atol=1e-6)


@pytest.fixture
def frozen(model):
    """The model, whose normalization stays in inference."""
    model.layers[1].trainable = False
    yield model
    model.layers[1].trainable = True


def test_an_endpoint_in_training_draws_by_its_seed(frozen, archive, tmp_path):
    archive.add_endpoint("sample", lambda x: frozen(x, training=True), [ROW])
    served = written(archive, tmp_path / "served").sample
    assert served.takes_seed
    np.testing.assert_array_equal(served(X, seed=1), served(X, seed=1))
    assert np.abs(np.asarray(served(X, seed=1)) - np.asarray(served(X, seed=2))).max() > 1e-3


def test_an_endpoint_that_would_update_moving_statistics_is_refused_and_nothing_has_changed(model, archive):
    before = [w.copy() for w in model.get_weights()]
    with pytest.raises(
        ValueError, match=r"'learn' assigns .*/moving_mean, .*/moving_variance, and an exported program keeps"
    ) as raised:
        archive.add_endpoint("learn", lambda x: model(x, training=True), [ROW])
    assert "phasewise.statistics('batch')" in str(raised.value) and "layer.trainable = False" in str(raised.value)
    for weight, old in zip(model.get_weights(), before):
        np.testing.assert_array_equal(weight, old)


def test_what_the_refusal_advises_normalizes_with_the_batch(model, archive, tmp_path):
    def with_the_batch(x):
        with pw.statistics("batch"):
            return model(x)

    archive.add_endpoint("batch", with_the_batch, [ROW])
    found = written(archive, tmp_path / "served").batch(X)
    np.testing.assert_allclose(found, model.predict(X, statistics="batch", verbose=0), rtol=1e-5, atol=1e-6)
    assert np.abs(found - model.predict(X, verbose=0)).max() > 1e-3


def test_a_variable_of_ones_own_that_an_endpoint_counts_with_is_refused(archive):
    count = pw.Variable(0.0, name="count")
    with pytest.raises(ValueError, match="'counted' assigns count"):
        archive.add_endpoint("counted", lambda x: x + count.assign(count + 1.0), [ROW])


def test_metrics_that_layers_count_with_are_no_hindrance(archive, tmp_path):
    class Watched(layers.Layer):
        def call(self, x):
            self.add_metric(abs(x).max(), name="largest")
            return 2 * x

    model = pw.Sequential([pw.Input((4,)), Watched()])
    archive.add_endpoint("serve", model, [ROW])
    np.testing.assert_allclose(written(archive, tmp_path / "served").serve(X), 2 * X, rtol=1e-6)


def test_it_has_the_weights_of_when_the_endpoint_was_added(archive, tmp_path):
    layer, table = layers.Dense(1, kernel_initializer="ones"), pw.Variable([2.0], name="table")
    layer.build((None, 4))
    archive.add_endpoint("serve", lambda x: layer(x) * table.value, [ROW])
    expected = 2 * X.sum(1, keepdims=True)
    layer.kernel.assign(np.zeros((4, 1)))
    table.assign([3.0])
    np.testing.assert_allclose(written(archive, tmp_path / "served").serve(X), expected, rtol=1e-5)


def test_what_add_endpoint_returns_computes_it(model, archive):
    both = archive.add_endpoint("both", lambda x, y: model(x) + y, [ROW, PAIR])
    np.testing.assert_allclose(both(X, Y), model.predict(X, verbose=0) + Y, rtol=1e-5, atol=1e-6)


def test_collections_are_lists_of_arrays(model, archive, tmp_path):
    archive.add_endpoint("serve", model)
    archive.add_variable_collection("kernels", [model.layers[0].kernel, model.layers[-1].kernel])
    archive.add_variable_collection("optimizer", model.optimizer.variables)
    served = written(archive, tmp_path / "served")
    np.testing.assert_array_equal(served.kernels[1], model.layers[-1].kernel)
    assert [each.shape for each in served.optimizer] == [v.shape for v in model.optimizer.variables]


def test_the_variables_of_what_is_tracked(model, archive):
    archive.track(model)
    archive.track(model.layers[0])
    assert [v.path for v in archive.variables] == [v.path for v in model.variables]
    assert len(archive.trainable_variables) == 6 and len(archive.non_trainable_variables) == 2


def test_what_is_written_is_told(model, archive, tmp_path, capsys):
    archive.add_endpoint("serve", model)
    archive.write_out(tmp_path / "served")
    assert "serve: row float32[None, 4] -> scores" in capsys.readouterr().out


def test_an_archive_that_is_there_is_replaced_and_nothing_else_is(model, archive, tmp_path):
    archive.add_endpoint("serve", model)
    archive.write_out(tmp_path / "served", verbose=False)
    other = ExportArchive("stablehlo")
    other.add_endpoint("again", model)
    assert list(written(other, tmp_path / "served").endpoints) == ["again"]
    assert not (tmp_path / "served" / "serve.stablehlo").exists()
    (tmp_path / "thesis").mkdir()
    with pytest.raises(FileExistsError, match="is no archive of StableHLO files, so it is not replaced"):
        archive.write_out(tmp_path / "thesis")


# -- mistakes


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda a, m: a.write_out("x"), "has no endpoint yet: call add_endpoint first"),
        (lambda a, m: a.add_endpoint("1x", m), r"a name such as 'serve', made of letters, digits and '_'; got '1x'"),
        (lambda a, m: a.add_endpoint("f", lambda x: x), "'f' needs input_signature: a list with phasewise.InputSpec"),
        (lambda a, m: a.add_endpoint("f", 3), "is a function, a layer or a model; got 3"),
        (lambda a, m: [a.add_endpoint("f", m), a.add_endpoint("f", m)], "has 'f' already"),
        (lambda a, m: a.add_variable_collection("variables", []), "has 'variables' already"),
        (lambda a, m: a.add_variable_collection("t", [np.ones(1)]), "'t' is a list of variables; got"),
        (lambda a, m: a.track(len), "tracks layers and models; got <built-in"),
        (lambda a, m: a.track(layers.Dense(1, name="new")), "'new' has no variables yet"),
        (lambda a, m: a.add_endpoint("f", pw.Sequential([layers.Dense(1)])), "has no weights yet"),
        (lambda a, m: ExportArchive("neptune_model"), "format is one of 'saved_model', 'stablehlo'; got 'neptune_model'"),
    ],
)  # fmt: skip
def test_mistakes_are_told(call, message, model, archive):
    with pytest.raises(ValueError, match=message):
        call(archive, model)


def test_an_unknown_option_is_told_with_the_nearest(model, archive):
    with pytest.raises(TypeError, match=r"takes no 'platform'\. Did you mean 'platforms'"):
        archive.add_endpoint("f", model, platform="cpu")


def test_what_goes_on_from_batch_to_batch_is_refused(archive):
    rnn = layers.LSTM(2, stateful=True)
    rnn(np.zeros((3, 5, 4), "float32"))
    with pytest.raises(ValueError, match="keeps nothing between calls"):
        archive.add_endpoint("f", lambda x: rnn(x), [pw.InputSpec(shape=(3, 5, 4))])


def test_without_tensorflow_the_error_names_it_at_once(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(ImportError, match=r"needs TensorFlow, which is not installed here.*'stablehlo'"):
        ExportArchive()


# -- a folder that is damaged


def test_a_folder_that_is_no_archive_is_told(tmp_path):
    with pytest.raises(pw.saving.FileError, match=r"a folder without 'archive\.json'"):
        pw.export.load(tmp_path)


@pytest.mark.parametrize(
    "index",
    [
        {"endpoints": ["../../etc/passwd"], "collections": {}},
        {"endpoints": "serve", "collections": {}},
        {"endpoints": ["serve"], "collections": {"t": -1}},
        {"endpoints": ["serve"], "collections": {"t": 10**12}},
        {},
    ],
)
def test_an_index_that_says_something_else_is_refused(index, model, archive, tmp_path):
    archive.add_endpoint("serve", model)
    archive.write_out(tmp_path / "served", verbose=False)
    (tmp_path / "served" / "archive.json").write_text(json.dumps(index))
    with pytest.raises(pw.saving.FileError, match="does not say what the endpoints and collections"):
        pw.export.load(tmp_path / "served")


def test_a_name_that_is_missing_is_answered_with_the_nearest(model, archive, tmp_path):
    archive.add_endpoint("serve", model)
    served = written(archive, tmp_path / "served")
    with pytest.raises(AttributeError, match=r"has no 'server'\. Did you mean 'serve'"):
        served.server  # noqa: B018
    os.unlink(tmp_path / "served" / "serve.stablehlo")
    with pytest.raises(FileNotFoundError):
        pw.export.load(tmp_path / "served")


# -- TensorFlow


@pytest.mark.skipif(importlib.util.find_spec("tensorflow") is None, reason="pip install tensorflow")
def test_tensorflow_serves_the_same(model, tmp_path):
    import tensorflow

    archive, expected = ExportArchive(), model.predict(X, verbose=0)
    archive.track_and_add_endpoint("serve", model, [ROW])
    archive.add_endpoint("both", lambda x, y: {"sum": model(x) + y}, [ROW, PAIR])
    archive.add_variable_collection("kernels", [model.layers[0].kernel])
    archive.write_out(tmp_path / "served", verbose=False)
    served = tensorflow.saved_model.load(tmp_path / "served")
    np.testing.assert_allclose(served.serve(X), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(served.both(X, Y)["sum"], expected + Y, rtol=1e-5, atol=1e-6)
    named = served.signatures["both"](x=tensorflow.constant(X), y=tensorflow.constant(Y))
    np.testing.assert_allclose(named["sum"], expected + Y, rtol=1e-5, atol=1e-6)
    default = served.signatures["serving_default"](row=tensorflow.constant(X))
    np.testing.assert_allclose(default["scores"], expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(served.kernels[0], model.layers[0].kernel)
    assert (len(served.variables), len(served.trainable_variables)) == (8, 6)
    with pytest.raises(ValueError, match="would draw the same ones at every call"):
        archive.add_endpoint("sample", lambda x: layers.Dropout(0.5)(x, training=True), [ROW])
