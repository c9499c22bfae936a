"""A row of a recurrent network has the same bits alone, in any batch and in any place."""

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers

ROWS, TIME = 75, 9
RNG = np.random.default_rng(0)
WORDS = RNG.integers(1, 20, (ROWS, TIME)) * (np.arange(TIME) < RNG.integers(1, TIME + 1, (ROWS, 1)))


def of_words():
    """Words with padding through an LSTM both ways, batch normalization and another LSTM."""
    x = pw.Input((None,), dtype="int32")
    h = layers.Embedding(20, 16, mask_zero=True)(x)
    h = layers.Bidirectional(layers.LSTM(24, return_sequences=True, dropout=0.1))(h)
    h = layers.LSTM(24)(layers.BatchNormalization()(h))
    return pw.Model(x, layers.Dense(5)(h)), WORDS


def of_images():
    """A sequence of images through a convolutional LSTM and a GRU."""
    x = pw.Input((4, 8, 8, 2))
    h = layers.ConvLSTM2D(8, 3, padding="same", return_sequences=True)(x)
    h = layers.GRU(24)(layers.TimeDistributed(layers.GlobalAveragePooling2D())(h))
    return pw.Model(x, layers.Dense(5)(h)), RNG.normal(size=(ROWS, 4, 8, 8, 2)).astype("float32")


@pytest.mark.parametrize("policy", ["float32", "mixed_bfloat16"])
@pytest.mark.parametrize("make", [of_words, pytest.param(of_images, marks=pytest.mark.extensive)])
def test_a_row_of_a_network_has_the_same_bits_alone_in_any_batch_and_place(make, policy):
    with pw.core.precision.dtype_policy_scope(policy):
        model, x = make()
    whole = model.predict(x, verbose=0)
    for size in (1, 7, ROWS):
        np.testing.assert_array_equal(model.predict(x, batch_size=size, verbose=0), whole)
    order = RNG.permutation(ROWS)
    np.testing.assert_array_equal(model.predict(x[order], verbose=0), whole[order])
    for row in (0, 31, 40, ROWS - 1):
        np.testing.assert_array_equal(model(x[row : row + 1])[0], whole[row])
