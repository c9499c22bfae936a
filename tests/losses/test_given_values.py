"""Labels and scores of a loss or metric that is called by hand are looked at as those of `fit` are."""

import warnings

import jax
import numpy as np
import pytest
from phasewise.warning import LogitsWarning

from phasewise import losses, metrics

THREE = [[0.2, 0.3, 0.5]]
YES_NO = np.array([0.2, 0.7], np.float32)
Z = np.random.default_rng(0).normal(size=200).astype(np.float32)


@pytest.mark.parametrize(
    "function",
    [
        losses.SparseCategoricalCrossentropy(),
        losses.SparseCategoricalCrossentropy(from_logits=True),
        losses.sparse_categorical_crossentropy,
        losses.CategoricalGeneralizedCrossEntropy(),
        metrics.SparseCategoricalCrossentropy(),
        metrics.SparseCategoricalAccuracy(),
        metrics.SparseTopKCategoricalAccuracy(k=2),
    ],
)
def test_a_label_that_is_no_class_is_refused_with_its_row(function):
    for label, text in (3, "3"), (7.0, "7"), (-2, "-2"):
        with pytest.raises(ValueError, match=rf"A label is {text} in row 1; .* to be in \[0, 2\], for 3 classes"):
            function([2, label], THREE * 2)
    with pytest.raises(ValueError, match=r"A label is 0.5 in row 0; .* to be a whole number"):
        function([0.5], THREE)


def test_a_label_that_is_ignored_or_weighs_nothing_is_taken():
    assert losses.SparseCategoricalCrossentropy(ignore_class=-1)([-1], THREE) == 0
    assert metrics.SparseCategoricalCrossentropy(ignore_class=9)([9], THREE) == 0
    assert metrics.SparseCategoricalAccuracy()([3, 2], THREE * 2, sample_weight=[0, 1]) == 1
    assert metrics.SparseCategoricalAccuracy()([-1, 2], THREE * 2) == 0.5


@pytest.mark.parametrize(
    "function",
    [
        losses.BinaryCrossentropy(),
        losses.BinaryCrossentropy(from_logits=True),
        losses.BinaryFocalCrossentropy(),
        losses.binary_crossentropy,
        metrics.BinaryCrossentropy(),
        metrics.BinaryAccuracy(),
        metrics.AUC(),
        metrics.Precision(),
        metrics.TrueNegatives(),
    ],
)
def test_a_yes_or_no_label_outside_of_0_and_1_is_refused_with_a_remedy(function):
    with pytest.raises(
        ValueError, match=r"A label is -1 in row 0; .* between 0 and 1. Labels -1 .* with \(y \+ 1\) / 2"
    ):
        function([-1, 1], YES_NO)
    with pytest.raises(
        ValueError, match=r"A label is 2 in row 1; .* Class numbers go with sparse_categorical_crossentropy"
    ):
        function([0, 2], YES_NO)


@pytest.mark.parametrize("function", [losses.CategoricalCrossentropy(), losses.CategoricalFocalCrossentropy()])
def test_a_one_hot_label_of_2_is_refused(function):
    with pytest.raises(ValueError, match=r"A label is 2 in row 0; categorical_.* between 0 and 1"):
        function([[0, 2, 0]], THREE)


def test_inside_a_compiled_function_and_its_gradient_nothing_is_looked_at():
    def loss(y, p):
        return losses.SparseCategoricalCrossentropy()(y, p)

    p = np.float32(THREE)
    assert np.isfinite(jax.jit(loss)(np.array([3]), p))
    assert jax.grad(lambda p: loss(np.array([2]), p))(p).shape == (1, 3)


@pytest.mark.parametrize("curve", ["ROC", "PR"])
def test_the_area_of_scores_outside_of_0_and_1_has_both_ends_and_is_told(curve):
    labels = (Z > 0).astype(int)
    metric = metrics.AUC(curve=curve)
    with pytest.warns(
        LogitsWarning, match=r"AUC takes scores for probabilities, and was given -.*AUC\(from_logits=True\)"
    ):
        metric.update_state(labels, Z)
    np.testing.assert_allclose(metric.result(), 1, rtol=1e-6)
    np.testing.assert_allclose(metrics.AUC(curve=curve, from_logits=True)(labels, Z), 1, rtol=1e-6)


@pytest.mark.few(3)
@pytest.mark.parametrize(
    ("function", "remedy"),
    [
        (losses.BinaryCrossentropy(), "from_logits=True"),
        (losses.BinaryFocalCrossentropy(), "from_logits=True"),
        (metrics.BinaryCrossentropy(), "from_logits=True"),
        (metrics.BinaryAccuracy(), r"BinaryAccuracy\(threshold=0\)"),
        (metrics.Precision(), r"Precision\(thresholds=0\)"),
        (metrics.Recall(thresholds=[0.2, 0.4]), r"Recall\(thresholds=0\)"),
    ],
)
def test_scores_that_are_no_probabilities_are_told_with_a_remedy(function, remedy):
    with pytest.warns(LogitsWarning, match=rf"takes scores for probabilities, and was given 3, .*For logits: {remedy}"):
        function([0, 1], np.array([0.5, 3], np.float32))


def test_a_negative_score_of_a_class_is_told():
    with pytest.warns(
        LogitsWarning, match="categorical cross-entropy takes scores for probabilities, and was given -1"
    ):
        losses.SparseCategoricalCrossentropy()([2], [[-1.0, 2.0, 3.0]])


def test_scores_for_which_it_does_not_matter_are_not_told():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses.BinaryCrossentropy(from_logits=True)([0, 1], Z[:2])
        losses.CategoricalCrossentropy()([[0, 0, 1]], [[2.0, 3.0, 5.0]])
        losses.MeanSquaredError()([0, 1], Z[:2])
        metrics.BinaryAccuracy(threshold=0.0)([0, 1], Z[:2])
        metrics.Precision(thresholds=0)([0, 1], Z[:2])
        metrics.Recall(top_k=1)([[0, 1]], [Z[:2]])
        metrics.AUC()([0, 1], np.float32([0, 1.0000001]))
