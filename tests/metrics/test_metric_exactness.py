"""Metrics against float64 and scikit-learn: batch by batch, far from zero, and inside a compiled step."""

import warnings

import keras
import numpy as np
import pytest
import sklearn.metrics as sk
from phasewise.warning import LogitsWarning, PhasewiseWarning

import phasewise as pw
from phasewise import metrics

RNG = np.random.default_rng(2)
ROWS, TARGETS = 50, 3
TRUTH = RNG.normal(size=(ROWS, TARGETS))
GUESS = TRUTH + RNG.normal(0, 0.5, (ROWS, TARGETS))
WEIGHTS = RNG.integers(0, 4, ROWS)
CLASSES, SCORES = RNG.integers(0, TARGETS, ROWS), RNG.uniform(0.01, 0.99, (ROWS, TARGETS)).astype(np.float32)
YES = RNG.integers(0, 2, (ROWS, TARGETS))


def gathered(metric, y_true, y_pred, weights=None, size=7):
    for start in range(0, len(y_true), size):
        part = slice(start, start + size)
        metric.update_state(y_true[part], y_pred[part], sample_weight=None if weights is None else weights[part])
    return np.asarray(metric.result())


def pearson(a, b, w):
    a, b = a - np.average(a, 0, w), b - np.average(b, 0, w)
    return np.average(a * b, 0, w) / np.sqrt(np.average(a * a, 0, w) * np.average(b * b, 0, w))


def concordance(a, b, w):
    ma, mb = np.average(a, 0, w), np.average(b, 0, w)
    spread = np.average((a - ma) ** 2, 0, w) + np.average((b - mb) ** 2, 0, w)
    return 2 * np.average((a - ma) * (b - mb), 0, w) / (spread + (ma - mb) ** 2)


@pytest.mark.parametrize("weigh", [False, True])
@pytest.mark.parametrize("far", [0, 1e3, -1e5])
@pytest.mark.extensive
def test_scores_and_correlations_keep_their_digits_however_far_from_zero_the_data_are(far, weigh):
    y_true, y_pred = (TRUTH + far).astype(np.float32), (GUESS + far).astype(np.float32)
    a, b, w = np.float64(y_true), np.float64(y_pred), WEIGHTS if weigh else np.ones(ROWS)
    given = WEIGHTS if weigh else None
    for aggregation, name in (
        (None, "raw_values"),
        ("uniform_average", "uniform_average"),
        ("variance_weighted_average", "variance_weighted"),
    ):
        wanted = sk.r2_score(a, b, sample_weight=w, multioutput=name)
        found = gathered(metrics.R2Score(class_aggregation=aggregation), y_true, y_pred, given)
        np.testing.assert_allclose(found, wanted, rtol=1e-5)
    for metric, reference in ((metrics.PearsonCorrelation, pearson), (metrics.ConcordanceCorrelation, concordance)):
        np.testing.assert_allclose(
            gathered(metric(axis=0), y_true, y_pred, given), reference(a, b, w).mean(), rtol=1e-5
        )
        within = gathered(metric(), y_true, y_pred, given)
        rows = [reference(p, q, np.ones(TARGETS)) for p, q in zip(a, b)]
        np.testing.assert_allclose(within, np.average(rows, weights=w), rtol=1e-4, atol=1e-5)


def test_keras_loses_the_digits_of_such_a_score():
    y_true, y_pred = (TRUTH + 1e5).astype(np.float32), (GUESS + 1e5).astype(np.float32)
    exact = sk.r2_score(np.float64(y_true), np.float64(y_pred))
    theirs = gathered(keras.metrics.R2Score(), y_true, y_pred)
    assert abs(theirs - exact) > 0.01


