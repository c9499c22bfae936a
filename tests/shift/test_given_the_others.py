"""A channel held against what the other channels of the same rows let one expect of it."""

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers

TRAINED_ON = 20_000
MIXING = np.array([[1, 0.9, 0.5, 0], [0, 0.45, 0.5, 0], [0, 0, 0.3, 0], [0, 0, 0, 1]])  # the last goes with none


def together(rows, rng):
    """Four channels, of which the first three go together."""
    return (rng.standard_normal((rows, 4)) @ MIXING + 2).astype("float32")


@pytest.fixture(scope="module")
def model():
    pw.set_random_seed(1)
    x = pw.Input((4,))
    h = layers.BatchNormalization(name="first")(x)
    made = pw.Model(x, layers.Dense(3, activation="softmax")(layers.BatchNormalization()(layers.Dense(5)(h))))
    pw.recalibrate(made, together(TRAINED_ON, np.random.default_rng(0)), verbose=0)
    return made


def expected(x, mean, channel):
    """(b, its standard error): what regression on the others leaves of a channel's displacement, a hundredth of each variance being noise.

    Noise is rows of its own beside the centred ones, one a channel.
    """
    centred, off = x - x.mean(0, dtype=np.float64), x.mean(0, dtype=np.float64) - mean
    noisy = np.vstack([centred, np.diag(np.sqrt(0.01 * np.square(centred).sum(0)))])
    others, off_others = np.delete(noisy, channel, 1), np.delete(off, channel)
    slopes, residue, *_ = np.linalg.lstsq(others, noisy[:, channel], rcond=None)
    uncertain = 1 / len(x) + 1 / TRAINED_ON + off_others @ np.linalg.inv(others.T @ others) @ off_others
    return off[channel] - slopes @ off_others, np.sqrt(residue[0] / (len(x) - x.shape[1]) * uncertain)


@pytest.mark.parametrize("batch_size", [32, 200])
def test_it_is_the_intercept_of_a_regression_on_the_others(model, batch_size):
    x = together(200, np.random.default_rng(3)) + np.float32([0.4, 0, 0, 0])
    found, layer = pw.audit(model, x, batch_size=batch_size)["first"], model.get_layer("first")
    variance = layer.moving_variance.numpy() + layer.epsilon
    # A variance that is below the moving one counts as that.
    more = np.sqrt(np.maximum(variance / (x.var(0, dtype=np.float64) + layer.epsilon), 1))
    for channel in range(3):
        b, error = expected(x, layer.moving_mean.numpy(), channel)
        assert found.unexpected[channel] * np.sqrt(variance[channel]) == pytest.approx(b, rel=1e-3)
        assert found.error_unexpected[channel] * np.sqrt(variance[channel]) == pytest.approx(
            error * more[channel], rel=2e-3
        )
    assert found.unexpected[3] == 0 and found.error_unexpected[3] == np.inf and found.p_unexpected[3] == 1


def test_a_displacement_that_no_channel_shows_by_itself_is_found_and_told(model):
    x = together(128, np.random.default_rng(6)) + np.float32([0, 0.25, 0, 0])
    found = pw.audit(model, x)
    first = found["first"]
    assert min(first.p_mean.min(), first.p_variance.min()) > 0.01 and first.p_unexpected.min() < 1e-4
    assert (
        found.is_shifted
        and np.flatnonzero(first.affected).tolist() == [1]
        and first.kind == "displaced in 1 of 4 channels"
    )
    assert "No channel by itself is off by more than chance, but channel 1 is 0." in str(found.verdict)
    assert "standard deviations above what the other channels of the same rows let one expect" in str(found.verdict)


def test_against_reference_data_too(model):
    rng = np.random.default_rng(7)
    reference, x = together(500, rng), together(128, rng)
    assert not pw.audit(model, x, reference=reference).is_shifted
    found = pw.audit(model, x - np.float32([0, 0.3, 0, 0]), reference=reference)
    assert found["first"].p_unexpected.min() < 1e-4 and found["first"].most_unexpected == 1


def test_a_column_that_another_repeats_is_no_alarm():
    pw.set_random_seed(1)
    x = pw.Input((3,))
    made, rng = pw.Model(x, layers.Dense(2)(layers.BatchNormalization(name="first")(x))), np.random.default_rng(0)

    def rows(count):
        z = rng.standard_normal((count, 2))
        return np.column_stack([z, z[:, 0] * 3 - 1]).astype("float32")

    pw.recalibrate(made, rows(5000), verbose=0)
    assert not any(pw.audit(made, rows(100)).is_shifted for _ in range(20))
