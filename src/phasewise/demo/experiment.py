"""The experiment: a classifier with batch normalization, trained on N(0, 1) and tested on data displaced by 2."""

import dataclasses
import math
import time

import numpy as np

from phasewise.callbacks import LambdaCallback
from phasewise.core.random import set_random_seed
from phasewise.data import Dataset
from phasewise.layers import BatchNormalization, Dense, Input
from phasewise.models.explain import Explanation
from phasewise.models.model import Model

TRAINED_ROWS, TESTED_ROWS, BATCH, EPOCHS, SHIFT = 10_000, 100, 32, 10, 2


@dataclasses.dataclass(frozen=True)
class Samples:
    """Rows (n, 1) and their labels 0 and 1 (n, 1)."""

    x: np.ndarray
    y: np.ndarray

    def plan(self):
        """Batches of 32, for ever."""
        return Dataset.from_tensor_slices((self.x, self.y)).repeat().batch(BATCH).prefetch(2)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How often one way of predicting is right, between 0 and 1."""

    model: str
    predict: str
    unshifted: float
    shifted: float


@dataclasses.dataclass(frozen=True)
class Trained:
    """A trained variant: the model, what `explain()` says of it, and its times in seconds."""

    name: str
    model: Model
    explanation: Explanation
    fit_seconds: float
    step_seconds: float


@dataclasses.dataclass(frozen=True)
class Result:
    """Everything that the experiment found."""

    seed: int
    trained: list
    outcomes: list
    shifted: Samples
    seconds: float

    def to_dict(self):
        """As nested dicts and lists, ready for JSON; times in seconds."""
        return {
            "seed": self.seed,
            "accuracy": [dataclasses.asdict(outcome) for outcome in self.outcomes],
            "explain": {variant.name: variant.explanation.to_dict() for variant in self.trained},
            "fit_seconds": {variant.name: variant.fit_seconds for variant in self.trained},
            "step_seconds": {variant.name: variant.step_seconds for variant in self.trained},
            "seconds": self.seconds,
        }


def run(seed, on_trained=lambda trained: None):
    """Train both variants, predict with moving and with batch statistics.

    Args:
        seed: int, for the data and the weights.
        on_trained: called with each `Trained` as it is there.

    Returns:
        The `Result`.
    """
    begun = time.perf_counter()
    train, valid, shifted = samples(seed)
    plain = train_variant("BatchNormalization()(x)", None, train, valid, seed)
    on_trained(plain)
    pinned = train_variant("BatchNormalization()(x, training=True)", True, train, valid, seed)
    on_trained(pinned)
    outcomes = [
        outcome(plain, "moving statistics", valid, shifted),
        outcome(plain, "batch statistics", valid, shifted, statistics="batch"),
        outcome(pinned, "as pinned: batch statistics", valid, shifted),
    ]
    return Result(seed, [plain, pinned], outcomes, shifted, time.perf_counter() - begun)


def samples(seed):
    """What is trained on, what is validated on, and the displaced test set, in this order from one generator."""
    draw = np.random.RandomState(seed).randn
    return (
        labelled(draw(TRAINED_ROWS, 1), 0),
        labelled(draw(TESTED_ROWS, 1), 0),
        labelled(draw(TESTED_ROWS, 1) + SHIFT, SHIFT),
    )


def labelled(x, border):
    """`x` with the label 1 above `border`."""
    return Samples(x, (x > border).astype(int))


def build(training=None):
    """The model; `training` is what both batch normalization layers are given at their call."""
    x = Input(shape=(1,))
    a = BatchNormalization(name="bn_input")(x, training=training)
    a = Dense(8, activation="sigmoid", name="hidden")(a)
    a = BatchNormalization(name="bn_hidden")(a, training=training)
    y = Dense(1, activation="sigmoid", name="output")(a)
    return Model(inputs=x, outputs=y, name="classifier")


def train_variant(name, training, train, valid, seed):
    """Build and train one variant."""
    set_random_seed(seed)
    model = build(training)
    model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])
    steps, ends = math.ceil(TRAINED_ROWS / BATCH), []
    plan = Dataset.from_tensor_slices((train.x, train.y)).shuffle(TRAINED_ROWS).repeat().batch(BATCH).prefetch(2)
    begun = time.perf_counter()
    model.fit(
        plan,
        epochs=EPOCHS,
        steps_per_epoch=steps,
        validation_data=valid.plan(),
        validation_steps=math.ceil(TESTED_ROWS / BATCH),
        callbacks=[LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(time.perf_counter()))],
        verbose=0,
    )
    ended = time.perf_counter()
    explanation = model.explain(print_fn=False)
    return Trained(name, model, explanation, ended - begun, float(np.median(np.diff(ends))) / steps)


def outcome(trained, predict, unshifted, shifted, statistics=None):
    """The accuracies of one way of predicting."""
    found = [accuracy(trained.model, samples, statistics) for samples in (unshifted, shifted)]
    return Outcome(trained.name, predict, *found)


def accuracy(model, samples, statistics=None):
    """The fraction of rows that are put on the right side."""
    steps = math.ceil(len(samples.x) / BATCH)
    predicted = model.predict(samples.plan(), steps=steps, statistics=statistics, verbose=0)[: len(samples.x)]
    return float(np.mean((predicted > 0.5) == samples.y))
