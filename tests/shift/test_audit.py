"""audit: are the data off, where, by how much, is it more than chance, and what would help?"""

import json

import numpy as np
import pytest
from scipy import stats

import phasewise as pw
from phasewise import layers
from phasewise.demo import experiment

RNG = np.random.default_rng(0)


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def dense_net(channels=3, **batch_normalization):
    pw.set_random_seed(3)
    x = pw.Input((channels,))
    h = layers.BatchNormalization(name="first", **batch_normalization)(x)
    h = layers.Dense(8, activation="tanh", name="hidden")(h)
    h = layers.BatchNormalization(name="second", **batch_normalization)(h)
    return pw.Model(x, layers.Dense(4, activation="softmax")(h), name="net")


@pytest.fixture(scope="module")
def model():
    made = dense_net()
    pw.recalibrate(made, normal(4000, 3, seed=7), verbose=0)
    return made


def rows_of(found, layer, x, axes=None):
    """float64: displacement and log ratio of `layer` whose input is `x` (..., channels)."""
    x = x.astype(np.float64).reshape(-1, x.shape[-1])
    mean, variance = (np.asarray(w, np.float64) for w in (layer.moving_mean.numpy(), layer.moving_variance.numpy()))
    s = np.sqrt(variance + layer.epsilon)
    return (x.mean(0) - mean) / s, np.log(np.sqrt(x.var(0) + layer.epsilon) / s)


def test_effects_are_those_of_the_definition(model):
    x = normal(90, 3) * [1, 2, 0.5] + [0, 3, -1]
    found = pw.audit(model, x)["first"]
    displacement, log_ratio = rows_of(found, model.get_layer("first"), x.astype("float32"))
    np.testing.assert_allclose(found.displacement, displacement, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.log_ratio, log_ratio, rtol=1e-5, atol=1e-6)
    r = np.exp(2 * log_ratio)
    np.testing.assert_allclose(found.divergence, (r + displacement**2 - 1 - np.log(r)) / 2, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.rms_displacement, np.sqrt((displacement**2).mean()), rtol=1e-5)
    assert found.worst == int(np.argmax(found.divergence))


@pytest.mark.extensive
def test_effects_keep_their_digits_far_from_zero():
    made = dense_net()
    x = (normal(500, 3) * [1, 10, 1e-3] + [1e4, -1e5, 50]).astype("float32")
    pw.recalibrate(made, x, verbose=0)
    moved = (x + np.float32([0.5, 0, 0])).astype("float32")
    found = pw.audit(made, moved)["first"]
    displacement, log_ratio = rows_of(found, made.get_layer("first"), moved)
    np.testing.assert_allclose(found.displacement, displacement, atol=2e-5)
    np.testing.assert_allclose(found.log_ratio, log_ratio, atol=2e-5)


@pytest.mark.parametrize("rows, batch", [(33, 32), (100, 7)])
def test_the_standard_error_is_that_between_rows(model, rows, batch):
    x = normal(rows, 3, seed=5) * 1.5
    found = pw.audit(model, x, batch_size=batch)["first"]
    layer = model.get_layer("first")
    z = (x.astype(np.float64) - layer.moving_mean.numpy()) / np.sqrt(layer.moving_variance.numpy() + layer.epsilon)
    wide = z.var(0, ddof=1) > 1
    np.testing.assert_allclose(found.error[wide], np.sqrt(z.var(0, ddof=1) * (1 / rows + 1 / 4000))[wide], rtol=2e-3)
    t = np.abs(found.displacement / found.error)
    p = np.minimum(1, 2 * stats.t.sf(t, rows - 1))
    assert (found.p_mean >= p * (1 - 1e-9)).all() and (found.p_mean <= 6 * p * (1 + 1e-9)).all()


def test_positions_of_a_row_are_no_rows_of_their_own():
    x = pw.Input((20, 2))
    made = pw.Model(x, layers.BatchNormalization(name="bn")(x))
    level = normal(40, 1, 2, seed=2)
    data = (0.95 * level + 0.3 * normal(40, 20, 2, seed=3)).astype("float32")
    pw.recalibrate(made, data, verbose=0)
    shifted = data + np.float32(0.4)
    found = pw.audit(made, shifted)["bn"]
    z = shifted.astype(np.float64).mean(1) / np.sqrt(made.get_layer("bn").moving_variance.numpy() + 1e-3)
    np.testing.assert_allclose(found.error, np.sqrt(z.var(0, ddof=1) * 2 / 40), rtol=0.02)
    assert found.rows == 40 and found.positions == 20


