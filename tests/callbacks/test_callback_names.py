"""The public names of keras.callbacks, their arguments and the order of their hooks."""

import inspect

import keras
import numpy as np
import pytest

import phasewise as pw
from parity import arguments

X = np.random.default_rng(0).normal(size=(20, 3)).astype("float32")
Y = X.sum(1, keepdims=True)
# Keras's plateau takes any keyword, for arguments that Keras 1 had; ours, of the base class, is `object`'s.
WITH_OTHER_ARGUMENTS = {"ReduceLROnPlateau", "Callback"}
NAMES = sorted(name for name in dir(keras.callbacks) if name[0].isupper())


@pytest.mark.parametrize("name", NAMES)
def test_name_is_there_with_keras_arguments(name):
    ours, theirs = (getattr(library.callbacks, name).__init__ for library in (pw, keras))
    assert [a for a in arguments(ours) if a[0] not in ("self", "args")] == [
        a for a in arguments(theirs) if a[0] not in ("self", "args")
    ] or name in WITH_OTHER_ARGUMENTS


def recorder(library):
    class Recorder(library.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.calls = []

    for hook in (name for name in dir(library.callbacks.Callback) if name.startswith("on_") and name != "on_chunk_end"):
        if hook in ("on_batch_begin", "on_batch_end"):
            continue
        is_numbered = "batch" in hook or "epoch" in hook

        def called(self, *args, logs=None, hook=hook, is_numbered=is_numbered):
            if not is_numbered:
                logs = args[0] if args else logs
            elif len(args) > 1:
                logs = args[1]
            keys = sorted(logs or {}) if "predict" not in hook else []
            self.calls.append((hook, args[0] if is_numbered else None, keys))

        setattr(Recorder, hook, called)
    return Recorder()


def calls_of(library):
    model = library.Sequential([library.Input((3,)), library.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    found = []
    for run in (
        lambda seen: model.fit(X, Y, batch_size=8, epochs=2, validation_data=(X, Y), verbose=0, callbacks=[seen]),
        lambda seen: model.evaluate(X, Y, batch_size=8, verbose=0, callbacks=[seen]),
        lambda seen: model.predict(X, batch_size=32, verbose=0, callbacks=[seen]),
    ):
        seen = recorder(library)
        run(seen)
        found.append(seen.calls)
    return found


def test_hooks_come_in_the_order_and_with_the_logs_of_keras():
    for ours, theirs in zip(calls_of(pw), calls_of(keras), strict=True):
        assert ours == theirs


def test_hooks_have_keras_names():
    def hooks(library):
        return {name for name, _ in inspect.getmembers(library.callbacks.Callback) if name.startswith("on_")}

    assert hooks(pw) - hooks(keras) == {"on_chunk_end"}
    assert hooks(keras) <= hooks(pw)
