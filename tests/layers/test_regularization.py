"""Layers that disturb their input in training: what they keep on average, what draws depend on, and the identity in inference."""

import keras
import numpy as np
import pytest

import phasewise as pw
from phasewise.core import random
from phasewise.layers import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)

ONES = np.ones((200, 500), "float32")
N = ONES.size
SIGMAS = 5  # a correct sampler leaves this bound once in 1.7 million runs, and the seed is fixed
RANDOM = [
    ("Dropout", {"rate": 0.3}, (4, 5)),
    ("AlphaDropout", {"rate": 0.3}, (4, 5)),
    ("GaussianDropout", {"rate": 0.3}, (4, 5)),
    ("GaussianNoise", {"stddev": 0.3}, (4, 5)),
    ("SpatialDropout1D", {"rate": 0.3}, (4, 3, 5)),
    ("SpatialDropout2D", {"rate": 0.3}, (4, 3, 2, 5)),
    ("SpatialDropout3D", {"rate": 0.3}, (4, 3, 2, 2, 5)),
]
every_random_layer = pytest.mark.parametrize("name, arguments, shape", RANDOM, ids=[row[0] for row in RANDOM])


def made(kind, arguments, **more):
    return getattr(pw.layers, kind)(**arguments, **more)


def at_step(layer, x, step, seed=7):
    """The output in training, as step number `step` of a run with this seed computes it."""
    with random.scope(np.uint32(seed), np.int32(step)):
        return np.asarray(layer(x, training=True))


def standard_normal(shape):
    return np.random.default_rng(3).normal(size=shape).astype("float32")


@every_random_layer
def test_inference_is_the_identity(name, arguments, shape):
    x, layer = standard_normal(shape), made(name, arguments)
    np.testing.assert_array_equal(layer(x), x)
    np.testing.assert_array_equal(layer(x, training=False), x)


@every_random_layer
def test_nothing_to_do_is_the_identity_in_training(name, arguments, shape):
    x = standard_normal(shape)
    np.testing.assert_array_equal(made(name, dict.fromkeys(arguments, 0))(x, training=True), x)


@every_random_layer
@pytest.mark.parametrize("seed", [None, 11])
def test_a_draw_is_a_function_of_seed_and_step(name, arguments, shape, seed):
    x = standard_normal((64, *shape[1:]))
    layer, again = (made(name, arguments, seed=seed, name="same") for _ in range(2))
    np.testing.assert_array_equal(at_step(layer, x, 3), at_step(again, x, 3))
    assert not np.array_equal(at_step(layer, x, 3), at_step(layer, x, 4))
    assert np.array_equal(at_step(layer, x, 3, seed=8), at_step(layer, x, 3)) == (seed is not None)


@every_random_layer
def test_two_layers_of_a_model_draw_differently_and_so_do_two_calls(name, arguments, shape):
    x = standard_normal((64, *shape[1:]))
    layer, other = made(name, arguments), made(name, arguments)
    inputs = pw.Input(shape[1:])
    one, another = pw.Model(inputs, [layer(inputs, training=True), other(inputs, training=True)])(x)
    assert not np.array_equal(one, another)
    with random.scope(np.uint32(7), np.int32(0)):
        assert not np.array_equal(layer(x, training=True), layer(x, training=True))
    assert not np.array_equal(layer(x, training=True), layer(x, training=True))


@every_random_layer
def test_half_precision_stays_half(name, arguments, shape):
    layer = made(name, arguments, dtype="mixed_bfloat16")
    assert layer(standard_normal(shape), training=True).dtype == "bfloat16"


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_drops_the_rate_and_scales_the_rest(rate):
    y = np.asarray(Dropout(rate)(ONES, training=True))
    np.testing.assert_allclose(np.unique(y), [0, 1 / (1 - rate)], rtol=1e-6)
    assert abs((y == 0).mean() - rate) < SIGMAS * np.sqrt(rate * (1 - rate) / N)


def test_every_entry_is_dropped_independently_of_its_neighbours():
    dropped = np.asarray(Dropout(0.5, seed=1)(ONES, training=True)) == 0
    for axis in (0, 1):
        agreement = (dropped == np.roll(dropped, 1, axis)).mean()
        assert abs(agreement - 0.5) < SIGMAS * 0.5 / np.sqrt(N)
    assert abs(dropped.mean(0) - 0.5).max() < SIGMAS * 0.5 / np.sqrt(200)
    assert abs(dropped.mean(1) - 0.5).max() < SIGMAS * 0.5 / np.sqrt(500)


