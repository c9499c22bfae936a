"""Initializers: Keras's distributions, drawn on the host."""

import inspect
import json
import math

import jax.numpy as jnp
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import phasewise as pw
from parity import arguments
from phasewise import initializers
from phasewise.core import registry

ALL = {cls.__name__: cls for cls in registry.members("initializer")}
RANDOM = sorted(name for name, cls in ALL.items() if "seed" in inspect.signature(cls).parameters)
FIXED = {
    "Zeros": [{}],
    "Ones": [{}],
    "Constant": [{}, {"value": -2.5}],
    "Identity": [{}, {"gain": 3.0}],
    "STFT": [
        {},
        {"side": "imag"},
        {"window": "hamming", "scaling": "spectrum", "periodic": True},
        {"window": None},
        {"window": [0.1, 0.5, 1.0, 1.0, 0.5, 0.1], "scaling": None},
    ],
}
SHAPE = (240, 160)  # fan_in 240, fan_out 160, average 200
# options, standard deviation, largest distance from the mean (None: unbounded), mean
STATISTICS = {
    "RandomNormal": [({}, 0.05, None, 0), ({"mean": 2.0, "stddev": 0.5}, 0.5, None, 2)],
    "TruncatedNormal": [({}, 0.05 * 0.87963, 0.1, 0), ({"mean": 2.0, "stddev": 0.5}, 0.5 * 0.87963, 1.0, 2)],
    "RandomUniform": [({}, 0.05 / math.sqrt(3), 0.05, 0), ({"minval": 1.0, "maxval": 3.0}, 1 / math.sqrt(3), 1.0, 2)],
    "VarianceScaling": [
        ({}, math.sqrt(1 / 240), 2 / 0.87963 * math.sqrt(1 / 240), 0),
        ({"scale": 2.0, "mode": "fan_out", "distribution": "untruncated_normal"}, math.sqrt(2 / 160), None, 0),
        ({"scale": 0.5, "mode": "fan_avg", "distribution": "uniform"}, math.sqrt(0.5 / 200), math.sqrt(1.5 / 200), 0),
        ({"distribution": "Normal"}, math.sqrt(1 / 240), 2 / 0.87963 * math.sqrt(1 / 240), 0),
        ({"input_axes": [1], "output_axes": [0]}, math.sqrt(1 / 160), 2 / 0.87963 * math.sqrt(1 / 160), 0),
    ],
    "GlorotUniform": [({}, math.sqrt(1 / 200), math.sqrt(3 / 200), 0)],
    "GlorotNormal": [({}, math.sqrt(1 / 200), 2 / 0.87963 * math.sqrt(1 / 200), 0)],
    "HeUniform": [({}, math.sqrt(2 / 240), math.sqrt(6 / 240), 0)],
    "HeNormal": [({}, math.sqrt(2 / 240), 2 / 0.87963 * math.sqrt(2 / 240), 0)],
    "LecunUniform": [({}, math.sqrt(1 / 240), math.sqrt(3 / 240), 0)],
    "LecunNormal": [({}, math.sqrt(1 / 240), 2 / 0.87963 * math.sqrt(1 / 240), 0)],
    "Orthogonal": [({}, math.sqrt(1 / 240), None, 0), ({"gain": 3.0}, 3 * math.sqrt(1 / 240), None, 0)],
}


def shape_for(name):
    """A small shape that the initializer takes."""
    return (6, 1, 5) if name == "STFT" else (4, 5)


def test_every_initializer_of_keras_is_here_with_its_arguments():
    theirs = {
        name: cls
        for name, cls in inspect.getmembers(keras.initializers, inspect.isclass)
        if cls is not keras.initializers.Initializer
    }
    for name, cls in theirs.items():
        assert arguments(getattr(initializers, name)) == arguments(cls), name
    assert {cls.__name__ for cls in theirs.values()} == set(ALL) == {*FIXED, *STATISTICS}


@pytest.mark.parametrize(("name", "options"), [(name, options) for name in FIXED for options in FIXED[name]])
def test_an_initializer_that_does_not_draw_agrees_with_keras(name, options):
    shape = shape_for(name)
    theirs = dict(options)
    if name == "STFT" and isinstance(options.get("window"), list):
        theirs["window"] = np.float32(options["window"])
    wanted = np.asarray(getattr(keras.initializers, name)(**theirs)(shape))
    np.testing.assert_allclose(ALL[name](**options)(shape), wanted, rtol=1e-5, atol=1e-6)


def test_the_kernel_of_a_long_stft_frame_is_right_in_float32():
    kernel = initializers.STFT("imag", window=None)((1024, 1, 513))
    time, frequency = np.arange(1024.0)[:, None], np.arange(513.0) / 1024
    np.testing.assert_allclose(kernel[:, 0], -np.sin(2 * np.pi * time * frequency), atol=1e-7)


