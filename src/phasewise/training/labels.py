"""Do the labels fit the loss? Shapes are checked before anything runs, values before the first step."""

import numpy as np

from phasewise.losses import (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    SparseCategoricalCrossentropy,
)

BINARY = BinaryCrossentropy | BinaryFocalCrossentropy
ONE_HOT = CategoricalCrossentropy | CategoricalFocalCrossentropy
INTEGER = SparseCategoricalCrossentropy | CategoricalGeneralizedCrossEntropy


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
        if isinstance(loss, INTEGER):
            _check_sparse_shape(loss.name, true, pred, shapes)
        elif isinstance(loss, ONE_HOT):
            _check_categorical_shape(loss, true, pred, shapes)
        elif type(loss).__module__.startswith("phasewise.") and not _broadcasts(true.shape, pred.shape):
            raise ValueError(f"{loss.name} cannot compare {shapes}: they must agree.")


def _check_sparse_shape(name, true, pred, shapes):
    if len(true.shape) == len(pred.shape) and true.shape[-1] == pred.shape[-1] and pred.shape[-1] > 1:
        raise ValueError(
            f"{name} takes integer labels, one a row; it got {shapes}. One-hot labels go with categorical_crossentropy."
        )
    squeezed = true.shape[:-1] if len(true.shape) == len(pred.shape) and true.shape[-1] == 1 else true.shape
    if tuple(squeezed) != tuple(pred.shape[:-1]):
        raise ValueError(f"{name} cannot compare {shapes}: all axes but the classes must agree.")


def _check_categorical_shape(loss, true, pred, shapes):
    if tuple(true.shape) == tuple(pred.shape):
        return
    integer = len(true.shape) < len(pred.shape) or true.shape[-1] == 1
    hint = " Integer labels go with sparse_categorical_crossentropy." if integer else " They must agree."
    raise ValueError(f"{loss.name} takes one-hot labels; it got {shapes}.{hint}")


def _broadcasts(true, pred):
    true, pred = list(true), list(pred)
    if len(true) == len(pred) + 1 and true[-1] == 1:
        true = true[:-1]
    elif len(pred) == len(true) + 1 and pred[-1] == 1:
        pred = pred[:-1]
    return true == pred


def check_labels(names, losses, pairs, locate):
    """Raises ValueError for a label out of range or of the wrong kind; the message gives the value and its row.

    Args:
        pairs: (host array of labels, object with the output's shape) for each output.
        locate: names a row.
    """
    for name, loss, (true, pred) in zip(names, losses, pairs):
        if loss is None or true is None:
            continue
        true = np.asarray(true)
        if isinstance(loss, INTEGER):
            _check_classes(name, loss, true, pred.shape[-1], locate)
        elif isinstance(loss, BINARY | ONE_HOT):
            outside = (true < 0) | (true > 1)
            hint = _binary_hint if isinstance(loss, BINARY) else _no_hint
            _require(f"output {name!r}", loss.name, true, outside, "between 0 and 1", locate, hint)


def _check_classes(name, loss, true, classes, locate):
    loss, ignored, of = loss.name, loss.arguments.get("ignore_class"), f"output {name!r}"
    if true.dtype.kind == "f":
        _require(of, loss, true, true != np.floor(true), "a whole number", locate)
    outside = (true < 0) | (true >= classes)
    if ignored is not None:
        outside &= true != ignored
    _require(of, loss, true, outside, f"in [0, {classes - 1}], for {classes} classes", locate)


def _no_hint(true):
    return ""


def _require(of, loss, true, bad, expected, locate, hint=_no_hint):
    if bad.any():
        place = np.unravel_index(bad.argmax(), bad.shape)
        raise ValueError(
            f"A label of {of} is {true[place]:.6g} in {locate(place[0])}; {loss} needs every label to be {expected}."
            f"{hint(true)}"
        )


def _binary_hint(true):
    if set(np.unique(true[:1000])) <= {-1, 1}:
        return " Labels -1 and 1 become 0 and 1 with (y + 1) / 2."
    if true.max() <= 1:
        return ""
    return " Class numbers go with sparse_categorical_crossentropy and an output with one unit a class."
