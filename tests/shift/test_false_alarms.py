"""How often an audit is wrong, and how often it finds what is there: by simulation, on networks that were trained."""

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_breast_cancer, load_digits, load_iris

import phasewise as pw
from phasewise import layers
from phasewise.shift.gathering import gathered
from phasewise.shift.layer_shift import FIRST, OF_MEANS, layer_shifts
from phasewise.shift.significance import holm

ALPHA = 0.01


def dense_net():
    x = pw.Input((6,))
    h = layers.BatchNormalization()(x)
    h = layers.BatchNormalization()(layers.Dense(16)(h))
    h = layers.Dense(8, activation="relu")(layers.ReLU()(h))
    return pw.Model(x, layers.Dense(3, activation="softmax")(layers.BatchNormalization()(h)))


def dense_rows(rows, rng):
    """Skewed, correlated and normal columns."""
    z = rng.standard_normal((rows, 6))
    z[:, 1], z[:, 2] = np.exp(z[:, 1] / 2), z[:, 2] + z[:, 0]
    return z.astype("float32")


def convolutional_net():
    x = pw.Input((8, 8, 3))
    h = layers.BatchNormalization()(x)
    h = layers.BatchNormalization()(layers.Conv2D(8, 3)(h))
    h = layers.Conv2D(8, 3, activation="relu")(layers.ReLU()(h))
    h = layers.GlobalAveragePooling2D()(layers.BatchNormalization()(h))
    return pw.Model(x, layers.Dense(3, activation="softmax")(h))


def convolutional_rows(rows, rng):
    """Pictures whose pixels go together: a level of each picture's own, blocks, noise."""
    level = 0.7 * rng.standard_normal((rows, 1, 1, 3))
    blocks = rng.standard_normal((rows, 4, 4, 3)).repeat(2, 1).repeat(2, 2)
    return (level + blocks + 0.5 * rng.standard_normal((rows, 8, 8, 3))).astype("float32")


def net_of_measurements():
    x = pw.Input((4,))
    h = layers.BatchNormalization()(x)
    h = layers.ReLU()(layers.BatchNormalization()(layers.Dense(16)(h)))
    return pw.Model(x, layers.Dense(3, activation="softmax")(h))


def measurements(rows, rng):
    """Lengths and widths of flowers, as they were measured: they go together, and come in three groups."""
    flowers = load_iris().data.astype("float32")
    return flowers[rng.integers(0, len(flowers), rows)]


def net_of_cells():
    x = pw.Input((30,))
    h = layers.BatchNormalization(name="first")(x)
    h = layers.ReLU()(layers.BatchNormalization()(layers.Dense(16)(h)))
    return pw.Model(x, layers.Dense(3, activation="softmax")(h))


def all_cells():
    """Measurements of cells, each with mean 0 and variance 1: of some a few rows in 569 carry much of the variance."""
    x = load_breast_cancer().data
    return ((x - x.mean(0)) / x.std(0)).astype("float32")


def cells(rows, rng):
    """Such rows, each drawn by itself."""
    x = all_cells()
    return x[rng.integers(0, len(x), rows)]


NETS = {
    "dense": (dense_net, dense_rows),
    "cnn": (convolutional_net, convolutional_rows),
    "measurements": (net_of_measurements, measurements),
    "cells": (net_of_cells, cells),
}


