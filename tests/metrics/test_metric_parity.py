"""Every metric against Keras, over several batches, with and without weights."""

import inspect

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from keras.src.metrics import ALL_OBJECTS_DICT as NAMES_IN_KERAS
from keras.src.trainers.compile_utils import get_metric as metric_for_in_keras

from parity import arguments
from phasewise import metrics
from phasewise.core import registry
from phasewise.training.matching import metric_for

# class name -> (what labels and predictions are, arguments); more of AUC is in test_auc.py
TABLE = {
    "Accuracy": [("class equal", {}), ("yes-no equal", {})],
    "BinaryAccuracy": [
        ("yes-no", {}),
        ("yes-no column", {}),
        ("yes-no flat", {"threshold": 0.7}),
        ("logit", {"threshold": 0.0}),
    ],
    "CategoricalAccuracy": [("one-hot", {}), ("deep one-hot", {})],
    "SparseCategoricalAccuracy": [("class", {}), ("class column", {}), ("deep class", {})],
    "TopKCategoricalAccuracy": [("one-hot", {"k": 2}), ("deep one-hot", {"k": 3}), ("one-hot", {})],
    "SparseTopKCategoricalAccuracy": [
        ("class", {"k": 2}),
        ("class column", {"k": 1}),
        ("deep class", {"k": 2}),
        ("class tied", {"k": 2}),
        ("sorted classes", {"k": 2, "from_sorted_ids": True}),
    ],
    "Precision": [
        ("yes-no", {}),
        ("yes-no flat", {"thresholds": 0.3}),
        ("yes-no", {"thresholds": [0.8, 0.2, 0.5]}),
        ("yes-no", {"thresholds": [0.0, 0.5, 1.0]}),
        ("yes-no", {"top_k": 2}),
        ("yes-no", {"top_k": 2, "thresholds": 0.6}),
        ("yes-no", {"class_id": 1}),
        ("yes-no", {"class_id": 3, "top_k": 2}),
        ("yes-no tied", {"top_k": 2}),
    ],
    "TruePositives": [("yes-no", {}), ("yes-no flat", {"thresholds": [0.2, 0.8]})],
    "AUC": [("yes-no", {}), ("yes-no flat", {"num_thresholds": 7})],
    "MeanSquaredError": [("real", {}), ("real column", {}), ("deep real", {})],
    "CosineSimilarity": [("real", {}), ("deep real", {"axis": 1})],
    "KLDivergence": [("one-hot", {})],
    "Poisson": [("yes-no", {})],
    "Hinge": [("yes-no", {})],
    "SquaredHinge": [("yes-no", {})],
    "CategoricalHinge": [("one-hot", {})],
    "BinaryCrossentropy": [("yes-no", {}), ("logit", {"from_logits": True, "label_smoothing": 0.2})],
    "CategoricalCrossentropy": [
        ("one-hot", {}),
        ("one-hot logit", {"from_logits": True, "label_smoothing": 0.2, "axis": 1}),
    ],
    "SparseCategoricalCrossentropy": [("class", {}), ("deep class", {"from_logits": True})],
}
F_SCORES = [{}, {"average": "micro"}, {"average": "macro", "threshold": 0.4}, {"average": "weighted", "threshold": 1.0}]
REGIONS = {"num_classes": 4, "dtype": "float32"}  # Keras cuts weights to whole numbers unless it is given a float dtype
TABLE |= {
    "F1Score": [("yes-no", options) for options in F_SCORES],
    "FBetaScore": [("one-hot", {**options, "beta": beta}) for options in F_SCORES for beta in (2.0, 0.5)],
    "IoU": [
        ("regions", {**REGIONS, "target_class_ids": [0, 2]}),
        ("regions", {**REGIONS, "target_class_ids": (1,), "ignore_class": 0}),
        ("regions one-hot", {**REGIONS, "target_class_ids": [3], "sparse_y_true": False, "sparse_y_pred": False}),
    ],
    "MeanIoU": [("regions", REGIONS), ("class", {**REGIONS, "ignore_class": 2, "sparse_y_pred": False})],
    "OneHotIoU": [
        ("one-hot", {**REGIONS, "target_class_ids": [1, 2]}),
        ("one-hot", {**REGIONS, "target_class_ids": [0], "ignore_class": 3}),
    ],
    "OneHotMeanIoU": [("one-hot", REGIONS), ("one-hot", {**REGIONS, "ignore_class": 0})],
    "BinaryIoU": [
        ("yes-no flat", {"dtype": "float32"}),
        ("yes-no flat", {"target_class_ids": [1], "threshold": 0.3, "dtype": "float32"}),
    ],
    "R2Score": [
        ("real", {}),
        ("real", {"class_aggregation": None}),
        ("real", {"class_aggregation": "variance_weighted_average"}),
    ],
    "PearsonCorrelation": [("real", {}), ("deep real", {"axis": 2}), ("deep real", {"axis": (1, 2)})],
}
TABLE["ConcordanceCorrelation"] = TABLE["PearsonCorrelation"]
RATES = {
    "SensitivityAtSpecificity": "specificity",
    "SpecificityAtSensitivity": "sensitivity",
    "PrecisionAtRecall": "recall",
    "RecallAtPrecision": "precision",
}
TABLE |= {
    name: [
        ("yes-no", {rate: 0.6}),
        ("yes-no", {rate: 0.4, "num_thresholds": 7, "class_id": 2}),
        ("yes-no", {rate: 0.5, "num_thresholds": 1}),
        ("yes-no", {rate: 1.0}),
    ]
    for name, rate in RATES.items()
}
REQUIRED = {name: {rate: 0.5} for name, rate in RATES.items()} | {
    "IoU": {"num_classes": 2, "target_class_ids": [0]},
    "MeanIoU": {"num_classes": 2},
    "OneHotIoU": {"num_classes": 2, "target_class_ids": [0]},
    "OneHotMeanIoU": {"num_classes": 2},
}
TABLE["Recall"] = TABLE["Precision"]
TABLE |= dict.fromkeys(("FalsePositives", "TrueNegatives", "FalseNegatives"), TABLE["TruePositives"])
TABLE |= {
    name: [("real", {}), ("deep real", {})]
    for name in ("MeanAbsoluteError", "MeanAbsolutePercentageError", "LogCoshError")
}
TABLE |= dict.fromkeys(("RootMeanSquaredError", "MeanSquaredLogarithmicError"), TABLE["MeanSquaredError"])
ROWS = [(name, kind, options) for name, rows in sorted(TABLE.items()) for kind, options in rows]
ALL = {cls.__name__: cls for cls in registry.members("metric")}
OF_VALUES = {"Mean", "Sum", "MeanMetricWrapper"}  # in test_metrics.py
ONLY_HERE = {"Huber"}
COUNT = 6


