"""Activations: the same numbers and gradients as Keras, and where Keras is wrong as float64."""

import inspect
import warnings

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import phasewise as pw
from parity import arguments
from phasewise import activations
from phasewise.core import registry

ALL = {function.__name__: function for function in registry.members("activation")}
OPTIONS = {
    "relu": [
        {},
        {"negative_slope": 0.1},
        {"max_value": 2.0},
        {"max_value": 6},
        {"threshold": 1.5},
        {"threshold": -1.5},
        {"threshold": -1.5, "max_value": 2.0},
        {"negative_slope": 0.3, "max_value": 2.0, "threshold": 0.7},
        {"negative_slope": 0.3, "max_value": 2.0},
    ],
    "leaky_relu": [{}, {"negative_slope": 0.05}],
    "elu": [{}, {"alpha": 0.5}],
    "celu": [{}, {"alpha": 2.0}],
    "threshold": [{"threshold": 0.7, "default_value": -2.0}],
    "soft_shrink": [{}, {"threshold": 1.2}],
    "hard_shrink": [{}, {"threshold": 1.2}],
    "squareplus": [{}, {"b": 1}],
    "gelu": [{}, {"approximate": True}],
    "softmax": [{}, {"axis": 0}, {"axis": (0, 1)}],
    "log_softmax": [{}, {"axis": 0}, {"axis": (0, 1)}],
    "glu": [{}, {"axis": 0}],
}
CORRECTS_KERAS = {"sparsemax"}
CASES = [(name, options) for name in sorted(ALL) for options in OPTIONS.get(name, [{}])]
DEFAULTS = [(name, OPTIONS.get(name, [{}])[0]) for name in sorted(ALL)]


def sample(extremes=(-100.0, -50.0, -1e-3, 0.0, 50.0, 100.0)):
    """A (6, 8) array: ordinary values, and some far out."""
    ordinary = np.random.default_rng(3).normal(0, 2.3, 48 - len(extremes))
    return np.concatenate([ordinary, extremes]).astype(np.float32).reshape(6, 8)


def value_and_gradient(function, x, options):
    """The output, and the gradient of a weighted sum of it."""

    def weighted(x):
        y = jnp.asarray(function(x, **options))
        return jnp.sum(y * jnp.cos(jnp.arange(y.size, dtype=y.dtype)).reshape(y.shape)), y

    # Without optimization (see conftest) Keras's approximate gelu has a fifth of its slope wrong where it is 1e-5.
    compiled = jax.jit(
        jax.value_and_grad(weighted, has_aux=True), compiler_options={"xla_backend_optimization_level": 1}
    )
    (_, y), gradient = compiled(x)
    return np.asarray(y), np.asarray(gradient)


def nearest_in_simplex(x):
    """The projection of each row onto the simplex, by bisection in float64."""
    x = np.asarray(x, np.float64)
    low, high = x.max(-1, keepdims=True) - 1, x.max(-1, keepdims=True)
    for _ in range(100):
        middle = (low + high) / 2
        too_much = np.maximum(x - middle, 0).sum(-1, keepdims=True) > 1
        low, high = np.where(too_much, middle, low), np.where(too_much, high, middle)
    return np.maximum(x - low, 0)


def test_every_activation_of_keras_is_here_with_its_arguments():
    theirs = {
        name: function
        for name, function in inspect.getmembers(keras.activations, inspect.isfunction)
        if name not in ("get", "serialize", "deserialize")
    }
    aliases = {"swish", "hard_swish"}
    assert set(theirs) - aliases <= set(ALL)
    for name in sorted(theirs):
        assert arguments(getattr(activations, name)) == arguments(theirs[name]), name


@pytest.mark.parametrize(("name", "options"), [case for case in CASES if case[0] not in CORRECTS_KERAS])
@pytest.mark.few(13)
def test_values_and_gradients_agree_with_keras(name, options):
    # Keras's squareplus cancels far below 0; it is held to float64 there in a test of its own.
    x = sample(
        extremes=(-5.0, 0.0, 100.0)[: 3 if name == "squareplus" else 0] or (-100.0, -50.0, -1e-3, 0.0, 50.0, 100.0)
    )
    ours, our_gradient = value_and_gradient(ALL[name], x, options)
    theirs, their_gradient = value_and_gradient(getattr(keras.activations, name), x, options)
    np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)
    # With a threshold below 0 and a largest value, 0 is a kink where any slope in [0, 1] is right: Keras says 1/2, we 0.
    smooth = (x != 0) | ("threshold" not in options)
    np.testing.assert_allclose(our_gradient[smooth], their_gradient[smooth], rtol=1e-5, atol=1e-6)


@pytest.mark.few(25)
@pytest.mark.parametrize(("name", "options"), CASES)
def test_values_and_gradients_are_finite_far_out(name, options):
    largest = 80.0 if name == "exponential" else 100.0  # exp(100) is beyond float32
    x = sample(extremes=(-100.0, -largest, largest, largest, 0.0, -0.0))
    y, gradient = value_and_gradient(ALL[name], x, options)
    assert np.isfinite(y).all()
    assert np.isfinite(gradient).all()


@pytest.mark.parametrize(("name", "options"), DEFAULTS)
def test_a_nan_is_passed_on(name, options):
    x = sample()
    x[2, 1] = np.nan
    y = np.asarray(ALL[name](x, **options))
    assert np.isnan(y[2]).any()
    assert not np.isnan(y[0]).any()