def trained(kind, rows=20_000, epochs=3):
    """A net whose learning rate has come down to 0, so that its moving statistics are those of its weights; and its generator."""
    make, draw = NETS[kind]
    pw.set_random_seed(1)
    model, rng = make(), np.random.default_rng(5)
    x = draw(rows, rng)
    labels = np.digitize(x.reshape(rows, -1)[:, :2] @ [1, 0.3], [-0.5, 0.5])
    rate = pw.optimizers.schedules.CosineDecay(1e-2, rows // 32 * epochs * 2 // 3)
    model.compile(pw.optimizers.Adam(rate), "sparse_categorical_crossentropy")
    model.fit(x, labels, batch_size=32, epochs=epochs, verbose=0)
    return model, lambda rows: draw(rows, rng)


def alarms(model, draw, rows, draws, move=lambda x: x):
    """How many of so many audits of `rows` rows find a shift."""
    found = 0
    for _ in range(draws):
        calls = gathered(model, move(draw(rows)), batch_size=rows).calls
        found += any(layer.is_shifted for layer in layer_shifts(calls, None, ALPHA))
    return found


def displaced(x, channel=0):
    """An input channel by 0.3 of its standard deviation."""
    moved = x.copy()
    moved[..., channel] += 0.3 * x[..., channel].std()
    return moved


@pytest.mark.extensive
@pytest.mark.parametrize("kind", NETS)
@pytest.mark.parametrize("is_exact", [False, True], ids=["fit", "recalibrated"])
def test_unshifted_data_raise_an_alarm_no_more_often_than_alpha_says(kind, is_exact):
    model, draw = trained(kind)
    if is_exact:
        pw.recalibrate(model, draw(20_000), verbose=0)
    for rows in (16, 64, 512):
        assert alarms(model, draw, rows, 1000) <= 15, rows


@pytest.mark.extensive
def test_a_small_displacement_of_one_channel_of_pictures_is_found():
    model, draw = trained("cnn")
    assert alarms(model, draw, 128, 200, displaced) >= 180


def most_that_any_test_finds(errors, channels, alpha=ALPHA, draws=200_000):
    """The share of draws in which the best test of level `alpha` finds one of so many independent normal means, `errors` standard errors off in a
    channel and a direction that are not known: by the lemma of Neyman and Pearson, on average over these, that of the mean likelihood ratio."""
    z = np.random.default_rng(0).standard_normal((draws, channels))
    level = np.quantile(np.cosh(errors * z).sum(1), 1 - alpha)
    z[:, 0] += errors
    return np.mean(np.cosh(errors * z).sum(1) > level)


def test_no_test_finds_nine_of_ten_small_displacements_of_single_numbers():
    errors = 0.3 * np.sqrt(128)
    known = stats.norm.cdf(errors - stats.norm.isf(ALPHA))
    assert 0.85 < known < 0.86  # channel, direction and deviation known
    assert 0.78 < most_that_any_test_finds(errors, 1) < 0.81 and 0.58 < most_that_any_test_finds(errors, 6) < 0.62
    # A t-test in each of six channels at the shares of the level that an audit gives them.
    freedom, level = 127, ALPHA * FIRST * OF_MEANS / 6
    found = stats.nct.sf(stats.t.isf(level / 2, freedom), freedom, errors)
    assert 0.50 < found < 0.52


@pytest.mark.extensive
def test_a_small_displacement_of_one_measurement_is_found_since_the_others_tell():
    model, draw = trained("measurements")
    found = [alarms(model, draw, 128, 100, lambda x, k=channel: displaced(x, k)) for channel in range(4)]
    assert sum(found) >= 360, found


@pytest.mark.extensive
def test_of_single_numbers_as_much_is_found_as_so_few_can_tell():
    """Of one that goes with none two fifths of the draws, of the three that the best test could find (see above); twice that where another goes with it."""
    model, draw = trained("dense")
    alone = [alarms(model, draw, 128, 130, lambda x, k=channel: displaced(x, k)) for channel in (3, 4, 5)]
    assert sum(alone) >= 0.4 * 390
    assert alarms(model, draw, 128, 400, displaced) >= 330
    assert alarms(model, draw, 300, 100, lambda x: displaced(x, 3)) >= 90


def test_pixels_that_are_seldom_dark_are_no_shift_against_reference_data():
    """Of a channel that happens to be 0 in all rows of the one, and not of the other, no spread is known."""
    pw.set_random_seed(1)
    x = pw.Input((64,))
    model, rng = pw.Model(x, layers.Dense(3)(layers.BatchNormalization()(x))), np.random.default_rng(4)
    images = (load_digits().data / 16).astype("float32")
    pw.recalibrate(model, images, verbose=0)
    for _ in range(10):
        order = rng.permutation(len(images))
        assert not pw.audit(model, images[order[:200]], reference=images[order[200:]]).is_shifted
    assert pw.audit(model, images[:200] * 0.5, reference=images[200:]).is_shifted


def test_a_few_draws_of_few_rows_raise_no_alarm_and_a_displacement_does():
    pw.set_random_seed(1)
    model, rng = dense_net(), np.random.default_rng(3)
    pw.recalibrate(model, dense_rows(5000, rng), verbose=0)
    assert alarms(model, lambda rows: dense_rows(rows, rng), 16, 60) <= 2
    assert alarms(model, lambda rows: dense_rows(rows, rng), 16, 10, lambda x: x + np.float32(3)) == 10


def test_rows_among_which_the_few_that_carry_much_of_a_variance_are_missing_are_no_shift():
    """One draw of 512 in six has none of the two rows that make a third of a channel's variance, and nothing in it tells of them."""
    pw.set_random_seed(1)
    x = pw.Input((30,))
    model, rng = pw.Model(x, layers.Dense(3)(layers.BatchNormalization(name="first")(x))), np.random.default_rng(0)
    rows = all_cells()
    pw.recalibrate(model, np.tile(rows, (35, 1)), verbose=0)  # known as well as 20,000 rows tell
    usual = rows[np.square(rows[:, 16]) < 50]
    assert len(rows) - len(usual) == 2 and 0.35 < 1 - usual[:, 16].var() < 0.4
    assert alarms(model, lambda count: usual[rng.integers(0, len(usual), count)], 512, 60) <= 3
    assert alarms(model, lambda count: rows[rng.integers(0, len(rows), count)] * np.float32(0.6), 512, 5) == 5


def test_a_weight_is_the_share_of_the_level_and_what_is_rejected_leaves_its_share():
    p = np.array([0.04, 0.004, 0.02])
    # In the order of p / w: 0.004 / 0.5 of everything; 0.04 / 0.4 of the half that is left; 0.02 / 0.1 of a tenth, but no less than before.
    np.testing.assert_allclose(holm(p, [0.4, 0.5, 0.1]), [0.05, 0.008, 0.05])
    np.testing.assert_allclose(holm(p, [2, 2, 2]), holm(p))


def test_holm_is_its_definition():
    p = np.array([0.04, 0.01, 0.03, 0.005])
    np.testing.assert_allclose(holm(p), [0.06, 0.03, 0.06, 0.02])
    np.testing.assert_allclose(holm(np.array([[0.9, 0.8]])), [[1, 1]])