def test_the_mean_over_many_steps_is_the_input():
    x, layer = standard_normal((50,)), Dropout(0.25, name="d")
    rows = np.broadcast_to(x, (4000, 50))
    average = at_step(layer, rows, 0).mean(0)
    spread = np.abs(x) * np.sqrt(0.25 / 0.75)  # the standard deviation of a dropped and scaled entry
    assert (np.abs(average - x) < SIGMAS * spread / np.sqrt(4000)).all()


def test_rate_one_drops_everything():
    np.testing.assert_array_equal(Dropout(1.0)(ONES, training=True), np.zeros_like(ONES))


@pytest.mark.parametrize(
    "noise_shape, constant", [((None, 1, None), 1), ((8, 1, 6), 1), ((1, None, None), 0), ((None, None, 1), 2)]
)
def test_noise_shape_makes_the_mask_constant_along_axes_of_size_one(noise_shape, constant):
    y = np.asarray(Dropout(0.5, noise_shape=noise_shape)(np.ones((8, 5, 6), "float32"), training=True))
    np.testing.assert_array_equal(y, np.broadcast_to(y.take([0], constant), y.shape))
    for axis in {0, 1, 2} - {constant}:
        assert not np.array_equal(y, np.broadcast_to(y.take([0], axis), y.shape))


@pytest.mark.parametrize(
    "layer, shape, spatial",
    [
        (SpatialDropout1D(0.5), (40, 3, 50), (1,)),
        (SpatialDropout2D(0.5), (40, 3, 2, 50), (1, 2)),
        (SpatialDropout2D(0.5, data_format="channels_first"), (40, 50, 3, 2), (2, 3)),
        (SpatialDropout3D(0.5), (40, 3, 2, 2, 50), (1, 2, 3)),
        (SpatialDropout3D(0.5, data_format="channels_first"), (40, 50, 2, 3, 2), (2, 3, 4)),
    ],
    ids=["1D", "2D", "2D channels first", "3D", "3D channels first"],
)
def test_spatial_dropout_drops_whole_channels(layer, shape, spatial):
    y = np.asarray(layer(np.ones(shape, "float32"), training=True))
    np.testing.assert_array_equal(y.min(spatial), y.max(spatial))
    channels = y.max(spatial)
    assert set(np.unique(channels)) == {0.0, 2.0}
    assert abs((channels == 0).mean() - 0.5) < SIGMAS * 0.5 / np.sqrt(channels.size)


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_alpha_dropout_keeps_mean_and_variance_of_standard_normal_inputs(rate):
    x = standard_normal(ONES.shape)
    y = np.asarray(AlphaDropout(rate)(x, training=True))
    # The fourth moment of any y here is below 12, so that a mean varies by 1 / sqrt(N), a variance by sqrt(11 / N).
    assert abs(y.mean()) < SIGMAS / np.sqrt(N)
    assert abs(y.var() - 1) < SIGMAS * np.sqrt(11 / N)


def test_alpha_dropout_saturates_the_rate_of_entries_and_keeps_their_order():
    x = standard_normal(ONES.shape)
    y = np.asarray(AlphaDropout(0.3)(x, training=True))
    saturation = -1.7580993408473766
    factor = (0.7 * (1 + 0.3 * saturation**2)) ** -0.5
    kept = np.abs(y - (factor * x - factor * saturation * 0.3)) < 1e-5
    assert abs((~kept).mean() - 0.3) < SIGMAS * np.sqrt(0.21 / N)
    np.testing.assert_allclose(y[~kept], factor * saturation * 0.7, rtol=1e-5)


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_gaussian_dropout_multiplies_by_noise_of_mean_one_and_the_variance_of_dropout(rate):
    noise = np.asarray(GaussianDropout(rate)(2 * ONES, training=True)) / 2
    variance = rate / (1 - rate)
    assert abs(noise.mean() - 1) < SIGMAS * np.sqrt(variance / N)
    assert abs(noise.var() - variance) < SIGMAS * variance * np.sqrt(2 / N)


