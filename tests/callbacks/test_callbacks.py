"""Callbacks: called when and with what Keras calls them, decide as Keras's do, and never change what is learnt."""

import inspect
import itertools

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import phasewise as pw
from parity import bare_signature
from phasewise import callbacks

HOOKS = [name for name in dir(keras.callbacks.Callback) if name.startswith("on_")]
RNG = np.random.default_rng(0)
X = RNG.normal(size=(10, 3)).astype("float32")
Y = (X @ [[1.0], [-2.0], [0.5]] + RNG.normal(size=(10, 1))).astype("float32")
BOTH = (pw, keras)


def linear(library, rate=0.1, **compiled):
    """A linear model that begins at ones."""
    x = library.Input((3,))
    model = library.Model(x, library.layers.Dense(1, kernel_initializer="ones", name="dense")(x))
    model.compile(library.optimizers.SGD(rate), "mse", **compiled)
    return model


def train(model, *watching, epochs=1, batch_size=4, **arguments):
    """Three batches an epoch: of 4, 4 and 2 rows."""
    arguments = {"shuffle": False, "verbose": 0, **arguments}
    return model.fit(X, Y, epochs=epochs, batch_size=batch_size, callbacks=list(watching), **arguments)


def weights_after(batches, rate=0.1):
    """The weights of `linear` after so many batches of 4 rows."""
    model = linear(pw, rate)
    for start in range(0, 4 * batches, 4):
        model.train_on_batch(X[start : start + 4], Y[start : start + 4])
    return model.get_weights()


def assert_same(ours, theirs, rtol=1e-5, atol=1e-6):
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)


def recorder(library, stop_at=None):
    """A callback with every hook, and the list it fills with (hook, number, logs, names of keyword arguments).

    Args:
        stop_at: (hook, number) at which it sets `stop_training`.
    """
    events = []

    def recording(hook):
        def record(self, *number, **keywords):
            logs = keywords["logs"] if "logs" in keywords else number[-1]
            number = number if "logs" in keywords else number[:-1]
            events.append((hook, number, dict(logs), tuple(keywords)))
            if (hook, *number) == stop_at:
                self.model.stop_training = True

        return record

    kind = type("Recorder", (library.callbacks.Callback,), {hook: recording(hook) for hook in HOOKS})
    return kind(), events


def assert_same_events(ours, theirs):
    assert [(e[0], e[1], set(e[2]), e[3]) for e in ours] == [(e[0], e[1], set(e[2]), e[3]) for e in theirs]
    for (*_, mine, _), (*_, other, _) in zip(ours, theirs):
        for name, value in mine.items():
            assert type(value) is float
            assert value == pytest.approx(other[name], rel=1e-4), name


# -- hooks


def test_every_callback_has_the_arguments_of_keras():
    for name in callbacks.__all__:
        ours, theirs = inspect.signature(getattr(callbacks, name)), inspect.signature(getattr(keras.callbacks, name))
        named = [
            [(p.name, p.default, p.kind) for p in signature.parameters.values() if p.kind != p.VAR_KEYWORD]
            for signature in (ours, theirs)
        ]
        assert named[0] == named[1], name


def test_every_hook_of_keras_is_a_hook_here_with_its_arguments():
    for hook in HOOKS:
        ours, theirs = getattr(callbacks.Callback, hook), getattr(keras.callbacks.Callback, hook)
        assert bare_signature(ours) == bare_signature(theirs), hook


RUNS = {
    "fit with validation": lambda model, watching: train(
        model, watching, epochs=3, validation_data=(X[:6], Y[:6]), validation_freq=2
    ),
    "fit from a later epoch": lambda model, watching: train(model, watching, epochs=4, initial_epoch=2),
    "evaluate": lambda model, watching: model.evaluate(X, Y, batch_size=4, verbose=0, callbacks=[watching]),
    "predict": lambda model, watching: model.predict(X, verbose=0, callbacks=[watching]),
}