def sample(kind, seed):
    """Labels in their natural dtype, and float32 predictions: one batch of 6 rows."""
    rng = np.random.default_rng(seed)
    shape = (COUNT, 2, 4) if kind.startswith("deep") else (COUNT, 4)
    uniform, scores = rng.uniform(0, 1, shape), rng.normal(0, 2, shape)
    classes, yes = rng.integers(0, 4, shape[:-1]), rng.integers(0, 2, shape)
    powers = np.exp(scores)
    y_true, y_pred = {
        "class": (classes, powers / powers.sum(-1, keepdims=True)),
        "one-hot": (np.eye(4)[classes], powers / powers.sum(-1, keepdims=True)),
        "yes-no": (yes, uniform),
        "logit": (yes, scores),
        "regions": (classes, rng.integers(0, 4, classes.shape)),
        "real": (rng.normal(0, 2, shape), scores),
        "sorted": (classes, rng.permuted(np.tile(np.arange(4), (COUNT, 1)), axis=1)),
    }[kind.removeprefix("deep ").split(" ")[0]]
    if kind.endswith("column"):
        y_true, y_pred = (
            y_true[..., :1] if y_true.ndim == 2 else y_true[:, None],
            y_pred[:, :1] if "class" not in kind else y_pred,
        )
    if kind.endswith("flat"):
        y_true, y_pred = y_true[:, 0], y_pred[:, 0]
    if kind.endswith("tied"):
        y_pred = np.round(y_pred * 2) / 2
    if kind.endswith("equal"):
        y_pred = np.where(rng.random(y_true.shape) < 0.5, y_true, 0)
    if kind == "regions one-hot":
        y_true, y_pred = np.eye(4)[classes], uniform
    if kind.endswith("one-hot logit"):
        y_pred = scores
    return y_true.astype(np.float32 if y_true.dtype.kind == "f" else np.int32), y_pred.astype(np.float32)


def results(metric, kind):
    """The result after a batch without weights, after one with weights more, and of one with weights after a reset."""
    found = []
    for seed, weights in enumerate((None, [0.0, 0.5, 1.0, 2.0, 3.0, 0.25], [3.0, 0.0, 0.0, 1.0, 0.5, 2.0])):
        if seed == 2:
            metric.reset_state()
        metric.update_state(*sample(kind, seed), sample_weight=None if weights is None else np.float32(weights))
        found.append(metric.result())
    return found


@pytest.mark.parametrize(("name", "kind", "options"), ROWS)
@pytest.mark.few(14)
def test_metric_agrees_with_keras_after_every_batch_and_after_a_reset(name, kind, options):
    ours, theirs = results(ALL[name](**options), kind), results(getattr(keras.metrics, name)(**options), kind)
    for mine, other in zip(ours, theirs):
        assert mine.dtype == other.dtype == jnp.float32
        assert mine.shape == other.shape
        np.testing.assert_allclose(mine, other, rtol=1e-5, atol=1e-6)


