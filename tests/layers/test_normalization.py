"""Normalization by the moments of a data set: from any source, however it is cut, exact far from zero."""

import warnings

import jax.numpy as jnp
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phasewise.warning import InitialStatisticsWarning, NonFiniteWarning
from sklearn import preprocessing

import phasewise as pw
from phasewise.layers import Normalization

RNG = np.random.default_rng(0)
X = (RNG.normal(size=(60, 3)) * [1, 2, 3] + [5, -5, 0]).astype("float32")


def adapted(data, **arguments):
    layer = Normalization(**arguments)
    layer.adapt(data)
    return layer


def moments(layer):
    return layer.adapt_mean.numpy(), layer.adapt_variance.numpy()


def exact(x, over):
    wide = np.asarray(x, np.float64)
    return wide.mean(over), wide.var(over)


class Batches:
    """A sequence of batches, as Keras's PyDataset is one."""

    def __len__(self):
        return 3

    def __getitem__(self, i):
        return X[20 * i : 20 * (i + 1)], np.zeros(20)


@pytest.mark.parametrize(
    "source",
    [
        lambda: X,
        lambda: X.tolist(),
        lambda: jnp.asarray(X),
        lambda: [X[:7], X[7:]],
        lambda: (batch for batch in (X[:7], X[7:40], X[40:])),
        lambda: pw.Dataset.from_tensor_slices(X).batch(7),
        lambda: pw.Dataset.from_tensor_slices((X, np.zeros(60))).shuffle(60, seed=1).batch(16),
        lambda: pw.Dataset.from_tensor_slices(X),
        lambda: [X[:0], X],
        Batches,
    ],
    ids=[
        "array",
        "lists",
        "jax",
        "list of batches",
        "generator",
        "dataset",
        "pairs",
        "rows",
        "an empty batch",
        "sequence",
    ],
)
def test_adapt_takes_the_moments_of_any_source(source):
    for found, expected in zip(moments(adapted(source())), exact(X, 0)):
        np.testing.assert_allclose(found, expected, rtol=1e-6)


@given(st.lists(st.integers(0, 60), max_size=5), st.permutations(range(60)))
@settings(max_examples=30, deadline=None)
def test_neither_the_cut_into_batches_nor_the_order_changes_what_adapt_finds(cuts, order):
    far = X + np.float32(1e5)
    found = moments(adapted(np.split(far[np.array(order)], sorted(cuts))))
    for a, b in zip(found, exact(far, 0)):
        np.testing.assert_allclose(a, b, rtol=2e-7)


@pytest.mark.parametrize("axis", [-1, None, 1, (1, 2), (-1, 1), [0, 2]])
@pytest.mark.parametrize("invert", [False, True])
def test_adapted_layers_agree_with_keras(axis, invert):
    x = RNG.normal(2.0, 3.0, size=(6, 4, 5)).astype("float32")
    ours, theirs = (library.layers.Normalization(axis=axis, invert=invert) for library in (pw, keras))
    ours.adapt(x)
    theirs.adapt(x)
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-5, atol=1e-5)
    for name in ("mean", "variance"):
        np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-5)
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights] == ["mean", "variance", "count"]
    assert [w.shape for w in ours.weights] == [w.shape for w in theirs.weights]


@pytest.mark.parametrize("ratio", [0, 1e3, 1e5])
@pytest.mark.parametrize("invert", [False, True])
def test_data_far_from_zero_are_normalized_to_1e_5_by_the_stored_statistics(ratio, invert):
    x = (RNG.normal(size=(200, 3)) + ratio).astype("float32")
    layer = adapted(x, invert=invert)
    mean, variance = (w.astype(np.float64) for w in moments(layer))
    np.testing.assert_allclose(mean, exact(x, 0)[0], rtol=1e-7)
    np.testing.assert_allclose(variance, exact(x, 0)[1], rtol=1e-6)
    if invert:
        z = RNG.normal(size=(9, 3)).astype("float32")
        np.testing.assert_allclose(layer(z), mean + z * np.sqrt(variance), rtol=1e-6, atol=1e-6)
    else:
        assert np.abs(np.asarray(layer(x)) - (x - mean) / np.sqrt(variance)).max() < 1e-5


