"""Metrics as accumulators: splits and weights of rows, own subclasses, configs, mistakes."""

import pickle

import jax.numpy as jnp
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import phasewise as pw
from phasewise import losses, metrics
from phasewise.core import registry

ALL = {cls.__name__: cls for cls in registry.members("metric")}
ROWS = 12
RNG = np.random.default_rng(11)
YES, SCORES = RNG.integers(0, 2, (ROWS, 3)), RNG.uniform(0, 1, (ROWS, 3)).astype(np.float32)
CLASSES, LOGITS = RNG.integers(-1, 3, ROWS), RNG.normal(size=(ROWS, 3)).astype(np.float32)
OF_ROWS = {
    "accuracy": (metrics.BinaryAccuracy, {}, (YES, SCORES)),
    "sparse accuracy": (metrics.SparseCategoricalAccuracy, {}, (CLASSES, LOGITS)),
    "auc": (metrics.AUC, {}, (YES, SCORES)),
    "auc of labels": (metrics.AUC, {"multi_label": True, "curve": "PR"}, (YES, SCORES)),
    "precision": (metrics.Precision, {"top_k": 2}, (YES, SCORES)),
    "recall": (metrics.Recall, {"thresholds": [0.3, 0.6]}, (YES, SCORES)),
    "root mean square": (metrics.RootMeanSquaredError, {}, (SCORES, LOGITS)),
    "huber": (metrics.Huber, {"delta": 0.5}, (SCORES, LOGITS)),
    "crossentropy": (
        metrics.SparseCategoricalCrossentropy,
        {"from_logits": True, "ignore_class": -1},
        (CLASSES, LOGITS),
    ),
    "regions": (metrics.MeanIoU, {"num_classes": 3, "ignore_class": -1, "sparse_y_pred": False}, (CLASSES, LOGITS)),
    "yes-no regions": (metrics.BinaryIoU, {"threshold": 0.4}, (YES, SCORES)),
    "sensitivity": (metrics.SensitivityAtSpecificity, {"specificity": 0.5}, (YES, SCORES)),
    "precision of a class": (metrics.PrecisionAtRecall, {"recall": 0.7, "class_id": 1}, (YES, SCORES)),
    "F1": (metrics.F1Score, {"average": "macro"}, (YES, SCORES)),
    "F2": (metrics.FBetaScore, {"average": "weighted", "beta": 2, "threshold": 0.6}, (YES, SCORES)),
    "R2": (metrics.R2Score, {"class_aggregation": "variance_weighted_average"}, (SCORES + 3000, LOGITS + 3000)),
    "correlation in rows": (metrics.PearsonCorrelation, {}, (SCORES, LOGITS)),
    "correlation over rows": (metrics.PearsonCorrelation, {"axis": 0}, (SCORES + 500, LOGITS - 500)),
    "concordance over all": (metrics.ConcordanceCorrelation, {"axis": (0, 1)}, (SCORES + 500, LOGITS + 500)),
    "mean": (metrics.Mean, {}, (SCORES,)),
    "sum": (metrics.Sum, {}, (SCORES,)),
}


def result(name, parts, weights=None):
    """The result after a batch for each part, an array of row numbers."""
    cls, options, rows = OF_ROWS[name]
    metric = cls(**options)
    for part in parts:
        metric.update_state(*(x[part] for x in rows), sample_weight=None if weights is None else weights[part])
    return np.asarray(metric.result())


@pytest.mark.parametrize("name", OF_ROWS)
@given(weigh=st.booleans(), sizes=st.permutations([1, 1, 5, 5]), order=st.permutations(range(ROWS)))
@settings(max_examples=4, deadline=None)
@pytest.mark.few(4)
def test_a_metric_does_not_depend_on_how_rows_are_split_into_batches_or_ordered(name, weigh, sizes, order):
    weights = np.arange(ROWS, dtype=np.float32) % 4 if weigh else None
    parts = np.split(np.array(order), np.cumsum(sizes)[:-1])
    np.testing.assert_allclose(
        result(name, parts, weights), result(name, [np.arange(ROWS)], weights), rtol=1e-5, atol=1e-6
    )


@pytest.mark.few(10)
@pytest.mark.parametrize("name", OF_ROWS)
def test_a_weight_is_the_number_of_times_that_a_row_counts(name):
    times = np.array([0, 1, 2, 3] * 3)
    repeated = result(name, [np.repeat(np.arange(ROWS), times)])
    np.testing.assert_allclose(result(name, [np.arange(ROWS)], times.astype(np.float32)), repeated, rtol=1e-5)
    np.testing.assert_allclose(result(name, [np.arange(ROWS)], times), repeated, rtol=1e-5)


