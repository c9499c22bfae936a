"""AUC: every option against Keras, and the exact area where the thresholds are fine enough."""

import itertools

import keras
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from phasewise import metrics

CURVES, METHODS = ["ROC", "PR", "PRGAIN"], ["interpolation", "minoring", "majoring"]
OPTIONS = [
    *({"curve": curve, "summation_method": method} for curve, method in itertools.product(CURVES, METHODS)),
    {"curve": "pr", "summation_method": "Majoring"},
    {"num_thresholds": 2},
    {"num_thresholds": 3, "curve": "PR"},
    {"thresholds": [0.6, 0.2, 0.4]},
    {"thresholds": [0.5], "summation_method": "minoring"},
    {"thresholds": [0.25, 0.5, 0.75], "curve": "PR"},
    {"label_weights": [1.0, 0.0, 3.0]},
    {"from_logits": True},
    {"multi_label": True},
    {"multi_label": True, "num_labels": 3, "curve": "PR"},
    {"multi_label": True, "label_weights": [1.0, 0.5, 0.0]},
    {"multi_label": True, "thresholds": [0.1, 0.7], "from_logits": True, "summation_method": "majoring"},
]


def batch(seed, logits=False, rows=10):
    """Labels of 0 and 1 (rows, 3), and predictions, some of them at the ends, that know something of the labels."""
    rng = np.random.default_rng(seed)
    y_true = rng.integers(0, 2, (rows, 3))
    scores = rng.normal(0, 1.5, (rows, 3)) + y_true
    probabilities = 1 / (1 + np.exp(-scores))
    probabilities[:2, 0] = [0, 1]
    return y_true, (scores if logits else probabilities).astype(np.float32)


def weights_of(shape, seed):
    return np.random.default_rng(seed).uniform(0, 2, shape).astype(np.float32)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.few(4)
def test_auc_agrees_with_keras_over_batches_without_and_with_weights(options):
    ours, theirs = metrics.AUC(**options), keras.metrics.AUC(**options)
    for seed, weights in enumerate((None, weights_of(10, 1))):
        y_true, y_pred = batch(seed, options.get("from_logits", False))
        ours.update_state(y_true, y_pred, weights)
        theirs.update_state(y_true, y_pred, weights)
        np.testing.assert_allclose(ours.result(), theirs.result(), rtol=2e-5, atol=1e-6)
    assert ours.result().shape == ()
    ours.reset_state()
    assert ours.result() == 0


@pytest.mark.parametrize("options", [{}, {"multi_label": True}, {"label_weights": [1.0, 0.0, 3.0]}], ids=str)
@pytest.mark.parametrize("shape", [(10, 1), (10, 3)])
def test_weights_may_go_by_row_or_by_label_as_in_keras(options, shape):
    y_true, y_pred = batch(0)
    weights = weights_of(shape, 1)
    ours, theirs = metrics.AUC(**options), keras.metrics.AUC(**options)
    np.testing.assert_allclose(ours(y_true, y_pred, weights), theirs(y_true, y_pred, weights), rtol=2e-5)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_the_config_rebuilds_the_auc_here_and_in_keras(options):
    first = metrics.AUC(**options, name="mine")
    again = metrics.AUC.from_config(first.get_config())
    theirs = keras.metrics.AUC.from_config(first.get_config())
    assert again.get_config() == first.get_config()
    assert np.allclose(again.thresholds, theirs.thresholds, atol=1e-9)
    wanted = theirs.get_config()
    for argument in ("num_thresholds", "curve", "summation_method", "multi_label", "num_labels", "from_logits"):
        assert first.get_config()[argument] == wanted[argument]


@pytest.mark.parametrize("weigh", [False, True])
def test_with_a_threshold_between_all_scores_the_area_is_exact(weigh):
    rng = np.random.default_rng(3)
    y_true, y_pred = rng.integers(0, 2, 40), (rng.permutation(40) + 1) / 50
    weights = rng.integers(1, 4, 40) if weigh else None
    metric = metrics.AUC(thresholds=list((np.arange(41) + 0.5) / 50))
    metric.update_state(y_true, y_pred.astype(np.float32), weights)
    np.testing.assert_allclose(metric.result(), roc_auc_score(y_true, y_pred, sample_weight=weights), rtol=1e-6)


def test_the_area_is_one_for_a_perfect_ranking_a_half_for_none_and_zero_for_the_reverse():
    y_true = np.array([0, 0, 1, 1])
    for scores, area in ([0.1, 0.2, 0.8, 0.9], 1.0), ([0.5] * 4, 0.5), ([0.9, 0.8, 0.2, 0.1], 0.0):
        assert metrics.AUC()(y_true, np.float32(scores)) == area


@pytest.mark.parametrize("curve", CURVES)
def test_one_class_alone_gives_a_finite_area(curve):
    for label in (0, 1):
        assert np.isfinite(metrics.AUC(curve=curve)(np.full(4, label), np.linspace(0, 1, 4, dtype=np.float32)))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: metrics.AUC(curve="ROCK"),
            "AUC's curve is one of 'ROC', 'PR', 'PRGAIN'; got 'ROCK'. Did you mean 'ROC'?",
        ),
        (lambda: metrics.AUC(summation_method="mean"), "summation_method is one of 'interpolation', .*got 'mean'"),
        (lambda: metrics.AUC(num_thresholds=1), "num_thresholds must be at least 2; got 1"),
        (lambda: metrics.AUC(thresholds=[0.5, 2]), r"AUC's thresholds are in \[0, 1\]; got \[0.5, 2.0\]"),
        (lambda: metrics.AUC(num_labels=3), "num_labels with multi_label=True only; got num_labels=3"),
        (
            lambda: metrics.AUC(multi_label=True)(np.ones(4), np.ones(4)),
            r"AUC\(multi_label=True\) needs predictions \(rows, labels\); got shape \(4,\)",
        ),
        (
            lambda: metrics.AUC()(np.ones((4, 2)), np.ones((4, 3))),
            r"of one shape; got labels of shape \(4, 2\) and predictions of shape \(4, 3\)",
        ),
    ],
)
def test_a_mistake_is_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()
