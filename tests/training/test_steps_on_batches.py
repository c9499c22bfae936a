"""`train_on_batch` gives what a step of `fit` gives, whatever happens to the state between two calls, and leaves alone what was read of it."""

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers

RNG = np.random.RandomState(0)
X = RNG.randn(8, 4).astype(np.float32)
Y = (X[:, :1] > 0).astype(np.float32)


def made(dtype=None):
    pw.set_random_seed(3)
    model = pw.Sequential(
        [
            pw.Input((4,)),
            layers.Dense(6, activation="relu", dtype=dtype),
            layers.BatchNormalization(dtype=dtype),
            layers.Dropout(0.2, dtype=dtype),
            layers.Dense(1, dtype=dtype),
        ]
    )
    model.compile(pw.optimizers.Adam(0.01), "mse", metrics=["mae"])
    return model


def on_batch(model):
    return model.train_on_batch(X, Y)


def fitted(model):
    history = model.fit(X, Y, batch_size=8, shuffle=False, verbose=0).history
    return [history["loss"][-1], history["mae"][-1]]


def state_of(model):
    optimizer = [np.asarray(v) for v in model.optimizer.variables]
    return [*model.get_weights(), *optimizer]


def nothing(model):
    pass


def weights_assigned(model):
    model.layers[0].kernel.assign(model.layers[0].kernel.numpy() * 2)


def statistics_assigned(model):
    model.layers[1].moving_mean.assign(np.arange(6))


def learning_rate_assigned(model):
    model.optimizer.learning_rate = 0.1


def iterations_assigned(model):
    model.optimizer.iterations = 100


def frozen(model):
    model.layers[0].trainable = False


def rows_predicted(model):
    model.predict_on_batch(X[:2])
    model.test_on_batch(X[:3], Y[:3])


def another_batch_trained_on(model):
    model.train_on_batch(X[:5], Y[:5])


@pytest.mark.parametrize(
    "between",
    [
        nothing,
        weights_assigned,
        statistics_assigned,
        learning_rate_assigned,
        iterations_assigned,
        frozen,
        rows_predicted,
        another_batch_trained_on,
    ],
)
def test_a_step_is_a_step_of_fit_whatever_was_done_before_it(between):
    def trained(step):
        model = made()
        for _ in range(2):
            step(model)
        between(model)
        return step(model), state_of(model)

    (logs, ours), (logs_of_fit, of_fit) = trained(on_batch), trained(fitted)
    np.testing.assert_allclose(logs, logs_of_fit, rtol=1e-6)
    for value, value_of_fit in zip(ours, of_fit, strict=True):
        np.testing.assert_allclose(value, value_of_fit, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "mixed_bfloat16"])
def test_a_state_of_several_dtypes_keeps_them(dtype):
    def trained(step):
        model = made(dtype)
        dtypes = [v.dtype for v in model.variables]
        logs = [step(model) for _ in range(3)]
        assert [v.dtype for v in model.variables] == dtypes
        return logs

    np.testing.assert_allclose(trained(on_batch), trained(fitted), rtol=1e-2)


def test_what_was_read_stays_as_it_was():
    model = made()
    on_batch(model)
    read = [v.value for v in [*model.variables, *model.optimizer.variables]]
    copies = [np.array(value) for value in read]
    on_batch(model)
    for value, copy in zip(read, copies, strict=True):
        np.testing.assert_array_equal(value, copy)
    assert not np.array_equal(model.layers[0].kernel.value, copies[0])


@pytest.mark.parametrize("method", ["train_on_batch", "test_on_batch"])
def test_lists_of_numbers_are_a_batch(method):
    model = made()
    given = getattr(model, method)(X.tolist(), Y.tolist())
    np.testing.assert_allclose(given, getattr(made(), method)(X, Y), rtol=1e-6)


@pytest.mark.parametrize("method", ["train_on_batch", "test_on_batch", "predict_on_batch"])
@pytest.mark.parametrize("x", [3, None, pw.Dataset.range(3)])
def test_what_is_no_arrays_is_refused(method, x):
    with pytest.raises(
        TypeError, match=f"`{method}` takes one batch as arrays, or nests of arrays; got {type(x).__name__}"
    ):
        getattr(made(), method)(x)


def test_a_batch_of_lists_is_predicted():
    model = made()
    np.testing.assert_array_equal(model.predict_on_batch(X.tolist()), model.predict(X, verbose=0))


def test_a_large_state_is_handed_over_as_it_is():
    def trained(step):
        pw.set_random_seed(3)
        model = pw.Sequential([pw.Input((4,)), layers.Dense(20_000), layers.BatchNormalization(), layers.Dense(1)])
        model.compile("sgd", "mse", metrics=["mae"])
        return [step(model) for _ in range(2)], state_of(model)

    (logs, ours), (logs_of_fit, of_fit) = trained(on_batch), trained(fitted)
    np.testing.assert_allclose(logs, logs_of_fit, rtol=1e-5)
    for value, value_of_fit in zip(ours, of_fit, strict=True):
        np.testing.assert_allclose(value, value_of_fit, rtol=1e-4, atol=1e-6)