@pytest.mark.parametrize("axis", [0, (0, 1)])
@pytest.mark.extensive
def test_a_correlation_over_rows_is_that_of_keras_on_all_of_them_at_once(axis):
    y_true, y_pred = TRUTH.astype(np.float32), GUESS.astype(np.float32)
    for name in ("PearsonCorrelation", "ConcordanceCorrelation"):
        theirs = getattr(keras.metrics, name)(axis=axis)(y_true, y_pred)
        np.testing.assert_allclose(gathered(getattr(metrics, name)(axis=axis), y_true, y_pred), theirs, rtol=1e-5)


def test_the_correlation_of_vectors_goes_over_rows():
    y_true, y_pred = TRUTH[:, 0].astype(np.float32), GUESS[:, 0].astype(np.float32)
    found = gathered(metrics.PearsonCorrelation(), y_true, y_pred)
    np.testing.assert_allclose(found, np.corrcoef(y_true, y_pred)[0, 1], rtol=1e-5)


def test_small_values_that_agree_have_a_concordance_of_one():
    small = (1e-4 * TRUTH).astype(np.float32)
    np.testing.assert_allclose(metrics.ConcordanceCorrelation()(small, small), 1, rtol=1e-6)
    assert keras.metrics.ConcordanceCorrelation()(small, small) < 0.5


def test_constant_rows_have_no_correlation_and_do_not_spoil_others_that_weigh_nothing():
    flat, slope = np.float32([[0.1] * 3]), np.float32([[1, 2, 4]])
    assert np.isnan(metrics.PearsonCorrelation()(flat, slope))
    assert metrics.ConcordanceCorrelation()(flat, flat) == 0
    both = metrics.PearsonCorrelation()(np.vstack([slope, flat]), np.vstack([slope, slope]), sample_weight=[1, 0])
    np.testing.assert_allclose(both, 1, rtol=1e-6)


@pytest.mark.parametrize("guess", [0.1, 0.3])
def test_a_score_of_constant_labels_is_that_of_scikit_learn(guess):
    y_true, y_pred = np.full((9, 1), 0.1, np.float32), np.full((9, 1), guess, np.float32)
    assert gathered(metrics.R2Score(), y_true, y_pred, size=4) == sk.r2_score(y_true, y_pred)
    metric = metrics.R2Score(class_aggregation="variance_weighted_average")
    assert gathered(metric, y_true, y_pred, size=4) == sk.r2_score(y_true, y_pred, multioutput="variance_weighted")


@pytest.mark.extensive
def test_a_score_is_adjusted_to_the_rows_that_weigh_anything():
    y_true, y_pred = TRUTH[:, :1].astype(np.float32), GUESS[:, :1].astype(np.float32)
    theirs = gathered(keras.metrics.R2Score(num_regressors=4), y_true, y_pred)
    np.testing.assert_allclose(gathered(metrics.R2Score(num_regressors=4), y_true, y_pred), theirs, rtol=1e-5)
    counts = WEIGHTS > 0
    left = gathered(metrics.R2Score(num_regressors=4), y_true, y_pred, counts.astype(np.float32))
    kept = gathered(metrics.R2Score(num_regressors=4), y_true[counts], y_pred[counts])
    np.testing.assert_allclose(left, kept, rtol=1e-5)
    # Of several targets there are as many rows as of one.
    score = 1 - (1 - sk.r2_score(TRUTH, GUESS)) * (ROWS - 1) / (ROWS - 5)
    found = gathered(metrics.R2Score(num_regressors=4), TRUTH.astype(np.float32), GUESS.astype(np.float32))
    np.testing.assert_allclose(found, score, rtol=1e-5)


def test_too_few_rows_to_adjust_a_score_to_are_told():
    y_true, y_pred = TRUTH[:5, :1], GUESS[:5, :1]
    with pytest.warns(PhasewiseWarning, match=r"R2Score\(num_regressors=4\) of 5 rows cannot be adjusted.* at least 6"):
        found = metrics.R2Score(num_regressors=4)(y_true, y_pred)
    np.testing.assert_allclose(found, sk.r2_score(y_true, y_pred), rtol=1e-5)