@pytest.mark.extensive
def test_the_result_does_not_depend_on_how_the_data_are_cut(model):
    x = normal(150, 3, seed=4) * 2 + 1
    cut = pw.Dataset.from_generator(lambda: (x[a : a + 50] for a in (0, 50, 100)))
    found = [pw.audit(model, data, **options) for data, options in ((x, {}), (x, {"batch_size": 11}), (cut, {}))]
    for other in found[1:]:
        for a, b in zip(found[0].layers, other.layers):
            np.testing.assert_allclose(a.displacement, b.displacement, rtol=2e-5, atol=1e-6)
            np.testing.assert_allclose(a.log_ratio, b.log_ratio, rtol=2e-5, atol=1e-6)
            np.testing.assert_allclose(a.error, b.error, rtol=2e-5)


def test_a_shift_at_the_input_is_named_there(model):
    found = pw.audit(model, normal(200, 3) + np.float32([0, 1, 0]))
    assert found.is_shifted and found.verdict.first == "first" and found.verdict.begins == "at the input"
    assert found["first"].kind.startswith("displaced") and found["first"].worst == 1
    np.testing.assert_array_equal(found["first"].affected, [False, True, False])
    assert "have shifted" in str(found) and "begins at the input: it shows in 'first'" in str(found)


def test_a_shift_that_begins_inside_is_named_there(model):
    before = model.get_weights()
    hidden = model.get_layer("hidden")
    hidden.bias.assign(hidden.bias.numpy() + 1)
    try:
        found = pw.audit(model, normal(200, 3))
    finally:
        model.set_weights(before)
    assert found.verdict.first == "second" and found.verdict.begins == "inside"
    assert "shows first in 'second'; 'first' before it fits" in str(found)


def test_a_change_of_scale_is_told_from_a_displacement(model):
    found = pw.audit(model, normal(300, 3) * [1, 1, 2.0])["first"]
    assert found.kind == "scaled" and found.worst == 2
    np.testing.assert_allclose(np.exp(found.log_ratio[2]), 2, rtol=0.1)


def test_the_channel_that_is_displaced_most_is_told_beside_one_that_diverges_more_by_its_scale(model):
    found = pw.audit(model, normal(300, 3) * np.float32([1, 1, 0.2]) + np.float32([0, 1, 0]))
    assert found["first"].worst == 2 and found["first"].most_displaced == 1
    assert "(most in channel 1: by +" in str(found) and "in channel 2); " in str(found)
    row = next(line for line in str(found).splitlines() if line.strip().startswith("first"))
    assert "(1)" in row and "(2)" not in row


@pytest.mark.extensive
def test_channels_that_have_died_are_told():
    made = dense_net(channels=12)
    x = np.maximum(normal(2000, 12), 0)
    pw.recalibrate(made, x, verbose=0)
    dead = np.maximum(normal(300, 12, seed=9), 0)
    dead[:, 3:5] = 0
    assert pw.audit(made, dead)["first"].kind == "2 of 12 channels dead"
    dead[:, 3:5] = 2.5
    assert pw.audit(made, dead)["first"].kind == "2 of 12 channels saturated"


def test_unshifted_data_are_no_shift_and_few_rows_too_few(model):
    found = pw.audit(model, normal(512, 3, seed=11))
    assert not found.is_shifted and found.verdict.is_decided and "No shift was found" in str(found)
    few = pw.audit(model, normal(9, 3, seed=11))
    assert not few.is_shifted and not few.verdict.is_decided and "Too few rows to say: 9 rows came" in str(few)


def test_reference_data_take_the_place_of_moving_statistics(model):
    reference, data = normal(400, 3, seed=21) + 3, normal(300, 3, seed=22) + 3
    assert pw.audit(model, data).is_shifted
    found = pw.audit(model, data, reference=reference)
    assert not found.is_shifted and found.against == "reference data"
    moved = pw.audit(model, data + np.float32([0, 0, 0.5]), reference=reference)["first"]
    assert moved.is_shifted and moved.worst == 2
    samples = data[:, 2] + np.float32(0.5), reference[:, 2]
    t = (samples[0].mean() - samples[1].mean()) / np.sqrt(np.concatenate(samples).var(ddof=1) * (1 / 300 + 1 / 400))
    least = max(stats.ttest_ind(*samples, equal_var=False).pvalue, 2 * stats.t.sf(abs(t), 698))
    tests = 3 / 0.75  # three means have three quarters of the level
    assert moved.p_mean.min() == pytest.approx(least * tests, rel=0.01)


