"""How losses, metrics, labels and weights are matched with a model's outputs: by name, by place, or one for all."""

import jax
import jax.numpy as jnp

from phasewise import losses as all_losses
from phasewise import metrics as all_metrics
from phasewise.core import registry
from phasewise.core.places import Wanted
from phasewise.losses import Loss
from phasewise.losses.alignment import same_rank
from phasewise.losses.loss import as_loss
from phasewise.training.calling_users import told_of
from phasewise.training.logits import for_logits, takes_logits

_BY_SHAPE = {
    "accuracy": ("BinaryAccuracy", "SparseCategoricalAccuracy", "CategoricalAccuracy"),
    "crossentropy": ("BinaryCrossentropy", "SparseCategoricalCrossentropy", "CategoricalCrossentropy"),
}
_BY_SHAPE["acc"], _BY_SHAPE["ce"] = _BY_SHAPE["accuracy"], _BY_SHAPE["crossentropy"]


def is_config(given):
    """Whether `given` describes one object, as `serialize` does, and is no dict by name."""
    return isinstance(given, dict) and "class_name" in given


LOSS = Wanted("`loss`", is_config, for_all=True)
LOSS_WEIGHTS = Wanted("`loss_weights`")
SAMPLE_WEIGHT = Wanted("`sample_weight`", for_all=True)
LABELS = Wanted("The labels", is_data=True)


def resolved_early(loss):
    """Names looked up at `compile`, so that a misspelt one is told at once."""
    if isinstance(loss, dict) and not is_config(loss):
        return {key: resolved_early(item) for key, item in loss.items()}
    if isinstance(loss, list | tuple):
        return [resolved_early(item) for item in loss]
    return loss if is_named_by_shape(loss) else all_losses.get(loss)


def check_metric_names(given):
    """Nothing, if every metric that is given by name is known.

    Raises:
        ValueError: one is not.
    """
    if isinstance(given, dict) and not is_config(given):
        given = list(given.values())
    if isinstance(given, list | tuple):
        for item in given:
            check_metric_names(item)
    elif isinstance(given, str) and not is_metric_by_shape(given):
        registry.find("metric", given)


def check_loss_weights(given):
    """Nothing, if all of `given` are numbers, nested in whatever way.

    Raises:
        ValueError: one is none: as in Keras, metrics do not stand third in `compile`.
    """
    if all(hasattr(weight, "__float__") for weight in jax.tree.leaves(given)):
        return
    meant = given if isinstance(given, list | tuple | dict) else [given]
    raise ValueError(
        f"compile's third argument is loss_weights, as in Keras: a number for each output; got {given!r}. Metrics are given by name: "
        f"metrics={meant!r}."
    )


def match_metrics(places, given, argument):
    """The list of metrics of each output, in order; an empty one where there is none.

    Args:
        places: the `Places` of the outputs.
        given: a list for the only output; for several a list, dict or nest of lists as the outputs are nested.

    Raises:
        ValueError: a name that no output has, or a list of another length.
    """
    if places.count == 1 and not (isinstance(given, dict) and not is_config(given)):
        return [_flat(given)]
    found = places.spread(given, Wanted(f"`{argument}`", is_config, lists=True))
    return [_flat(item) for item in found]


def match_labels(places, y_true, asked):
    """The labels of each output, in order; None for an output that needs none and has none.

    Args:
        asked: for each output whether it has a loss or metrics; only these need labels.

    Raises:
        ValueError: labels are missing, or nested otherwise than the outputs.
    """
    if places.count == 1 and asked[0] and hasattr(y_true, "shape"):
        return [y_true]
    items = [y_true] if not isinstance(y_true, dict | list | tuple) else y_true
    if not isinstance(items, dict) and len(items) == sum(asked) < places.count:  # one for each output that asks
        given = iter(items)
        return [next(given) if needs else None for needs in asked]
    found = places.spread(y_true, LABELS)
    missing = [n for n, needs, true in zip(places.names, asked, found) if needs and true is None]
    if missing and isinstance(y_true, dict):
        raise ValueError(
            f"The labels are a dict with the keys {sorted(map(str, y_true))}; the output {missing[0]!r} is missing."
        )
    if missing:
        raise ValueError(f"Output {missing[0]!r} has a loss or metrics but no labels: those that were given are None.")
    return found