@pytest.mark.parametrize(("name", "options"), DEFAULTS)
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.few(20)
def test_the_dtype_is_kept_and_close_to_float32(name, options, dtype):
    x = jnp.asarray(sample(extremes=(-9.0, 9.0)), dtype)
    y = jax.jit(lambda x: ALL[name](x, **options))(x)
    wide = jax.jit(lambda x: ALL[name](x, **options))(x.astype(jnp.float32))
    assert y.dtype == jnp.dtype(dtype)
    np.testing.assert_allclose(np.asarray(y, np.float32), wide, rtol=0.04, atol=0.04)


def test_integers_are_taken_as_float32():
    np.testing.assert_allclose(activations.sigmoid(np.array([0, 1])), [0.5, 0.7310586], rtol=1e-6)
    np.testing.assert_allclose(activations.gelu([0, 1]), [0.0, 0.8413447], rtol=1e-6)


def test_squareplus_keeps_its_digits_far_below_zero():
    x = np.float32([-3000, -100, -10, -1, 0, 1, 10, 100, 3000])
    y, _ = value_and_gradient(activations.squareplus, x, {})
    slope = jax.vmap(jax.grad(activations.squareplus))(x)
    wide = x.astype(np.float64)
    root = np.sqrt(wide**2 + 4)
    np.testing.assert_allclose(y, np.where(x < 0, 2 / (root - wide), (wide + root) / 2), rtol=1e-6)
    np.testing.assert_allclose(slope, (1 + wide / root) / 2, rtol=1e-5, atol=1e-7)


def test_squareplus_with_b_zero_is_relu():
    np.testing.assert_array_equal(activations.squareplus(np.float32([-2, 0, 3]), b=0), [0, 0, 3])


@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("scale", [0.1, 1.0, 30.0])
def test_sparsemax_is_the_nearest_point_of_the_simplex(axis, scale):
    x = np.float32(np.random.default_rng(0).normal(0, scale, (7, 5)))
    wanted = np.moveaxis(nearest_in_simplex(np.moveaxis(x, axis, -1)), -1, axis)
    np.testing.assert_allclose(activations.sparsemax(x, axis=axis), wanted, rtol=1e-5, atol=1e-6)


def test_the_gradient_of_sparsemax_is_that_of_the_projection():
    x, weights = np.float32([[1.0, 0.8, 0.3, -2.0]]), np.float32([[1.0, -2.0, 4.0, 8.0]])
    gradient = jax.grad(lambda x: jnp.sum(weights * activations.sparsemax(x)))(x)
    step = 1e-6
    numeric = [
        np.sum(weights * (nearest_in_simplex(x + step * unit) - nearest_in_simplex(x - step * unit))) / (2 * step)
        for unit in np.eye(4)
    ]
    np.testing.assert_allclose(gradient[0], numeric, rtol=1e-4, atol=1e-5)


@given(arrays(np.float32, (4, 5), elements=st.floats(-100, 100, width=32)), st.sampled_from(["softmax", "sparsemax"]))
@settings(max_examples=40, deadline=None)
def test_softmax_and_sparsemax_give_probabilities_whatever_is_added_to_a_row(x, name):
    y = np.asarray(ALL[name](x))
    assert (y >= 0).all()
    np.testing.assert_allclose(y.sum(-1), 1, rtol=1e-5)
    np.testing.assert_allclose(np.asarray(ALL[name](x + np.float32(8))), y, atol=2e-5)


def test_softmax_over_one_entry_warns_and_names_sigmoid():
    with pytest.warns(UserWarning, match=r"axis -1 of an array of shape \(3, 1\).*use sigmoid"):
        y = activations.softmax(np.ones((3, 1), np.float32))
    np.testing.assert_array_equal(y, np.ones((3, 1)))


def test_softmax_over_several_entries_does_not_warn():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        activations.softmax(np.ones((1, 3), np.float32))


@pytest.mark.few(15)
@pytest.mark.parametrize(("name", "options"), DEFAULTS)
def test_an_activation_of_a_symbolic_tensor_becomes_part_of_the_model(name, options):
    inputs = pw.Input((8,))
    outputs = ALL[name](inputs, **options)
    model = pw.Model(inputs, outputs)
    x = sample(extremes=(-5.0, 5.0))
    assert outputs.shape == (None, 4 if name == "glu" else 8)
    np.testing.assert_allclose(model(x), ALL[name](x, **options), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", sorted([*ALL, "swish", "hard_swish"]))
def test_a_name_gives_the_function_and_the_function_its_name(name):
    function = activations.get(name)
    assert function is getattr(activations, name)
    assert activations.deserialize(activations.serialize(function)) is function


def test_none_is_linear_and_a_callable_is_taken_as_it_is():
    assert activations.get(None) is activations.linear
    assert activations.get(jnp.sin) is jnp.sin


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: activations.get("rellu"), "Unknown activation 'rellu'. Did you mean 'relu'?"),
        (lambda: activations.get(3), "Could not interpret 3 as activation"),
        (lambda: activations.glu(np.ones((2, 5))), r"glu halves axis -1.*shape \(2, 5\)"),
        (lambda: activations.glu(np.ones((2, 4)), axis=2), r"glu was asked for axis 2 of an array of shape \(2, 4\)"),
        (lambda: activations.softmax(np.ones((2, 4)), axis=3), "softmax was asked for axis 3.*give -2 to 1"),
        (lambda: activations.softmax(np.float32(1)), "softmax was asked for axis -1 of a scalar"),
        (lambda: activations.squareplus(np.ones(3), b=-1), "squareplus needs b of at least 0; got b=-1"),
    ],
)
def test_a_mistake_is_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()