@pytest.mark.parametrize("name", OF_ROWS)
def test_nothing_gives_zero(name):
    cls, options, _ = OF_ROWS[name]
    assert (np.asarray(cls(**options).result()) == 0).all()
    assert (result(name, [np.arange(ROWS)], np.zeros(ROWS, np.float32)) == 0).all()


def test_the_metric_of_a_loss_with_an_ignored_class_is_the_loss():
    # Keras counts ignored labels as labels of loss 0, unless there are weights.
    arguments = {"from_logits": True, "ignore_class": -1}
    metric, loss = metrics.SparseCategoricalCrossentropy(**arguments), losses.SparseCategoricalCrossentropy(**arguments)
    theirs = keras.metrics.SparseCategoricalCrossentropy(**arguments)
    np.testing.assert_allclose(metric(CLASSES, LOGITS), loss(CLASSES, LOGITS), rtol=1e-6)
    np.testing.assert_allclose(metric.result(), theirs(CLASSES, LOGITS, np.ones(ROWS)), rtol=1e-5)


def test_the_metric_of_huber_is_the_mean_of_the_loss():
    np.testing.assert_allclose(
        metrics.Huber(delta=0.5)(SCORES, LOGITS), losses.Huber(delta=0.5)(SCORES, LOGITS), rtol=1e-6
    )


@pytest.mark.parametrize("name", sorted(ALL))
def test_a_class_can_be_pickled_and_says_what_it_is(name):
    assert pickle.loads(pickle.dumps(ALL[name])) is ALL[name]
    assert ALL[name].__doc__


def test_the_mean_of_a_function_says_what_the_function_says():
    mean = metrics.MeanSquaredLogarithmicError
    assert mean.__doc__.startswith("The mean of `mean_squared_logarithmic_error`.\n\nmean((log(y_true + 1)")


def test_a_value_that_weighs_nothing_may_be_anything():
    # In Keras it makes the mean NaN.
    for metric in metrics.Mean, metrics.Sum:
        assert metric()([np.nan, 3, np.inf], sample_weight=[0, 1, 0]) == 3


@pytest.mark.parametrize("name", ["MeanSquaredError", "Hinge", "BinaryCrossentropy", "RootMeanSquaredError"])
def test_weights_of_rows_of_one_number_weigh_rows(name):
    # Keras weighs the mean of the rows: the weights weigh nothing.
    y_true, y_pred, weights = YES[:, 0], SCORES[:, 0], np.arange(ROWS, dtype=np.float32) % 3
    flat, columns = (getattr(metrics, name)() for _ in range(2))
    found = flat(y_true, y_pred, sample_weight=weights)
    np.testing.assert_allclose(found, columns(y_true[:, None], y_pred[:, None], sample_weight=weights), rtol=1e-6)


def test_numbers_and_lists_are_values_too():
    mean, total = metrics.Mean(), metrics.Sum()
    for value, weight in (3, None), (5.0, 3.0), ([1, 2], None):
        mean.update_state(value, sample_weight=weight)
        total.update_state(value, sample_weight=weight)
    np.testing.assert_allclose(mean.result(), 21 / 6)
    assert total.result() == 21


def test_of_equal_predictions_top_k_takes_the_first_as_positives():
    tied = np.full((1, 4), 0.5, np.float32)
    assert metrics.Recall(top_k=1)(np.array([[1, 0, 0, 0]]), tied) == 1
    assert metrics.Recall(top_k=1)(np.array([[0, 1, 0, 0]]), tied) == 0


def test_a_nan_is_never_among_the_largest_nor_positive():
    scores = np.float32([[np.nan, 0.2, 0.9], [0.1, 0.4, np.nan]])
    np.testing.assert_array_equal(metrics.sparse_top_k_categorical_accuracy([0, 1], scores, k=2), [0, 1])
    assert metrics.TruePositives(thresholds=0.0)(np.ones((2, 3)), scores) == 4


def test_a_label_that_is_no_class_is_never_right():
    np.testing.assert_array_equal(metrics.sparse_top_k_categorical_accuracy([-1, 3, 2], LOGITS[:3], k=5), [0, 0, 1])


def test_the_accumulators_have_the_names_of_keras():
    for name in ("Precision", "Recall", "AUC", "Mean", "Sum"):
        ours, theirs = ALL[name](), getattr(keras.metrics, name)()
        assert [(v.name, v.shape, v.dtype) for v in ours.variables] == [
            (v.name, tuple(v.shape), v.dtype) for v in theirs.variables
        ]
        assert all(getattr(ours, v.name) is v for v in ours.variables)