def test_the_table_has_every_registered_metric():
    assert set(TABLE) == set(ALL) - OF_VALUES - ONLY_HERE


def test_every_metric_of_keras_is_here_with_its_arguments():
    theirs = {n: m for n, m in inspect.getmembers(keras.metrics) if inspect.isclass(m) or inspect.isfunction(m)}
    assert set(metrics.__all__) - ONLY_HERE == set(theirs)
    for name in sorted(set(theirs) - {"deserialize"}):
        assert arguments(getattr(metrics, name)) == arguments(theirs[name]), name


@pytest.mark.parametrize("name", sorted(n for n, item in inspect.getmembers(keras.metrics.Metric) if n[0] != "_"))
def test_a_metric_has_the_methods_of_keras_with_their_arguments(name):
    ours, theirs = getattr(metrics.Metric, name, None), getattr(keras.metrics.Metric, name)
    if inspect.isfunction(theirs):
        assert arguments(ours) == arguments(theirs)
    else:
        assert hasattr(metrics.Mean(), name)


def test_metrics_without_a_name_are_called_as_in_keras():
    keras.utils.clear_session()
    for name in sorted(set(ALL) - ONLY_HERE - {"MeanMetricWrapper"}):
        ours, theirs = ALL[name], getattr(keras.metrics, name)
        given = REQUIRED.get(name, {})
        assert [ours(**given).name, ours(**given).name] == [theirs(**given).name, theirs(**given).name]


def keras_names():
    return sorted(set(NAMES_IN_KERAS) - {"Metric", "metric", "MeanMetricWrapper", "mean_metric_wrapper"})


@pytest.mark.parametrize("name", keras_names())
def test_every_name_of_keras_gives_the_same_metric(name):
    if NAMES_IN_KERAS[name].__name__ in REQUIRED:
        assert registry.find("metric", name).__name__ == NAMES_IN_KERAS[name].__name__
        return
    assert type(metrics.get(name)).__name__ == type(keras.metrics.get(name)).__name__


@pytest.mark.parametrize("name", ["accuracy", "acc", "Accuracy", "mse", "MSE", "Precision", "AUC"])
@pytest.mark.parametrize(
    ("labels", "predictions"),
    [((8, 1), (8, 1)), ((8,), (8, 1)), ((8,), (8, 3)), ((8, 1), (8, 3)), ((8, 3), (8, 3)), ((8, 2), (8, 2, 3))],
)
def test_a_name_given_to_compile_becomes_the_metric_and_the_name_that_keras_gives_it(name, labels, predictions):
    y_true, y_pred = np.zeros(labels), np.zeros(predictions)
    ours, theirs = metric_for(name, y_true, y_pred), metric_for_in_keras(name, y_true, y_pred)
    assert (type(ours).__name__, ours.name) == (type(theirs).__name__, theirs.name)


@pytest.mark.parametrize("weight_shape", [(6,), (6, 1), (6, 2), (), None])
@pytest.mark.parametrize("cls", ["Mean", "Sum"])
@pytest.mark.parametrize("value_shape", [(6,), (6, 1), (6, 2), (6, 2, 3)])
def test_mean_and_sum_of_values_agree_with_keras(cls, value_shape, weight_shape):
    if weight_shape == (6, 2) and value_shape in [(6,), (6, 1)]:
        value_shape = (6, 2, 1)
    rng = np.random.default_rng(0)
    ours, theirs = ALL[cls](), getattr(keras.metrics, cls)()
    for _ in range(2):
        values = rng.normal(size=value_shape).astype(np.float32)
        weights = None if weight_shape is None else rng.uniform(0, 2, weight_shape).astype(np.float32)
        ours.update_state(values, sample_weight=weights)
        theirs.update_state(values, sample_weight=weights)
    np.testing.assert_allclose(ours.result(), theirs.result(), rtol=1e-5, atol=1e-6)


def test_a_metric_of_a_plain_function_agrees_with_keras():
    def largest_error(y_true, y_pred, scale):
        return scale * jnp.max(jnp.abs(y_true - y_pred), axis=-1)

    ours = results(metrics.MeanMetricWrapper(largest_error, name="largest", scale=2.0), "real")
    theirs = results(keras.metrics.MeanMetricWrapper(largest_error, name="largest", scale=2.0), "real")
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_a_metric_works_the_same_inside_a_compiled_function():
    metric, step = metrics.AUC(), jax.jit(lambda state, y, p: metrics.AUC().stateless_update_state(state, y, p))
    state = metric.stateless_reset_state()
    for seed in range(2):
        state = step(state, *sample("yes-no", seed))
        metric.update_state(*sample("yes-no", seed))
    np.testing.assert_allclose(metric.stateless_result(state), metric.result(), rtol=1e-6)
    np.testing.assert_allclose(state, [v.raw for v in metric.variables], rtol=1e-6)