@pytest.mark.parametrize("run", RUNS)
def test_hooks_are_called_in_the_order_and_with_the_arguments_of_keras(run):
    records = []
    for library in BOTH:
        model = linear(library, metrics=["mae"])
        watching, events = recorder(library)
        RUNS[run](model, watching)
        assert watching.model is model
        records.append((watching.params, [(h, n, {} if "predict" in h else logs, k) for h, n, logs, k in events]))
    assert records[0][0] == records[1][0]
    assert_same_events(records[0][1], records[1][1])


def test_batches_of_a_stream_are_counted_through():
    plan = pw.Dataset.from_generator(lambda: zip(X, Y)).batch(4)
    model = linear(pw)
    for run in (
        lambda w: model.fit(plan, verbose=0, callbacks=[w]),
        lambda w: model.evaluate(plan, verbose=0, callbacks=[w]),
    ):
        watching, events = recorder(pw)
        run(watching)
        assert [e[1][0] for e in events if e[0].endswith("batch_end")] == [0, 1, 2]


def test_the_old_names_of_the_batch_hooks_are_called_where_the_new_are_not_overridden():
    class Old(pw.callbacks.Callback):
        def __init__(self):
            self.seen = []

        def on_batch_begin(self, batch, logs=None):
            self.seen.append(("begin", batch))

        def on_batch_end(self, batch, logs=None):
            self.seen.append(("end", batch))

    old = Old()
    train(linear(pw), old)
    assert old.seen == [("begin", 0), ("end", 0), ("begin", 1), ("end", 1), ("begin", 2), ("end", 2)]


def test_one_callback_needs_no_list():
    watching, events = recorder(pw)
    linear(pw).fit(X, Y, verbose=0, callbacks=watching)
    assert events


def test_callbacks_share_the_logs_in_their_order():
    first = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(extra=epoch + 0.5))
    seen = []
    second = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(logs["extra"]))
    history = train(linear(pw), first, [second], epochs=2)
    assert seen == history.history["extra"] == [0.5, 1.5]


def test_a_chunk_ends_with_its_last_batch_and_the_means_so_far():
    chunks, epochs = [], []
    watching = callbacks.LambdaCallback(
        on_chunk_end=lambda step, logs: chunks.append((step, logs["loss"])),
        on_epoch_end=lambda epoch, logs: epochs.append((len(chunks), logs["loss"])),
    )
    model = linear(pw, 1e-3)
    x, y = np.repeat(X, 10, 0), np.repeat(Y, 10, 0)
    model.fit(x, y, batch_size=1, epochs=2, verbose=0, callbacks=[watching])
    (first, first_loss), (_, second_loss) = epochs
    for part, loss in ((chunks[:first], first_loss), (chunks[first:], second_loss)):
        steps = [step for step, _ in part]
        assert steps == sorted(set(steps))
        assert steps[-1] == 99
        assert len(steps) < 50  # it does not make the loop stop at every batch
        assert part[-1][1] == loss


# -- the same bits


def noisy():
    """A model with everything that depends on how many steps came before: noise, statistics, momentum, a schedule."""
    pw.set_random_seed(5)
    pw.backend.clear_session()
    x = pw.Input((3,))
    h = pw.layers.Dropout(0.5)(pw.layers.BatchNormalization()(pw.layers.Dense(4)(x)))
    model = pw.Model(x, pw.layers.Dense(1)(h))
    model.compile(pw.optimizers.SGD(pw.optimizers.schedules.CosineDecay(0.02, 10), 0.9), "mse")
    return model


def train_noisily(*watching):
    """(history, weights) of three epochs of two batches in random order, with validation."""
    model = noisy()
    history = train(model, *watching, epochs=3, batch_size=5, shuffle=True, validation_data=(X, Y))
    return history.history, model.get_weights()


@pytest.fixture(scope="module")
def undisturbed():
    return train_noisily()


@pytest.mark.parametrize("hook", ["on_train_batch_end", "on_test_batch_end"])
def test_a_callback_at_every_batch_gets_every_batch_and_changes_no_bit(undisturbed, hook):
    seen = []
    history, weights = train_noisily(callbacks.LambdaCallback(**{hook: lambda batch, logs: seen.append(batch)}))
    assert seen == [0, 1] * 3
    assert history == undisturbed[0]
    for a, b in zip(weights, undisturbed[1], strict=True):
        np.testing.assert_array_equal(a, b)


