"""Regularizers: the same penalties and gradients as Keras."""

import inspect

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from parity import arguments
from phasewise import regularizers
from phasewise.core import registry

ALL = {cls.__name__: cls for cls in registry.members("regularizer")}
OPTIONS = {
    "L1": [{}, {"l1": 0.3}, {"l1": None}],
    "L2": [{}, {"l2": 0.3}, {"l2": None}],
    "L1L2": [{}, {"l1": 0.2}, {"l2": 0.3}, {"l1": 0.2, "l2": 0.3}, {"l1": None, "l2": 0.1}],
    "OrthogonalRegularizer": [{}, {"factor": 0.5}, {"factor": 0.5, "mode": "columns"}],
}
CASES = [(name, options) for name in sorted(ALL) for options in OPTIONS[name]]


def kernel(shape=(5, 4)):
    """A matrix with a zero and values of both signs."""
    w = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    w[0, 0] = 0
    return w


def test_every_regularizer_of_keras_is_here_with_its_arguments():
    theirs = {
        name: cls
        for name, cls in inspect.getmembers(keras.regularizers, inspect.isclass)
        if cls is not keras.regularizers.Regularizer
    }
    for name, cls in theirs.items():
        assert arguments(getattr(regularizers, name)) == arguments(cls), name
    assert {cls.__name__ for cls in theirs.values()} == set(ALL)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_penalties_and_gradients_agree_with_keras(name, options):
    ours, theirs = ALL[name](**options), getattr(keras.regularizers, name)(**options)
    value, gradient = jax.jit(jax.value_and_grad(ours))(kernel())
    their_value, their_gradient = jax.jit(jax.value_and_grad(lambda w: jnp.asarray(theirs(w))))(kernel())
    assert value.shape == ()
    np.testing.assert_allclose(value, their_value, rtol=1e-5)
    np.testing.assert_allclose(gradient, their_gradient, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_the_config_rebuilds_the_regularizer_here_and_in_keras(name, options):
    first = ALL[name](**options)
    again = regularizers.deserialize(regularizers.serialize(first))
    theirs = getattr(keras.regularizers, name).from_config(first.get_config())
    assert type(again) is type(first)
    assert again.get_config() == first.get_config() == pytest.approx(theirs.get_config())


@pytest.mark.parametrize(("name", "cls"), [("l1", "L1"), ("l2", "L2"), ("l1_l2", "L1L2"), ("L1L2", "L1L2")])
def test_a_name_gives_a_regularizer(name, cls):
    assert type(regularizers.get(name)) is ALL[cls]


def test_none_is_none_and_a_function_is_taken_as_it_is():
    assert regularizers.get(None) is None
    assert regularizers.get(jnp.sum) is jnp.sum


@pytest.mark.parametrize("name", ["L1", "L2"])
def test_a_bfloat16_weight_is_summed_in_float32(name):
    w = jnp.full((1000,), 1.0, "bfloat16").at[0].set(3.0)
    expected = {"L1": 1002.0, "L2": 1008.0}[name]
    penalty = ALL[name](1.0)(w)
    assert penalty.dtype == jnp.float32
    assert float(penalty) == expected


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_orthogonal_vectors_cost_nothing_and_parallel_ones_the_whole_factor(mode):
    penalty = regularizers.OrthogonalRegularizer(0.5, mode)
    np.testing.assert_allclose(penalty(3 * np.eye(4, dtype=np.float32)), 0, atol=1e-7)
    np.testing.assert_allclose(penalty(np.ones((4, 4), np.float32)), 0.5, rtol=1e-6)


@pytest.mark.parametrize("w", [np.zeros((3, 4), np.float32), np.ones((1, 4), np.float32)])
def test_the_orthogonal_penalty_of_zeros_and_of_one_row_is_zero_with_a_finite_gradient(w):
    value, gradient = jax.value_and_grad(regularizers.OrthogonalRegularizer())(w)
    assert float(value) == 0
    assert np.isfinite(gradient).all()


@given(arrays(np.float32, (3, 4), elements=st.floats(-50, 50, width=32)))
@settings(max_examples=30, deadline=None)
def test_l1_l2_is_the_sum_of_l1_and_l2_and_never_negative(w):
    both = float(regularizers.L1L2(0.2, 0.3)(w))
    parts = float(regularizers.L1(0.2)(w)) + float(regularizers.L2(0.3)(w))
    assert both >= 0
    assert both == pytest.approx(parts, rel=1e-5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: regularizers.L1(-1), "finite number of at least 0; got l1=-1"),
        (lambda: regularizers.L2("big"), "finite number of at least 0; got l2='big'"),
        (lambda: regularizers.L1L2(l2=float("nan")), "finite number of at least 0; got l2=nan"),
        (lambda: regularizers.OrthogonalRegularizer(float("inf")), "got factor=inf"),
        (lambda: regularizers.OrthogonalRegularizer(mode="row"), "mode is 'rows' or 'columns'; got 'row'"),
        (lambda: regularizers.OrthogonalRegularizer()(np.ones((2, 3, 4))), r"takes a matrix.*shape \(2, 3, 4\)"),
        (lambda: regularizers.get("l1_l3"), "Unknown regularizer 'l1_l3'. Did you mean 'l1_l2'"),
    ],
)
def test_a_mistake_is_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_subclass_without_a_config_says_so_when_it_is_saved():
    class Mine(regularizers.Regularizer):
        pass

    assert Mine()(np.ones(3)) == 0
    with pytest.raises(NotImplementedError, match="Mine must define get_config"):
        regularizers.serialize(Mine())
