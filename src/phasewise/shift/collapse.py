"""Has an adaptation led astray? Told without labels, from its predictions beside those of the model as it was."""

import jax
import numpy as np

import phasewise.shift.predictions as predictions

WINDOW = 256  # rows that are looked at
LEAST = 64
EVERY = 8  # batches between two looks
ONE_CLASS = 0.95
SURE = 1e-3  # nats
NARROWED = 0.75
RUNS = 0.3  # nats that a batch tells of the class


class CollapseWatch:
    """Keeps the latest rows and their adapted predictions, and now and then holds these against moving statistics.

    Args:
        model, output: what is watched, and which of its outputs.
        snapshot: `Snapshot` of the model as it was.
        only_smooths: whether the method only draws predictions to each other, see `Method`.
    """

    def __init__(self, model, output, snapshot, only_smooths=False):
        self._only_smooths, self._sums, self._rows = only_smooths, 0.0, 0
        self._model, self._output, self._snapshot = model, output, snapshot
        self._held, self._seen = [], 0

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
        self._seen += 1
        few = sum(_rows(each) for each, _ in self._held) < LEAST
        if few or (self._seen % EVERY and not at_once):
            return None
        adapted = np.concatenate([p for _, p in self._held])
        x = jax.tree.map(lambda *parts: np.concatenate(parts), *(each for each, _ in self._held))
        before = self._output.probabilities(self.before(x))
        self._sums, self._rows = self._sums + np.stack([adapted.sum(0), before.sum(0)]), self._rows + len(adapted)
        return wrong_with(adapted, before) or self._narrowed()

    def _narrowed(self):
        if not self._only_smooths or self._rows < WINDOW or come_in_runs([p for _, p in self._held]):
            return None
        return narrowed_to(*self._sums)

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


def come_in_runs(batches):
    """Whether batches are of different classes, so that each has few, and rightly so.

    Args:
        batches: list of probabilities (cases, classes).
    """
    return predictions.information(np.stack([p.mean(0) for p in batches])) > RUNS


def narrowed_to(adapted, before):
    """That predictions have run to fewer classes, in words; None where they have not.

    Args:
        adapted, before: sums of probabilities (classes,). Classes are counted by exp(entropy), so that rare ones count little.
    """
    classes, known = (float(np.exp(predictions.entropy(each / each.sum()))) for each in (adapted, before))
    if classes < NARROWED * known:
        return f"the predictions have run to {classes:.1f} classes (with moving statistics {known:.1f})"
    return None


def _rows(x):
    return len(jax.tree.leaves(x)[0])