@pytest.mark.parametrize("average", [None, "micro", "macro", "weighted"])
@pytest.mark.parametrize("weigh", [False, True])
def test_f_scores_are_those_of_scikit_learn(average, weigh):
    given = WEIGHTS if weigh else None
    for beta in (1.0, 2.0):
        found = gathered(metrics.FBetaScore(average, beta, threshold=0.4), YES, SCORES, given)
        wanted = sk.fbeta_score(YES, np.float32(0.4) < SCORES, beta=beta, average=average, sample_weight=given)
        np.testing.assert_allclose(found, wanted, rtol=1e-6)
    found = gathered(metrics.F1Score(average), np.eye(TARGETS)[CLASSES], SCORES, given)
    wanted = sk.f1_score(CLASSES, SCORES.argmax(1), average=average, sample_weight=given)
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_a_largest_score_of_zero_is_a_prediction_and_a_row_of_zeros_is_none():
    metric = metrics.F1Score()
    metric.update_state(np.eye(3)[[1, 2]], np.float32([[-1, 0, -2], [0, 0, 0]]))
    np.testing.assert_array_equal(metric.result(), [0, 1, 0])


def test_scores_without_a_prediction_of_a_class_have_no_small_numbers_added():
    weight = np.float32([1e-7])
    assert metrics.F1Score("micro")(np.eye(3)[:1], SCORES[:1] * 0 + np.float32([0.9, 0, 0]), weight) == 1
    assert metrics.IoU(3, [0])([0], [0], weight) == 1


@pytest.mark.parametrize("weigh", [False, True])
def test_intersection_over_union_is_the_jaccard_score_of_scikit_learn(weigh):
    given, guess = WEIGHTS if weigh else None, SCORES.argmax(1)
    each = sk.jaccard_score(CLASSES, guess, average=None, sample_weight=given)
    for c in range(TARGETS):
        np.testing.assert_allclose(gathered(metrics.IoU(TARGETS, [c]), CLASSES, guess, given), each[c], rtol=1e-6)
    mean = gathered(metrics.MeanIoU(TARGETS + 2, sparse_y_pred=False), CLASSES, SCORES, given)
    np.testing.assert_allclose(mean, each.mean(), rtol=1e-6)  # classes that do not occur do not count
    half = gathered(metrics.MeanIoU(TARGETS), CLASSES, guess, None if given is None else given / 2)
    np.testing.assert_allclose(half, each.mean(), rtol=1e-6)


def test_classes_may_lie_along_any_axis():
    moved, labels = np.moveaxis(SCORES[:48].reshape(6, 8, 3), -1, 1), CLASSES[:48].reshape(6, 8)
    wanted = metrics.MeanIoU(3, sparse_y_pred=False)(labels, np.moveaxis(moved, 1, -1))
    np.testing.assert_allclose(metrics.MeanIoU(3, sparse_y_pred=False, axis=1)(labels, moved), wanted)
    one_hot = np.moveaxis(np.eye(3)[labels], -1, 1)
    np.testing.assert_allclose(metrics.OneHotMeanIoU(3, axis=1)(one_hot, moved), wanted)
    best = moved.argmax(1)
    np.testing.assert_allclose(metrics.OneHotIoU(3, [0, 1, 2], sparse_y_pred=True, axis=1)(one_hot, best), wanted)


def test_rates_are_the_best_over_all_thresholds_where_these_lie_between_all_scores():
    y_true, scores = RNG.integers(0, 2, 40), (RNG.permutation(40) + 0.5) / 40
    thresholds = np.linspace(0, 1, 41)
    positive = scores[None] > thresholds[:, None]
    recall = (positive & (y_true == 1)).sum(1) / (y_true == 1).sum()
    specificity = (~positive & (y_true == 0)).sum(1) / (y_true == 0).sum()
    precision = (positive & (y_true == 1)).sum(1) / np.maximum(positive.sum(1), 1)
    for name, required, best in (
        ("SensitivityAtSpecificity", specificity, recall),
        ("SpecificityAtSensitivity", recall, specificity),
        ("PrecisionAtRecall", recall, precision),
        ("RecallAtPrecision", precision, recall),
    ):
        for value in (0.0, 0.35, 0.83, 1.0):
            found = gathered(getattr(metrics, name)(value, num_thresholds=41), y_true, scores.astype(np.float32))
            np.testing.assert_allclose(found, np.where(required >= value - 1e-7, best, 0).max(), rtol=1e-6)


