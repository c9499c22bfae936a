"""The library under test, phasewise or Keras on one of its engines, under one set of names: the two APIs agree."""

import os
import sys

os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("PHASEWISE_CACHE", "off")


def load(name):
    """The module `phasewise`, or `keras` on JAX ("keras") or on TensorFlow ("keras_tensorflow")."""
    if name == "phasewise":
        import phasewise

        return phasewise
    os.environ["KERAS_BACKEND"] = "tensorflow" if name == "keras_tensorflow" else "jax"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    import keras

    return keras


def name_given():
    """The library that the command line names."""
    return sys.argv[1]


def arguments_given():
    """What follows the library on the command line."""
    return sys.argv[2:]