@pytest.mark.parametrize(
    ("name", "options", "stddev", "reach", "mean"),
    [(name, *case) for name in sorted(STATISTICS) for case in STATISTICS[name]],
)
def test_draws_have_the_mean_the_spread_and_the_bounds_of_the_formula(name, options, stddev, reach, mean):
    drawn = ALL[name](**options, seed=11)(SHAPE).astype(np.float64)
    assert drawn.mean() == pytest.approx(mean, abs=5 * stddev / math.sqrt(drawn.size))
    assert drawn.std() == pytest.approx(stddev, rel=0.015)
    if reach is not None:
        assert np.abs(drawn - mean).max() <= reach * (1 + 1e-5)
        assert np.abs(drawn - mean).max() >= reach * 0.99


@pytest.mark.parametrize(
    ("name", "options"), [(name, case[0]) for name in RANDOM if name != "Orthogonal" for case in STATISTICS[name]]
)
def test_draws_follow_the_distribution_of_keras(name, options):
    ours = ALL[name](**options, seed=5)((80, 60))
    theirs = np.asarray(getattr(keras.initializers, name)(**options, seed=5)((80, 60)))
    assert stats.ks_2samp(ours.ravel(), theirs.ravel()).pvalue > 1e-4


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("shape", [(), (50,), (20, 30), (7, 8, 9), (3, 3, 16, 32), (2, 2, 2, 8, 16)])
@pytest.mark.few(6)
def test_fans_are_those_of_keras_for_every_rank(shape, mode):
    options = {"scale": 1.0, "mode": mode, "distribution": "uniform"}
    ours = [np.abs(initializers.VarianceScaling(**options, seed=seed)(shape)).max() for seed in range(40)]
    theirs = [np.abs(keras.initializers.VarianceScaling(**options, seed=seed)(shape)).max() for seed in range(40)]
    assert max(ours) == pytest.approx(max(theirs), rel=0.12)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (5, 5), (3, 3, 4, 8), (2, 2, 3, 20)])
def test_orthogonal_makes_orthonormal_rows_or_columns(shape):
    matrix = initializers.Orthogonal(gain=2.0, seed=1)(shape).reshape(-1, shape[-1]).astype(np.float64)
    gram = matrix.T @ matrix if matrix.shape[0] >= matrix.shape[1] else matrix @ matrix.T
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-5)


@pytest.mark.parametrize("name", RANDOM)
def test_a_seed_gives_the_same_numbers_at_every_call_and_in_every_instance(name):
    first = ALL[name](seed=3)
    np.testing.assert_array_equal(first((4, 5)), first((4, 5)))
    np.testing.assert_array_equal(first((4, 5)), ALL[name](seed=3)((4, 5)))
    assert (first((4, 5)) != ALL[name](seed=4)((4, 5))).any()


@pytest.mark.parametrize("name", RANDOM)
def test_without_a_seed_instances_differ_and_each_repeats_itself(name):
    first, second = ALL[name](), ALL[name]()
    np.testing.assert_array_equal(first((4, 5)), first((4, 5)))
    assert (first((4, 5)) != second((4, 5))).any()
    assert (first((4, 5)) != first.clone()((4, 5))).any()
    assert first.get_config()["seed"] is None


@pytest.mark.parametrize("name", RANDOM)
def test_set_random_seed_repeats_initializers_without_a_seed(name):
    pw.set_random_seed(8)
    first = ALL[name]()((4, 5))
    pw.set_random_seed(8)
    np.testing.assert_array_equal(ALL[name]()((4, 5)), first)


def test_a_seed_generator_gives_other_numbers_at_each_call_and_survives_the_config():
    first = initializers.RandomNormal(seed=pw.random.SeedGenerator(7))
    again = initializers.deserialize(json.loads(json.dumps(initializers.serialize(first))))
    drawn = first((4, 5))
    assert (drawn != first((4, 5))).any()
    np.testing.assert_array_equal(again((4, 5)), drawn)


@given(
    st.sampled_from(sorted(ALL)),
    st.lists(st.integers(0, 4), min_size=2, max_size=2).map(tuple),
    st.sampled_from(["float32", "float64", "float16", "bfloat16"]),
)
@settings(max_examples=80, deadline=None)
def test_the_result_is_a_numpy_array_of_the_shape_and_dtype_asked_for(name, shape, dtype):
    shape = (*shape, 3) if name == "STFT" else shape
    if name == "STFT":
        shape = (max(1, shape[0]), 1, 3)
    made = ALL[name]()(shape, dtype)
    assert type(made) is np.ndarray
    assert made.shape == shape
    assert made.dtype == jnp.dtype(dtype)


