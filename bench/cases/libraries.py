"""The library under test, phasewise or Keras on JAX, under one set of names: the two APIs agree."""

import os
import sys

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("JAX_PLATFORMS", "cpu")
os.environ.setdefault("PHASEWISE_CACHE", "off")


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


def arguments_given():
    """What follows the library on the command line."""
    return sys.argv[2:]
