"""The library under test, phasewise or Keras on JAX, under one set of names: the two APIs agree."""

import os
import sys
import time

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")


def load(name):
    """The module `phasewise` or `keras`."""
    if name == "phasewise":
        import phasewise

        return phasewise
    import keras

    return keras


def name_given():
    """The library that the command line names."""
    return sys.argv[1]


def epoch_timer(library):
    """A callback and the list that receives each epoch's seconds."""
    seconds = []

    class Timer(library.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.begun = time.perf_counter()

        def on_epoch_end(self, epoch, logs=None):
            seconds.append(time.perf_counter() - self.begun)

    return Timer(), seconds
