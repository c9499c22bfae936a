"""What an audit prints is read in a terminal of any width."""

import os

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers


@pytest.fixture(scope="module")
def model_and_data():
    x = h = pw.Input((4,))
    for _ in range(2):
        h = layers.Dense(12, activation="tanh")(layers.BatchNormalization()(h))
    made = pw.Model(x, layers.Dense(10, activation="softmax")(h))
    data = np.random.default_rng(0).normal(size=(200, 4)).astype("float32")
    made.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    pw.recalibrate(made, data, verbose=0)
    return made, data


@pytest.fixture(scope="module")
def found(model_and_data):
    model, data = model_and_data
    return pw.audit(model, 2 * data + 1, labels=np.arange(200) % 10), pw.recalibrate(model, data, verbose=0)


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_broken(found, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    for text in map(str, found):
        assert max(map(len, text.splitlines())) <= columns
    audit = str(found[0])
    for layer in found[0].layers:
        row = next(line for line in audit.splitlines() if line.split() and line.split()[0] == layer.layer)
        assert f"{layer.rms_displacement:.2f} std" in row and f"{layer.share_affected:.0%}" in row
    assert ("KL, nats" in audit) == (columns == 120)
    for remedy in found[0].remedies.tried:
        assert f"{remedy.accuracy:.1%}" in audit


def test_without_a_terminal_a_sentence_is_one_line(found, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr("shutil.get_terminal_size", lambda fallback: os.terminal_size(fallback))
    for sentence in found[0].verdict.sentences:
        assert sentence in str(found[0]).splitlines()


def test_a_remedy_is_marked_only_where_it_is_better_than_moving_statistics(model_and_data, tmp_path):
    model, data = model_and_data
    by_model = np.argmax(model.predict(data, verbose=0), -1)
    for given, moved in ((data, False), (2 * data + 1, True)):
        audit = pw.audit(model, given, labels=by_model)
        page = audit.report(tmp_path / "shift.html").read_text(encoding="utf-8")
        told = " ".join(str(audit).split())
        assert (audit.remedies.best != "moving") == moved
        assert (" *" in str(audit), 'class="best"' in page) == (moved, moved)
        assert ("none is better than moving by more than chance" in told) != moved
        assert ("* the best by accuracy, by more than chance" in told) == moved


def audit_of_pictures(factor):
    """Of a network of pictures without a bias before the first normalization, whose inputs come multiplied."""
    pw.set_random_seed(2)
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, (400, 1, 1, 3)) * rng.uniform(0.2, 1, (400, 6, 6, 1))
    chain = [layers.Conv2D(4, 3, use_bias=False), layers.BatchNormalization(), layers.Flatten(), layers.Dense(3)]
    model = pw.Sequential([pw.Input((6, 6, 3)), *chain, layers.Softmax()])
    pw.recalibrate(model, x, verbose=0)
    return pw.audit(model, x * factor)


@pytest.mark.parametrize(
    "factor, sentence",
    [
        (0.5, "as if every value had been multiplied by about 0.5, like photos that were taken in less light"),
        (
            2,
            "as if every value had been multiplied by about 2, like photos that were taken in more light, or with more contrast",
        ),
        (255, "The values are about 255 times as large as in training, all of them: do they come in another unit"),
    ],
)
def test_values_that_were_all_multiplied_are_told_to_be(factor, sentence, tmp_path):
    found = audit_of_pictures(factor)
    assert found.layers[0].factor == pytest.approx(factor, rel=0.01)
    assert sentence in " ".join(str(found).split())  # whatever the terminal's width
    assert sentence in found.report(tmp_path / "shift.html").read_text(encoding="utf-8")


def test_values_that_were_added_to_are_not_told_to_be_multiplied(found):
    assert found[0].layers[0].factor is None and "multiplied" not in str(found[0])


def test_the_page_says_what_to_write_for_one_call_and_for_good(model_and_data, tmp_path):
    model, data = model_and_data
    blended = pw.audit(model, 2 * data + 1, labels=np.argmax(model.predict(data, verbose=0), -1))
    audits = audit_of_pictures(0.5), blended, audit_of_pictures(1)
    assert [audit.verdict.helps for audit in audits] == ["batch", "blend(16)", ""]
    pages = [audit.report(tmp_path / "shift.html").read_text(encoding="utf-8") for audit in audits]
    assert (
        "model.predict(x, statistics='batch')" in pages[0]
        and "phasewise.adapt(model, data, 'adabn').keep()" in pages[0]
    )
    assert "model.predict(x, statistics=phasewise.blend(16))" in pages[1] and "adabn" not in pages[1]
    assert "model.predict" not in pages[2] and "adabn" not in pages[2]