# -- callbacks that act


def test_stopping_in_the_middle_of_an_epoch_ends_it_as_in_keras():
    ended = []
    for library in BOTH:
        model = linear(library)
        watching, events = recorder(library, stop_at=("on_train_batch_end", 1))
        train(model, watching, epochs=3, validation_data=(X[:4], Y[:4]))
        ended.append((events, model.get_weights()))
    assert_same_events(ended[0][0], ended[1][0])
    assert_same(ended[0][1], ended[1][1])
    assert_same(ended[0][1], weights_after(2))


def test_training_goes_on_at_the_next_fit_after_a_stop():
    model = linear(pw)
    stop = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: setattr(model, "stop_training", True))
    assert train(model, stop, epochs=3).epoch == [0]
    assert train(model, epochs=3).epoch == [0, 1, 2]


@pytest.mark.parametrize(
    ("hook", "batches"),
    [
        ("on_train_begin", 0),
        ("on_epoch_begin", 0),
        ("on_train_batch_begin", 0),
        ("on_train_batch_end", 1),
        ("on_epoch_end", 2),
    ],
)
def test_a_callback_that_raises_leaves_the_model_at_the_last_good_state(hook, batches):
    def fail(*arguments, **keywords):
        raise RuntimeError("no more")

    model, ended = linear(pw), []
    failing = callbacks.LambdaCallback(**{hook: fail}, on_train_end=ended.append)
    with pytest.raises(RuntimeError, match="no more"):
        model.fit(X[:8], Y[:8], batch_size=4, shuffle=False, verbose=0, callbacks=[failing])
    assert not ended
    assert_same(model.get_weights(), weights_after(batches))
    assert model.optimizer.iterations == batches
    model.fit(X[:8], Y[:8], batch_size=8, verbose=0)
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_a_learning_rate_set_before_an_epoch_holds_in_it():
    model, seen = linear(pw), []

    def freeze_rate(epoch, logs):
        seen.append(model.get_weights())
        model.optimizer.learning_rate = 0.0 if epoch == 1 else 0.1

    train(model, callbacks.LambdaCallback(on_epoch_begin=freeze_rate), epochs=3)
    assert_same(seen[1], seen[2], rtol=0, atol=0)
    assert not np.allclose(seen[0][0], seen[1][0])
    assert not np.allclose(model.get_weights()[0], seen[2][0])


def test_a_learning_rate_set_after_a_batch_holds_from_the_next_batch_on():
    model = linear(pw)
    off = callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: setattr(model.optimizer, "learning_rate", 0.0)
    )
    train(model, off, epochs=2)
    assert_same(model.get_weights(), weights_after(1))


def test_weights_set_after_a_batch_are_what_the_next_batch_starts_from():
    model = linear(pw)
    reset = callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: batch == 0 and model.set_weights(linear(pw).get_weights())
    )
    model.fit(np.tile(X[:4], (2, 1)), np.tile(Y[:4], (2, 1)), batch_size=4, shuffle=False, verbose=0, callbacks=[reset])
    assert_same(model.get_weights(), weights_after(1))


def test_a_layer_frozen_before_an_epoch_is_frozen_in_it_without_a_recompile():
    x = pw.Input((3,))
    hidden, bn = pw.layers.Dense(2), pw.layers.BatchNormalization()
    model = pw.Model(x, pw.layers.Dense(1)(bn(hidden(x))))
    model.compile("sgd", "mse")
    seen = []

    def switch(epoch, logs):
        seen.append([hidden.get_weights(), bn.get_weights(), model.layers[-1].get_weights()])
        hidden.trainable = bn.trainable = epoch != 1

    train(model, callbacks.LambdaCallback(on_epoch_begin=switch), epochs=3, batch_size=10)
    seen.append([hidden.get_weights(), bn.get_weights(), model.layers[-1].get_weights()])
    moved = [
        [any(not np.array_equal(a, b) for a, b in zip(*pair)) for pair in zip(before, after)]
        for before, after in itertools.pairwise(seen)
    ]
    assert moved == [[True, True, True], [False, False, True], [True, True, True]]