def test_remedies_are_what_predict_gives_under_them(model):
    x = normal(96, 3) + 1
    found = pw.audit(model, x).remedies
    for policy in ("moving", "batch", pw.blend(16)):
        p = model.predict(x, statistics=policy, verbose=0).astype(np.float64)
        told = found[policy]
        np.testing.assert_allclose(told.entropy, -(p * np.log(p)).sum(-1).mean(), rtol=1e-4)
        assert told.histogram == np.bincount(p.argmax(-1), minlength=4).tolist()
    assert found["moving"].agreement == 1


@pytest.mark.extensive
def test_with_labels_remedies_have_accuracy_and_the_models_metrics(model):
    made = dense_net()
    made.set_weights(model.get_weights())
    made.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = normal(96, 3) + 1, RNG.integers(0, 4, 96)
    found = pw.audit(made, x, labels=y).remedies
    for policy in ("moving", "batch"):
        loss, accuracy = made.evaluate(x, y, statistics=policy, verbose=0)
        np.testing.assert_allclose(found[policy].metrics["loss"], loss, rtol=1e-5)
        np.testing.assert_allclose([found[policy].accuracy, found[policy].metrics["accuracy"]], accuracy, rtol=1e-6)
    assert found.by == "accuracy"


def test_a_models_own_accuracy_is_shown_once(model, tmp_path):
    made = dense_net()
    made.set_weights(model.get_weights())
    made.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    found = pw.audit(made, normal(40, 3) + 1, labels=RNG.integers(0, 4, 40))
    table = str(found).partition("What other statistics")[2]
    head = next(line for line in table.splitlines() if "statistics " in line and "entropy" in line)
    assert head.split()[:4] == ["statistics", "accuracy", "loss", "entropy"]
    assert found.report(tmp_path / "shift.html").read_text(encoding="utf-8").count("<th>accuracy</th>") == 1


def test_a_small_shift_that_changes_no_prediction_is_no_cause_to_train():
    made = dense_net()
    x = normal(20000, 3)
    pw.recalibrate(made, x, verbose=0, batch_size=1000)
    found = pw.audit(made, x + np.float32(0.03), batch_size=1000)
    assert found.is_shifted and not found.verdict.helps
    assert "It is more than chance, but small" in str(found) and "train on such data" not in str(found)
    constant = pw.audit(made, np.full((300, 3), 0.5, np.float32))
    assert not constant.verdict.helps and "train on such data" in str(constant)


def test_of_numbers_without_labels_it_is_not_said_which_statistics_are_better(tmp_path):
    x = pw.Input((3,))
    made = pw.Model(x, layers.Dense(1)(layers.BatchNormalization()(x)))
    pw.recalibrate(made, normal(100, 3), verbose=0)
    found = pw.audit(made, normal(100, 3) + 1)
    page = found.report(tmp_path / "shift.html").read_text(encoding="utf-8")
    assert found.is_shifted and "cannot be told of numbers without labels" in str(found)
    assert "does better" not in str(found) and "best" not in str(found) and 'class="best"' not in page


def test_a_label_that_does_not_fit_is_named_by_its_row_in_the_data():
    made = dense_net()
    made.compile("sgd", "sparse_categorical_crossentropy")
    labels = np.zeros(600, int)
    labels[70] = 4
    with pytest.raises(ValueError, match="is 4 in row 70;"):
        pw.audit(made, normal(600, 3), labels=labels)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        (
            np.where(np.arange(40) == 7, 4, 0),
            "label of row 7 .* is 4, but the classes that the model tells apart are 0 to 3",
        ),
        (np.where(np.arange(40) == 7, -1, 0), "label of row 7 .* is -1, but"),
        (np.zeros((40, 3)), r"labels have the shape \(40, 3\), but the model's output is \(40, 4\)"),
    ],
)
def test_labels_that_no_loss_looks_at_must_fit_too(model, labels, told):
    with pytest.raises(ValueError, match=told):
        pw.audit(model, normal(40, 3), labels=labels)


