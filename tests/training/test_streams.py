"""Ends, streams and steps: how far a source is read, where an epoch goes on, and what ends a run over endless data."""

import threading
import warnings

import numpy as np
import pytest
from phasewise.warning import DataEndedWarning

import phasewise as pw
from phasewise.data import Dataset

ONE = np.ones((2, 1), np.float32)


@pytest.fixture(scope="module")
def model():
    """Predicts its input, and learns nothing: the loss of a batch of labels n is n squared."""
    net = pw.Sequential([pw.Input((1,)), pw.layers.Dense(1, use_bias=False, kernel_initializer="zeros")])
    net.compile(pw.optimizers.SGD(0.0), "mse")
    return net


class Numbered:
    """Batches of labels 0, 1, 2 … and how many of them were asked for."""

    def __init__(self, count=None):
        self.count, self.asked = count, 0

    def __iter__(self):
        while self.asked != self.count:
            self.asked += 1
            yield ONE, (self.asked - 1) * ONE


class Steps(pw.callbacks.Callback):
    """The labels that each epoch saw, told from its losses; may stop the run after a number of batches."""

    def __init__(self, stop_after=None):
        super().__init__()
        self.epochs, self.stop_after, self.hooks = [], stop_after, []

    def on_epoch_begin(self, epoch, logs=None):
        self.epochs.append(0)

    def on_train_batch_end(self, batch, logs=None):
        self.epochs[-1] += 1
        self._note("stop_training")

    def on_test_batch_end(self, batch, logs=None):
        self._note("stop_evaluating")

    def on_predict_batch_end(self, batch, logs=None):
        self._note("stop_predicting")

    def _note(self, stop):
        self.hooks.append(stop)
        if self.hooks.count(stop) == self.stop_after:
            setattr(self.model, stop, True)


def means(labels):
    return pytest.approx(np.mean(np.square(labels, dtype=float)))


# -- a generator given in slices


@pytest.mark.parametrize("make", [lambda s: iter(s), lambda s: zip(*zip(*s)), lambda s: map(tuple, s)])
def test_three_fits_of_four_steps_use_up_a_generator_of_twelve(model, make):
    batches = make(Numbered(12))
    for first in (0, 4, 8):
        losses = model.fit(batches, steps_per_epoch=4, verbose=0).history["loss"]
        assert losses == [means(np.arange(first, first + 4))]
    with pytest.raises(ValueError, match=r"The generator is exhausted: not a single batch came\."):
        model.fit(batches, steps_per_epoch=4, verbose=0)


def test_a_generator_is_read_no_further_than_the_steps_need(model):
    source = Numbered()
    batches = iter(source)
    model.fit(batches, steps_per_epoch=3, epochs=2, verbose=0)
    assert source.asked == 6
    model.evaluate(batches, steps=2, verbose=0)
    assert source.asked == 8
    model.predict(batches, steps=5, verbose=0)
    assert source.asked == 13
    assert next(batches)[1][0, 0] == 13


def test_validation_on_a_generator_reads_what_its_validations_need(model):
    source = Numbered()
    x, y = np.ones((4, 1)), np.ones((4, 1))
    options = {"validation_data": iter(source), "validation_steps": 2, "validation_freq": 2, "epochs": 5, "verbose": 0}
    history = model.fit(x, y, **options).history
    assert history["val_loss"] == [means([0, 1]), means([2, 3])]
    assert source.asked == 4


@pytest.mark.parametrize("task", ["fit", "evaluate", "predict"])
def test_what_was_read_ahead_when_a_callback_ended_a_run_is_there_for_the_next(model, task):
    batches = iter(Numbered(30))
    if task == "fit":
        model.fit(batches, callbacks=[Steps(3)], verbose=0)
    else:
        getattr(model, task)(batches, callbacks=[Steps(3)], verbose=0)
    assert model.evaluate(batches, verbose=0) == means(np.arange(3, 30))


def test_a_run_that_a_source_kept_waiting_gives_the_late_batch_to_the_next(model):
    may_go_on = threading.Event()

    def slow():
        yield ONE, 0 * ONE
        yield ONE, 1 * ONE
        may_go_on.wait(timeout=2)
        yield ONE, 2 * ONE
        yield ONE, 3 * ONE

    batches = slow()
    model.fit(batches, callbacks=[Steps(1)], verbose=0)
    may_go_on.set()
    assert model.evaluate(batches, verbose=0) == means([1, 2, 3])


def test_an_error_in_a_generator_loses_no_batch_before_it(model):
    def failing():
        yield ONE, ONE
        raise KeyError("file 3")

    steps = Steps()
    with pytest.raises(KeyError, match="file 3"):
        model.fit(failing(), callbacks=[steps], verbose=0)
    assert steps.epochs == [1]


