"""How many of two hundred monitors are ever wrong: whole ones, on models that were trained, over ten thousand batches each."""

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers

MONITORS, BATCHES, ROWS = 200, 10_000, 32
AT_ONCE = 25  # batches that one call predicts; the monitor judges after each call


def net():
    pw.set_random_seed(3)
    x = pw.Input((4,))
    h = layers.BatchNormalization(name="first")(x)
    h = layers.BatchNormalization(name="second")(layers.Dense(4)(h))
    made = pw.Model(x, layers.Dense(2, activation="softmax")(h))
    made.compile(pw.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    return made


def rows_of(rng, count):
    """Normal, skewed and correlated columns."""
    z = rng.standard_normal((count, 4)).astype("float32")
    z[:, 1], z[:, 2] = np.exp(z[:, 1] / 2), z[:, 2] + z[:, 0]
    return z


@pytest.mark.extensive
def test_at_most_one_in_a_hundred_monitors_is_ever_wrong():
    """Moving statistics are what `fit` leaves: averages at momentum 0.99 over batches of 32, which are themselves off by chance."""
    model, wrong = net(), []
    initial = model.get_weights()
    for seed in range(MONITORS):
        rng = np.random.default_rng(seed)
        model.set_weights(initial)
        model.fit(rows_of(rng, 1000 * ROWS), np.zeros(1000 * ROWS), batch_size=ROWS, verbose=0)
        with pw.Monitor(model, on_shift=wrong.append) as monitor:
            monitor._seconds = 1e9  # as if predictions took very long: each is looked at
            for _ in range(BATCHES // AT_ONCE):
                model.predict(rows_of(rng, AT_ONCE * ROWS), batch_size=ROWS, verbose=0)
        assert monitor.rows == BATCHES * ROWS
    assert len(wrong) <= MONITORS // 100, wrong
