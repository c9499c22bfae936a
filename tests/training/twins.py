"""One model in phasewise and in Keras, with the same weights."""

import keras
import numpy as np

import phasewise as pw

RNG = np.random.default_rng(0)
X = RNG.normal(1.0, 2.0, (70, 4)).astype("float32")
Y = (X[:, :1] + X[:, 1:2] > 2).astype("int32")
CLASSES = RNG.integers(0, 3, 70).astype("int32")


def binary(library, **call):
    """Four numbers to one probability, through batch normalization."""
    layers = library.layers
    x = library.Input((4,), name="x")
    h = layers.Dense(6, activation="tanh", name="hidden")(x)
    h = layers.BatchNormalization(name="bn", momentum=0.9)(h, **call)
    return library.Model(x, layers.Dense(1, activation="sigmoid", name="y")(h))


def two_headed(library):
    """Four numbers to a probability and to three classes."""
    layers = library.layers
    x = library.Input((4,), name="x")
    h = layers.Dense(5, activation="relu", name="hidden")(x)
    yes = layers.Dense(1, activation="sigmoid", name="yes")(h)
    kind = layers.Dense(3, activation="softmax", name="kind")(h)
    return library.Model(x, [yes, kind])


def twins(build):
    """(ours, Keras's) with one set of weights."""
    ours, theirs = build(pw), build(keras)
    ours.set_weights(theirs.get_weights())
    return ours, theirs


def compiled_twins(build, make):
    """Twins, each compiled with what `make(library)` returns."""
    pair = twins(build)
    for model, library in zip(pair, (pw, keras)):
        model.compile(**make(library))
    return pair


def assert_same_weights(ours, theirs, rtol=2e-4, atol=2e-5):
    """All weights agree after the same steps in float32."""
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=rtol, atol=atol)
