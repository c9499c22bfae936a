"""A class that is evaluated and that training never saw is told."""

import warnings

import numpy as np
import pytest
from phasewise.warning import UnseenClassWarning

import phasewise as pw
from phasewise.layers import Dense

X = np.random.default_rng(0).normal(size=(12, 3)).astype(np.float32)
SORTED = np.repeat([0, 1, 2], 4)


def model(loss="sparse_categorical_crossentropy", units=3):
    net = pw.Sequential([pw.Input((3,)), Dense(units, "sigmoid" if units == 1 else "softmax", name="head")])
    net.compile("sgd", loss)
    return net


def told(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(w.message) for w in caught if w.category is UnseenClassWarning]


def test_sorted_rows_and_a_validation_split_are_told_once_with_a_remedy():
    net = model()
    (text,) = told(lambda: net.fit(X, SORTED, validation_split=1 / 3, epochs=3, verbose=0))
    assert text.startswith("Class 2 of output 'head' occurs in the data that are evaluated, and training never saw it.")
    assert "validation_split takes the last ones: shuffle before" in text


@pytest.mark.parametrize(
    ("loss", "units", "labels"),
    [
        ("sparse_categorical_crossentropy", 3, SORTED),
        ("categorical_crossentropy", 3, np.eye(3)[SORTED]),
        ("binary_crossentropy", 1, SORTED // 2),
    ],
)
@pytest.mark.parametrize("as_plan", [False, True])
def test_every_kind_of_label_and_source_is_looked_at(loss, units, labels, as_plan):
    def part(rows):
        batches = (X[rows], labels[rows])
        return iter([batches]) if as_plan else batches

    net = model(loss, units)
    train, test = slice(None, 8), slice(8, None)
    source = (part(train),) if as_plan else part(train)
    assert len(told(lambda: net.fit(*source, validation_data=part(test), verbose=0))) == 1


def test_what_is_evaluated_later_is_looked_at_too_and_what_training_saw_since_is_known():
    net = model()
    net.fit(X[:8], SORTED[:8], verbose=0)
    (text,) = told(lambda: net.evaluate(X, SORTED, verbose=0))
    assert "Class 2" in text
    net = model()
    net.fit(X[:8], SORTED[:8], verbose=0)
    net.fit(X[8:], SORTED[8:], verbose=0)
    assert told(lambda: net.evaluate(X, SORTED, verbose=0)) == []


def test_a_model_that_was_never_trained_here_says_nothing():
    net = model()
    assert told(lambda: net.evaluate(X, SORTED, verbose=0)) == []
    assert told(lambda: net.fit(X, SORTED, validation_data=(X, SORTED), verbose=0)) == []