class Spread(pw.metrics.Metric):
    """A user's metric: accumulators in a list, one from an initializer, and a metric inside."""

    def __init__(self, name="spread", **arguments):
        super().__init__(name=name, **arguments)
        self.ends = [self.add_weight(name="low", initializer="ones"), self.add_variable((), "zeros", name="high")]
        self.mean = pw.metrics.Mean()

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.ends[0].assign(jnp.minimum(self.ends[0].value, jnp.min(y_pred)))
        self.ends[1].assign(jnp.maximum(self.ends[1].value, jnp.max(y_pred)))
        self.mean.update_state(y_pred, sample_weight)

    def result(self):
        return {"range": self.ends[1] - self.ends[0], "mean": self.mean.result()}


def test_a_subclass_owns_accumulators_in_lists_and_in_metrics_inside():
    metric = Spread()
    assert [v.name for v in metric.variables] == ["low", "high", "total", "count"]
    assert [float(v) for v in metric.variables] == [1, 0, 0, 0]
    found = metric(None, np.float32([0.25, 0.5, 3]))
    assert found["range"] == 2.75
    assert found["mean"] == 1.25
    metric.reset_state()
    assert [float(v) for v in metric.variables] == [0, 0, 0, 0]


def test_a_subclass_works_without_state_of_its_own_too():
    metric = Spread()
    state = metric.stateless_update_state([v.raw for v in metric.variables], None, np.float32([0.5, 2]))
    assert [float(v) for v in state] == [0.5, 2, 2.5, 2]
    assert metric.stateless_result(state)["range"] == 1.5
    assert [float(v) for v in metric.stateless_reset_state()] == [0] * 4
    assert [float(v) for v in metric.variables] == [1, 0, 0, 0]


class Positives(pw.metrics.Metric):
    """As Keras's guide writes it: the result is the accumulator itself."""

    def __init__(self, by_name=False, name="positives"):
        super().__init__(name=name)
        self.count, self.by_name = self.add_weight(name="count", initializer="zeros"), by_name

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.count.assign_add(jnp.sum(y_pred > 0))

    def result(self):
        return {"found": self.count} if self.by_name else self.count


@pytest.mark.parametrize(("by_name", "key"), [(False, "positives"), (True, "found")])
def test_the_result_may_be_an_accumulator_itself(by_name, key):
    x = np.float32([[-1], [1], [2], [3]])
    model = pw.Sequential([pw.Input((1,)), pw.layers.Rescaling(1.0), pw.layers.Dense(1, use_bias=False)])
    model.set_weights([np.ones((1, 1), np.float32)])
    model.compile(pw.optimizers.SGD(0.0), "mse", metrics=[Positives(by_name)])
    assert model.evaluate(x, x, verbose=0, return_dict=True)[key] == 3
    assert model.fit(x, x, epochs=2, batch_size=2, verbose=0).history[key] == [3, 3]
    assert model.train_on_batch(x, x)[1] == 3
    assert model.test_on_batch(x, x)[1] == 3


def test_such_a_result_stays_what_it_was_when_the_next_batch_comes():
    metric = Positives()
    first = metric(None, np.float32([1, 2]))
    second = metric(None, np.float32([1]))
    assert (float(first), float(second)) == (2, 3)
    assert float(metric.stateless_result([7.0])) == 7


def test_accumulators_that_wait_for_a_shape_are_made_before_a_compiled_loop():
    x, y = SCORES, YES
    model = pw.Sequential([pw.layers.Dense(3, activation="sigmoid")])
    model.compile(loss="binary_crossentropy", metrics=[metrics.AUC(multi_label=True, name="area")])
    found = model.evaluate(x, y, batch_size=5, verbose=0, return_dict=True)["area"]
    np.testing.assert_allclose(found, metrics.AUC(multi_label=True)(y, model.predict(x, verbose=0)), rtol=1e-5)