def of_one_rank(true, pred):
    """As `same_rank`, of arrays as of descriptions of arrays."""
    if true is None or abs(len(true.shape) - len(pred.shape)) != 1:
        return true, pred
    if isinstance(true, jax.ShapeDtypeStruct) or isinstance(pred, jax.ShapeDtypeStruct):
        return jax.eval_shape(same_rank, *(jax.ShapeDtypeStruct(x.shape, x.dtype) for x in (true, pred)))
    return same_rank(jnp.asarray(true), jnp.asarray(pred))


def match_weights(places, sample_weight):
    """The sample weights of each output, in order; None for an output that has none.

    Raises:
        ValueError: a name that no output has, or a list of another length.
    """
    if isinstance(sample_weight, list | tuple) and len(sample_weight) == 1:
        sample_weight = sample_weight[0]
    return places.spread(sample_weight, SAMPLE_WEIGHT)


def metric_for(item, y_true, y_pred, loss=None):
    """The metric object that `item` names for an output of this shape.

    "accuracy" is binary for one unit, sparse categorical for integer labels, else categorical, as in Keras; so is
    "crossentropy".

    Args:
        loss: the output's. Where it takes scores for logits, a metric that is given by name does so too: "accuracy" has its border
            at 0, where in Keras it is 0.5 all the same.
    """
    if is_metric_by_shape(item):
        found = getattr(all_metrics, _by_shape(item, y_true, y_pred))(name=item)
    else:
        found = all_metrics.get(item)
        if isinstance(found, Loss):
            return all_metrics.MeanMetricWrapper(found.call, name=found.name)
        if isinstance(found, all_metrics.Metric) and not isinstance(item, str):
            return found
        if isinstance(found, all_metrics.Metric):
            found.name = item
        else:
            found = all_metrics.MeanMetricWrapper(found)
    return for_logits(found, loss) if takes_logits(loss) else found


def metrics_for(given, pairs, named, losses):
    """(number of the output, metric) of all that were given, made ready.

    Args:
        given: for each output the metrics that were asked for.
        pairs: (labels, predictions) of each output.
        named: likewise, those by whose shapes names are understood.
        losses: that of each output, or None.
    """
    found = []
    for i, items in enumerate(given):
        for item in items:
            metric = metric_for(item, *named[i], losses[i])
            with told_of("metric", metric.name):
                metric.prepare(*pairs[i])
            found.append((i, metric))
    return found


def loss_for(item, y_true, y_pred):
    """The `Loss` that `item` names for an output of this shape; "crossentropy" is resolved as for metrics."""
    if is_named_by_shape(item) and y_true is not None:
        return getattr(all_losses, _by_shape(item, y_true, y_pred))()
    return as_loss(item)


def is_named_by_shape(item):
    """Whether `item` is the name of a loss that the shapes of labels and output decide."""
    return isinstance(item, str) and item.lower() in ("crossentropy", "ce")


def is_metric_by_shape(item):
    """Whether `item` is the name of a metric that the shapes of labels and output decide."""
    return isinstance(item, str) and item.lower() in _BY_SHAPE


def _by_shape(name, y_true, y_pred):
    binary, sparse, categorical = _BY_SHAPE[name.lower()]
    if len(y_pred.shape) < 2 or y_pred.shape[-1] == 1:
        return binary
    if len(y_true.shape) < len(y_pred.shape) or (y_true.shape[-1] == 1 and y_pred.shape[-1] > 1):
        return sparse
    return categorical


def _flat(given):
    """The items of nested lists, in order, without None."""
    if isinstance(given, list | tuple):
        return [item for part in given for item in _flat(part)]
    return [] if given is None else [given]
