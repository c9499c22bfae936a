"""Discretization and CategoryEncoding beside what tests/layers/test_parity.py compares."""

import keras
import numpy as np
import pytest

import phasewise as pw
from phasewise.core.warning import NonFiniteWarning
from phasewise.layers import CategoryEncoding, Discretization

DATA = np.random.default_rng(0).normal(size=1000)


@pytest.mark.parametrize("arguments", [{"num_bins": 4}, {"num_bins": 3, "epsilon": 0.2}, {"num_bins": 1}])
@pytest.mark.parametrize("cuts", [[], [400], [10, 500, 990]])
def test_boundaries_are_those_of_keras(arguments, cuts):
    ours, theirs = Discretization(**arguments), keras.layers.Discretization(**arguments)
    batches = np.split(DATA, cuts)
    for batch in batches:
        theirs.update_state(batch)  # its `adapt` needs TensorFlow, and does this
    theirs.finalize_state()
    ours.adapt(iter(batches))
    np.testing.assert_allclose(ours.bin_boundaries, theirs.bin_boundaries, rtol=1e-4, atol=1e-5)


def test_bins_hold_about_as_many_numbers_each_and_adapt_begins_anew():
    layer = Discretization(num_bins=5, epsilon=0.001)
    for source in (DATA * 100 + 7, DATA, DATA.tolist(), pw.Dataset.from_tensor_slices(DATA).batch(50)):
        layer.adapt(source)
    np.testing.assert_allclose(np.bincount(np.asarray(layer(DATA))), 200, atol=3)


def test_a_number_on_a_boundary_is_in_the_bin_above_and_nan_in_the_last():
    layer = Discretization([0.0, 0.5])
    np.testing.assert_array_equal(
        layer(np.array([-1, -0.0, 0.0, 0.49, 0.5, 7, np.inf, -np.inf, np.nan])), [0, 1, 1, 1, 2, 2, 2, 0, 2]
    )


def test_a_model_follows_boundaries_that_are_adapted_again():
    x = pw.Input((1,))
    layer = Discretization(num_bins=2)
    layer.adapt(np.arange(10.0))
    model = pw.Model(x, layer(x))
    before = model.predict(np.array([[6.0]]), verbose=0)
    layer.adapt(np.arange(100.0))
    assert before == 1
    assert model.predict(np.array([[6.0]]), verbose=0) == 0


def test_it_is_made_again_from_its_config_and_from_that_of_keras():
    ours, theirs = (
        library.layers.Discretization(num_bins=4, epsilon=0.1, output_mode="count") for library in (pw, keras)
    )
    ours.adapt(DATA)
    assert Discretization.from_config(ours.get_config()).get_config() == ours.get_config()
    keras.layers.Discretization.from_config(ours.get_config())
    assert Discretization.from_config(theirs.get_config()).num_bins == 4


def test_nan_and_infinity_are_no_boundaries():
    layer, clean = Discretization(num_bins=4, name="d"), Discretization(num_bins=4)
    clean.adapt(np.arange(100.0))
    with pytest.warns(NonFiniteWarning, match="Discretization 'd' left 3 entries of adapt's data out"):
        layer.adapt(np.concatenate([np.arange(100.0), [np.nan, np.inf, -np.inf]]))
    assert layer.bin_boundaries == clean.bin_boundaries
    assert Discretization.from_config(layer.get_config()).bin_boundaries == clean.bin_boundaries
    with pytest.raises(ValueError, match="hold no numbers"):
        layer.adapt(np.full(3, np.nan))


def test_weights_count_in_place_of_one():
    layer = CategoryEncoding(4, output_mode="count")
    weights = np.array([[0.1, 0.2], [0.1, 0.1], [0.2, 0.3], [0.4, 0.2]], np.float32)
    ids = np.array([[0, 1], [0, 0], [1, 2], [3, 1]])
    expected = keras.layers.CategoryEncoding(4, output_mode="count")(ids, count_weights=weights)
    np.testing.assert_allclose(layer(ids, count_weights=weights), expected, rtol=1e-6)
    x, w = pw.Input((2,), dtype="int32"), pw.Input((2,))
    model = pw.Model([x, w], layer(x, count_weights=w))
    assert model.output_shape == (None, 4)
    np.testing.assert_allclose(model.predict([ids, weights], verbose=0), expected, rtol=1e-6)


def test_an_id_outside_of_the_range_is_an_error_with_its_row():
    layer = CategoryEncoding(4, name="code")
    message = r"CategoryEncoding 'code' has num_tokens=4, so that its ids are whole numbers in \[0, 3\]; it was given 4 in row 1, position 0"
    with pytest.raises(ValueError, match=message):
        layer(np.array([[0, 1], [4, 2]]))
    model = pw.Sequential([pw.Input((2,), dtype="int32"), layer])
    with pytest.raises(ValueError, match=message):
        model.predict(np.array([[0, 1], [4, 2]]), verbose=0)


@pytest.mark.parametrize(
    ("made", "error", "message"),
    [
        (lambda: Discretization(), ValueError, "takes bin_boundaries, or num_bins and adapt; one of the two"),
        (lambda: Discretization([1.0], num_bins=3), ValueError, "one of the two. Got bin_boundaries"),
        (lambda: Discretization([1.0, 0.0]), ValueError, "bin_boundaries are numbers in ascending order"),
        (lambda: Discretization(num_bins=2, epsilon=0), ValueError, r"epsilon is a number in \(0, 1\]; got 0"),
        (lambda: Discretization([1.0], name="d").adapt([1.0]), ValueError, "Discretization 'd' was made with its bin_boundaries"),
        (lambda: Discretization(num_bins=2, name="d")(np.ones(3)), RuntimeError, "Discretization 'd' has no boundaries yet. Call layer.adapt"),
        (lambda: Discretization([1.0], sparse=True), ValueError, "sparse=True is not supported"),
        (lambda: Discretization(num_bins=2).adapt(["a"]), TypeError, "adapt's data has dtype"),
        (lambda: CategoryEncoding(), ValueError, "CategoryEncoding needs num_tokens"),
        (lambda: CategoryEncoding(3)(np.array([1]), count_weights=np.ones(1)), ValueError, "takes count_weights with output_mode='count'"),
        (lambda: CategoryEncoding(3, "count")(np.array([1]), count_weights=np.ones(2)), ValueError, r"shape \(1,\), the weights \(2,\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(made, error, message):
    with pytest.raises(error, match=message):
        made()
