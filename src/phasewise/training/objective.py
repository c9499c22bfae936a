"""The objective: losses and metrics of a model, matched with its outputs."""

import itertools

import jax
import jax.numpy as jnp

from phasewise import losses
from phasewise.core import registry
from phasewise.core.pickling import Portable
from phasewise.metrics import Mean, MeanMetricWrapper, Sum
from phasewise.training.labels import check_labels, check_shapes
from phasewise.training.matching import flat_outputs, is_named_by_shape, loss_for, match, metric_for


class Objective(Portable):
    """What `compile` was given, resolved when the shapes of labels and outputs are known.

    Args:
        loss, metrics, loss_weights, weighted_metrics: as for `Model.compile`.
    """

    spoken_of = "What compile(...) was given"

    def __init__(self, loss=None, metrics=None, loss_weights=None, weighted_metrics=None):
        self._given = {"metrics": metrics, "weighted_metrics": weighted_metrics}
        self._loss, self._weights = _resolved_early(loss), loss_weights
        for given in (metrics, weighted_metrics):
            _check_metric_names(given)
        self.built = False
        self._names = self._losses = self._loss_weights = self._unasked = ()
        self._trackers, self._plain, self._weighted = [], [], []
        self._mean = Mean(name="loss")
        self._skipped = None
        self.held = []

    def build(self, y_true, y_pred, output_names=None):
        """Match losses and metrics with outputs.

        Args:
            y_true, y_pred: structures of objects with `shape` and `dtype`; y_true None where there are no labels.
            output_names: names of the outputs in order, or None.

        Raises:
            ValueError: a loss for no output, labels missing, shapes that do not fit.
        """
        if self.built:
            return
        self._names = flat_outputs(y_pred, output_names)[1]
        wanted = match(self._loss, self._names, "loss", one_for_all=True)
        weights = match(self._weights, self._names, "loss_weights")
        self._loss_weights = [1.0 if w is None else float(w) for w in weights]
        asked = zip(wanted, *(match(given, self._names, kind, lists=True) for kind, given in self._given.items()))
        self._unasked = [name for name, items in zip(self._names, asked) if not any(items)]
        pairs = self._pairs(y_true, y_pred)
        self._losses = [loss_for(item, *pair) for item, pair in zip(wanted, pairs, strict=True)]
        check_shapes(self._names, self._losses, pairs)
        several = len(self._names) > 1
        if several and any(loss is not None for loss in self._losses):
            self._trackers = [Mean(name=f"{n}_loss") if loss else None for n, loss in zip(self._names, self._losses)]
        else:
            self._trackers = [None] * len(self._names)
        self._plain = self._metrics("metrics", pairs, several)
        self._weighted = self._metrics("weighted_metrics", pairs, several)
        self.built = True

    # -- what the step calls

    def total_loss(self, y_true, y_pred, sample_weight=None, row_mask=None):
        """The weighted sum of the outputs' losses, and each of them. Pure and differentiable.

        Args:
            sample_weight: an array for all outputs, or a structure of one for each.
            row_mask: boolean (rows,), False for padding; or None.
        """
        weights = self._sample_weights(sample_weight)
        parts = []
        for loss, (true, pred), weight in zip(self._losses, self._pairs(y_true, y_pred), weights, strict=True):
            parts.append(None if loss is None else loss(true, pred, weight, row_mask))
        terms = [part * w for part, w in zip(parts, self._loss_weights) if part is not None]
        return sum(terms, jnp.float32(0)), tuple(parts)

    def update(self, y_true, y_pred, sample_weight, row_mask, total, parts):
        """Update all metrics in the active variable scope; `total` counts once for each row."""
        rows = (
            jnp.float32(jax.tree.leaves(y_pred)[0].shape[0]) if row_mask is None else row_mask.sum().astype(jnp.float32)
        )
        self._mean.update_state(total, rows)
        for tracker, part in zip(self._trackers, parts):
            if tracker is not None:
                tracker.update_state(part, rows)
        pairs = self._pairs(y_true, y_pred)
        mask = None if row_mask is None else row_mask.astype(jnp.float32)
        for i, _, metric in self._plain:
            metric.update_state(*pairs[i], **_weight(mask))
        weights = self._sample_weights(sample_weight)
        for i, _, metric in self._weighted:
            metric.update_state(*pairs[i], **_weight(_times(weights[i], mask)))

    def logs(self):
        """What the metrics say: dict name -> scalar, the loss first."""
        found = {"loss": self._mean.result()}
        found.update({t.name: t.result() for t in self._trackers if t is not None})
        for _, name, metric in [*self._plain, *self._weighted]:
            value = metric.result()
            found.update(value if isinstance(value, dict) else {name: value})
        for name, metric in self._named_held():
            value = metric.result()
            found.update(value if isinstance(value, dict) else {name: value})
        if self._skipped is not None:
            none_left = (self._mean.count.value == 0) & (self._skipped.result() > 0)
            found["loss"] = jnp.where(none_left, jnp.nan, found["loss"])
            found["skipped"] = self._skipped.result()
        return found

    def values_by_output(self, y_true, y_pred):
        """Each loss before it is reduced: dict output name -> array (rows, ...)."""
        found = zip(self._names, self._losses, self._pairs(y_true, y_pred), strict=True)
        return {name: jnp.asarray(loss.call(*pair)) for name, loss, pair in found if loss is not None}

    # -- what the trainer asks

    def hold(self, metrics):
        """Log and reset these too: metrics that layers hold and update in their calls."""
        self.held = list(metrics)

    def count_skipped(self, counts):
        """Keep, from here on or no more, the number of steps that were left out; it is the last accumulator."""
        self._skipped = Sum(name="skipped") if counts else None

    @property
    def metrics(self):
        """The metric objects, the loss tracker first."""
        given = [m for _, _, m in [*self._plain, *self._weighted]]
        trackers = [t for t in self._trackers if t]
        return [self._mean, *trackers, *given, *self.held, *([self._skipped] if self._skipped else [])]

    @property
    def names(self):
        """The names of the logs, in order."""
        return [*self._own_names(), *(name for name, _ in self._named_held())]

    def _own_names(self):
        trackers = [t.name for t in self._trackers if t]
        return ["loss", *trackers, *(name for _, name, _ in [*self._plain, *self._weighted])]

    def _named_held(self):
        """(name, metric) for those that layers hold; a name that is taken gets a number."""
        taken, named = set(self._own_names()), []
        for metric in self.held:
            numbered = (f"{metric.name}_{i}" for i in itertools.count(1))
            name = metric.name if metric.name not in taken else next(n for n in numbered if n not in taken)
            taken.add(name)
            named.append((name, metric))
        return named

    @property
    def variables(self):
        """The accumulators of all metrics."""
        return [v for metric in self.metrics for v in metric.variables]

    @property
    def has_loss(self):
        """Whether any output has a loss."""
        return any(item is not None for item in jax.tree.leaves(self._loss, is_leaf=lambda x: x is None))

    @property
    def is_rowwise(self):
        """Whether padded rows can be masked out of everything: a user's own function may mix rows, ours do not."""
        functions = [loss for loss in self._losses if loss] + [m for _, _, m in [*self._plain, *self._weighted]]
        return all(_is_ours(item) for item in functions)

    def reset(self):
        """Begin again."""
        for metric in self.metrics:
            metric.reset_state()

    def check_labels(self, y_true, y_pred, locate):
        """Check the values of host arrays of labels: see `phasewise.training.labels`; `locate` names a row."""
        check_labels(self._names, self._losses, self._pairs(y_true, y_pred), locate)

    # -- inside

    def _pairs(self, y_true, y_pred):
        preds, names = flat_outputs(y_pred, self._names or None)
        if y_true is None:
            if self.has_loss or self._given["metrics"]:
                raise ValueError("The model has a loss or metrics, but the data have no labels: `y` is missing.")
            return [(None, pred) for pred in preds]
        trues = _flat_labels(y_true, names, self._unasked)
        if len(trues) != len(preds):
            raise ValueError(
                f"The model has {len(preds)} outputs, {list(names)}, and the labels have {len(trues)} parts: give one for each."
            )
        return list(zip(trues, preds))

    def _sample_weights(self, sample_weight):
        count = len(self._names)
        if sample_weight is None:
            return [None] * count
        if isinstance(sample_weight, dict):
            return [sample_weight.get(name) for name in self._names]
        if isinstance(sample_weight, list | tuple):
            return list(sample_weight) if len(sample_weight) == count else [sample_weight[0]] * count
        return [sample_weight] * count

    def _metrics(self, kind, pairs, several):
        entries = []
        for i, given in enumerate(match(self._given[kind], self._names, kind, lists=True)):
            for item in given or ():
                metric = metric_for(item, *pairs[i])
                metric.prepare(*pairs[i])
                name = f"{self._names[i]}_{metric.name}" if several else metric.name
                entries.append((i, name, metric))
        return sorted(entries, key=lambda entry: entry[1]) if several else entries  # the order of Keras's `evaluate`