# -- monitors, driven by hand beside Keras's


class StandIn:
    """What a monitor needs of a model."""

    def __init__(self, rate=1.0):
        self.optimizer = type("Rate", (), {"learning_rate": rate})()
        self.stop_training = False
        self.metrics = []
        self.weights = None

    def get_weights(self):
        return self.weights

    def set_weights(self, weights):
        self.weights = weights


def drive(callback, values, attributes, name="val_loss"):
    """The callback and the model after every epoch, and the weights at the end (each epoch's weights are its number)."""
    model, trace = StandIn(), []
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.weights = epoch
        callback.on_epoch_begin(epoch)
        logs = {name: value}
        callback.on_epoch_end(epoch, logs)
        trace.append(
            (model.stop_training, model.optimizer.learning_rate, logs, *(getattr(callback, a) for a in attributes))
        )
        if model.stop_training:
            break
    callback.on_train_end()
    return trace, model.weights


# Quarters, which no rounding touches: Keras compares in float32.
QUARTERS = st.integers(-8, 8).map(lambda n: n / 4)


@given(
    values=st.lists(QUARTERS, min_size=1, max_size=10),
    mode=st.sampled_from(["min", "max", "auto"]),
    patience=st.integers(0, 3),
    min_delta=st.sampled_from([0, 0.25, -0.5]),
    baseline=st.none() | QUARTERS,
    restore_best_weights=st.booleans(),
    start_from_epoch=st.integers(0, 3),
)
@settings(max_examples=80, deadline=None)
def test_early_stopping_decides_as_keras(values, **arguments):
    attributes = ("wait", "best", "best_epoch", "stopped_epoch")
    ours, theirs = (drive(library.callbacks.EarlyStopping(**arguments), values, attributes) for library in BOTH)
    assert ours == theirs


@given(
    values=st.lists(QUARTERS, min_size=1, max_size=12),
    mode=st.sampled_from(["min", "max", "auto"]),
    patience=st.integers(0, 3),
    min_delta=st.sampled_from([0, 0.25]),
    cooldown=st.integers(0, 3),
    factor=st.sampled_from([0.5, 0.25]),
    min_lr=st.sampled_from([0.0, 0.125, 0.1875]),
)
@settings(max_examples=80, deadline=None)
def test_reduce_lr_on_plateau_decides_as_keras(values, **arguments):
    attributes = ("wait", "best", "cooldown_counter")
    ours, theirs = (drive(library.callbacks.ReduceLROnPlateau(**arguments), values, attributes) for library in BOTH)
    assert ours == theirs


@pytest.mark.parametrize("schedule", [lambda epoch, rate: rate * 0.5 + epoch, lambda epoch: 0.25 * epoch])
def test_the_scheduler_sets_what_keras_sets(schedule):
    ours, theirs = (drive(library.callbacks.LearningRateScheduler(schedule), [1.0] * 4, ()) for library in BOTH)
    assert ours == theirs


def test_a_nan_is_never_the_best_epoch():
    values = [float("nan"), 2.0, 1.0, float("nan"), 3.0, 3.0]
    callback = callbacks.EarlyStopping(patience=3, restore_best_weights=True)
    trace, weights = drive(callback, values, ("best",))
    assert (len(trace), weights, callback.best) == (6, 2, 1.0)


def test_the_first_weights_are_restored_when_every_epoch_is_nan():
    callback = callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    trace, weights = drive(callback, [float("nan")] * 5, ())
    assert (len(trace), weights) == (2, 0)


def test_a_monitor_starts_anew_at_every_fit():
    callback = callbacks.EarlyStopping(patience=2)
    first = drive(callback, [1.0, 2.0, 3.0], ("wait", "best"))
    assert first == drive(callback, [1.0, 2.0, 3.0], ("wait", "best"))