@pytest.mark.parametrize("loss", [None, "sparse_categorical_crossentropy"])
def test_every_label_is_looked_at_though_remedies_are_tried_on_a_sample(model, loss):
    made = dense_net()
    made.set_weights(model.get_weights())
    if loss is not None:
        made.compile("sgd", loss)
    x, rows = normal(3000, 3), []
    for row in range(0, 3000, 499):
        labels = np.where(np.arange(3000) == row, 4, 0)
        with pytest.raises(ValueError, match=f"row {row}[ ;]"):
            pw.audit(made, x, labels=labels)
        rows.append(row)
    assert pw.audit(made, x, labels=np.zeros(3000)).remedies.rows <= 256 < len(x) and len(rows) == 7


def test_the_rows_that_remedies_are_tried_on_come_from_all_over_the_data(model):
    x, labels = np.sort(normal(6400, 3), axis=0), np.repeat(range(4), 1600)
    found = pw.audit(model, x, labels=labels).remedies
    right = model.predict(x, verbose=0).argmax(-1) == labels
    assert found.rows == 256 and abs(found["moving"].accuracy - right.mean()) < 0.05


def test_an_audit_leaves_the_model_as_it_was(model):
    before = model.get_weights()
    pw.audit(model, normal(40, 3) + 1)
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_a_layer_called_twice_is_told_twice():
    shared = layers.BatchNormalization(name="shared")
    a, b = pw.Input((2,)), pw.Input((2,))
    made = pw.Model([a, b], layers.Dense(2, activation="softmax")(layers.Add()([shared(a), shared(b)])))
    x, other = normal(60, 2), normal(60, 2, seed=1) + 2
    found = pw.audit(made, [x, other])
    assert [layer.layer for layer in found.layers] == ["shared, call 1", "shared, call 2"]
    s = np.sqrt(1 + 1e-3)
    np.testing.assert_allclose(found.layers[1].displacement, other.astype(np.float64).mean(0) / s, rtol=1e-5)
    assert [layer.is_shifted for layer in found.layers] == [False, True]


@pytest.mark.extensive
def test_time_folded_into_the_rows_is_one_of_positions():
    x = pw.Input((5, 3))
    made = pw.Model(x, layers.TimeDistributed(layers.BatchNormalization(name="bn"))(x))
    data = normal(30, 5, 3) + 2
    found = pw.audit(made, data).layers[0]
    assert (found.rows, found.positions) == (30, 5)
    np.testing.assert_allclose(found.displacement, data.astype(np.float64).mean((0, 1)) / np.sqrt(1.001), rtol=1e-5)


@pytest.mark.extensive
def test_masked_positions_do_not_count():
    class Masks(layers.Layer):
        def compute_mask(self, inputs, previous_mask):
            return inputs[..., 0] < 9

        def call(self, inputs):
            return inputs

    x = pw.Input((6, 2))
    made = pw.Model(x, layers.BatchNormalization(name="bn")(Masks()(x)))
    data = normal(50, 6, 2)
    data[:20, 4:, 0] = 99
    found = pw.audit(made, data).layers[0]
    kept = data[data[..., 0] < 9].astype(np.float64)
    np.testing.assert_allclose(found.displacement, kept.mean(0) / np.sqrt(1.001), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found.variance, kept.var(0), rtol=1e-4)


@pytest.mark.extensive
def test_each_step_of_a_recurrent_term_is_a_channel_of_its_own():
    x = pw.Input((4, 3))
    cell = layers.LSTM(2, normalization="batch", normalization_steps=3, name="lstm")
    made = pw.Model(x, layers.Dense(2, activation="softmax")(cell(x)))
    data = normal(64, 4, 3)
    pw.recalibrate(made, data, verbose=0)
    fits = pw.audit(made, data)
    assert [layer.layer for layer in fits.layers] == [
        f"lstm_{n}" for n in ("input_to_hidden", "hidden_to_hidden", "cell_output")
    ]
    first = fits.layers[0]
    assert first.displacement.shape == (3 * 8,)
    np.testing.assert_allclose(first.displacement, 0, atol=2e-4)
    np.testing.assert_allclose(first.log_ratio, 0, atol=2e-3)
    moved = data.copy()
    moved[:, 1] += 3
    found = pw.audit(made, moved).layers[0]
    product = moved[:, 1].astype(np.float64) @ cell.cell.kernel.numpy().astype(np.float64)
    mean, variance = (
        w.numpy().astype(np.float64)[1] for w in (cell.cell.terms[0].moving_mean, cell.cell.terms[0].moving_variance)
    )
    wanted = (product.mean(0) - mean) / np.sqrt(variance + cell.cell.normalization_epsilon)
    np.testing.assert_allclose(found.displacement[8:16], wanted, rtol=1e-3)
    np.testing.assert_allclose(found.displacement[:8], 0, atol=2e-4)
    assert found.is_shifted


