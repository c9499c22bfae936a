"""Prediction: bit-identical whatever shares the batch."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import phasewise as pw
from phasewise.layers import BatchNormalization, Dense, LayerNormalization

X = np.random.default_rng(0).normal(size=(256, 5)).astype("float32")


@pytest.fixture(scope="module")
def model():
    pw.set_random_seed(3)
    x = pw.Input((5,))
    h = Dense(33, activation="tanh")(BatchNormalization()(x))
    model = pw.Model(x, Dense(7, activation="softmax")(LayerNormalization()(h)))
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, np.arange(256) % 7, verbose=0)
    return model


@pytest.fixture(scope="module")
def reference(model):
    return model.predict(X, verbose=0)


@settings(max_examples=25, deadline=None)
@given(batch_size=st.integers(1, 300), start=st.integers(0, 255), count=st.integers(1, 256))
def test_rows_have_the_same_bits_in_any_batch(model, reference, batch_size, start, count):
    rows = slice(start, start + count)
    np.testing.assert_array_equal(model.predict(X[rows], batch_size=batch_size, verbose=0), reference[rows])


@settings(max_examples=10, deadline=None)
@given(order=st.permutations(range(64)))
def test_rows_have_the_same_bits_at_any_place(model, reference, order):
    np.testing.assert_array_equal(model.predict(X[list(order)], verbose=0), reference[list(order)])


def test_plans_and_single_rows_give_the_same_bits(model, reference):
    plan = pw.Dataset.from_tensor_slices(X).batch(50)
    np.testing.assert_array_equal(model.predict(plan, verbose=0), reference)
    streamed = pw.Dataset.from_generator(lambda: iter(X)).batch(17)
    np.testing.assert_array_equal(model.predict(streamed, verbose=0), reference)
    np.testing.assert_array_equal(model.predict(X[9:10], verbose=0)[0], reference[9])
    np.testing.assert_array_equal(model.predict_on_batch(X[9:12]), reference[9:12])


def test_rows_of_a_larger_model_have_the_same_bits_in_data_of_any_size():
    """Above 20,000 weights another compiler back end is used."""
    pw.set_random_seed(3)
    x = pw.Input((5,))
    h = LayerNormalization()(Dense(150, activation="gelu")(BatchNormalization()(x)))
    large = pw.Model(x, Dense(7, activation="softmax")(Dense(150, activation="tanh")(h)))
    assert large.count_params() > 20_000
    whole = large.predict(X, verbose=0)
    for rows in ([9], [200, 3], range(100, 133), range(255, -1, -1)):
        np.testing.assert_array_equal(large.predict(X[list(rows)], batch_size=10, verbose=0), whole[list(rows)])


def test_padding_is_no_part_of_batch_statistics(model):
    first = model.predict(X[:40], batch_size=32, statistics="batch", verbose=0)[32:]
    alone = model.predict(X[32:40], batch_size=8, statistics="batch", verbose=0)
    np.testing.assert_allclose(first, alone, rtol=1e-5, atol=1e-6)


def test_steps_counts_the_plans_own_batches(model):
    plan = pw.Dataset.from_tensor_slices(X).repeat().batch(10)
    assert model.predict(plan, steps=3, verbose=0).shape == (30, 7)


def test_structures_of_outputs_are_kept():
    x = pw.Input((5,))
    model = pw.Model(x, {"a": Dense(2)(x), "b": Dense(3)(x)})
    outputs = model.predict(X[:10], verbose=0)
    assert {k: v.shape for k, v in outputs.items()} == {"a": (10, 2), "b": (10, 3)}