@pytest.mark.parametrize(
    ("monitor", "rises"),
    [
        ("accuracy", True),
        ("val_auc_1", True),
        ("val_recall", True),
        ("loss", False),
        ("val_head_loss", False),
        ("mae", False),
    ],
)
def test_the_name_tells_which_way_is_better(monitor, rises):
    callback = callbacks.EarlyStopping(monitor, patience=1)
    drive(callback, [1.0, 2.0, 3.0], (), name=monitor)
    assert callback.best == (3.0 if rises else 1.0)


ARGUMENTS = {
    "IoU": {"num_classes": 2, "target_class_ids": [0]},
    "MeanIoU": {"num_classes": 2},
    "OneHotIoU": {"num_classes": 2, "target_class_ids": [0]},
    "OneHotMeanIoU": {"num_classes": 2},
    "PrecisionAtRecall": {"recall": 0.5},
    "RecallAtPrecision": {"precision": 0.5},
    "SensitivityAtSpecificity": {"specificity": 0.5},
    "SpecificityAtSensitivity": {"sensitivity": 0.5},
}


def directions():
    """(name, "up" or "down") of every metric of Keras that tells which way is better."""
    for name, kind in inspect.getmembers(keras.metrics, inspect.isclass):
        if name not in ("MeanMetricWrapper", "Metric") and hasattr(
            metric := kind(**ARGUMENTS.get(name, {})), "_direction"
        ):
            yield name, metric._direction


@pytest.mark.parametrize(("metric", "direction"), list(directions()))
def test_the_class_of_a_metric_tells_which_way_is_better_as_in_keras(metric, direction):
    callback, model = callbacks.EarlyStopping("val_score"), StandIn()
    model.metrics = [type(metric, (), {"name": "score"})()]
    callback.set_model(model)
    assert callback.rises() == (direction == "up")


# -- end to end


def test_early_stopping_and_the_scheduler_end_a_fit_as_in_keras():
    ended = []
    for library in BOTH:
        model = linear(library)
        scheduler = library.callbacks.LearningRateScheduler(lambda epoch, rate: 0.1 if epoch < 3 else 1.5)
        stopping = library.callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True)
        history = train(model, scheduler, stopping, epochs=9)
        ended.append((history, model.get_weights(), stopping.best_epoch))
    (ours, our_weights, our_best), (theirs, their_weights, their_best) = ended
    assert (ours.epoch, our_best) == (theirs.epoch, their_best)
    assert len(ours.epoch) < 9
    assert list(ours.history) == list(theirs.history) == ["loss", "learning_rate"]
    for name in ours.history:
        assert ours.history[name] == pytest.approx(theirs.history[name], rel=1e-4)
    assert_same(our_weights, their_weights, rtol=1e-4)


def test_a_plateau_reduces_the_rate_of_a_fit_as_in_keras():
    histories = []
    for library in BOTH:
        plateau = library.callbacks.ReduceLROnPlateau(
            "val_loss", 0.5, patience=1, min_delta=100.0, cooldown=1, min_lr=0.03
        )
        histories.append(train(linear(library), plateau, epochs=6, validation_data=(X[:4], Y[:4])).history)
    ours, theirs = histories
    assert len(set(ours["learning_rate"])) == 3
    assert list(ours) == list(theirs)
    for name in ours:
        assert ours[name] == pytest.approx(theirs[name], rel=1e-4)


@pytest.mark.parametrize("optimizer", ["inject_hyperparams", "adam"])
def test_the_scheduler_sets_the_rate_of_an_optax_optimizer_that_has_one(optimizer):
    import optax

    model = linear(pw)
    scheduler = callbacks.LearningRateScheduler(lambda epoch: 0.25)
    if optimizer == "adam":
        model.compile(optax.adam(0.1), "mse")
        with pytest.raises(ValueError, match="needs an optimizer with a learning_rate; OptaxOptimizer has none"):
            train(model, scheduler)
    else:
        model.compile(optax.inject_hyperparams(optax.sgd)(0.1), "mse")
        plain = linear(pw, 0.25)
        assert train(model, scheduler).history["learning_rate"] == [0.25]
        train(plain)
        assert_same(model.get_weights(), plain.get_weights())


