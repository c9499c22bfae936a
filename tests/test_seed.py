"""The experiment this project began with, and its bar: ten seeds, with the switch left alone, pinned, and overridden."""

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

from phasewise import Dataset, set_random_seed
from phasewise.demo import experiment

SCRIPT = Path(__file__).parents[1] / "examples" / "seed.py"
SEEDS = range(10)


class Variant:
    """One model, compiled once; for each seed it begins anew with other weights and fresh optimizer state."""

    def __init__(self, training):
        self.model = experiment.build(training)
        self.model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])

    def train(self, seed, samples):
        set_random_seed(seed)
        self.model.set_weights(experiment.build().get_weights())
        self.model.optimizer.state = None
        plan = Dataset.from_tensor_slices((samples.x, samples.y)).shuffle(10_000).repeat().batch(32).prefetch(2)
        self.model.fit(plan, epochs=10, steps_per_epoch=313, verbose=0)


@pytest.fixture(scope="module")
def accuracies():
    """On displaced rows, (seed,) for each way of predicting.

    Moving statistics are asked about 10,000 rows: in the experiment's own 100 the share of ones, near which they end, is
    0.50 only to ±0.05 (one standard deviation).
    """
    plain, pinned, found = Variant(None), Variant(True), {"moving": [], "batch": [], "pinned": []}
    for seed in SEEDS:
        train, _, shifted = experiment.samples(seed)
        plain.train(seed, train)
        pinned.train(seed, train)
        many = np.random.RandomState(100 + seed).randn(10_000, 1) + experiment.SHIFT
        found["moving"].append(experiment.accuracy(plain.model, experiment.labelled(many, experiment.SHIFT)))
        found["batch"].append(experiment.accuracy(plain.model, shifted, "batch"))
        found["pinned"].append(experiment.accuracy(pinned.model, shifted))
    return {name: np.array(values) for name, values in found.items()}


def test_moving_statistics_put_every_displaced_row_on_one_side(accuracies):
    assert np.abs(accuracies["moving"] - 0.5).max() <= 0.05


def test_predict_honours_training_pinned_at_the_call(accuracies):
    assert (accuracies["pinned"] >= 0.8).sum() >= 9


def test_batch_statistics_at_predict_do_the_same_for_a_model_that_was_not_pinned(accuracies):
    assert (accuracies["batch"] >= 0.8).sum() >= 9


@pytest.mark.filterwarnings("ignore:Conversion of an array:DeprecationWarning")  # int(x) of the script itself
@pytest.mark.parametrize(("options", "low", "high"), [([], 45, 55), (["--pinned"], 80, 100)])
def test_the_script_as_it_is_written_for_keras_gives_what_the_demo_says(monkeypatch, capsys, options, low, high):
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), *options])
    set_random_seed(18)
    runpy.run_path(str(SCRIPT), run_name="__main__")
    printed = capsys.readouterr().out
    assert "batch_normalization" in printed
    assert low <= int(printed.split("right of 100 displaced rows:")[1]) <= high