def _resolved_early(loss):
    """Names looked up at `compile`, so that a misspelt one is told at once."""
    if isinstance(loss, dict):
        return {key: _resolved_early(item) for key, item in loss.items()}
    if isinstance(loss, list | tuple):
        return [_resolved_early(item) for item in loss]
    return loss if is_named_by_shape(loss) else losses.get(loss)


def _check_metric_names(given):
    items = given.values() if isinstance(given, dict) else given if isinstance(given, list | tuple) else [given]
    for item in items:
        if isinstance(item, list | tuple):
            _check_metric_names(item)
        elif isinstance(item, str) and item.lower() not in ("accuracy", "acc", "crossentropy", "ce"):
            registry.find("metric", item)


def _flat_labels(y_true, names, unasked=()):
    """The labels of each output in order; None for an output without loss and metrics that has none."""
    if isinstance(y_true, dict):
        y_true = {**dict.fromkeys(unasked), **y_true}
        missing = [n for n in names if n not in y_true]
        if missing and len(y_true) == len(names) == 1:
            return list(y_true.values())
        if missing:
            raise ValueError(
                f"The labels are a dict with the keys {sorted(y_true)}; the output {missing[0]!r} is missing."
            )
        return [y_true[n] for n in names]
    return list(y_true) if isinstance(y_true, list | tuple) else [y_true]


def _weight(weight):
    return {} if weight is None else {"sample_weight": weight}


def _times(weight, mask):
    if weight is None or mask is None:
        return mask if weight is None else weight
    return weight * mask.reshape(mask.shape + (1,) * (weight.ndim - 1))


def _is_ours(item):
    function = getattr(item, "fn", None)
    if isinstance(item, MeanMetricWrapper) or function is not None:
        return getattr(function, "__module__", "").startswith("phasewise.")
    return type(item).__module__.startswith("phasewise.")