def test_history_has_every_epoch_and_is_the_models():
    model = linear(pw)
    history = train(model, epochs=4, initial_epoch=1, validation_data=(X, Y), validation_freq=2)
    assert history is model.history
    assert history.epoch == [1, 2, 3]
    assert {name: len(values) for name, values in history.history.items()} == {"loss": 3, "val_loss": 2}


def test_terminate_on_nan_ends_a_diverging_fit_in_good_order(capsys):
    model, ended = linear(pw, 1e30), []
    history = train(model, callbacks.TerminateOnNaN(), callbacks.LambdaCallback(on_train_end=ended.append), epochs=4)
    assert history.epoch == [0]
    assert len(ended) == 1
    assert "The loss is inf at or before batch 1 of this epoch: training ends here." in capsys.readouterr().out


def test_terminate_on_nan_raises_when_told_to():
    with pytest.raises(
        RuntimeError, match=r"The loss is inf at or before batch 1 of this epoch\. Training is terminated"
    ):
        train(linear(pw, 1e30), callbacks.TerminateOnNaN(raise_error=True))


# -- CSVLogger

ROWS = {
    "plain": [{"loss": 0.5, "accuracy": 0.25}, {"loss": 0.1, "accuracy": 1.0}],
    "validation": [{"loss": 0.5, "val_loss": 0.25}, {"loss": 0.1, "val_loss": 1e-9}],
    "validation from the second epoch on": [{"loss": 0.5}, {"loss": 0.1, "val_loss": 0.75}],
    "a value that goes missing": [{"loss": 0.5, "a": 1}, {"loss": 0.25}],
    "a value that comes late": [{"loss": 0.5}, {"loss": 0.25, "late": 3}],
    "arrays and words": [{"loss": np.array([0.5, 1.0]), "word": "a,b", "zero": np.array(2.0)}],
}


def log_to(path, library, rows, **arguments):
    logger = library.callbacks.CSVLogger(path, **arguments)
    logger.on_train_begin()
    for epoch, row in enumerate(rows):
        logger.on_epoch_end(epoch, row)
    logger.on_train_end()
    return path.read_bytes()


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("separator", [",", ";"])
def test_the_csv_file_is_keras_own_byte_for_byte(tmp_path, rows, separator):
    ours, theirs = (log_to(tmp_path / lib.__name__, lib, ROWS[rows], separator=separator) for lib in BOTH)
    assert ours == theirs


@pytest.mark.parametrize("before", [None, b"", "run"])
@pytest.mark.parametrize("append", [True, False])
def test_appending_goes_on_under_the_header_as_in_keras(tmp_path, before, append):
    files = []
    for library in BOTH:
        path = tmp_path / library.__name__
        if before == "run":
            log_to(path, library, ROWS["plain"])
        elif before is not None:
            path.write_bytes(before)
        files.append(log_to(path, library, ROWS["plain"], append=append))
    assert files[0] == files[1]
    assert files[0].count(b"epoch") == 1


def test_the_csv_file_of_a_fit_is_its_history(tmp_path):
    path = tmp_path / "log.csv"
    seen = []
    logger = callbacks.CSVLogger(path)
    reading = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(len(path.read_text().splitlines())))
    history = train(linear(pw), logger, reading, epochs=3, validation_data=(X, Y)).history
    header, *rows = [line.split(",") for line in path.read_text().splitlines()]
    assert header == ["epoch", "loss", "val_loss"]
    assert [[float(cell) for cell in row] for row in rows] == [
        [epoch, *values] for epoch, values in enumerate(zip(history["loss"], history["val_loss"]))
    ]
    assert seen == [2, 3, 4]  # the file is whole after each epoch


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({}, ["epoch", "loss"]),
        ({"validation_data": (X, Y), "validation_freq": 2}, ["epoch", "loss", "val_loss"]),
    ],
    ids=["no validation", "validation from the second epoch on"],
)
def test_there_are_columns_for_validation_where_there_is_one(tmp_path, options, header):
    path = tmp_path / "log.csv"
    train(linear(pw), callbacks.CSVLogger(path), epochs=2, **options)
    lines = [line.split(",") for line in path.read_text().splitlines()]
    assert lines[0] == header
    assert ["NA" in line for line in lines[1:]] == [len(header) == 3, False]


