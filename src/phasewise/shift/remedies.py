"""What other statistics would do to the predictions, tried on a sample of the data."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np

import phasewise.shift.predictions as predictions
from phasewise.core.variable import scope
from phasewise.data.feed import Feed
from phasewise.data.structure import map_leaves
from phasewise.switch import phase, statistics_policy
from phasewise.training.draws import Draws
from phasewise.training.loop import MapProgram
from phasewise.training.preparing import prepare
from phasewise.training.programs import program, shapes_of
from phasewise.training.step import predict_step
from phasewise.training.weights import Weights

BLENDS = (16, 64, 256)
CLEARLY = 0.01
ERRORS = 2  # standard errors that are more than chance
CAPACITY = 8  # batches in a dispatch


@dataclasses.dataclass(frozen=True)
class Remedy:
    """Predictions of the sample under one policy.

    Attributes:
        statistics: what `predict(..., statistics=...)` takes.
        entropy: mean entropy of the predictions, in nats; None where the output is numbers.
        information: what the predictions tell of the rows, in nats: see `phasewise.shift.predictions.information`.
        agreement: share of the cases that are given the class that they have under moving statistics; of numbers, how far they are from
            these, root mean square, in standard deviations of these.
        histogram: how many cases are given each class; of numbers None.
        accuracy: with labels, else None.
        error: standard error of how much its accuracy, without labels its information, is above that under moving statistics; None of numbers.
        metrics: loss and metrics of a compiled model, with labels; else an empty dict.
    """

    statistics: str
    entropy: float | None
    information: float | None
    agreement: float
    histogram: list[int] | None
    accuracy: float | None
    error: float | None
    metrics: dict[str, float]


@dataclasses.dataclass(frozen=True)
class Remedies:
    """What was tried.

    Attributes:
        tried: a `Remedy` for "moving", and where the model has batch normalization for "batch" and each blend.
        best: the policy of the best: by accuracy, else by the loss, with labels; without by information. "moving" where none is better by
            more than chance.
        by: what it is the best by; "" of numbers without labels and a loss, where best is "moving" since nothing tells.
        rows, batch_rows: rows of the sample, and of its batches.
        halved: agreement of batch statistics with those of half the batch; None of numbers.
        sorted: agreement of batch statistics with those of batches that are sorted by predicted class; None of numbers.
        is_sorted: whether the batches are runs of few classes as they come.
        kind: of the output.
    """

    tried: list[Remedy]
    best: str
    by: str
    rows: int
    batch_rows: int
    halved: float | None
    sorted: float | None
    is_sorted: bool
    kind: str

    def __getitem__(self, statistics: str) -> Remedy:
        return next(each for each in self.tried if each.statistics == str(statistics))

    def is_better(self, remedy: Remedy) -> bool:
        """Whether it is the best, and better than moving statistics by more than chance."""
        return self.best != "moving" and remedy.statistics == self.best

    def told_best(self, marked: str) -> str:
        """In a few words, `marked` what the best is told by; empty where nothing tells."""
        if not self.by:
            return ""
        if self.best == "moving":
            return f"by {self.by} none is better than moving by more than chance"
        return f"{marked} the best by {self.by}, by more than chance"

    def columns(self, remedy: Remedy) -> dict[str, str]:
        """What is told of one that was tried, as text under the name of its column.

        The accuracy that remedies are judged by stands for a metric of the same name too.
        """
        told = {name: f"{value:.4g}" for name, value in remedy.metrics.items()}
        if remedy.accuracy is not None:
            told = {"accuracy": f"{remedy.accuracy:.1%}"} | {k: v for k, v in told.items() if k != "accuracy"}
        if self.kind == "numbers":
            return {**told, "differs by": f"{remedy.agreement:.2f} std"}
        return {
            **told,
            "entropy": f"{remedy.entropy:.3f}",
            "information": f"{remedy.information:.3f}",
            "agrees": f"{remedy.agreement:.0%}",
        }


class Dial(statistics_policy.Blend):
    """A blend whose n is an argument of the program: one program serves batch statistics (n is 0) and blends."""

    def __str__(self):
        return "blend(n)"


class Tried:
    """A model's predictions of host arrays under any blend, by one compiled program.

    Args:
        model: built.
        x: nest of arrays (rows, ...).
        batch_rows: rows that are normalized together.
    """

    def __init__(self, model, x, batch_rows):
        self._model, self._x, self._rows = model, x, batch_rows
        self.count = len(jax.tree.leaves(x)[0])
        spec = map_leaves(lambda a: jax.ShapeDtypeStruct((batch_rows, *a.shape[1:]), a.dtype), x)
        with self._scopes():
            self._calls, self.shapes = prepare(model, (spec,), "predict")

    def predict(self, n, order=None, rows=None):
        """The outputs of rows, in ascending order.

        Args:
            n: what `phasewise.blend` takes; 0 is batch statistics.
            order: of int, the rows that are wanted, in the order in which they are put into batches.
            rows: how many are normalized together, at most `batch_rows`.
        """
        order = np.arange(self.count) if order is None else order
        cut = [order[start : start + (rows or self._rows)] for start in range(0, len(order), rows or self._rows)]
        parts = [self._run(n, cut[start : start + CAPACITY]) for start in range(0, len(cut), CAPACITY)]
        joined = jax.tree.map(lambda *each: np.concatenate(each), *parts)
        return jax.tree.map(lambda a: a[np.argsort(order, kind="stable")], joined)

    def _run(self, n, cut):
        feed, weights, draws = self._feed(cut), Weights.of(self._model._inventory()), Draws(self._model)

        def made():
            step = predict_step(self._model, "predict", self._calls.draws)

            def dialled(state, batch, valid, numbers):
                with statistics_policy.statistics(Dial(state["n"])):
                    result = step(state, batch, valid, numbers)
                return result[0] if "memory" in state else result

            return MapProgram(dialled, weights.variables, weights.numbers)

        with self._scopes():
            loop = program(self._model, "blends", shapes_of(feed.arrays), made)
            state = {"weights": weights.now(), "n": np.float32(n), **draws.arguments(self._calls)}
            stacked = loop.run(state, feed)
        return jax.tree.map(lambda a: np.concatenate([a[i, : len(rows)] for i, rows in enumerate(cut)]), stacked)

    def _scopes(self):
        return phase.learning_phase_scope("inference")

    def _feed(self, cut):
        places = [np.append(rows, np.full(self._rows - len(rows), rows[0])) for rows in cut]
        places += [places[0]] * (CAPACITY - len(cut))
        valid = np.array([len(rows) for rows in cut] + [0] * (CAPACITY - len(cut)), np.int32)
        batches = map_leaves(lambda a: np.stack([a[rows] for rows in places]), self._x)
        return Feed({"batches": (batches,), "valid": valid}, len(cut), self._rows, valid[: len(cut)])


def remedies(model, x, y, moving, batch_rows, has_others):
    """`Remedies` tried on a sample of rows.

    Args:
        x, y: host arrays; y None without labels. They fit the model.
        moving: the outputs under moving statistics, host arrays.
        batch_rows: rows that are normalized together.
        has_others: whether the model has batch normalization; else moving statistics are all there is to try.
    """
    batch_rows = min(batch_rows, len(jax.tree.leaves(x)[0]))
    tried = Tried(model, x, batch_rows)
    output = predictions.output_of(model, tried.shapes)
    outputs = {"moving": moving}
    if has_others:
        outputs |= {"batch": tried.predict(0)} | {str(statistics_policy.blend(n)): tried.predict(n) for n in BLENDS}
    judge = _Judge(model, output, y, moving)
    found = [judge.remedy(name, each) for name, each in outputs.items()]
    best, by = _best(found)
    halved = in_runs = None
    is_sorted = False
    if has_others and output.kind != "numbers":
        p = output.probabilities(outputs["batch"])
        part = np.arange(max(tried.count // 2, batch_rows))  # half the sample tells enough, and costs half
        halves = output.probabilities(tried.predict(0, part, rows=max(batch_rows // 2, 1)))
        halved = predictions.agreement(halves, p[: len(halves)])
        by_row = p.reshape(tried.count, -1, p.shape[-1])[:, 0].argmax(-1)
        order = np.argsort(by_row, kind="stable")
        in_runs = predictions.agreement(output.probabilities(tried.predict(0, order)), p)
        is_sorted = _in_runs(output.probabilities(moving), tried.count, batch_rows)
    return Remedies(found, best, by, tried.count, batch_rows, halved, in_runs, is_sorted, output.kind)


def _in_runs(p, rows, batch_rows):
    """Whether batches, by their predicted classes, are made of far fewer classes than the whole."""
    classes = p.reshape(rows, -1, p.shape[-1])[:, 0].argmax(-1)
    cut = [classes[start : start + batch_rows] for start in range(0, rows - batch_rows + 1, batch_rows)]
    if len(cut) < 2:
        return False

    def spread(labels):
        return predictions.entropy(np.bincount(labels, minlength=p.shape[-1]) / len(labels))

    return bool(spread(classes) > 0.1 and np.mean([spread(each) for each in cut]) < spread(classes) / 2)


class _Judge:
    """Says of predictions what `Remedy` holds."""

    def __init__(self, model, output, labels, moving):
        self._y, self._model, self._output, self._moving = labels, model, output, moving

    def remedy(self, name, outputs):
        output = self._output
        metrics = {} if self._y is None else self._metrics(outputs)
        if output.kind == "numbers":
            moving = output.of(self._moving)
            apart = np.sqrt(np.mean((output.of(outputs) - moving) ** 2)) / max(moving.std(), 1e-30)
            return Remedy(name, None, None, float(apart), None, None, None, metrics)
        p, moving = output.probabilities(outputs), output.probabilities(self._moving)
        each, before = (self._judged(part) for part in (outputs, self._moving))
        return Remedy(
            name,
            float(predictions.entropy(p).mean()),
            predictions.information(p),
            predictions.agreement(p, moving),
            predictions.histogram(p).tolist(),
            None if self._y is None else float(each.mean()),
            predictions.error_of_difference(each, before, len(jax.tree.leaves(outputs)[0])),
            metrics,
        )

    def _judged(self, outputs):
        """(cases,): what the mean of is the higher the better."""
        if self._y is None:
            return predictions.told(self._output.probabilities(outputs))
        return predictions.right(self._output, outputs, self._label())

    def _label(self):
        labels = jax.tree.leaves(self._y)
        return labels[min(self._output.place, len(labels) - 1)]

    def _metrics(self, outputs):
        """Loss and metrics of a compiled model, its accumulators untouched."""
        objective = self._model.objective
        if objective is None:
            return {}
        y = map_leaves(jnp.asarray, self._y)
        variables = objective.variables
        with scope(variables, [jnp.zeros_like(jnp.asarray(v.raw)) for v in variables]):
            total, parts = objective.total_loss(y, outputs)
            objective.update(y, outputs, None, None, total, parts)
            return {name: float(value) for name, value in objective.logs().items() if np.ndim(value) == 0}


def _best(found):
    """(policy, by what): the first of the best in the order in which they were tried; "moving" where none is clearly better."""
    by, better = _measure(found)
    if by is None:
        return "moving", ""
    best = max(found, key=better)
    return (best if is_better(best, found[0], by) else found[0]).statistics, by


def _measure(found):
    """(what remedies are judged by, a function that is the higher the better)."""
    if all(each.accuracy is not None for each in found):
        return "accuracy", lambda each: each.accuracy
    if all("loss" in each.metrics for each in found):
        return "loss", lambda each: -each.metrics["loss"]
    if all(each.information is not None for each in found):
        return "information", lambda each: each.information
    return None, None


def is_better(one, moving, by):
    """Whether a `Remedy` is better than moving statistics: by more than a hundredth, of accuracy, of the loss, in nats, and by more than chance."""
    if by == "loss":
        return one.metrics["loss"] < moving.metrics["loss"] * (1 - CLEARLY)
    if by not in ("accuracy", "information"):
        return False
    return getattr(one, by) - getattr(moving, by) > max(CLEARLY, ERRORS * one.error)
