"""The objective: losses and metrics of a model, matched with its outputs."""

import jax
import jax.numpy as jnp

from phasewise.core.naming import distinct
from phasewise.core.pickling import Portable
from phasewise.core.places import Places
from phasewise.core.variable import Variable
from phasewise.losses.alignment import one_a_row
from phasewise.metrics import Mean, Sum
from phasewise.training import log_names, matching
from phasewise.training.calling_users import is_ours, loss_of, told_of, values_of
from phasewise.training.labels import check_labels, check_metric_labels, check_shapes
from phasewise.training.logits import tell_mismatches
from phasewise.training.matching import is_config, loss_for, metrics_for
from phasewise.training.out_of_range import watches
from phasewise.training.output_masks import by_place, counting, is_mean, masks_of, mixes_rows, takes_mask, weight_of
from phasewise.training.seen_classes import SeenClasses


class Objective(Portable):
    """What `compile` was given, resolved when the shapes of labels and outputs are known.

    Args:
        loss, metrics, loss_weights, weighted_metrics: as for `Model.compile`.
    """

    spoken_of = "What compile(...) was given"
    compiled_with = None

    def __init__(self, loss=None, metrics=None, loss_weights=None, weighted_metrics=None):
        self._given = {"metrics": metrics, "weighted_metrics": weighted_metrics}
        self._loss, self._weights = matching.resolved_early(loss), loss_weights
        matching.check_loss_weights(loss_weights)
        for given in (metrics, weighted_metrics):
            matching.check_metric_names(given)
        self.built = False
        self._places, self._asked = None, ()
        self._names = self._losses = self._loss_weights = self._ranks = ()
        self._trackers, self._order, self._plain, self._weighted, self._watches = [], (), [], [], []
        self._mean = Mean(name="loss")
        self._skipped = None
        self._seen = SeenClasses()
        self.held = []

    def build(self, y_true, y_pred, output_names=None, activations=None):
        """Match losses and metrics with outputs.

        Args:
            y_true, y_pred: structures of objects with `shape` and `dtype`; y_true None where there are no labels.
            output_names: names of the outputs in order, or None.
            activations: a function `number of outputs -> name of the last activation of each`; None where that is not known.

        Raises:
            ValueError: a loss for no output, labels missing, shapes that do not fit, one metric object for two outputs.
        """
        if self.built:
            return
        self._places = Places(y_pred, "outputs", output_names)
        self._names = self._places.names
        wanted = self._places.spread(self._loss, matching.LOSS)
        weights = self._places.spread(self._weights, matching.LOSS_WEIGHTS)
        self._loss_weights = [1.0 if w is None else w if isinstance(w, Variable) else float(w) for w in weights]
        given = {kind: matching.match_metrics(self._places, items, kind) for kind, items in self._given.items()}
        self._asked = [any(items) for items in zip((item is not None for item in wanted), *given.values())]
        pairs, named = self._pairs(y_true, y_pred), self._deciding(y_true, y_pred)
        self._ranks = [len(pred.shape) for _, pred in pairs]
        self._losses = [loss_for(item, *pair) for item, pair in zip(wanted, named, strict=True)]
        check_shapes(self._names, self._losses, pairs)
        metrics = (metrics_for(items, pairs, named, self._losses) for items in given.values())
        self._name_all(*metrics, is_by_key=isinstance(y_pred, dict))
        last = activations(self._places.count) if activations else [None] * self._places.count
        told = self._names, self._losses, self._several, last
        tell_mismatches(*told)
        self._watches = watches(*told)
        self.built = True

    def _name_all(self, plain, weighted, is_by_key):
        """Give every loss and metric a name of its own in the logs."""
        log_names.refuse_twice([metric for _, metric in (*plain, *weighted)])
        outputs = self._names if len(self._names) > 1 else None
        self._trackers = [None] * len(self._names)
        taken = {"loss", "skipped"}
        if outputs and any(loss is not None for loss in self._losses):
            names = distinct([f"{name}_loss" for name in outputs], taken)
            self._trackers = [Mean(name=name) if loss else None for name, loss in zip(names, self._losses)]
            self._order = log_names.order_of_losses(self._names, self._loss, is_by_key)
        self._plain = log_names.entries(plain, outputs, taken)
        self._weighted = log_names.entries(weighted, outputs, taken, "weighted")

    @property
    def _several(self):
        """(number of the output, name in the logs, metric) of each that `compile` was given."""
        return log_names.in_order([*self._plain, *self._weighted], len(self._names) > 1)

    @property
    def single_loss(self):
        """The loss of a model of one output, as it was given to `compile` or already an object; None where there are several."""
        return self._loss if not isinstance(self._loss, list | tuple | dict) or is_config(self._loss) else None

    @property
    def loss_tracker(self):
        """The mean of the losses."""
        return self._mean

    @property
    def built_losses(self):
        """The losses by output, once they are matched with the outputs."""
        return self._losses

    # -- what the step calls

    def total_loss(self, y_true, y_pred, sample_weight=None, row_mask=None):
        """The weighted sum of the outputs' losses, and each of them. Pure and differentiable.

        Args:
            sample_weight: an array for all outputs, or a structure of one for each.
            row_mask: boolean (rows,), False for padding; or None. Masks of the outputs count beside it.
        """
        weights, preds, masks = self._sample_weights(sample_weight), jax.tree.leaves(y_pred), masks_of(y_pred)
        parts, pairs = [], self._pairs(y_true, y_pred)
        for loss, pair, weight, pred, mask in zip(self._losses, pairs, weights, preds, masks, strict=True):
            mask = mask if loss is not None and takes_mask(loss) else None
            pair = one_a_row(getattr(loss, "fn", None), *pair)
            counts = counting(mask, row_mask)
            parts.append(None if loss is None else loss_of(loss, *by_place(pair, pred, mask), weight, counts))
        terms = [part * w for part, w in zip(parts, self._loss_weights) if part is not None]
        return sum(terms, jnp.float32(0)), tuple(parts)

    def update(self, y_true, y_pred, sample_weight, row_mask, total, parts):
        """Update all metrics in the active variable scope; `total` counts once for each row."""
        rows = (
            jnp.float32(jax.tree.leaves(y_pred)[0].shape[0]) if row_mask is None else row_mask.sum().astype(jnp.float32)
        )
        self._mean.update_state(total, rows)
        self.track(parts, rows)
        self.update_metrics(y_true, y_pred, sample_weight, row_mask)

    def track(self, parts, rows):
        """Update the means of the outputs' losses."""
        for tracker, part in zip(self._trackers, parts):
            if tracker is not None:
                tracker.update_state(part, rows)

    def update_metrics(self, y_true, y_pred, sample_weight=None, row_mask=None):
        """Update the metrics that `compile` was given, in the active variable scope."""
        pairs = self._pairs(y_true, y_pred)
        weights, preds, masks = self._sample_weights(sample_weight), jax.tree.leaves(y_pred), masks_of(y_pred)
        weighed = [(*each, None) for each in self._plain] + [(*each, weights[each[0]]) for each in self._weighted]
        for i, name, metric, weight in weighed:
            mask = masks[i] if is_mean(metric) else None
            weight = weight_of(weight, counting(mask, row_mask))
            weighed_by = {} if weight is None else {"sample_weight": weight}
            with told_of("metric", name):
                metric.update_state(*by_place(pairs[i], preds[i], mask), **weighed_by)
        for i, excess in self._watches:
            excess.update_state(pairs[i][1])

    def logs(self):
        """What the metrics say: dict name -> scalar, the loss first."""
        found = {"loss": self._mean.result()}
        found.update({each.name: each.result() for each in self.loss_trackers})
        self.add_given(found)
        for name, metric in self._named_held():
            log_names.add(found, name, metric.result())
        if self._skipped is not None:
            none_left = (self._mean.count.value == 0) & (self._skipped.result() > 0)
            found["loss"] = jnp.where(none_left, jnp.nan, found["loss"])
            found["skipped"] = self._skipped.result()
        return found

    def add_given(self, logs):
        """Enter what the metrics that `compile` was given say."""
        for _, name, metric in self._several:
            with told_of("metric", name):
                value = metric.result()
            log_names.add(logs, name, value)
        return logs

    def values_by_output(self, y_true, y_pred):
        """Each loss before it is reduced: dict output name -> array (rows, ...)."""
        found = zip(self._names, self._losses, self._pairs(y_true, y_pred), strict=True)
        return {name: jnp.asarray(values_of(loss, *pair)) for name, loss, pair in found if loss is not None}

    # -- what the trainer asks

    def hold(self, metrics):
        """Log and reset these too: metrics that layers hold and update in their calls."""
        self.held = list(metrics)

    def count_skipped(self, counts):
        """Keep, from here on or no more, the number of steps that were left out; it is the last accumulator."""
        self._skipped = Sum(name="skipped") if counts else None

    @property
    def given_metrics(self):
        """The metric objects that `compile` was given."""
        return [metric for _, _, metric in self._several]

    @property
    def loss_trackers(self):
        """The means of the losses of several outputs."""
        return [self._trackers[i] for i in self._order if self._trackers[i]]

    @property
    def own_metrics(self):
        """Those that `compile` was given, and the loss trackers."""
        return [self._mean, *self.loss_trackers, *self.given_metrics]

    @property
    def names(self):
        """The names of the logs, in order."""
        return [*self._own_names(), *(name for name, _ in self._named_held())]

    def _own_names(self):
        return ["loss", *(each.name for each in self.loss_trackers), *(name for _, name, _ in self._several)]

    def _named_held(self):
        """(name, metric) for those that layers hold."""
        names = distinct([metric.name for metric in self.held], set(self._own_names()))
        return list(zip(names, self.held))

    @property
    def variables(self):
        """The accumulators of all metrics, and of what is watched beside them; that of the steps left out is the last."""
        return [v for metric in self._all() for v in metric.variables]

    @property
    def has_loss(self):
        """Whether any output has a loss."""
        return any(item is not None for item in jax.tree.leaves(self._loss, is_leaf=lambda x: x is None))

    @property
    def has_metrics(self):
        """Whether `compile` was given metrics."""
        return any(self._given.values())

    @property
    def is_rowwise(self):
        """Whether padded rows can be masked out of everything: a user's own function may mix rows, ours do not."""
        given = [*enumerate(self._losses), *((i, metric) for i, _, metric in self._several)]
        return all(is_ours(item) and not mixes_rows(item, self._ranks[i]) for i, item in given if item)

    def skipped_in(self, values):
        """As of `logs`: the number of steps left out, where these are the values of `variables` and it is counted."""
        return {} if self._skipped is None else {"skipped": values[-1]}

    def kept(self):
        """What the metrics hold, for `put_back`."""
        return self._skipped, [(each, each._value) for each in self.variables]

    def put_back(self, kept):
        """Let the metrics hold again what `kept` gave."""
        self._skipped, values = kept
        for each, value in values:
            each._value = value

    def reset(self):
        """Begin again."""
        self.tell()
        for metric in self._all():
            metric.reset_state()

    def tell(self):
        """Warn of scores that were no probabilities in what was trained on or evaluated since the last `reset`."""
        for _, excess in self._watches:
            excess.tell()

    def check_labels(self, y_true, y_pred, locate, task):
        """Check the values of host arrays of labels: see `phasewise.training.labels`; `locate` names a row."""
        pairs = list(zip(matching.match_labels(self._places, y_true, self._asked), jax.tree.leaves(y_pred)))
        check_labels(self._names, self._losses, pairs, locate)
        check_metric_labels(self._names, self._losses, self._several, pairs, locate)
        self._seen.look(task, self._names, self._losses, pairs)

    # -- inside

    def _all(self):
        """The metrics and what is watched; the count of steps left out is the last."""
        watched, skipped = [excess for _, excess in self._watches], [self._skipped] if self._skipped else []
        return [*self.own_metrics, *self.held, *watched, *skipped]

    def _pairs(self, y_true, y_pred):
        """(labels, predictions) of each output, of one rank where the ranks differ by an axis of size 1."""
        preds = jax.tree.leaves(y_pred)
        if y_true is None:
            if self.has_loss or self._given["metrics"]:
                raise ValueError("The model has a loss or metrics, but the data have no labels: `y` is missing.")
            return [(None, pred) for pred in preds]
        trues = matching.match_labels(self._places, y_true, self._asked)
        return [matching.of_one_rank(true, pred) for true, pred in zip(trues, preds, strict=True)]

    def _sample_weights(self, sample_weight):
        return matching.match_weights(self._places, sample_weight)

    def _deciding(self, y_true, y_pred):
        """(labels, output) by whose shapes names like "accuracy" are understood: an output's last axis tells how many units it has."""
        pairs = zip(self._pairs(y_true, y_pred), jax.tree.leaves(y_pred))
        return [(true, output if len(output.shape) > len(pred.shape) else pred) for (true, pred), output in pairs]