def test_appending_to_a_file_of_other_columns_is_refused(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("epoch,accuracy\r\n0,1\r\n")
    with pytest.raises(ValueError, match=r"whose columns are epoch, accuracy; this run logs loss. Give another file"):
        log_to(path, pw, [{"loss": 0.5}], append=True)
    assert path.read_text().splitlines() == ["epoch,accuracy", "0,1"]


# -- lists and mistakes


def test_a_callback_list_serves_a_loop_of_ones_own():
    class Counting(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["seen"] = self.params["epochs"]

    model = linear(pw)
    many = callbacks.CallbackList([[Counting()]], add_history=True, model=model, epochs=2)
    many.on_train_begin()
    many.on_epoch_end(0, {"loss": 1.0})
    assert model.history.history == {"loss": [1.0], "seen": [2]}
    mine = callbacks.History()
    assert [*callbacks.CallbackList(mine, add_history=True)] == [mine]


def test_an_unknown_monitor_is_named_with_what_there_is():
    callback = callbacks.EarlyStopping("val_los")
    with pytest.warns(UserWarning, match="monitors 'val_los', which is not available. Did you mean 'val_loss'?"):
        drive(callback, [1.0], ())
    with pytest.warns(
        UserWarning, match="begin with 'val_' need validation data in fit. Available: mae, learning_rate"
    ):
        drive(callbacks.ReduceLROnPlateau("val_accuracy"), [1.0], (), name="mae")


def test_an_unknown_mode_is_named():
    with pytest.warns(UserWarning, match="EarlyStopping got the unknown mode 'low' and uses 'auto'"):
        assert callbacks.EarlyStopping("loss", mode="low").mode == "auto"


def test_a_direction_that_nothing_tells_is_asked_for_at_the_first_epoch():
    callback = callbacks.EarlyStopping("val_fancy")
    with pytest.raises(ValueError, match=r"cannot tell whether 'val_fancy' should rise or fall\. Give mode='max'"):
        drive(callback, [1.0], (), name="val_fancy")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: callbacks.ReduceLROnPlateau(factor=1.0), ValueError, "needs a factor below 1.*; got 1.0"),
        (lambda: callbacks.LearningRateScheduler(0.1), TypeError, "needs a function of .*; got 0.1 of type float"),
        (
            lambda: drive(callbacks.LearningRateScheduler(lambda epoch: "fast"), [1.0], ()),
            ValueError,
            "must return a number; for epoch 0 it returned 'fast' of type str",
        ),
        (
            lambda: callbacks.LambdaCallback(on_epoch_ends=print),
            TypeError,
            "got 'on_epoch_ends', which is no hook. Did you mean 'on_epoch_end'?",
        ),
        (
            lambda: callbacks.LambdaCallback(on_epoch_end=3),
            TypeError,
            "needs a function for on_epoch_end; got 3 of type int",
        ),
        (
            lambda: train(linear(pw), callbacks.History),
            TypeError,
            r"got the class History itself: make one of it, History\(...\)",
        ),
        (
            lambda: train(linear(pw), print),
            TypeError,
            r"got the function 'print': wrap it, LambdaCallback\(on_epoch_end=...\)",
        ),
        (
            lambda: train(linear(pw), type("Bare", (), {"on_epoch_end": print})()),
            TypeError,
            "got a .*Bare, which is no subclass of it: derive it from phasewise.callbacks.Callback, or give it set_model",
        ),
        (lambda: train(linear(pw), 3), TypeError, "must be a list of phasewise.callbacks.Callback; got 3 of type int"),
    ],
)
def test_a_mistake_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()