def test_a_given_mean_keeps_the_digits_that_float32_lacks():
    x = (RNG.normal(size=(200, 3)) + 1e5).astype("float32")
    mean, variance = exact(x, 0)
    layer = Normalization(mean=mean, variance=variance)
    assert np.abs(np.asarray(layer(x)) - (x - mean) / np.sqrt(variance)).max() < 1e-5


def test_a_compiled_model_sees_what_a_later_adapt_found():
    layer = Normalization()
    model = pw.Sequential([pw.Input((3,)), layer])
    np.testing.assert_array_equal(model.predict(X, verbose=0), X)
    for data in (X, 10 * X):
        layer.adapt(data)
        mean, variance = exact(data, 0)
        np.testing.assert_allclose(model.predict(X, verbose=0), (X - mean) / np.sqrt(variance), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("value", [7.0, 0.1, 1e-5, -3e6, 0.0])
@pytest.mark.parametrize("batches", [[40], [3, 7, 30], [1] * 40])
def test_a_constant_entry_keeps_its_scale_as_in_scikit_learn(value, batches):
    other = RNG.normal(size=40)
    x = np.stack([np.full(40, value), other], 1)
    layer = adapted(np.split(x, np.cumsum(batches)[:-1]))
    assert layer.adapt_variance.numpy()[0] == 0
    new = x + 1
    scaled = preprocessing.StandardScaler().fit(x).transform(new)
    np.testing.assert_allclose(layer(new), scaled, rtol=1e-5, atol=1e-6 * max(1, abs(value)))
    back = Normalization(mean=layer.mean[0], variance=layer.variance[0], invert=True)
    np.testing.assert_allclose(back(layer(new)), new, rtol=1e-6, atol=1e-6)


def test_a_small_variance_is_no_constant():
    x = np.float32([[1.0], [1.0 + 2**-20]])
    np.testing.assert_allclose(adapted(x)(x), [[-1], [1]], rtol=1e-5)


def test_given_statistics_without_variance_keep_the_scale_too():
    layer = Normalization(mean=[1.0, 2.0], variance=[0.0, 4.0])
    np.testing.assert_allclose(layer(np.float32([[2.0, 4.0]])), [[1.0, 1.0]])


def test_a_layer_that_was_never_adapted_says_so_where_it_is_used():
    def model(**arguments):
        net = pw.Sequential([pw.Input((3,)), Normalization(name="scale", **arguments), pw.layers.Dense(1)])
        net.compile("sgd", "mse")
        return net

    y = X[:, :1]
    text = r"Normalization \('scale'\) was never adapted: .* Call layer.adapt\(data\) first"
    for use in (
        lambda net: net.fit(X, y, verbose=0),
        lambda net: net.evaluate(X, y, verbose=0),
        lambda net: net.predict(X, verbose=0),
        lambda net: net.train_on_batch(X, y),
        lambda net: Normalization(name="scale")(X),
    ):
        with pytest.warns(InitialStatisticsWarning, match=text):
            use(model())
    ready, loaded, given = model(), model(), model(mean=0.0, variance=1.0)
    ready.get_layer("scale").adapt((X - X.mean(0)) / X.std(0))
    loaded.get_layer("scale").set_weights([np.ones(3), np.ones(3), 0])
    for net in (ready, loaded, given):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            net.fit(X, y, verbose=0)
            net.predict(X, verbose=0)


def test_it_says_so_once():
    net = pw.Sequential([pw.Input((3,)), Normalization()])
    with pytest.warns(InitialStatisticsWarning) as told:
        net.predict(X, verbose=0)
        net.predict(X, verbose=0)
    assert len(told) == 1


def test_invert_undoes_it():
    there, back = adapted(X), adapted(X, invert=True)
    np.testing.assert_allclose(back(there(X)), X, rtol=1e-5, atol=1e-5)


def test_integers_and_large_arrays_are_read_whole():
    x = np.arange(20000).reshape(-1, 1)
    found = moments(adapted(x))
    np.testing.assert_allclose(found, exact(x, 0), rtol=1e-6)
    assert adapted(x)(x[:2]).dtype == "float32"


def test_half_precision_takes_the_mean_off_before_it_rounds():
    x = (RNG.normal(size=(50, 2)) + 1e5).astype("float32")
    half, wide = adapted(x, dtype="float16"), adapted(x)
    np.testing.assert_array_equal(half(x), np.asarray(wide(x)).astype("float16"))
    assert half.adapt_mean.dtype == "float32"


def test_it_is_no_part_of_training():
    layer = adapted(X)
    model = pw.Sequential([layer, pw.layers.Dense(1)])
    model.compile("sgd", "mse")
    before = moments(layer)
    model.fit(X, X[:, :1], epochs=1, verbose=0)
    for a, b in zip(before, moments(layer)):
        np.testing.assert_array_equal(a, b)
    assert layer.trainable_variables == []


def test_data_with_nan_are_told():
    x = X.copy()
    x[3, 1] = np.nan
    with pytest.warns(NonFiniteWarning, match="adapt's data holds nan in row 3"):
        adapted(x)


@pytest.mark.parametrize(
    "attempt, words",
    [
        (lambda: Normalization(mean=1.0), "takes both mean and variance, or neither; got mean=1.0 and variance=None"),
        (lambda: Normalization(mean=[1.0], variance=[1.0, 2.0]), r"must have one shape; got shapes \(1,\) and \(2,\)"),
        (
            lambda: Normalization(axis=None, mean=[1.0], variance=[1.0]),
            r"mean has shape \(1,\), more axes than are kept",
        ),
        (lambda: Normalization(axis="last"), "Normalization's axis must be an integer; got 'last'"),
        (lambda: Normalization(axis=2)(X), "has axis=2; its input has 2 axes"),
        (lambda: Normalization(axis=(1, -1))(X), "names one axis twice"),
        (lambda: Normalization()(pw.Input((None,))), "needs a known size on axis 1"),
        (
            lambda: Normalization(mean=[1.0, 2.0], variance=[1.0, 2.0], name="n")(X),
            r"'n' was made with statistics of shape \(2,\); the axes \(-1,\) of its input have the sizes \(3,\)",
        ),
        (lambda: Normalization(mean=0.0, variance=1.0, name="n").adapt(X), "'n' was made with mean and variance"),
        (lambda: adapted(X[:0]), "is empty"),
        (lambda: adapted([X[:0]], name="n"), "'n' cannot adapt to data that hold no values"),
        (lambda: adapted(iter([]), name="n"), "'n' cannot adapt to data that hold no values"),
        (lambda: adapted([X, X[:, :2]]), r"inputs of shape \(None, 3\); adapt was given a batch of shape \(60, 2\)"),
        (lambda: adapted(pw.Dataset.from_tensor_slices(X).batch(8).repeat()), "these never end"),
        (lambda: adapted([{"a": X, "b": X}]), "adapts to one array a batch; got a dict of a, b"),
        (lambda: adapted(np.array([["a"]])), "a model takes numbers"),
        (lambda: adapted(3), "adapt cannot read data of type int"),
        (lambda: adapted(X)(np.zeros((2, 1), "float32")), r"size 3 on axis -1; got an input of shape \(2, 1\)"),
    ],
)
def test_bad_arguments_and_data_are_named(attempt, words):
    with pytest.raises((ValueError, TypeError), match=words):
        attempt()
