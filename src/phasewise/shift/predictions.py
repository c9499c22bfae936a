"""What predictions say without labels: how sure they are, how many classes they tell apart, how far two sets of them agree."""

import dataclasses
from typing import Any

import jax
import numpy as np

from phasewise.training.last_activation import last_activations
from phasewise.training.logits import is_over_classes, takes_logits

KINDS = ("classes", "binary", "labels", "numbers")


@dataclasses.dataclass(frozen=True)
class Output:
    """Which of a model's outputs is looked at, and what it is.

    Attributes:
        place: its number among the outputs.
        kind: "classes" (a softmax over the last axis), "binary" (one sigmoid), "labels" (several, each by itself), or "numbers".
        from_logits: whether the output is scores, of which softmax or sigmoid make probabilities.
    """

    place: int
    kind: str
    from_logits: bool = False

    def of(self, outputs: Any) -> np.ndarray:
        """This output among all, in float64."""
        return np.asarray(jax.tree.leaves(outputs)[self.place], np.float64)

    def probabilities(self, outputs: Any) -> np.ndarray:
        """(cases, classes): of each row and position; two classes where the output is binary, and of labels each a case of two."""
        values = self.of(outputs)
        if self.kind == "classes":
            values = values.reshape(-1, values.shape[-1])
            if self.from_logits:
                values = np.exp(values - values.max(-1, keepdims=True))
            return values / np.maximum(values.sum(-1, keepdims=True), 1e-300)
        if self.from_logits:
            values = 1 / (1 + np.exp(-np.clip(values, -700, 700)))
        values = values.reshape(-1)
        return np.stack([1 - values, values], -1)


def output_of(model, shapes):
    """The first `Output` of a model that gives probabilities, else its first.

    Args:
        shapes: nest of objects with `shape`, its outputs.
    """
    leaves = jax.tree.leaves(shapes)
    names = last_activations(model, len(leaves))
    found = [_output(place, name, leaf.shape, model) for place, (name, leaf) in enumerate(zip(names, leaves))]
    return next((each for each in found if each.kind != "numbers"), found[0])


def _output(place, activation, shape, model):
    width = shape[-1] if len(shape) > 1 else 1
    if activation == "softmax":
        return Output(place, "classes")
    if activation == "sigmoid":
        return Output(place, "binary" if width == 1 else "labels")
    loss = getattr(model.objective, "single_loss", None) if place == 0 else None
    if loss is not None and takes_logits(loss):
        if not is_over_classes(loss):
            return Output(place, "binary" if width == 1 else "labels", True)
        if width > 1:
            return Output(place, "classes", True)
    return Output(place, "numbers")


def entropy(p, axis=-1):
    """-sum(p log p) in nats; 0 where p is 0."""
    return -(p * np.log(np.maximum(p, 1e-300))).sum(axis)


def information(p):
    """Entropy of the mean prediction minus mean entropy, in nats: what predictions tell of the rows (Krause et al. 2010, equation 3).

    0 where all rows are given the same, however surely; log(classes) where they are told apart surely and evenly.
    """
    return float(max(told(p).mean(), 0))


def told(p):
    """(cases,): what each contributes to `information`, the divergence of its prediction from the mean one."""
    return (p * (np.log(np.maximum(p, 1e-300)) - np.log(np.maximum(p.mean(0), 1e-300)))).sum(-1)


def agreement(p, other):
    """The share of cases that are given the same class."""
    return float(np.mean(p.argmax(-1) == other.argmax(-1)))


def histogram(p):
    """How many cases are given each class."""
    return np.bincount(p.argmax(-1), minlength=p.shape[-1])


def right(output, outputs, labels):
    """Boolean (cases,): those whose class is that of the label.

    Args:
        labels: host array that fits, see `phasewise.shift.label_check`: a class for each case, or for "classes" the probabilities of all.
    """
    p, y = output.probabilities(outputs), np.asarray(labels)
    if output.kind == "classes" and y.size == p.size:
        return p.argmax(-1) == y.reshape(p.shape).argmax(-1)
    return p.argmax(-1) == np.rint(y.reshape(-1))


def error_of_difference(first, second, rows):
    """Standard error of the mean difference of two values (cases,) of each of so many rows; a row counts as one, whatever cases it has."""
    of_rows = (np.asarray(first, float) - second).reshape(rows, -1).mean(1)
    return float(of_rows.std(ddof=1) / np.sqrt(rows))