MANY = {
    "f1": lambda: metrics.F1Score(name="f1"),
    "fbeta": lambda: metrics.FBetaScore("weighted", 2.0, 0.4, name="fbeta"),
    "r2": lambda: metrics.R2Score(num_regressors=2, name="r2"),
    "rows": lambda: metrics.PearsonCorrelation(name="rows"),
    "over": lambda: metrics.PearsonCorrelation(name="over", axis=0),
    "concord": lambda: metrics.ConcordanceCorrelation(name="concord", axis=(0, 1)),
    "iou": lambda: metrics.OneHotMeanIoU(TARGETS, name="iou"),
    "biou": lambda: metrics.BinaryIoU(threshold=0.6, name="biou"),
    "sens": lambda: metrics.SensitivityAtSpecificity(0.5, name="sens"),
    "recall": lambda: metrics.RecallAtPrecision(0.5, class_id=1, name="recall"),
}


@pytest.fixture(scope="module")
def passed_on():
    model = pw.Sequential([pw.Input((TARGETS,)), pw.layers.Activation("sigmoid")])
    model.compile("sgd", "mse", metrics=[make() for make in MANY.values()])
    return model


@pytest.mark.parametrize("batch_size", [8, 50])
@pytest.mark.extensive
def test_in_a_compiled_step_every_metric_is_that_of_all_rows_at_once(passed_on, batch_size):
    y = np.eye(TARGETS)[CLASSES]
    p = passed_on.predict(SCORES, verbose=0)
    logs = passed_on.evaluate(SCORES, y, batch_size=batch_size, verbose=0, return_dict=True)
    for name, make in MANY.items():
        np.testing.assert_allclose(logs[name], make()(y, p), rtol=1e-5, err_msg=name)
    assert logs["f1"].shape == (TARGETS,)


@pytest.mark.extensive
def test_a_metric_of_several_numbers_is_logged_as_an_array_as_in_keras(tmp_path):
    y, found = np.eye(TARGETS)[CLASSES], []
    for K in (pw, keras):
        model = K.Sequential([K.Input((TARGETS,)), K.layers.Dense(TARGETS, kernel_initializer="ones")])
        model.compile(K.optimizers.SGD(0.01), "mse", metrics=[K.metrics.F1Score(), K.metrics.R2Score(None)])
        file = tmp_path / K.__name__
        logger = K.callbacks.CSVLogger(str(file))
        history = model.fit(SCORES, y, batch_size=50, epochs=2, verbose=0, callbacks=[logger]).history
        logs = model.evaluate(SCORES, y, verbose=0, return_dict=True)
        found.append((np.array(history["f1_score"]), np.array(history["r2_score"]), logs["f1_score"], logs["r2_score"]))
        assert len(file.read_text().splitlines()) == 3
    for ours, theirs in zip(*found):
        assert ours.shape == np.shape(theirs)
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_outputs_of_one_number_a_row_are_rows_of_it_in_losses_and_metrics_whatever_the_batch():
    # In Keras weights of rows weigh nothing here, and "accuracy" is that of the largest over the batch.
    model = pw.Sequential([pw.Input((TARGETS,)), pw.layers.Dense(1, "sigmoid"), pw.layers.Reshape(())])
    model.compile("sgd", "bce", metrics=["accuracy", "mse"], weighted_metrics=["mae"])
    y, w = YES[:, 0], WEIGHTS.astype(np.float32)
    p = np.float64(model.predict(SCORES, verbose=0))
    wanted = {
        "loss": np.mean(-w * (y * np.log(p) + (1 - y) * np.log(1 - p))),
        "accuracy": np.mean((p > 0.5) == y),
        "mse": np.mean((p - y) ** 2),
        "mae": np.average(np.abs(p - y), weights=w),
    }
    for size in (7, 50):
        logs = model.evaluate(SCORES, y, sample_weight=w, batch_size=size, verbose=0, return_dict=True)
        for name, value in wanted.items():
            np.testing.assert_allclose(logs[name], value, rtol=1e-5, err_msg=name)


