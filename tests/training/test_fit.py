"""fit: what is learnt, how often, and what is kept when it ends early."""

import signal
import threading
import time

import numpy as np
import pytest
from twins import X, Y, binary

import phasewise as pw
from phasewise.training import loop


def model(seed=1, optimizer="adam", **call):
    pw.set_random_seed(seed)
    pw.backend.clear_session(free_memory=False)
    made = binary(pw, **call)
    made.compile(optimizer, "binary_crossentropy", metrics=["accuracy"])
    return made


def noisy(seed=1):
    """A model with dropout and noise, so that random draws count."""
    pw.set_random_seed(seed)
    pw.backend.clear_session(free_memory=False)
    x = pw.Input((4,))
    h = pw.layers.Dropout(0.4)(pw.layers.BatchNormalization()(x))
    h = pw.layers.GaussianNoise(0.1)(pw.layers.Dense(5, activation="relu")(h))
    made = pw.Model(x, pw.layers.Dense(1, activation="sigmoid")(h))
    made.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return made


def fitted(make, *data, **options):
    """A new model, trained; its draws depend on the seed only."""
    made = make()
    made.fit(*(data or (X, Y)), verbose=0, **options)
    return made


def assert_same(a, b):
    """All weights have the same bits."""
    for x, y in zip(a.get_weights(), b.get_weights(), strict=True):
        np.testing.assert_array_equal(x, y)


class EveryBatch(pw.callbacks.Callback):
    """Asks for every batch, which makes chunks of one step."""

    def __init__(self):
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append((batch, logs["loss"]))


def test_the_same_seed_gives_the_same_bits(whole):
    again = fitted(noisy, batch_size=8, epochs=2)
    assert again.history.history == whole.history.history
    assert_same(again, whole)


@pytest.mark.extensive
def test_another_seed_gives_another_result():
    first, second = noisy(1), noisy(2)
    second.set_weights(first.get_weights())
    for m in (first, second):
        m.fit(X, Y, batch_size=8, verbose=0)
    assert not np.array_equal(first.get_weights()[0], second.get_weights()[0])


@pytest.fixture(scope="module")
def whole():
    """A model with dropout and noise, trained for two epochs in batches of 8; not to be changed."""
    return fitted(noisy, batch_size=8, epochs=2)


@pytest.mark.parametrize("length", [1, 2, 5, 1000])
@pytest.mark.few(2)
def test_chunks_of_any_length_give_the_same_bits(whole, length):
    cut = noisy()
    cut.compile("adam", "binary_crossentropy", metrics=["accuracy"], steps_per_execution=length)
    cut.fit(X, Y, batch_size=8, epochs=2, verbose=0)
    assert_same(whole, cut)
    assert whole.history.history == cut.history.history


def test_a_callback_that_asks_gets_every_batch_and_changes_nothing(whole):
    watcher = EveryBatch()
    watched = fitted(noisy, batch_size=8, epochs=2, callbacks=[watcher])
    assert [batch for batch, _ in watcher.seen] == [*range(9), *range(9)]
    assert watcher.seen[-1][1] == watched.history.history["loss"][-1]
    assert_same(whole, watched)


def test_two_fits_in_a_row_equal_one_of_both_lengths():
    once = fitted(noisy, batch_size=8, epochs=4, shuffle=False)
    twice = fitted(noisy, batch_size=8, epochs=2, shuffle=False)
    twice.fit(X, Y, batch_size=8, epochs=4, initial_epoch=2, verbose=0, shuffle=False)
    assert_same(once, twice)


def test_resident_and_streaming_execution_give_the_same_bits():
    arrays = pw.Dataset.from_tensor_slices((X, Y)).batch(8)
    rows = pw.Dataset.from_generator(lambda: zip(X, Y)).batch(8)
    assert_same(fitted(noisy, arrays, epochs=2), fitted(noisy, rows, epochs=2))


def test_shuffling_sees_every_row_once_an_epoch_in_another_order():
    seen = []

    class Spy(pw.layers.Layer):
        def call(self, inputs):
            import jax

            jax.debug.callback(lambda x: seen.append(np.asarray(x)), inputs)
            return inputs

    x = pw.Input((1,))
    made = pw.Model(x, pw.layers.Dense(1)(Spy()(x)))
    made.compile("sgd", "mse")
    rows = np.arange(20, dtype="float32")[:, None]
    made.fit(rows, rows, batch_size=5, epochs=2, verbose=0)
    epochs = np.concatenate(seen)[:, 0].reshape(-1, 20)[-2:]
    for epoch in epochs:
        assert sorted(epoch) == list(range(20))
    assert not np.array_equal(epochs[0], epochs[1])


def test_steps_per_epoch_goes_on_through_an_endless_plan():
    plan = pw.Dataset.from_tensor_slices((X, Y)).repeat().batch(10)
    history = model().fit(plan, epochs=3, steps_per_epoch=4, verbose=0)
    assert len(history.history["loss"]) == 3
    stepped, whole = model(), model()
    stepped.fit(plan, epochs=7, steps_per_epoch=1, verbose=0)
    whole.fit(X, Y, batch_size=10, shuffle=False, verbose=0)
    assert_same(stepped, whole)


def test_a_plan_that_ends_early_says_so_and_keeps_what_was_learnt():
    made, before = model(), model().get_weights()
    plan = pw.Dataset.from_tensor_slices((X, Y)).batch(10)
    with pytest.warns(
        pw.warning.DataEndedWarning, match="ended after 7 of the 9 steps of epoch 1. What was learnt is kept"
    ):
        made.fit(plan, steps_per_epoch=9, verbose=0)
    whole = model()
    whole.fit(plan, verbose=0)
    assert not np.array_equal(made.get_weights()[0], before[0])
    assert_same(made, whole)


