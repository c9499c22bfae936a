"""Do the labels fit the loss? Shapes are checked before anything runs, values before the first step."""

import numpy as np

from phasewise.losses import BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy


def check_shapes(names, losses, pairs):
    """Raises ValueError when a label's shape does not fit its output's; the message names the output and both shapes.

    Args:
        names: of the outputs.
        losses: a `Loss` or None for each.
        pairs: (label, output) for each, objects with `shape` and `dtype`.
    """
    for name, loss, (true, pred) in zip(names, losses, pairs):
        if loss is None:
            continue
        if true is None:
            raise ValueError(f"Output {name!r} has a loss ({loss.name}) but no labels.")
        shapes = f"labels of shape {tuple(true.shape)} and output {name!r} of shape {tuple(pred.shape)}"
        if isinstance(loss, SparseCategoricalCrossentropy):
            _check_sparse_shape(true, pred, shapes)
        elif isinstance(loss, CategoricalCrossentropy):
            _check_categorical_shape(true, pred, shapes)
        elif type(loss).__module__.startswith("phasewise.") and not _broadcasts(true.shape, pred.shape):
            raise ValueError(f"{loss.name} cannot compare {shapes}: they must agree.")


def _check_sparse_shape(true, pred, shapes):
    if len(true.shape) == len(pred.shape) and true.shape[-1] == pred.shape[-1] and pred.shape[-1] > 1:
        raise ValueError(
            f"sparse_categorical_crossentropy takes integer labels, one a row; it got {shapes}. One-hot labels go with "
            "categorical_crossentropy."
        )
    squeezed = true.shape[:-1] if len(true.shape) == len(pred.shape) and true.shape[-1] == 1 else true.shape
    if tuple(squeezed) != tuple(pred.shape[:-1]):
        raise ValueError(
            f"sparse_categorical_crossentropy cannot compare {shapes}: all axes but the classes must agree."
        )


def _check_categorical_shape(true, pred, shapes):
    if tuple(true.shape) == tuple(pred.shape):
        return
    integer = len(true.shape) < len(pred.shape) or true.shape[-1] == 1
    hint = " Integer labels go with sparse_categorical_crossentropy." if integer else " They must agree."
    raise ValueError(f"categorical_crossentropy takes one-hot labels; it got {shapes}.{hint}")


def _broadcasts(true, pred):
    true, pred = list(true), list(pred)
    if len(true) == len(pred) + 1 and true[-1] == 1:
        true = true[:-1]
    elif len(pred) == len(true) + 1 and pred[-1] == 1:
        pred = pred[:-1]
    return true == pred


def check_labels(names, losses, pairs):
    """Raises ValueError for a label out of range or of the wrong kind; the message gives the value and its row.

    Args:
        pairs: (host array of labels, object with the output's shape) for each output.
    """
    for name, loss, (true, pred) in zip(names, losses, pairs):
        if loss is None or true is None:
            continue
        true = np.asarray(true)
        if isinstance(loss, SparseCategoricalCrossentropy):
            _check_classes(name, true, pred.shape[-1], loss.arguments["ignore_class"])
        elif isinstance(loss, BinaryCrossentropy | CategoricalCrossentropy):
            _require(name, loss.name, true, (true < 0) | (true > 1), "between 0 and 1", _binary_hint(true))


def _check_classes(name, true, classes, ignored):
    if true.dtype.kind == "f":
        fractional = true != np.floor(true)
        _require(name, "sparse_categorical_crossentropy", true, fractional, "a whole number", "")
    outside = (true < 0) | (true >= classes)
    if ignored is not None:
        outside &= true != ignored
    _require(
        name, "sparse_categorical_crossentropy", true, outside, f"in [0, {classes - 1}], for {classes} classes", ""
    )


def _require(name, loss, true, bad, expected, hint):
    if bad.any():
        place = np.unravel_index(bad.argmax(), bad.shape)
        raise ValueError(
            f"A label of output {name!r} is {true[place]} in row {place[0]}; {loss} needs every label to be {expected}.{hint}"
        )


def _binary_hint(true):
    if set(np.unique(true[:1000])) <= {-1, 1}:
        return " Labels -1 and 1 become 0 and 1 with (y + 1) / 2."
    return " Class numbers go with sparse_categorical_crossentropy." if true.max() > 1 else ""
