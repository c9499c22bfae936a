"""ModelCheckpoint, SwapEMAWeights, RemoteMonitor, ProgbarLogger, callbacks of other packages, and what an error in one tells."""

import http.server
import json
import os
import resource
import threading
import time
import urllib.parse

import keras
import numpy as np
import pytest

import phasewise as pw

X = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
Y = (X.sum(1) > 0).astype("float32")


def model(optimizer="adam", units=1):
    made = pw.Sequential([pw.Input((4,)), pw.layers.Dense(units), pw.layers.Dense(1, activation="sigmoid")])
    made.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return made


def fit(made, *callbacks, epochs=2, **options):
    return made.fit(X, Y, batch_size=8, epochs=epochs, verbose=0, callbacks=list(callbacks), **options)


def weights_only(path, **options):
    return pw.callbacks.ModelCheckpoint(path, save_weights_only=True, **options)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_every_epoch_is_saved_under_its_number_and_its_loss(tmp_path):
    made = model()
    history = fit(made, weights_only(tmp_path / "{epoch:02d}-{val_loss:.2f}.weights.h5"), validation_split=0.2).history
    assert names(tmp_path) == [f"{i + 1:02d}-{v:.2f}.weights.h5" for i, v in enumerate(history["val_loss"])]
    again = model()
    again.load_weights(tmp_path / names(tmp_path)[-1])
    for a, b in zip(made.get_weights(), again.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_only_the_best_epoch_is_saved(tmp_path):
    class Values(pw.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["score"] = [1.0, 3.0, 2.0][epoch]

    checkpoint = weights_only(tmp_path / "{epoch}.weights.h5", monitor="score", mode="max", save_best_only=True)
    fit(model(), Values(), checkpoint, epochs=3)
    assert names(tmp_path) == ["1.weights.h5", "2.weights.h5"]
    assert checkpoint.best == 3.0
    beaten = weights_only(
        tmp_path / "later" / "{epoch}.weights.h5",
        monitor="score",
        mode="max",
        save_best_only=True,
        initial_value_threshold=2.5,
    )
    fit(model(), Values(), beaten, epochs=3)
    assert names(tmp_path / "later") == ["2.weights.h5"]


def test_an_epoch_without_validation_is_not_taken_for_the_best(tmp_path):
    checkpoint = weights_only(tmp_path / "{epoch}.weights.h5", save_best_only=True)
    fit(model(), checkpoint, validation_split=0.2, validation_freq=2)
    assert names(tmp_path) == ["2.weights.h5"]


def test_so_many_batches_apart(tmp_path):
    fit(model(), weights_only(tmp_path / "{epoch}-{batch}.weights.h5", save_freq=3))
    assert names(tmp_path) == ["1-3.weights.h5", "2-1.weights.h5", "2-4.weights.h5"]


def test_saving_by_epochs_leaves_the_loop_fused(tmp_path):
    assert not pw.callbacks.CallbackList(weights_only(tmp_path / "x.weights.h5")).wants_train_batches
    assert pw.callbacks.CallbackList(weights_only(tmp_path / "x.weights.h5", save_freq=2)).wants_train_batches


def test_a_monitor_that_does_not_exist_lists_what_does(tmp_path):
    checkpoint = weights_only(tmp_path / "x.weights.h5", monitor="val_los", save_best_only=True)
    with pytest.warns(
        UserWarning, match=r"'val_los', which is not available. Did you mean 'val_loss'\? Available: loss, "
    ):
        fit(model(), checkpoint, validation_split=0.2)


def test_a_name_in_the_path_that_is_not_logged_lists_what_is(tmp_path):
    with pytest.raises(ValueError, match=r"has 'val_loss', which is not there. There are: epoch, loss, accuracy"):
        fit(model(), weights_only(tmp_path / "{val_loss:.2f}.weights.h5"))


def test_whole_models_are_saved_with_what_they_were_compiled_with(tmp_path):
    made = model()
    fit(made, pw.callbacks.ModelCheckpoint(tmp_path / "{epoch}.keras"), epochs=2)
    assert names(tmp_path) == ["1.keras", "2.keras"]
    last = pw.saving.load_model(tmp_path / "2.keras")
    for a, b in zip(made.get_weights(), last.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert last.evaluate(X, Y, verbose=0) == made.evaluate(X, Y, verbose=0)
    first = pw.saving.load_model(tmp_path / "1.keras")
    assert int(first.optimizer.iterations) == first.steps_trained == 5
    keras.saving.load_model(tmp_path / "2.keras")


def test_a_model_that_cannot_be_saved_whole_is_told_before_training(tmp_path):
    class Strange(pw.layers.Layer):
        def call(self, x):
            return x

        def get_config(self):
            return {**super().get_config(), "what": {1, 2}}

    made = pw.Sequential([pw.Input((4,)), Strange(), pw.layers.Dense(1)])
    made.compile("sgd", "mse")
    with pytest.raises(ValueError, match="set"):
        fit(made, pw.callbacks.ModelCheckpoint(tmp_path / "x.keras"))
    assert made.steps_trained == 0


def test_a_path_that_cannot_be_written_is_found_before_training(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "{epoch}.weights.h5", tmp_path / "file" / "x.weights.h5"):
        made = model()
        with pytest.raises(OSError, match="cannot be written"):
            fit(made, weights_only(path))
        assert made.steps_trained == 0
    (tmp_path / "x.weights.h5").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder"):
        fit(model(), weights_only(tmp_path / "x.weights.h5"))


def test_endings_and_frequencies_are_checked(tmp_path):
    with pytest.raises(ValueError, match=r"ends in '.weights.h5'; got"):
        weights_only(tmp_path / "x.keras")
    with pytest.raises(ValueError, match=r"ends in '.keras'; got"):
        pw.callbacks.ModelCheckpoint(tmp_path / "x.weights")
    with pytest.raises(ValueError, match=r"ends in '.keras'; got '.*x.h5'"):
        pw.callbacks.ModelCheckpoint(tmp_path / "x.h5")
    with pytest.raises(ValueError, match="save_freq='epoch' or a positive number of batches; got 0"):
        weights_only(tmp_path / "x.weights.h5", save_freq=0)


def test_on_a_disk_that_is_full_the_last_good_file_opens(tmp_path):
    made, path = model(units=4), tmp_path / "x.weights.h5"
    checkpoint = weights_only(path)
    fit(made, checkpoint, epochs=1)
    good = made.get_weights()
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limit[1]))
    try:
        with pytest.raises(OSError, match=r"x.weights.h5' could not be written.*was there before is whole") as caught:
            fit(made, checkpoint, epochs=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert "Raised in on_epoch_end of the callback ModelCheckpoint" in caught.value.__notes__[0]
    again = model(units=4)
    again.load_weights(path)
    for a, b in zip(again.get_weights(), good):
        np.testing.assert_array_equal(a, b)


class Slow:
    """A disk that takes its time."""

    def __init__(self, monkeypatch):
        self.calls, real = 0, os.fsync

        def fsync(number):
            self.calls += 1
            time.sleep(0.05)
            real(number)

        monkeypatch.setattr(os, "fsync", fsync)


def assert_holds(path, weights):
    again = model()
    again.load_weights(path)
    for a, b in zip(again.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(a, b)


def test_training_does_not_wait_for_a_slow_disk_and_ends_with_the_latest_file(tmp_path, monkeypatch):
    made, slow = model(), Slow(monkeypatch)
    fit(made, weights_only(tmp_path / "x.weights.h5"), pw.callbacks.EarlyStopping("loss", patience=99), epochs=40)
    assert_holds(tmp_path / "x.weights.h5", made.get_weights())
    assert slow.calls < 40  # each file has two, its own and its folder's
    slow.calls = 0
    fit(made, weights_only(tmp_path / "{epoch}.weights.h5"), epochs=3)
    assert slow.calls == 6
    assert {f"{epoch}.weights.h5" for epoch in (1, 2, 3)} <= set(names(tmp_path))


@pytest.mark.parametrize("end", [KeyboardInterrupt, ValueError])
def test_what_was_saved_is_there_when_ctrl_c_or_an_error_ends_the_training(end, tmp_path, monkeypatch):
    made, saved = model(), []

    def stop(self, epoch, logs=None):
        saved.append(made.get_weights())
        if epoch == 3:
            raise end

    monkeypatch.setattr(pw.callbacks.EarlyStopping, "on_epoch_end", stop)
    Slow(monkeypatch)
    with pytest.raises(end):
        fit(made, weights_only(tmp_path / "x.weights.h5"), pw.callbacks.EarlyStopping("loss"), epochs=9)
    assert_holds(tmp_path / "x.weights.h5", saved[-1])


def plan():
    return pw.Dataset.from_generator(lambda: iter([(X[:8], Y[:8])] * 4))


@pytest.mark.parametrize("who", ["a callback of the user's", "a function of the user's", "a backup"])
def test_whoever_looks_after_an_epoch_finds_its_file(who, tmp_path, monkeypatch):
    made, path, seen = model(), tmp_path / "x.weights.h5", []
    Slow(monkeypatch)

    def look(*_, **__):
        seen.append(made.get_weights())
        assert_holds(path, seen[-1])

    class Looks(pw.callbacks.Callback):
        on_epoch_end = staticmethod(look)

    if who == "a backup":
        monkeypatch.setattr(pw.callbacks.BackupAndRestore, "write", look)
    others = {
        "a callback of the user's": Looks,
        "a function of the user's": lambda: pw.callbacks.LambdaCallback(on_epoch_end=look),
        "a backup": lambda: pw.callbacks.BackupAndRestore(tmp_path / "backup"),
    }
    fit(made, weights_only(path), others[who]())
    assert len(seen) == 2


def test_data_that_come_by_code_find_the_file_of_the_epoch_before(tmp_path, monkeypatch):
    Slow(monkeypatch)
    made, path, seen = model(), tmp_path / "{epoch}.weights.h5", []
    load = pw.callbacks.ModelCheckpoint.on_epoch_end

    def after(self, epoch, logs=None):
        load(self, epoch, logs)
        seen.append((tmp_path / f"{epoch + 1}.weights.h5").exists())

    monkeypatch.setattr(pw.callbacks.ModelCheckpoint, "on_epoch_end", after)
    made.fit(plan(), epochs=2, verbose=0, callbacks=[weights_only(path)])
    assert seen == [True, True]


def test_a_model_that_saves_in_a_way_of_its_own_does_so(tmp_path):
    class Mine(pw.Sequential):
        def save_weights(self, filepath, overwrite=True):
            super().save_weights(filepath, overwrite)
            saved.append(os.path.getsize(filepath))

    saved = []
    made = Mine([pw.Input((4,)), pw.layers.Dense(1, activation="sigmoid")])
    made.compile("adam", "binary_crossentropy")
    fit(made, weights_only(tmp_path / "x.weights.h5"))
    assert len(saved) == 2


# -- averages


def test_evaluation_sees_the_averages_and_training_goes_on_without_them(tmp_path):
    pw.set_random_seed(0)
    plain = model(pw.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9))
    start = plain.get_weights()
    fit(plain)
    swapped = model(pw.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9))
    swapped.set_weights(start)
    seen = []
    note = pw.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(swapped.get_weights()))
    pw.set_random_seed(0)
    model()
    fit(swapped, pw.callbacks.SwapEMAWeights(swap_on_epoch=True), note, shuffle=False)
    for a, b in zip(seen[-1], swapped.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_the_last_epoch_leaves_the_averages_as_without_the_callback():
    start = model().get_weights()

    def trained(*callbacks):
        made = model(pw.optimizers.SGD(0.5, use_ema=True, ema_momentum=0.9))
        made.set_weights(start)
        fit(made, *callbacks, shuffle=False, validation_split=0.2)
        return made.get_weights()

    for a, b in zip(trained(), trained(pw.callbacks.SwapEMAWeights(swap_on_epoch=True))):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(trained(), trained(pw.callbacks.SwapEMAWeights())):
        np.testing.assert_array_equal(a, b)


def test_an_optimizer_without_averages_is_refused():
    with pytest.raises(
        ValueError, match=r"SwapEMAWeights needs an optimizer that keeps averages: Adam\(..., use_ema=True\)"
    ):
        fit(model(), pw.callbacks.SwapEMAWeights())


# -- a server


@pytest.fixture
def server():
    """(address, list of (path, content type, body) that came)."""
    came = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            came.append((self.path, self.headers["Content-Type"], self.headers["X-Key"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    served = http.server.HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=served.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{served.server_port}", came
    served.shutdown()
    served.server_close()


def test_the_logs_of_each_epoch_reach_the_server(server):
    address, came = server
    history = fit(
        model(),
        pw.callbacks.RemoteMonitor(address, headers={"X-Key": "k"}),
        pw.callbacks.RemoteMonitor(address, path="/json", send_as_json=True),
    ).history
    (path, kind, key, form), (json_path, json_kind, _, body) = came[:2]
    assert (path, kind, key, json_path, json_kind) == (
        "/publish/epoch/end/",
        "application/x-www-form-urlencoded",
        "k",
        "/json",
        "application/json",
    )
    assert json.loads(urllib.parse.parse_qs(form)["data"][0]) == json.loads(body)
    assert json.loads(body) == {"epoch": 0, "loss": history["loss"][0], "accuracy": history["accuracy"][0]}
    assert len(came) == 4


def test_a_server_that_does_not_answer_is_told_and_training_goes_on():
    with pytest.warns(UserWarning, match="could not reach http://127.0.0.1:9/publish/epoch/end/"):
        assert fit(model(), pw.callbacks.RemoteMonitor("http://127.0.0.1:9"), epochs=1).epoch == [0]


# -- others


def test_progress_of_a_loop_of_your_own_is_printed(capsys):
    hooks = pw.callbacks.CallbackList(add_progbar=True, epochs=2, steps=3, verbose=1)
    hooks.on_epoch_begin(0)
    hooks.on_epoch_end(0, {"loss": 0.25})
    assert capsys.readouterr().out == "Epoch 1/2\n3/3 - loss: 0.2500\n"


def test_fit_shows_progress_once(capsys):
    model().fit(X, Y, epochs=1, verbose=2, callbacks=[pw.callbacks.ProgbarLogger()])
    assert capsys.readouterr().out.count("loss ") == 1


def test_a_callback_of_another_package_that_subclasses_ours_works():
    class Tracker(pw.callbacks.Callback):  # as MLflow's and wandb's do
        def __init__(self, run):
            super().__init__()
            self.run = run

        def on_train_begin(self, logs=None):
            self.run["params"] = {**self.params, "optimizer": type(self.model.optimizer).__name__}
            self.run["learning_rate"] = float(self.model.optimizer.learning_rate)
            lines = []
            self.model.summary(print_fn=lines.append)
            self.run["summary"] = "\n".join(lines)

        def on_epoch_end(self, epoch, logs=None):
            self.run.setdefault("metrics", []).append(dict(logs or {}))

    run = {}
    history = fit(model(), Tracker(run)).history
    assert [each["loss"] for each in run["metrics"]] == history["loss"]
    assert run["params"] == {"epochs": 2, "steps": 5, "verbose": 0, "optimizer": "Adam"}
    assert run["learning_rate"] == pytest.approx(0.001)
    assert "dense" in run["summary"]


class StandIn:
    """The base class of another library's callbacks: every hook is there and does nothing."""

    def set_model(self, model):
        self.model = model

    def set_params(self, params):
        self.params = params

    def on_epoch_end(self, epoch, logs=None):
        pass

    def on_train_batch_end(self, batch, logs=None):
        self.on_batch_end(batch, logs)

    def on_batch_end(self, batch, logs=None):
        pass


def recorder(base, hook, called):
    """A callback of that library, one of whose hooks is its own."""
    return type("Tracker", (base,), {hook: lambda self, number, logs=None: called.append((self, number, logs))})()


@pytest.mark.parametrize("base", [StandIn, keras.callbacks.Callback])
def test_a_callback_of_another_library_is_known_by_what_it_has(base):
    called, made = [], model()
    tracker = recorder(base, "on_epoch_end", called)
    history = fit(made, tracker).history
    assert [(each is tracker, epoch, logs["loss"]) for each, epoch, logs in called] == [
        (True, epoch, loss) for epoch, loss in enumerate(history["loss"])
    ]
    assert tracker.model is made
    assert tracker.params == {"epochs": 2, "steps": 5, "verbose": 0}


@pytest.mark.parametrize("base", [StandIn, keras.callbacks.Callback])
@pytest.mark.parametrize("hook, calls", [("on_epoch_end", 1), ("on_train_batch_end", 5), ("on_batch_end", 5)])
def test_the_loop_stops_at_batches_only_for_hooks_that_are_not_those_of_the_library(base, hook, calls):
    called = []
    tracker = recorder(base, hook, called)
    assert pw.callbacks.CallbackList(tracker).wants_train_batches == (calls == 5)
    fit(model(), tracker, epochs=1)
    assert [number for _, number, _ in called] == list(range(calls))


def test_a_class_alone_is_a_callback_with_all_that_it_defines():
    assert pw.callbacks.CallbackList(StandIn()).wants_train_batches
    fit(model(), StandIn())


def test_callbacks_of_another_library_decide_and_save_too(tmp_path):
    stop = keras.callbacks.EarlyStopping("loss", min_delta=99.0, patience=1)
    save = keras.callbacks.ModelCheckpoint(str(tmp_path / "x.weights.h5"), save_weights_only=True)
    made = model()
    assert len(fit(made, stop, save, keras.callbacks.TerminateOnNaN(), epochs=9).epoch) == 2
    assert_holds(tmp_path / "x.weights.h5", made.get_weights())
    backup = pw.callbacks.BackupAndRestore(tmp_path / "backup")
    fit(made, keras.callbacks.History(), backup)


def test_an_error_in_a_callback_of_another_library_names_its_class():
    class Broken(StandIn):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyError("broken")

    with pytest.raises(KeyError) as caught:
        fit(model(), Broken())
    assert "Raised in on_epoch_end of the callback Broken" in caught.value.__notes__[0]


def test_a_callback_is_given_no_model_before_there_is_one():
    class Counts(pw.callbacks.Callback):
        def set_model(self, model):
            super().set_model(model)
            self.parameters = model.count_params()

    counts = Counts()
    fit(model(), counts)
    assert counts.parameters == 7


def test_a_callback_that_raises_is_named_with_its_hook_and_the_model_keeps_what_it_learnt():
    class Broken(pw.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            raise KeyError("broken")

    made = model()
    with pytest.raises(KeyError) as caught:
        fit(made, Broken())
    assert caught.value.__notes__ == [
        "Raised in on_epoch_end of the callback Broken; the model keeps what it has learnt."
    ]
    assert made.optimizer.iterations == 5