def test_a_generator_of_batches_is_one_epoch():
    made, whole = model(), model()
    made.fit(((X[i : i + 10], Y[i : i + 10]) for i in range(0, 70, 10)), verbose=0)
    whole.fit(X, Y, batch_size=10, shuffle=False, verbose=0)
    assert_same(made, whole)


@pytest.fixture
def interruptible():
    """Ctrl-C raises KeyboardInterrupt, also where the tests were started in the background."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


class Interrupt(pw.callbacks.Callback):
    """Ctrl-C in mid-epoch, and the weights as they are then."""

    def on_chunk_end(self, step, logs=None):
        self.weights = self.model.get_weights()
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_leaves_the_last_good_state(interruptible):
    made, interrupt = noisy(), Interrupt()
    before = made.get_weights()
    with pytest.raises(KeyboardInterrupt):
        made.fit(X, Y, batch_size=2, epochs=50, verbose=0, callbacks=[interrupt])
    assert not np.array_equal(before[4], made.get_weights()[4])
    for a, b in zip(interrupt.weights, made.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.isfinite(made.predict(X, verbose=0)).all()
    made.fit(X, Y, verbose=0)


def test_ctrl_c_answers_within_a_second_and_predict_works_with_what_is_there(interruptible):
    made = model()
    running, sent = threading.Event(), []

    class Tells(pw.callbacks.Callback):
        def on_chunk_end(self, step, logs=None):
            running.set()

    def interrupt():
        running.wait(30)
        time.sleep(0.2)
        sent.append(time.perf_counter())
        signal.raise_signal(signal.SIGINT)

    plan = pw.Dataset.from_tensor_slices((X, Y)).repeat().batch(8)
    made.fit(plan, steps_per_epoch=10, verbose=0)
    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        made.fit(plan, steps_per_epoch=10_000_000, verbose=0, callbacks=[Tells()])
    assert time.perf_counter() - sent[0] < 1
    assert made.optimizer.iterations > 10
    assert np.isfinite(made.predict(X, verbose=0)).all()


def test_an_error_in_the_data_keeps_what_was_learnt_and_is_the_users_own():
    def rows():
        yield from ((X[i : i + 10], Y[i : i + 10]) for i in range(0, 40, 10))
        raise OSError("the disk is gone")

    made, shorter = model(), model()
    with pytest.raises(OSError, match="the disk is gone"):
        made.fit(rows(), verbose=0)
    shorter.fit(X[:40], Y[:40], batch_size=10, shuffle=False, verbose=0)
    assert made.optimizer.iterations == 4
    assert_same(made, shorter)


def test_an_error_in_a_callback_keeps_what_was_learnt():
    class Fails(pw.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise OSError("no room")

    made = noisy()
    with pytest.raises(OSError, match="no room"):
        made.fit(X, Y, epochs=5, verbose=0, callbacks=[Fails()])
    assert_same(made, fitted(noisy, epochs=2))


def test_stop_training_in_mid_epoch_ends_after_that_batch():
    class Stops(pw.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 2

    made = model()
    history = made.fit(X, Y, batch_size=10, epochs=9, verbose=0, callbacks=[Stops()])
    assert made.optimizer.iterations == 3
    assert len(history.history["loss"]) == 1


def test_a_second_fit_of_the_same_shapes_compiles_nothing_new():
    traced = []

    class Counts(pw.layers.Layer):
        def call(self, inputs):
            traced.append(inputs.shape)
            return inputs

    x = pw.Input((4,))
    made = pw.Model(x, pw.layers.Dense(1)(Counts()(x)))
    made.compile("sgd", "mse")
    for call in (
        lambda: made.fit(X, Y, verbose=0),
        lambda: made.predict(X, verbose=0),
        lambda: made.evaluate(X, Y, verbose=0),
    ):
        call()
        before = len(traced)
        call()
        assert len(traced) == before


def test_a_chunk_takes_about_a_seventh_of_a_second():
    chunks, now = loop.Chunks(), [0.0]
    counts = []
    time_of = loop.time.perf_counter
    loop.time.perf_counter = lambda: now[0]
    try:
        for _, count in chunks.split(10_000):
            counts.append(count)
            now[0] += count * 1e-3
    finally:
        loop.time.perf_counter = time_of
    assert sum(counts) == 10_000
    assert all(100 <= count <= 200 for count in counts[1:-1])


@pytest.mark.extensive
def test_the_optimizer_goes_on_where_it_was_after_freezing():
    made = model()
    made.fit(X, Y, verbose=0)
    made.get_layer("hidden").trainable = False
    made.fit(X, Y, verbose=0)
    assert made.optimizer.iterations == 6
    made.get_layer("hidden").trainable = True
    made.fit(X, Y, verbose=0)
    assert made.optimizer.iterations == 9


def test_mixed_bfloat16_learns():
    pw.set_random_seed(0)
    x = pw.Input((4,))
    h = pw.layers.Dense(16, activation="relu", dtype="mixed_bfloat16")(x)
    h = pw.layers.BatchNormalization(dtype="mixed_bfloat16")(h)
    made = pw.Model(x, pw.layers.Dense(1, activation="sigmoid")(h))
    made.compile(pw.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    history = made.fit(X, Y, epochs=40, verbose=0).history
    assert history["accuracy"][-1] > 0.95


def test_a_model_says_whether_it_is_compiled():
    model = pw.Sequential([pw.layers.Dense(1)])
    assert not model.compiled
    model.compile("sgd", "mse")
    assert model.compiled
