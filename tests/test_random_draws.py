"""`phasewise.random`: Keras's draws, by distribution, and what they repeat by."""

import jax
import keras
import numpy as np
import pytest

import phasewise as pw

random = pw.random
SHAPE = (100, 100)
DRAWS = {
    "normal": ({"mean": 2.0, "stddev": 3.0}, 2, 9),
    "truncated_normal": ({"mean": 1.0, "stddev": 0.5}, 1, 0.25 * 0.7737),  # the variance of N(0, 1) within [-2, 2]
    "uniform": ({"minval": -1.0, "maxval": 3.0}, 1, 16 / 12),
    "gamma": ({"alpha": 2.5}, 2.5, 2.5),
    "beta": ({"alpha": 2.0, "beta": 3.0}, 0.4, 0.04),
    "binomial": ({"counts": 10, "probabilities": 0.3}, 3, 2.1),
}
each = pytest.mark.parametrize("name", DRAWS)


def drawn(name, shape=SHAPE, **options):
    return getattr(random, name)(shape, **DRAWS[name][0], **options)


@each
def test_draws_have_the_mean_and_variance_of_their_distribution(name):
    values = np.asarray(drawn(name, seed=1), "float64")
    _, mean, variance = DRAWS[name]
    assert values.mean() == pytest.approx(mean, abs=5 * np.sqrt(variance / values.size))
    assert values.var() == pytest.approx(variance, rel=0.08)


@each
@pytest.mark.parametrize("dtype", [None, "float32", "bfloat16"])
@pytest.mark.few(4)
def test_shapes_and_dtypes_are_those_of_keras(name, dtype):
    theirs = getattr(keras.random, name)((2, 3), **DRAWS[name][0], dtype=dtype, seed=1)
    ours = drawn(name, (2, 3), dtype=dtype, seed=1)
    assert (ours.shape, ours.dtype) == (theirs.shape, theirs.dtype)


@each
def test_an_int_repeats_a_generator_goes_on_and_a_script_repeats_by_its_seed(name):
    first, again, other = (np.asarray(drawn(name, (4,), seed=seed)) for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()
    generator, twin = random.SeedGenerator(5), random.SeedGenerator(5)
    sequence = [np.asarray(drawn(name, (4,), seed=generator)) for _ in range(2)]
    assert (sequence[0] != sequence[1]).any()
    assert all((one == np.asarray(drawn(name, (4,), seed=twin))).all() for one in sequence)
    scripts = []
    for _ in range(2):
        pw.set_random_seed(3)
        scripts.append([np.asarray(drawn(name, (4,))) for _ in range(2)])
    assert (scripts[0][0] == scripts[1][0]).all() and (scripts[0][1] == scripts[1][1]).all()
    assert (scripts[0][0] != scripts[0][1]).any()


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
def test_uniform_draws_stay_below_the_upper_end(dtype):
    values = random.uniform((20000,), 1.0, 2.0, dtype=dtype, seed=0)
    assert values.min() >= 1 and values.max() < 2


def test_truncated_draws_stay_within_two_standard_deviations():
    assert abs(random.truncated_normal(SHAPE, seed=0)).max() <= 2


def test_whole_numbers_come_alike_within_their_bounds():
    values = np.asarray(random.randint((3000,), -1, 2, seed=0))
    assert values.dtype == "int32"
    counts = np.bincount(values + 1, minlength=3)
    assert counts.sum() == 3000 and abs(counts - 1000).max() < 150
    assert random.randint((2,), 0, 9, dtype="uint8").dtype == "uint8"


def test_classes_come_as_often_as_their_logits_say():
    logits = np.log([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
    values = np.asarray(random.categorical(logits, 4000, seed=0))
    assert values.shape == (2, 4000) and values.dtype == "int32"
    shares = [np.bincount(row, minlength=3) / 4000 for row in values]
    np.testing.assert_allclose(shares, np.exp(logits), atol=0.04)


def test_dropout_keeps_the_mean_and_drops_whole_rows_by_the_noise_shape():
    ones = np.ones((100, 50), "float32")
    values = np.asarray(random.dropout(ones, 0.25, seed=0))
    assert set(np.unique(values)) == {np.float32(0), np.float32(1 / 0.75)}
    assert values.mean() == pytest.approx(1, abs=0.05)
    rows = np.asarray(random.dropout(ones, 0.5, noise_shape=(None, 1), seed=0))
    assert (rows == rows[:, :1]).all()
    assert not np.asarray(random.dropout(ones, 1.0)).any()


def test_shuffled_parts_are_the_same_in_another_order():
    x = np.arange(24).reshape(2, 12)
    values = np.asarray(random.shuffle(x, axis=1, seed=3))
    assert (np.sort(values, 1) == x).all() and (values != x).any()


def test_a_layer_of_your_own_draws_anew_in_every_step_of_a_compiled_program():
    class Noise(pw.Layer):
        def call(self, inputs, training=None):
            return inputs + random.normal((1,)) if training else inputs

    model = pw.Sequential([pw.Input((1,)), Noise()])
    seen = [float(model(np.zeros((1, 1), "float32"), training=True)[0, 0]) for _ in range(3)]
    assert len(set(seen)) == 3


def test_an_int_gives_the_same_numbers_in_compiled_code():
    assert (jax.jit(lambda: random.normal((3,), seed=4))() == random.normal((3,), seed=4)).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random.randint((2,), 0, 5, dtype="float32"), "randint's dtype is one of whole numbers; got 'float32'"),
        (lambda: random.normal((2,), dtype="int32"), "normal's dtype is one of real numbers; got 'int32'"),
        (lambda: random.dropout([1.0], 1.5), r"dropout's rate is a number in \[0, 1\]; got 1.5"),
        (lambda: random.categorical([1.0], 2), r"categorical takes logits of shape \(batch, classes\); got \(1,\)"),
        (lambda: random.normal((2,), seed="x"), "normal's seed is an integer or None; got 'x'"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
