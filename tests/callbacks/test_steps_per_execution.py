"""With `steps_per_execution=3` the hooks of single batches are called once for three, as in Keras."""

import keras
import numpy as np
import pytest

import phasewise as pw

X, Y = np.ones((9, 2), np.float32), np.zeros((9, 1), np.float32)


def recorder(library):
    class Recorder(library.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.calls = []

        def on_train_batch_begin(self, batch, logs=None):
            self.calls.append(("begin", batch))

        def on_train_batch_end(self, batch, logs=None):
            self.calls.append(("end", batch, round(float(logs["loss"]), 4)))

        def on_test_batch_begin(self, batch, logs=None):
            self.calls.append(("test begin", batch))

        def on_test_batch_end(self, batch, logs=None):
            self.calls.append(("test end", batch, round(float(logs["loss"]), 4)))

    return Recorder()


def model_of(library, every):
    model = library.Sequential([library.Input((2,)), library.layers.Dense(1, kernel_initializer="ones")])
    model.compile(library.optimizers.SGD(0.05), "mse", steps_per_execution=every)
    return model


def calls(library, every, rows):
    watch, model = recorder(library), model_of(library, every)
    options = {"batch_size": 1, "callbacks": [watch], "verbose": 0}
    model.fit(X[:rows], Y[:rows], epochs=2, shuffle=False, **options)
    model.evaluate(X[:rows], Y[:rows], **options)
    return watch.calls


@pytest.mark.parametrize("every", [1, 3])
def test_whole_groups_have_the_calls_that_they_have_in_keras(every):
    assert calls(pw, every, 9) == calls(keras, every, 9)


def test_a_short_last_group_ends_with_the_batch_that_was_the_last():
    seen = [call[:2] for call in calls(pw, 3, 4)]
    epoch = [("begin", 0), ("end", 2), ("begin", 3), ("end", 3)]
    assert seen == [*epoch, *epoch, *((f"test {name}", step) for name, step in epoch)]


def test_a_group_that_lies_in_two_feeds_has_one_call():
    watch, model = recorder(pw), model_of(pw, 3)
    plan = pw.Dataset.from_generator(lambda: iter([(X[:1], Y[:1])] * 2 + [(X[:2], Y[:2])] * 2 + [(X[:1], Y[:1])] * 2))
    model.fit(plan, callbacks=[watch], verbose=0)
    assert [call[:2] for call in watch.calls] == [("begin", 0), ("end", 2), ("begin", 3), ("end", 5)]


def test_predictions_are_grouped_likewise():
    seen = []
    model = model_of(pw, 2)
    watch = pw.callbacks.LambdaCallback()
    watch.on_predict_batch_begin = lambda batch, logs=None: seen.append(("begin", batch))
    watch.on_predict_batch_end = lambda batch, logs=None: seen.append(("end", batch))
    model.predict(np.ones((32 * 5, 2), np.float32), callbacks=[watch], verbose=0)
    assert seen == [("begin", 0), ("end", 1), ("begin", 2), ("end", 3), ("begin", 4), ("end", 4)]


def test_no_other_number_than_a_positive_integer_is_taken():
    with pytest.raises(ValueError, match="steps_per_execution must be a positive integer; got 0"):
        model_of(pw, 0)
