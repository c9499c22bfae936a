"""Masks that travel with the values from layer to layer."""

import gc
import weakref

import jax
import keras
import numpy as np
import pytest

import phasewise as pw
from phasewise.core import host_memory, masking

X = np.float32([[1, 2, 0], [3, 0, 0]])[..., None] * np.ones(2, "float32")
VALID = np.array([[True, True, False], [True, False, False]])
BOTH = pytest.mark.parametrize("K", [pw, keras], ids=["phasewise", "keras"])


def layers(K):
    """A layer that makes a mask, one that needs one, and one that drops it."""

    class Makes(K.Layer):
        def call(self, inputs):
            return inputs * 1.0

        def compute_mask(self, inputs, previous_mask=None):
            return inputs[..., 0] != 0

    class Counts(K.Layer):
        def call(self, inputs, mask=None):
            return inputs * (1.0 if mask is None else 10.0 * mask[..., None])

    class Drops(K.Layer):
        def call(self, inputs):
            return inputs * 1.0

    return Makes, Counts, Drops


SEEN = 10 * X * VALID[..., None]


@pytest.mark.parametrize("way", ["functional", "sequential", "subclass"])
@BOTH
def test_a_mask_reaches_the_layers_behind_through_those_that_support_it(K, way):
    Makes, Counts, _ = layers(K)
    chain = [Makes(), K.layers.Activation("linear"), Counts()]
    if way == "sequential":
        model = K.Sequential([K.Input((3, 2)), *chain])
    elif way == "functional":
        inputs = hidden = K.Input((3, 2))
        for layer in chain:
            hidden = layer(hidden)
        model = K.Model(inputs, hidden)
    else:

        class Mine(K.Model):
            def __init__(self):
                super().__init__()
                self.chain = chain

            def call(self, x):
                for layer in self.chain:
                    x = layer(x)
                return x

        model = Mine()
    np.testing.assert_allclose(model(X), SEEN)
    np.testing.assert_allclose(model.predict(X, verbose=0), SEEN)


@BOTH
def test_a_layer_that_does_not_support_masking_drops_it(K):
    Makes, Counts, Drops = layers(K)
    np.testing.assert_allclose(K.Sequential([Makes(), Drops(), Counts()])(X), X)


@BOTH
def test_a_mask_may_be_given_at_the_call(K):
    _, Counts, _ = layers(K)
    np.testing.assert_allclose(Counts()(X, mask=VALID), SEEN)


def test_a_given_mask_goes_before_one_that_travels():
    Makes, Counts, _ = layers(pw)

    class Outer(pw.Layer):
        def __init__(self):
            super().__init__()
            self.makes, self.counts = Makes(), Counts()

        def call(self, x):
            return self.counts(self.makes(x), mask=~VALID)

    np.testing.assert_allclose(Outer()(X), 10 * X * ~VALID[..., None])


def test_a_mask_works_under_jit():
    Makes, Counts, _ = layers(pw)
    makes, counts = Makes(), Counts()
    model = pw.Sequential([makes, counts])
    np.testing.assert_allclose(jax.jit(lambda x: model(x))(X), SEEN)
    np.testing.assert_allclose(jax.jit(lambda x: counts(makes(x)))(X), SEEN)
    np.testing.assert_allclose(jax.grad(lambda x: counts(makes(x)).sum())(X), 10 * VALID[..., None] * np.ones(2))


@BOTH
def test_a_mask_goes_from_layer_to_layer_that_are_called_one_by_one(K):
    Makes, Counts, _ = layers(K)
    np.testing.assert_allclose(Counts()(K.layers.Activation("linear")(Makes()(X))), SEEN)
    np.testing.assert_allclose(Counts()(X), X)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_mask_stays_with_an_array_that_is_copied_or_narrowed_before_the_call(dtype):
    class Makes(pw.Layer):
        def call(self, inputs):
            made = host_memory.empty(X.shape, dtype)  # an address at which the device would read it, so it is copied
            made[...] = X
            return made

        def compute_mask(self, inputs, previous_mask=None):
            return VALID

    _, Counts, _ = layers(pw)
    np.testing.assert_allclose(Counts()(pw.layers.Activation("linear")(Makes()(X))), SEEN)


def test_a_mask_is_kept_no_longer_than_its_array():
    Makes, _, _ = layers(pw)
    made = Makes()(X)
    mask = weakref.ref(masking.of(made))
    assert mask() is not None
    del made
    gc.collect()
    assert mask() is None


def test_under_mixed_precision_the_mask_survives_the_cast():
    Makes, Counts, _ = layers(pw)
    model = pw.Sequential([Makes(dtype="float32"), Counts(dtype="bfloat16")])
    np.testing.assert_allclose(np.asarray(model(X), np.float32), SEEN)
