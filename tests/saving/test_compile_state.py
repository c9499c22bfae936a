"""What compile was given and what the optimizer keeps go with the file: both libraries train on from it alike."""

import json
import zipfile

import keras
import numpy as np
import pytest

import phasewise as pw
from phasewise.saving import FileError, load_model

RNG = np.random.default_rng(0)
X, Y, Z = (RNG.normal(size=shape).astype("float32") for shape in [(8, 4), (8, 2), (8, 1)])
Z = (Z > 0).astype("float32")


def network(library, **options):
    layers = library.layers
    x = library.Input((4,), name="x")
    h = layers.BatchNormalization(name="norm")(layers.Dense(5, activation="tanh", name="hidden")(x))
    outputs = {"a": layers.Dense(2, name="a")(h), "b": layers.Dense(1, activation="sigmoid", name="b")(h)}
    return library.Model(x, list(outputs.values()) if options.get("as_list") else outputs)


def schedule(k):
    return k.optimizers.schedules.ExponentialDecay(0.05, 3, 0.5)


DICTS = {"loss": {"a": "mse", "b": "binary_crossentropy"}}
COMPILED = {
    "names": lambda k: {"optimizer": "adam", **DICTS, "metrics": {"a": ["mae"], "b": ["accuracy"]}},
    "objects": lambda k: {
        "optimizer": k.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        "loss": {
            "a": k.losses.MeanAbsoluteError(reduction="sum"),
            "b": k.losses.BinaryCrossentropy(label_smoothing=0.1),
        },
        "loss_weights": {"a": 2.0, "b": 0.5},
        "metrics": {"b": [k.metrics.BinaryAccuracy(threshold=0.4), k.metrics.AUC(num_thresholds=20)]},
        "weighted_metrics": {"a": ["mse"]},
    },
    "functions": lambda k: {
        "optimizer": k.optimizers.RMSprop(0.01),
        "loss": {"a": k.losses.mean_squared_error, "b": k.losses.binary_crossentropy},
        "metrics": {"a": [k.metrics.mean_absolute_error]},
    },
    "a schedule": lambda k: {"optimizer": k.optimizers.Adam(schedule(k)), **DICTS},
    "averages of weights": lambda k: {"optimizer": k.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9), **DICTS},
    "weight decay and clipping": lambda k: {
        "optimizer": k.optimizers.AdamW(0.01, weight_decay=0.1, global_clipnorm=0.5),
        **DICTS,
    },
    "accumulation": lambda k: {"optimizer": k.optimizers.SGD(0.1, gradient_accumulation_steps=2), **DICTS},
    "a scaled loss": lambda k: {
        "optimizer": k.optimizers.LossScaleOptimizer(k.optimizers.Adam(0.01), initial_scale=8.0),
        **DICTS,
    },
    "flags": lambda k: {"optimizer": "sgd", **DICTS, "steps_per_execution": 2, "jit_compile": False},
    "one loss for all": lambda k: {"optimizer": "nadam", "loss": "mse"},
}


def trained(library, compiled, steps=2):
    model = network(library)
    model.compile(**compiled(library))
    step(model, steps)
    return model


def step(model, steps=1):
    for _ in range(steps):
        model.train_on_batch(X, {"a": Y, "b": Z})


def assert_alike(ours, theirs, tolerance=1e-5):
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