def test_the_dtype_is_float32_by_default_and_constants_take_any():
    assert initializers.GlorotUniform()((2, 3)).dtype == np.float32
    assert initializers.Zeros()((2,), "int32").dtype == np.int32
    assert initializers.Ones()((2,), "bool").all()


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_config_rebuilds_the_initializer_here_and_in_keras(name):
    options = FIXED[name][-1] if name in FIXED else {**STATISTICS[name][-1][0], "seed": 5}
    first = ALL[name](**options)
    config = json.loads(json.dumps(initializers.serialize(first)))
    again = initializers.deserialize(config)
    assert type(again) is type(first)
    np.testing.assert_array_equal(again(shape_for(name)), first(shape_for(name)))
    if name == "Identity":  # Keras's config leaves the gain out
        assert getattr(keras.initializers, name).from_config(config["config"]).gain == config["config"]["gain"]
    else:
        assert getattr(keras.initializers, name).from_config(config["config"]).get_config() == config["config"]


@pytest.mark.parametrize(
    "name", ["glorot_uniform", "HeNormal", "zeros", "one", "normal", "uniform", "stft", "identity"]
)
def test_a_name_gives_the_class_that_keras_gives(name):
    assert type(initializers.get(name)).__name__ == type(keras.initializers.get(name)).__name__


def test_an_array_becomes_the_weight_and_survives_the_config():
    value = np.arange(6, dtype=np.float32).reshape(2, 3)
    for array in (value, jnp.asarray(value)):
        first = initializers.get(array)
        again = initializers.deserialize(json.loads(json.dumps(initializers.serialize(first))))
        np.testing.assert_array_equal(first((2, 3), "float64"), value)
        np.testing.assert_array_equal(again((2, 3)), value)
    with pytest.raises(ValueError, match=r"array of shape \(2, 3\) was given .* a weight of shape \(3, 2\)"):
        first((3, 2))


def test_an_array_in_the_config_of_keras_is_read():
    theirs = keras.initializers.Constant(np.float32([1, 2])).get_config()
    np.testing.assert_array_equal(initializers.Constant.from_config(theirs)((2,)), [1, 2])


def test_none_is_none_and_a_function_is_taken_as_it_is():
    def mine(shape, dtype=None):
        return np.full(shape, 7, dtype)

    assert initializers.get(None) is None
    assert initializers.get(mine) is mine


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: initializers.RandomNormal(stddev=-1), "RandomNormal's stddev must be a number of at least 0; got -1"),
        (lambda: initializers.TruncatedNormal(stddev=math.nan), "TruncatedNormal's stddev must be .* got nan"),
        (lambda: initializers.RandomUniform(2, 1), "RandomUniform needs minval <= maxval; got minval=2 and maxval=1"),
        (lambda: initializers.VarianceScaling(scale=0), "scale must be a positive number; got 0"),
        (lambda: initializers.VarianceScaling(mode="fan_inn"), "got 'fan_inn'. Did you mean 'fan_in'?"),
        (lambda: initializers.VarianceScaling(distribution="unifrom"), "got 'unifrom'. Did you mean 'uniform'?"),
        (lambda: initializers.Identity()((2, 3, 4)), r"Identity initializer makes matrices; got shape \(2, 3, 4\)"),
        (lambda: initializers.Orthogonal()((5,)), r"Orthogonal initializer needs .* two axes; got \(5,\)"),
        (lambda: initializers.Zeros()((None, 3)), r"needs a shape of known sizes.*got \(None, 3\)"),
        (lambda: initializers.HeNormal()((2, -3)), r"each at least 0; got \(2, -3\)"),
        (lambda: initializers.HeNormal()((2, 3), "int32"), "HeNormal draws floating-point numbers; got dtype 'int32'"),
        (lambda: initializers.HeNormal(seed="lucky"), "seed is None, an integer of at least 0 or .* got 'lucky'"),
        (lambda: initializers.HeNormal(seed=-1), "seed is None, an integer of at least 0 or .* got -1"),
        (
            lambda: initializers.STFT(side="reel"),
            "STFT's side is one of 'real', 'imag'; got 'reel'. Did you mean 'real'?",
        ),
        (lambda: initializers.STFT(scaling="dense"), "STFT's scaling is one of .* got 'dense'"),
        (lambda: initializers.STFT(window="hannn"), "STFT's window 'hannn' is no window of scipy.signal.windows"),
        (lambda: initializers.STFT(window=[1.0, 2.0])((3, 1, 3)), r"window has shape \(2,\); .* needs \(3,\)"),
        (lambda: initializers.STFT()((3, 3)), r"STFT makes kernels of shape .* got shape \(3, 3\)"),
        (
            lambda: initializers.get("glorot_unifrom"),
            "Unknown initializer 'glorot_unifrom'. Did you mean 'glorot_uniform'?",
        ),
        (lambda: initializers.get(3), "Could not interpret 3 as initializer"),
    ],
)
def test_a_mistake_is_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()