def compiled(metric, y, *, loss="mse", units=TARGETS):
    model = pw.Sequential([pw.Input((TARGETS,)), pw.layers.Dense(units, "sigmoid", name="head")])
    model.compile("sgd", loss, metrics=[metric])
    return model.evaluate(SCORES, y, verbose=0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: metrics.F1Score("mean"), "F1Score's average is one of None, 'micro', 'macro', 'weighted'; got 'mean'"),
        (lambda: metrics.FBetaScore(beta=0.0), "FBetaScore's beta is above 0; got 0.0"),
        (lambda: metrics.F1Score(threshold=1.5), "F1Score's threshold is above 0 and at most 1; got 1.5"),
        (lambda: metrics.F1Score()(YES[:, 0], SCORES[:, 0]), r"F1Score takes .* \(rows, classes\); got labels of shape \(50,\)"),
        (
            lambda: metrics.F1Score()(CLASSES[:, None], SCORES),
            r"got labels of shape \(50, 1\) and predictions of shape \(50, 3\). Class numbers become one-hot first",
        ),
        (lambda: metrics.R2Score("mean"), "R2Score's class_aggregation is one of None, 'uniform_average', .*got 'mean'"),
        (lambda: metrics.R2Score(num_regressors=-1), "R2Score's num_regressors is at least 0; got -1"),
        (
            lambda: metrics.R2Score()(TRUTH[:, 0], GUESS[:, 0]),
            r"R2Score takes labels and predictions of one shape, \(rows, targets\); got labels of shape \(50,\)",
        ),
        (lambda: metrics.IoU(3, [3]), r"IoU's target_class_ids are classes, in \[0, 2\]; got \[3\]"),
        (lambda: metrics.MeanIoU(0), "MeanIoU's num_classes is at least 1; got 0"),
        (
            lambda: metrics.MeanIoU(3)(CLASSES, SCORES),
            r"MeanIoU cannot compare the classes of labels of shape \(50,\) and .*\(50, 3\). .*sparse_y_pred=False",
        ),
        (
            lambda: metrics.MeanIoU(3)(CLASSES, SCORES[:, 0]),
            "MeanIoU takes class numbers for predictions, and was given 0.* with BinaryIoU",
        ),
        (lambda: metrics.MeanIoU(3)([255], [0]), r"A label is 255 in row 0; MeanIoU needs .* in \[0, 2\].* as ignore_class"),
        (lambda: metrics.BinaryIoU()([2], [0.5]), "A label is 2 in row 0; BinaryIoU needs every label to be between 0 and 1"),
        (lambda: metrics.PrecisionAtRecall(1.2), r"PrecisionAtRecall's recall is in \[0, 1\]; got 1.2"),
        (lambda: metrics.RecallAtPrecision(-0.1), r"RecallAtPrecision's precision is in \[0, 1\]; got -0.1"),
        (
            lambda: metrics.SensitivityAtSpecificity(0.5, num_thresholds=0),
            "SensitivityAtSpecificity's num_thresholds is at least 1; got 0",
        ),
        (
            lambda: metrics.SpecificityAtSensitivity(0.5, class_id=3)(YES, SCORES),
            r"SpecificityAtSensitivity\(class_id=3\) needs labels and predictions \(rows, classes\) that have the class; got \(50, 3\)",
        ),
        (
            lambda: metrics.PearsonCorrelation()(TRUTH[:, :1], GUESS[:, :1]),
            r"pearson_correlation along axis -1 .* \(50, 1\) has one value to correlate: .*axis=0 for all rows",
        ),
        (lambda: metrics.ConcordanceCorrelation()(TRUTH, GUESS[:, :2]), r"of one shape, \(rows, ...\); got labels of shape \(50, 3\)"),
        (lambda: metrics.PearsonCorrelation(axis=2)(TRUTH, GUESS), "A correlation along axis 2 needs predictions that have it"),
        (lambda: compiled(metrics.F1Score(), CLASSES, loss="sparse_categorical_crossentropy"), r"F1Score takes .*Class numbers become one-hot first"),
        (lambda: compiled(metrics.PearsonCorrelation(), TRUTH[:, :1], units=1), "has one value to correlate"),
        (
            lambda: compiled(metrics.PrecisionAtRecall(0.5), TRUTH),
            r"A label of output 'head' is .* the metric 'precision_at_recall.*' needs every label to be between 0 and 1",
        ),
        (
            lambda: compiled(metrics.OneHotIoU(TARGETS, [0], sparse_y_pred=True), YES),
            r"OneHotIoU cannot compare the classes of .*sparse_y_pred=False",
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_explained(call, message):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LogitsWarning)
        with pytest.raises(ValueError, match=message):
            call()