def test_gaussian_noise_adds_noise_of_mean_zero_and_its_stddev_whatever_the_input():
    for x in (0 * ONES, 3 * ONES):
        noise = np.asarray(GaussianNoise(0.5)(x, training=True)) - x
        assert abs(noise.mean()) < SIGMAS * 0.5 / np.sqrt(N)
        assert abs(noise.std() - 0.5) < SIGMAS * 0.5 / np.sqrt(2 * N)


def test_the_loss_of_activity_regularization_equals_that_of_keras_through_fit():
    x = standard_normal((12, 3))
    y = standard_normal((12, 2))[:, ::-1]
    histories, weights = [], []
    for library in (pw, keras):
        model = library.Sequential(
            [library.Input((3,)), library.layers.Dense(2), library.layers.ActivityRegularization(l1=0.1, l2=0.02)]
        )
        model.set_weights([standard_normal((3, 2)), np.float32([0.5, -0.5])])
        model.compile(library.optimizers.SGD(0.05), "mse")
        histories.append(model.fit(x, y, batch_size=6, epochs=3, shuffle=False, verbose=0).history["loss"])
        weights.append(model.get_weights())
    np.testing.assert_allclose(histories[0], histories[1], rtol=1e-5)
    for ours, theirs in zip(*weights):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_activity_regularization_is_the_identity_and_reports_its_loss():
    x, layer = standard_normal((4, 3)), ActivityRegularization(l1=0.5, l2=0.25)
    np.testing.assert_array_equal(layer(x), x)
    expected = (0.5 * np.abs(x).sum() + 0.25 * np.square(x).sum()) / 4
    assert float(layer.losses[0]) == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    "layer, shape, words",
    [
        (Dropout(0.3, name="r"), (5,), "drops 30%"),
        (SpatialDropout1D(0.25, name="r"), (2, 5), "drops 25% of the channels"),
        (AlphaDropout(0.3, name="r"), (5,), "saturates 30%"),
        (GaussianNoise(0.3, name="r"), (5,), "adds noise, stddev 0.3"),
        (GaussianDropout(0.5, name="r"), (5,), "multiplies by noise, stddev 1"),
    ],
    ids=lambda v: type(v).__name__,
)
def test_explain_says_what_training_does_and_that_inference_passes_through(layer, shape, words):
    row = pw.Sequential([pw.Input(shape), layer]).explain(print_fn=False)["r"]
    assert (row.fit.action, row.evaluate.action, row.predict.action) == (words, "passes through", "passes through")


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: Dropout(1.5), r"Dropout's rate is the fraction to drop, in \[0, 1\]; got 1.5"),
        (lambda: Dropout(-0.1), r"in \[0, 1\]; got -0.1"),
        (lambda: Dropout("half"), r"in \[0, 1\]; got 'half'"),
        (lambda: Dropout(float("nan")), r"in \[0, 1\]; got nan"),
        (lambda: Dropout(True), r"in \[0, 1\]; got True"),
        (lambda: AlphaDropout(1), r"AlphaDropout's rate is the fraction to drop, in \[0, 1\); got 1"),
        (lambda: GaussianDropout(1.0), r"GaussianDropout's rate is the fraction to drop, in \[0, 1\); got 1.0"),
        (lambda: SpatialDropout1D(2), "SpatialDropout1D's rate is the fraction to drop"),
        (lambda: GaussianNoise(-1), "GaussianNoise's stddev must be a finite number of at least 0; got -1"),
        (lambda: GaussianNoise("loud"), "GaussianNoise's stddev must be a finite number of at least 0; got 'loud'"),
        (lambda: Dropout(0.5, noise_shape=3), "noise_shape is a tuple of positive integers and None; got 3"),
        (
            lambda: Dropout(0.5, noise_shape=(0, 1)),
            r"noise_shape is a tuple of positive integers and None; got \(0, 1\)",
        ),
        (
            lambda: Dropout(0.5, noise_shape=(None, 1), name="d")(np.ones((2, 3, 4)), training=True),
            r"Dropout 'd' has noise_shape=\(None, 1\); its input has 3 axes, \(2, 3, 4\)",
        ),
        (lambda: SpatialDropout2D(0.5, "first"), "data_format is 'channels_last' or 'channels_first'; got 'first'"),
        (lambda: SpatialDropout1D(0.5, name="s")(np.ones((2, 3))), "'s' .* expects an input with 3 axes"),
        (lambda: ActivityRegularization(l1=-1), "l1"),
    ],
)
def test_bad_arguments_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()