@pytest.mark.few(2)
@pytest.mark.parametrize("given", COMPILED)
def test_both_libraries_train_on_alike_from_keras_s_file_and_back(given, tmp_path):
    theirs = trained(keras, COMPILED[given])
    theirs.save(tmp_path / "theirs.keras")
    ours = load_model(tmp_path / "theirs.keras")
    assert int(ours.optimizer.iterations) == int(theirs.optimizer.iterations)
    step(ours), step(theirs)
    assert_alike(ours, theirs)

    ours.save(tmp_path / "ours.keras")
    again = keras.saving.load_model(tmp_path / "ours.keras")
    for a, b in zip(ours.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    step(ours), step(again)
    assert_alike(ours, again)


def test_metrics_of_a_file_say_what_they_said_in_keras(tmp_path):
    theirs = trained(keras, COMPILED["objects"], 1)
    theirs.save(tmp_path / "x.keras")
    ours = load_model(tmp_path / "x.keras")
    logs = theirs.evaluate(X, {"a": Y, "b": Z}, verbose=0, return_dict=True)
    for name, value in ours.evaluate(X, {"a": Y, "b": Z}, verbose=0, return_dict=True).items():
        assert float(logs[name]) == pytest.approx(value, abs=1e-4)


def compile_config(path):
    with zipfile.ZipFile(path) as file:
        return json.loads(file.read("config.json"))["compile_config"]


@pytest.mark.few(3)
@pytest.mark.parametrize("given", COMPILED)
def test_what_keras_wrote_is_written_back(given, tmp_path):
    trained(keras, COMPILED[given], 0).save(tmp_path / "theirs.keras")
    load_model(tmp_path / "theirs.keras").save(tmp_path / "ours.keras")
    assert compile_config(tmp_path / "ours.keras") == compile_config(tmp_path / "theirs.keras")


@pytest.mark.few(1)
@pytest.mark.parametrize("given", ["averages of weights", "names", "accumulation", "a scaled loss"])
def test_training_that_was_saved_goes_on_to_the_same_bits(given, tmp_path):
    def begun():
        pw.set_random_seed(3)
        x = pw.Input((4,))
        h = pw.layers.Dropout(0.3)(pw.layers.BatchNormalization()(pw.layers.Dense(5)(x)))
        h = pw.layers.GaussianNoise(0.1, seed=4)(h)
        model = pw.Model(x, {"a": pw.layers.Dense(2, name="a")(h), "b": pw.layers.Dense(1, activation="sigmoid")(h)})
        model.compile(**{**COMPILED[given](pw), "metrics": None})
        model.fit(X, {"a": Y, "b": Z}, batch_size=4, epochs=2, verbose=0)
        return model

    data = X, {"a": Y, "b": Z}
    undisturbed = begun()
    histories = [undisturbed.fit(*data, batch_size=4, epochs=2, verbose=0).history]
    interrupted = begun()
    interrupted.save(tmp_path / "x.keras")
    kept = [np.asarray(variable) for variable in interrupted.optimizer.variables]
    pw.set_random_seed(99)  # another process, which has drawn other things
    resumed = load_model(tmp_path / "x.keras")
    for a, b in zip(kept, resumed.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, np.asarray(b))
    histories.append(resumed.fit(*data, batch_size=4, epochs=2, verbose=0).history)
    assert histories[0] == histories[1]
    for a, b in zip(undisturbed.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_compile_false_leaves_it_out(tmp_path):
    trained(keras, COMPILED["names"]).save(tmp_path / "x.keras")
    model = load_model(tmp_path / "x.keras", compile=False)
    assert model.optimizer is None and model.get_compile_config() == {}
    with pytest.raises(RuntimeError, match="needs a compiled model"):
        model.fit(X, {"a": Y, "b": Z})
    model.compile_from_config(compile_config(tmp_path / "x.keras"))
    step(model)


def my_loss(y_true, y_pred):
    return ((y_true - y_pred) ** 2).mean(-1)


def one_output(loss, **options):
    model = pw.Sequential([pw.Input((4,)), pw.layers.Dense(2)])
    model.compile("sgd", loss, **options)
    return model


def test_a_loss_of_one_s_own_is_found_under_its_name_or_the_file_opens_without_it(tmp_path):
    path = tmp_path / "x.keras"
    one_output(my_loss).save(path)
    with pytest.raises(
        FileError, match=r"compile=False leaves that out.*'my_loss'.*register_keras_serializable.*custom_objects="
    ):
        load_model(path)
    assert load_model(path, compile=False).optimizer is None
    assert load_model(path, custom_objects={"my_loss": my_loss}).evaluate(X, Y, verbose=0) > 0


def test_what_cannot_be_described_is_told_and_the_model_is_saved_all_the_same(tmp_path):
    with pytest.warns(
        pw.warning.PhasewiseWarning, match=r"given as loss cannot be written down: A lambda.*compile it again"
    ):
        one_output(lambda t, p: ((t - p) ** 2).mean(-1)).save(tmp_path / "x.keras")
    assert load_model(tmp_path / "x.keras").optimizer is None


def test_what_a_newer_keras_gives_to_compile_is_told(tmp_path):
    model = one_output("mse")
    config = {**model.get_compile_config(), "a_new_argument": 1}
    with pytest.warns(pw.warning.PhasewiseWarning, match="a_new_argument, which compile does not take here"):
        model.compile_from_config(config)


def test_auto_scale_loss_is_kept(tmp_path):
    model = pw.Sequential([pw.Input((4,)), pw.layers.Dense(2, dtype="mixed_float16")])
    for flag in (True, False):
        model.compile("sgd", "mse", auto_scale_loss=flag)
        model.train_on_batch(X, Y)
        model.save(tmp_path / "x.keras")
        again = load_model(tmp_path / "x.keras")
        assert type(again.optimizer) is type(model.optimizer)
        keras.saving.load_model(tmp_path / "x.keras")


def test_a_class_with_a_compile_of_its_own_is_left_uncompiled(tmp_path):
    @pw.utils.register_keras_serializable("mine")
    class Own(pw.Sequential):
        def compile(self, **kwargs):
            super().compile("sgd", "mse")

    model = Own([pw.Input((4,)), pw.layers.Dense(2)])
    model.compile()
    model.save(tmp_path / "x.keras")
    with pytest.warns(pw.warning.PhasewiseWarning, match="Own has a compile of its own, so it is left uncompiled"):
        assert load_model(tmp_path / "x.keras").optimizer is None