def test_a_void_that_the_loss_ignores_is_left_out_of_regions_and_another_is_refused():
    model = pw.Sequential([pw.Input((TARGETS,)), pw.layers.Softmax()])
    y = np.where(WEIGHTS == 0, 255, CLASSES)
    metric = metrics.MeanIoU(TARGETS, sparse_y_pred=False, name="regions")
    model.compile("sgd", pw.losses.SparseCategoricalCrossentropy(ignore_class=255), metrics=[metric])
    found = model.evaluate(SCORES, y, verbose=0, return_dict=True)["regions"]
    there = WEIGHTS != 0
    wanted = metrics.MeanIoU(TARGETS)(CLASSES[there], SCORES.argmax(1)[there])
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    model.compile(
        "sgd", "sparse_categorical_crossentropy", metrics=[metrics.MeanIoU(2, sparse_y_pred=False, name="two")]
    )
    with pytest.raises(
        ValueError, match=r"A label of output .* is 2 in .*; the metric 'two' needs .* \[0, 1\].* as ignore_class"
    ):
        model.evaluate(SCORES, CLASSES, verbose=0)


def test_what_watches_one_number_refuses_an_array_with_a_remedy():
    model = pw.Sequential([pw.Input((TARGETS,)), pw.layers.Dense(TARGETS, "sigmoid")])
    model.compile("sgd", "mse", metrics=[metrics.F1Score()])
    stop = pw.callbacks.EarlyStopping(monitor="f1_score")
    with pytest.raises(
        ValueError, match=r"EarlyStopping monitors 'f1_score', which is an array of shape \(3,\).*average='macro'"
    ):
        model.fit(SCORES, np.eye(TARGETS)[CLASSES], verbose=0, callbacks=[stop])


@pytest.mark.parametrize(
    ("metric", "remedy"),
    [
        (metrics.PrecisionAtRecall(0.5), "Let the model end in sigmoid"),
        (metrics.BinaryIoU(), r"BinaryIoU\(threshold=0\)"),
        (metrics.F1Score(threshold=0.5), "Let the model end in sigmoid"),
    ],
)
def test_a_metric_that_takes_logits_for_probabilities_is_told_with_a_remedy(metric, remedy):
    model = pw.Sequential([pw.Input((TARGETS,)), pw.layers.Dense(TARGETS, name="head")])
    model.compile("sgd", pw.losses.BinaryCrossentropy(from_logits=True), metrics=[metric])
    with pytest.warns(
        LogitsWarning, match=rf"takes the scores of output 'head' for probabilities, but its loss .*{remedy}"
    ):
        model.evaluate(SCORES, YES, verbose=0)