ARGUMENTS = {
    "F1Score": {"average": "micro", "threshold": 0.3},
    "FBetaScore": {"average": "macro", "beta": 2.0, "threshold": 0.3},
    "IoU": {
        "num_classes": 4,
        "target_class_ids": [1, 3],
        "ignore_class": 0,
        "sparse_y_true": False,
        "sparse_y_pred": False,
        "axis": 0,
    },
    "MeanIoU": {"num_classes": 4, "ignore_class": 0, "sparse_y_true": False, "sparse_y_pred": False, "axis": 0},
    "OneHotIoU": {"num_classes": 4, "target_class_ids": [1, 3], "ignore_class": 0, "sparse_y_pred": True, "axis": 0},
    "OneHotMeanIoU": {"num_classes": 4, "ignore_class": 0, "sparse_y_pred": True, "axis": 0},
    "BinaryIoU": {"target_class_ids": [1], "threshold": 0.3},
    "R2Score": {"class_aggregation": None, "num_regressors": 2},
    "PearsonCorrelation": {"axis": 1},
    "ConcordanceCorrelation": {"axis": 0},
    "SensitivityAtSpecificity": {"specificity": 0.3, "num_thresholds": 9, "class_id": 1},
    "SpecificityAtSensitivity": {"sensitivity": 0.3, "num_thresholds": 9, "class_id": 1},
    "PrecisionAtRecall": {"recall": 0.3, "num_thresholds": 9, "class_id": 1},
    "RecallAtPrecision": {"precision": 0.3, "num_thresholds": 9, "class_id": 1},
    "MeanMetricWrapper": {"fn": metrics.binary_accuracy, "threshold": 0.3},
    "BinaryAccuracy": {"threshold": 0.3},
    "TopKCategoricalAccuracy": {"k": 3},
    "SparseTopKCategoricalAccuracy": {"k": 3, "from_sorted_ids": True},
    "Precision": {"thresholds": [0.3, 0.4], "top_k": 2, "class_id": 1},
    "Recall": {"thresholds": 0.3, "class_id": 1},
    "TruePositives": {"thresholds": [0.2, 0.9]},
    "AUC": {"num_thresholds": 9, "curve": "PR", "label_weights": [1.0, 2.0]},
    "BinaryCrossentropy": {"from_logits": True, "label_smoothing": 0.2},
    "CategoricalCrossentropy": {"from_logits": True, "label_smoothing": 0.2, "axis": 1},
    "SparseCategoricalCrossentropy": {"from_logits": True, "ignore_class": 2, "axis": -1},
    "CosineSimilarity": {"axis": 1},
    "Huber": {"delta": 2.5},
}


@pytest.mark.parametrize("name", sorted(ALL))
def test_the_config_rebuilds_the_metric_here_and_in_keras(name):
    arguments = {**ARGUMENTS.get(name, {}), "name": "mine"}
    first = ALL[name](**arguments)
    again = metrics.deserialize(metrics.serialize(first))
    assert type(again) is ALL[name]
    assert again.get_config() == first.get_config()
    assert first.get_config().items() >= {k: v for k, v in arguments.items() if k != "fn"}.items()
    if name not in ("Huber", "MeanMetricWrapper"):
        theirs = getattr(keras.metrics, name).from_config(first.get_config())
        assert set(theirs.get_config()) <= set(first.get_config())


def test_a_wrapped_loss_function_is_rebuilt_and_computes_the_same():
    first = metrics.MeanMetricWrapper(metrics.huber, name="mine", delta=0.5)
    again = metrics.MeanMetricWrapper.from_config(first.get_config())
    assert again(SCORES, LOGITS) == first(SCORES, LOGITS)


def test_none_a_function_an_object_and_a_class_are_taken():
    metric = metrics.Mean()
    assert metrics.get(None) is None
    assert metrics.get(jnp.subtract) is jnp.subtract
    assert metrics.get(metric) is metric
    assert type(metrics.get(metrics.Mean)) is metrics.Mean
    assert metrics.get({"class_name": "Precision", "config": {"top_k": 3}}).top_k == 3
    assert repr(metric) == "<Mean name=mean>"


class Forgetful(pw.metrics.Metric):
    def __init__(self):
        self.total = self.add_variable((), "zeros")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: metrics.get("acuracy"), ValueError, "Unknown metric 'acuracy'. Did you mean 'accuracy'"),
        (lambda: metrics.get(3), ValueError, "Could not interpret 3 as metric"),
        (lambda: metrics.Precision(thresholds=[0.5, 1.5]), ValueError, r"Precision's thresholds are in \[0, 1\]; got"),
        (lambda: metrics.Recall(thresholds=-1), ValueError, r"Recall's thresholds are in \[0, 1\]; got -1"),
        (
            lambda: metrics.Recall(class_id=1)(np.ones(4), np.ones(4)),
            ValueError,
            r"Recall\(class_id=1\) needs predictions \(rows, classes\) that have the class; got \(4,\)",
        ),
        (
            lambda: metrics.Precision(class_id=3)(YES, SCORES),
            ValueError,
            r"Precision\(class_id=3\) needs predictions \(rows, classes\) that have the class; got \(12, 3\)",
        ),
        (
            lambda: metrics.Mean()(np.ones((4, 2)), sample_weight=np.ones(3)),
            ValueError,
            r"of shape \(3,\) do not fit values of shape \(4,\)",
        ),
        (lambda: metrics.Mean().stateless_result([1.0]), ValueError, "mean has 2 variables and was given 1 values"),
        (Forgetful, RuntimeError, r"Forgetful.__init__ must call super\(\).__init__\(\) before it adds variables"),
        (lambda: pw.metrics.Metric().update_state(1), NotImplementedError, "Metric must define update_state"),
        (lambda: pw.metrics.Metric().result(), NotImplementedError, "Metric must define result"),
    ],
)
def test_a_mistake_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()
