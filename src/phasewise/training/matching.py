"""How losses and metrics are matched with outputs: by name, by place, or one for all."""

import jax

from phasewise import losses as all_losses
from phasewise import metrics as all_metrics
from phasewise.core import registry
from phasewise.losses import Loss
from phasewise.losses.loss import as_loss

_BY_SHAPE = {
    "accuracy": ("BinaryAccuracy", "SparseCategoricalAccuracy", "CategoricalAccuracy"),
    "crossentropy": ("BinaryCrossentropy", "SparseCategoricalCrossentropy", "CategoricalCrossentropy"),
}
_BY_SHAPE["acc"], _BY_SHAPE["ce"] = _BY_SHAPE["accuracy"], _BY_SHAPE["crossentropy"]


def flat_outputs(y_pred, names=None):
    """(leaves, names) of a model's outputs; outputs without a name are `output_0` …, a dict's go by its sorted keys."""
    if isinstance(y_pred, dict):
        keys = sorted(y_pred)
        return [y_pred[k] for k in keys], list(names or keys)
    leaves = jax.tree.leaves(y_pred)
    if names is None:
        names = ["output"] if len(leaves) == 1 else [f"output_{i}" for i in range(len(leaves))]
    return leaves, list(names)


def match(given, names, argument, *, one_for_all=False, lists=False):
    """What was given for each output, in order; None where nothing was.

    Args:
        given: one item, a list by place, or a dict by output name.
        one_for_all: whether a single item goes to every output.
        lists: whether each output takes a list of items.

    Raises:
        ValueError: a name that no output has (the near one is given), or a list of another length.
    """
    count = len(names)
    if given is None:
        return [None] * count
    if isinstance(given, dict):
        for key in given:
            if key not in names:
                near = registry.nearest(key, names)
                hint = f" Did you mean {near!r}?" if near else ""
                raise ValueError(
                    f"`{argument}` names the output {key!r}, which the model lacks.{hint} It has {list(names)}."
                )
        return [_as_list(given.get(name)) if lists else given.get(name) for name in names]
    if not isinstance(given, list | tuple):
        items = [given] * count if one_for_all or count == 1 else None
        if items is None:
            raise ValueError(f"`{argument}` must be a list or dict with an item for each of the outputs {list(names)}.")
        return [_as_list(item) for item in items] if lists else items
    if lists and count == 1:
        nested = len(given) == 1 and isinstance(given[0], list | tuple)
        return [list(given[0]) if nested else list(given)]
    if len(given) != count:
        raise ValueError(
            f"`{argument}` has {len(given)} items and the model {count} output{'s' * (count > 1)}, {list(names)}: give one for each, "
            "or a dict by name."
        )
    return [_as_list(item) for item in given] if lists else list(given)


def metric_for(item, y_true, y_pred):
    """The metric object that `item` names for an output of this shape.

    "accuracy" is binary for one unit, sparse categorical for integer labels, else categorical, as in Keras; so is
    "crossentropy".
    """
    if isinstance(item, str) and item.lower() in _BY_SHAPE:
        return getattr(all_metrics, _by_shape(item, y_true, y_pred))(name=item)
    found = all_metrics.get(item)
    if isinstance(found, all_metrics.Metric):
        if isinstance(item, str):
            found.name = item
        return found
    if isinstance(found, Loss):
        return all_metrics.MeanMetricWrapper(found.call, name=found.name)
    return all_metrics.MeanMetricWrapper(found)


def loss_for(item, y_true, y_pred):
    """The `Loss` that `item` names for an output of this shape; "crossentropy" is resolved as for metrics."""
    if is_named_by_shape(item) and y_true is not None:
        return getattr(all_losses, _by_shape(item, y_true, y_pred))()
    return as_loss(item)


def is_named_by_shape(item):
    """Whether `item` is the name of a loss that the shapes of labels and output decide."""
    return isinstance(item, str) and item.lower() in ("crossentropy", "ce")


def _by_shape(name, y_true, y_pred):
    binary, sparse, categorical = _BY_SHAPE[name.lower()]
    if y_pred.shape[-1] == 1:
        return binary
    if len(y_true.shape) < len(y_pred.shape) or (y_true.shape[-1] == 1 and y_pred.shape[-1] > 1):
        return sparse
    return categorical


def _as_list(item):
    if item is None:
        return None
    return list(item) if isinstance(item, list | tuple) else [item]
