"""Labels (rows,) and outputs (rows, 1) belong together, row by row, for every loss and metric, of ours or of a user's."""

import numpy as np
import pytest

import phasewise as pw
from phasewise import losses, metrics, ops

X = np.random.default_rng(0).normal(size=(20, 3)).astype(np.float32)
Y = X[:, 0] + 1
P = X.sum(1)
WEIGHTS = np.arange(1.0, 21.0)
SQUARED = np.mean((P - Y) ** 2)


class Total(metrics.Metric):
    """The mean of the squares, by a user's own accumulators."""

    def __init__(self):
        super().__init__(name="total")
        self.sum, self.count = self.add_variable((), "zeros"), self.add_variable((), "zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        squares = (y_true - y_pred) ** 2
        self.sum.assign_add(ops.sum(squares))
        self.count.assign_add(squares.size)

    def result(self):
        return self.sum.value / self.count.value


class InCall(losses.Loss):
    def call(self, y_true, y_pred):
        return ops.mean((y_true - y_pred) ** 2, -1)


class InDunderCall(losses.Loss):
    def __call__(self, y_true, y_pred, sample_weight=None):
        squares = (y_true - y_pred) ** 2
        return ops.mean(squares if sample_weight is None else squares * sample_weight[:, None])


def squares(y_true, y_pred):
    return ops.mean((y_true - y_pred) ** 2)


def rows_of_squares(y_true, y_pred):
    return (y_true - y_pred) ** 2


def logs(loss="mse", metrics=None, weighted_metrics=None, weights=None, y=Y, flat=False, batch_size=8):
    head = [pw.layers.Dense(1, kernel_initializer="ones")] + ([pw.layers.Reshape(())] if flat else [])
    net = pw.Sequential([pw.Input((3,)), *head])
    net.compile("sgd", loss, metrics=metrics, weighted_metrics=weighted_metrics)
    return net.evaluate(X, y, sample_weight=weights, batch_size=batch_size, verbose=0, return_dict=True)


@pytest.mark.parametrize("metric", [squares, rows_of_squares, Total, "mse", metrics.MeanSquaredError, InCall])
@pytest.mark.parametrize("shape", [(20,), (20, 1)])
@pytest.mark.few(4)
def test_a_metric_sees_one_label_for_each_output(metric, shape):
    made = metric() if isinstance(metric, type) else metric
    *_, value = logs(metrics=[made], y=Y.reshape(shape)).values()
    np.testing.assert_allclose(value, SQUARED, rtol=1e-5)  # the last batch is short: a number stands for its rows


@pytest.mark.parametrize("metric", [rows_of_squares, "mse"])
def test_a_weighted_metric_sees_one_label_and_one_weight_for_each_output(metric):
    *_, value = logs(weighted_metrics=[metric], weights=WEIGHTS).values()
    np.testing.assert_allclose(value, np.average((P - Y) ** 2, weights=WEIGHTS), rtol=1e-5)


@pytest.mark.parametrize("loss", [squares, rows_of_squares, InCall(), InDunderCall(), "mse"])
def test_a_loss_sees_one_label_for_each_output(loss):
    np.testing.assert_allclose(logs(loss)["loss"], SQUARED, rtol=1e-5)


def test_a_loss_that_overrides_the_call_is_given_sample_weights_and_trains():
    np.testing.assert_allclose(
        logs(InDunderCall(), weights=WEIGHTS)["loss"], np.mean(WEIGHTS * (P - Y) ** 2), rtol=1e-5
    )
    nets = []
    for loss in InDunderCall(), losses.MeanSquaredError():
        pw.set_random_seed(0)
        nets.append(pw.Sequential([pw.Input((3,)), pw.layers.Dense(1)]))
        nets[-1].compile("sgd", loss)
        nets[-1].fit(X, Y, shuffle=False, verbose=0)
    np.testing.assert_allclose(nets[0].get_weights()[0], nets[1].get_weights()[0], rtol=1e-5)


def test_a_loss_that_takes_no_weights_says_so_when_there_are_some():
    class Bare(losses.Loss):
        def __call__(self, y_true, y_pred):
            return ops.mean((y_true - y_pred) ** 2)

    np.testing.assert_allclose(logs(Bare())["loss"], SQUARED, rtol=1e-5)
    with pytest.raises(ValueError, match=r"Bare.__call__ takes no `sample_weight`, which the data have: define"):
        logs(Bare(), weights=WEIGHTS)


def test_metrics_and_losses_called_by_hand_align_too():
    for loss in InCall(), losses.MeanSquaredError(), losses.LogCosh():
        np.testing.assert_allclose(loss(Y, P[:, None]), loss(Y[:, None], P[:, None]), rtol=1e-6)
    for metric in metrics.MeanMetricWrapper(squares), metrics.MeanMetricWrapper(rows_of_squares):
        np.testing.assert_allclose(metric(Y, P[:, None]), SQUARED, rtol=1e-5)


def test_a_loss_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match=r"The loss 'mean_squared_error' gives an array of shape \(8,\).*reduction="):
        logs(losses.MeanSquaredError(reduction="none"))


def sklearn_score(y_true, y_pred):
    from sklearn.metrics import r2_score

    return r2_score(y_true, y_pred)


@pytest.mark.parametrize(
    "function",
    [
        lambda t, p: np.mean(np.square(np.asarray(t) - np.asarray(p))),
        lambda t, p: float(ops.mean(t - p)),
        lambda t, p: t if ops.sum(p) > 0 else p,
        sklearn_score,
    ],
    ids=["numpy", "float", "if", "scikit-learn"],
)
def test_numpy_or_scikit_learn_in_a_metric_or_loss_is_told_with_its_name_and_a_remedy(function):
    function.__name__ = "mine"
    for kind, given in ("metric", {"metrics": [function]}), ("loss", {"loss": function}):
        message = (
            f"The {kind} 'mine' asks for the values of its arrays .*Use phasewise.ops in place of NumPy.*pure_callback"
        )
        with pytest.raises(TypeError, match=message):
            logs(**given)


def test_numpy_in_a_layer_is_told_with_a_remedy():
    with pytest.raises(TypeError) as raised:
        pw.Sequential([pw.Input((3,)), pw.layers.Lambda(lambda x: np.sin(np.asarray(x)))])
    assert any("Use phasewise.ops in place of NumPy" in note for note in raised.value.__notes__)