def test_a_generator_that_ends_before_the_epochs_do_ends_fit_with_a_sentence(model):
    steps = Steps()
    with pytest.warns(DataEndedWarning, match=r"The generator was exhausted after epoch 1 of 3: it is read once"):
        history = model.fit(iter(Numbered(5)), epochs=3, callbacks=[steps], verbose=0)
    assert steps.epochs == [5]
    assert len(history.history["loss"]) == 1


@pytest.mark.parametrize("task", ["fit", "evaluate", "predict"])
def test_an_exhausted_generator_is_told_in_one_sentence(model, task):
    batches = iter(Numbered(1))
    list(batches)
    with pytest.raises(ValueError, match=r"The generator is exhausted.*It is read once; make a new one for each call"):
        getattr(model, task)(batches, verbose=0)


# -- epochs of a number of steps

SOURCES = {
    "arrays": lambda n: (np.ones((2 * n, 1)), np.ones((2 * n, 1)), 2),
    "plan": lambda n: (Dataset.from_tensor_slices((np.ones((2 * n, 1)), np.ones((2 * n, 1)))).batch(2),),
    "stream": lambda n: (Dataset.from_generator(lambda: Numbered(n)),),
    "list of batches": lambda n: ([(ONE, ONE)] * n,),
}


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("steps", "expected"),  # for ten batches, as Keras 3 counts them
    [(10, [10, 10, 10, 10]), (4, [4, 4, 2, 4]), (15, [10, 10, 10, 10]), (5, [5, 5, 5, 5])],
)
def test_an_epoch_goes_on_where_the_last_stopped_and_begins_anew_where_the_data_ended(model, source, steps, expected):
    counted = Steps()
    with warnings.catch_warnings():
        warnings.simplefilter("error" if steps in (5, 10) else "ignore", DataEndedWarning)
        model.fit(*SOURCES[source](10), epochs=4, steps_per_epoch=steps, callbacks=[counted], verbose=0)
    assert counted.epochs == expected


# -- endless data


def endless(streamed=False):
    plan = Dataset.from_tensor_slices((np.arange(4.0).reshape(4, 1),) * 2).repeat().batch(3)
    return plan.map(lambda x, y: (x, y)) if streamed else plan


@pytest.mark.parametrize("streamed", [False, True])
def test_a_callback_ends_a_run_over_endless_data(model, streamed):
    steps = Steps(4)
    assert model.evaluate(endless(streamed), callbacks=[steps], verbose=0) == means([0, 1, 2, 3] * 3)
    assert model.predict(endless(streamed), callbacks=[steps], verbose=0).shape == (12, 1)
    model.fit(endless(streamed), callbacks=[steps], verbose=0)
    assert steps.hooks == ["stop_evaluating"] * 4 + ["stop_predicting"] * 4 + ["stop_training"] * 4


def test_a_stop_holds_for_one_run(model):
    for count in (2, None):
        steps = Steps(count)
        assert len(model.predict(np.ones((9, 1)), batch_size=3, callbacks=[steps], verbose=0)) == 3 * (count or 3)
        model.evaluate(np.ones((9, 1)), np.ones((9, 1)), batch_size=3, callbacks=[steps], verbose=0)
        assert len(steps.hooks) == 2 * (count or 3)


@pytest.mark.parametrize("x", [np.ones((70, 1)), Dataset.from_tensor_slices(np.ones((70, 1))).batch(9), "generator"])
def test_the_hooks_of_predict_are_called_for_each_batch_of_the_data(model, x):
    x = ((np.ones((9 if n < 7 else 7, 1)),) for n in range(8)) if isinstance(x, str) else x
    steps = Steps()
    model.predict(x, batch_size=9 if isinstance(x, np.ndarray) else None, callbacks=[steps], verbose=0)
    assert len(steps.hooks) == 8


@pytest.mark.parametrize("task", ["fit", "evaluate", "predict"])
def test_endless_data_without_steps_or_a_callback_that_sees_batches_are_refused(model, task):
    with pytest.raises(ValueError, match="never end"):
        getattr(model, task)(endless(), callbacks=[pw.callbacks.LambdaCallback(on_epoch_end=print)], verbose=0)


@pytest.mark.parametrize("make", [lambda: Dataset.range(5, 2), lambda: Dataset.range(0).map(lambda n: n)])
def test_nothing_repeated_is_nothing(make):
    assert list(make().repeat()) == list(make().repeat(3)) == []


def test_a_range_is_computed_where_it_is_read():
    plan = Dataset.range(10**10)
    assert plan.cardinality() == 10**10
    assert [int(n) for n in plan.skip(3).take(2)] == [3, 4]
    assert [batch.tolist() for batch in plan.batch(3).take(2)] == [[0, 1, 2], [3, 4, 5]]
    assert next(iter(Dataset.range(10**10, 0, -(10**9)).batch(20))).tolist() == list(range(10**10, 0, -(10**9)))
