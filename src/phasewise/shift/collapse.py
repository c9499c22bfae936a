"""Has an adaptation led astray? Told without labels, from its predictions beside those of the model as it was."""

import jax
import numpy as np

import phasewise.shift.predictions as predictions

WINDOW = 256  # rows that are looked at
LEAST = 64
EVERY = 8  # batches between two looks; at the beginning fewer, if they have rows enough for a new window
ONE_CLASS = 0.95
SURE = 1e-3  # nats
NARROWED = 0.9


class CollapseWatch:
    """Keeps the latest rows and their adapted predictions, and now and then holds these against moving statistics.

    Args:
        model, output: what is watched, and which of its outputs.
        snapshot: `Snapshot` of the model as it was.
        only_smooths: whether the method only draws predictions to each other, see `Method`.
    """

    def __init__(self, model, output, snapshot, only_smooths=False):
        self._only_smooths = only_smooths
        self._model, self._output, self._snapshot = model, output, snapshot
        self._held, self._seen, self._since = [], 0, 0

    def look(self, x, outputs, at_once=False):
        """What is wrong, in words, or None.

        Args:
            x: one batch of host arrays.
            outputs: the adapted predictions.
            at_once: whether to look now, however many batches have come.
        """
        if self._output.kind == "numbers":
            return None
        self._held.append((x, self._output.probabilities(outputs)))
        while len(self._held) > 1 and sum(_rows(each) for each, _ in self._held[1:]) >= WINDOW:
            self._held.pop(0)
        self._seen, self._since = self._seen + 1, self._since + _rows(x)
        few = sum(_rows(each) for each, _ in self._held) < LEAST
        is_early = self._seen < EVERY and self._since >= WINDOW
        if few or (self._seen % EVERY and not is_early and not at_once):
            return None
        self._since = 0
        adapted = [p for _, p in self._held]
        x = jax.tree.map(lambda *parts: np.concatenate(parts), *(each for each, _ in self._held))
        before = self._output.probabilities(self.before(x))
        wrong = wrong_with(np.concatenate(adapted), before)
        if wrong is None and self._only_smooths:
            wrong = narrowed_to(adapted, np.split(before, np.cumsum([len(p) for p in adapted])[:-1]))
        return wrong

    def before(self, x):
        """What the model as it was gives."""
        now = [variable._value for variable in self._snapshot.variables]
        try:
            for variable, value in zip(self._snapshot.variables, self._snapshot.values):
                variable._value = value
            return self._model.predict(x, statistics="moving", verbose=0)
        finally:
            for variable, value in zip(self._snapshot.variables, now):
                variable._value = value


def wrong_with(adapted, before):
    """What adapted predictions are worse in than those before, in words; None where they are not.

    Args:
        adapted, before: probabilities (cases, classes).
    """
    top, top_before = (predictions.histogram(p).max() / len(p) for p in (adapted, before))
    if top >= ONE_CLASS and top_before < ONE_CLASS - 0.1:
        return f"{top:.0%} of the predictions are one class (with moving statistics {top_before:.0%})"
    entropy, entropy_before = (float(predictions.entropy(p).mean()) for p in (adapted, before))
    if entropy < SURE and top >= ONE_CLASS and entropy_before > 10 * SURE:
        return f"the mean entropy of the predictions has fallen to {entropy:.1g} nats (with moving statistics {entropy_before:.2g})"
    tells, told = predictions.information(adapted), predictions.information(before)
    if tells < told / 2 - 0.05:
        return f"the predictions tell the rows apart by {tells:.2f} nats (with moving statistics {told:.2f})"
    return None


def come_in_runs(batches, draws=19):
    """Whether batches are of different classes, more than as many rows in any order would be: a permutation test at the level 1 / (draws + 1), and
    half as much again.

    Args:
        batches: list of probabilities (cases, classes).
        draws: how many orders are tried; they are the same each time.
    """
    rows, cuts, rng = np.concatenate(batches), np.cumsum([len(p) for p in batches])[:-1], np.random.default_rng(0)

    def apart(batches):
        return predictions.information(np.stack([p.mean(0) for p in batches]))

    return apart(batches) > 1.5 * max(apart(np.split(rng.permutation(rows), cuts)) for _ in range(draws))


def narrowed_to(adapted, before):
    """That predictions have run to fewer classes, in words; None where they have not, or where each batch has few, and rightly so.

    Predictions that are only drawn to each other become surer, not fewer: where classes are mixed, a batch that has fewer of them after it
    than before has lost some to their neighbours. On digits with 15 corruptions, in batches of 32 and 200 in any order, this finds what costs LAME
    more than four points of accuracy, and nothing that gains it one.

    Args:
        adapted, before: lists of probabilities (cases, classes), one a batch. Classes are counted by exp(entropy), so that rare ones count little.
    """
    if come_in_runs(before):
        return None
    classes, known = (
        float(np.exp(np.mean([predictions.entropy(p.mean(0)) for p in each]))) for each in (adapted, before)
    )
    if classes < NARROWED * known:
        return f"the predictions of a batch have run to {classes:.1f} classes (with moving statistics {known:.1f})"
    return None


def _rows(x):
    return len(jax.tree.leaves(x)[0])
