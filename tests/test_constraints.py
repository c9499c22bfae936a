"""Constraints: the same projections as Keras, and the bounds that they promise."""

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
from phasewise import constraints
from phasewise.core import registry

ALL = {cls.__name__: cls for cls in registry.members("constraint")}
OPTIONS = {
    "NonNeg": [{}],
    "UnitNorm": [{}, {"axis": 1}, {"axis": [0, 1]}],
    "MaxNorm": [{}, {"max_value": 0.5}, {"max_value": 1, "axis": -1}, {"axis": [0, 1]}],
    "MinMaxNorm": [
        {},
        {"min_value": 2.0, "max_value": 2.5},
        {"min_value": 4.0, "max_value": 5.0, "rate": 0.3, "axis": 1},
    ],
}
CASES = [(name, options) for name in sorted(ALL) for options in OPTIONS[name]]
WEIGHTS = arrays(np.float32, (3, 4), elements=st.floats(-1000, 1000, width=32))


def norms(w):
    """Column norms in float64."""
    return np.linalg.norm(np.asarray(w, np.float64), axis=0)


def test_every_constraint_of_keras_is_here_with_its_arguments():
    theirs = {
        name: cls
        for name, cls in inspect.getmembers(keras.constraints, inspect.isclass)
        if cls is not keras.constraints.Constraint
    }
    for name, cls in theirs.items():
        assert arguments(getattr(constraints, name)) == arguments(cls), name
    assert {cls.__name__ for cls in theirs.values()} == set(ALL)


@pytest.mark.few(11)
@pytest.mark.parametrize(("name", "options"), CASES)
@pytest.mark.parametrize("shape", [(5, 4), (3, 3, 2, 4)])
def test_projections_agree_with_keras_also_when_compiled(name, options, shape):
    w = np.random.default_rng(2).normal(0, 2, shape).astype(np.float32)
    w[..., 0] = 0
    ours, theirs = ALL[name](**options), getattr(keras.constraints, name)(**options)
    projected = jax.jit(ours)(w)
    assert projected.shape == shape
    np.testing.assert_allclose(projected, theirs(w), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize(("name", "options"), CASES)
def test_the_config_rebuilds_the_constraint_here_and_in_keras(name, options):
    first = ALL[name](**options)
    again = constraints.deserialize(constraints.serialize(first))
    theirs = getattr(keras.constraints, name).from_config(first.get_config())
    assert type(again) is type(first)
    assert again.get_config() == first.get_config() == theirs.get_config()


@pytest.mark.parametrize("name", ["max_norm", "non_neg", "unit_norm", "min_max_norm"])
def test_a_name_gives_a_constraint(name):
    assert type(constraints.get(name)) is getattr(constraints, name)


def test_none_is_none_and_a_function_is_taken_as_it_is():
    assert constraints.get(None) is None
    assert constraints.get(jnp.abs) is jnp.abs


@given(WEIGHTS, st.sampled_from([0.0, 0.5, 3.0]))
@settings(max_examples=40, deadline=None)
def test_max_norm_never_exceeds_its_bound_and_leaves_shorter_vectors(w, bound):
    projected = np.asarray(constraints.MaxNorm(bound)(w))
    short = norms(w) <= bound
    assert (norms(projected) <= bound * (1 + 1e-5)).all()
    np.testing.assert_allclose(projected[:, short], w[:, short], rtol=1e-5, atol=1e-6)


@given(WEIGHTS)
@settings(max_examples=40, deadline=None)
def test_min_max_norm_puts_every_vector_that_is_not_tiny_between_its_bounds(w):
    projected = norms(constraints.MinMaxNorm(0.5, 2.0)(w))
    real = norms(w) > 0.01
    assert (projected[real] >= 0.5 * (1 - 1e-4)).all()
    assert (projected <= 2.0 * (1 + 1e-5)).all()


@given(WEIGHTS)
@settings(max_examples=40, deadline=None)
def test_unit_norm_gives_norm_one_and_keeps_zeros(w):
    projected = norms(constraints.UnitNorm()(w))
    real = norms(w) > 0.01
    np.testing.assert_allclose(projected[real], 1, rtol=1e-4)
    assert (projected[norms(w) == 0] == 0).all()


def test_non_neg_cuts_at_zero_and_passes_a_nan_on():
    projected = constraints.NonNeg()(np.float32([-2, -0.0, 3, np.inf, np.nan]))
    np.testing.assert_array_equal(projected, [0, 0, 3, np.inf, np.nan])


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_dtype_of_the_weight_is_kept(name):
    assert ALL[name]()(jnp.ones((3, 2), "bfloat16")).dtype == jnp.bfloat16


def test_a_subclass_has_a_config_without_defining_one():
    class Clipped(constraints.Constraint):
        def __init__(self, bound, slack=0.0):
            self.bound, self._slack = bound, slack

    class Columns(constraints.MinMaxNorm):
        def __init__(self, factor=2, **kwargs):
            super().__init__(**kwargs, max_value=factor)
            self.factor = factor

    assert Clipped(3).get_config() == {"bound": 3}
    config = Columns(rate=0.5).get_config()
    assert config == {"factor": 2, "min_value": 0.0, "max_value": 2, "rate": 0.5, "axis": 0}


def test_the_constraint_of_no_subclass_changes_nothing():
    w = np.float32([-1, 2])
    assert constraints.Constraint()(w) is w


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: constraints.MaxNorm(-1), "MaxNorm's max_value must be at least 0; got -1"),
        (lambda: constraints.MinMaxNorm(2, 1), "MinMaxNorm needs min_value <= max_value; got 2 and 1"),
        (lambda: constraints.MinMaxNorm(-2, 1), "MinMaxNorm's min_value must be at least 0; got -2"),
        (lambda: constraints.MinMaxNorm(rate=1.5), r"MinMaxNorm's rate must be in \[0, 1\]; got 1.5"),
        (
            lambda: constraints.UnitNorm(axis=2)(np.ones((3, 4))),
            r"UnitNorm has axis=2, but the weight has shape \(3, 4\)",
        ),
        (lambda: constraints.get("maxnrom"), "Unknown constraint 'maxnrom'. Did you mean 'MaxNorm'?"),
    ],
)
def test_a_mistake_is_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()