@pytest.mark.extensive
def test_a_row_of_numbers_needs_no_probabilities():
    x = pw.Input((3,))
    made = pw.Model(x, layers.Dense(1)(layers.BatchNormalization(name="bn")(x)))
    found = pw.audit(made, normal(50, 3) + 1)
    assert found.remedies.kind == "numbers" and found.remedies["batch"].entropy is None
    assert "differs by" in str(found)


def test_everything_is_ready_for_json(model):
    read = json.loads(json.dumps(pw.audit(model, normal(40, 3) + 1).to_dict(), allow_nan=False))
    assert (
        read["verdict"]["is_shifted"] and read["layers"][0]["layer"] == "first" and len(read["remedies"]["tried"]) == 5
    )


def with_nan():
    x = normal(40, 3)
    x[17, 2] = np.nan
    return x


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m: pw.audit(m, normal(7, 3)), "needs at least 8 rows.*`data` has 7"),
        (lambda m: pw.audit(m, normal(9, 3), reference=normal(3, 3)), "`reference` has 3"),
        (lambda m: pw.audit(m, with_nan()), "The input holds nan in row 17, position 2 .*audit needs finite numbers"),
        (lambda m: pw.audit(m, normal(20, 2)), r"expects shape \(None, 3\)"),
        (lambda m: pw.audit(m, normal(20, 3), alpha=5), "alpha, the level of its tests, is a number above 0 and up to 0.5; got 5"),
        (lambda m: pw.audit(m, normal(20, 3), labels=np.zeros(3)), "must agree"),
        (lambda m: pw.audit("net", normal(20, 3)), "audit takes a model; got 'net'"),
        (lambda m: pw.audit(m, normal(20, 3))["frist"], "No layer called 'frist' was audited"),
    ],
)  # fmt: skip
def test_a_mistake_is_explained(model, call, message):
    with pytest.raises((ValueError, TypeError, KeyError), match=message):
        call(model)


def test_a_model_without_moving_statistics_says_so():
    x = pw.Input((3,))
    made = pw.Model(x, layers.LayerNormalization()(x))
    with pytest.raises(ValueError, match="calls no layer with moving statistics"):
        pw.audit(made, normal(20, 3))


def test_the_page_needs_nothing_else_and_the_figure_has_a_row_a_layer(model, tmp_path):
    found = pw.audit(model, normal(60, 3) + 1)
    page = found.report(tmp_path / "shift.html").read_text()
    assert found.verdict.headline in page and page.count("<figure>") == 2
    for outside in ("http", "src=", "href=", "@import", "url(", "<script"):
        assert outside not in page
    assert "width=device-width" in page and "prefers-color-scheme: dark" in page and "@media print" in page
    assert len(found.plot(tmp_path / "shift.png").axes) == 2


@pytest.mark.extensive
def test_names_of_layers_are_written_into_the_page_as_text(tmp_path):
    x = pw.Input((2,))
    made = pw.Model(x, layers.BatchNormalization(name="<i>&")(x))
    page = pw.audit(made, normal(20, 2) + 3).report(tmp_path / "shift.html").read_text()
    assert "<i>" not in page and "&lt;i&gt;&amp;" in page


@pytest.mark.extensive
def test_statistics_that_fit_left_behind_are_told_apart_from_a_shift():
    made = dense_net()
    made.compile("sgd", "sparse_categorical_crossentropy")
    x = normal(64, 3) * 3
    with pytest.warns(pw.warning.LaggingStatisticsWarning):
        made.fit(x, RNG.integers(0, 4, 64), epochs=2, verbose=0)
    assert "had not caught up when fit ended (96% of the initial values" in str(pw.audit(made, x))


@pytest.mark.extensive
def test_the_experiment_that_this_project_began_with_is_told_from_the_audit_alone():
    train, valid, shifted = experiment.samples(18)
    made = experiment.train_variant("moving", None, train, valid, 18).model
    found = pw.audit(made, shifted.x)
    assert found.verdict.first == "bn_input" and found.verdict.begins == "at the input"
    np.testing.assert_allclose(found["bn_input"].displacement, 2.0, atol=0.1)
    assert "Batch statistics undo it" in str(found) and found.verdict.helps == "batch"
    assert not pw.audit(made, valid.x).is_shifted
