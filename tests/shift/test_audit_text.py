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
