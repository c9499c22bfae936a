"""Do the labels fit the loss? Shapes are checked before anything runs, values before the first step."""

from phasewise.losses import (
    CTC,
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    CategoricalHinge,
    Circle,
    CosineSimilarity,
    Dice,
    KLDivergence,
    SparseCategoricalCrossentropy,
    Tversky,
)
from phasewise.losses.ctc import check_sequences
from phasewise.losses.ctc import check_shapes as check_sequence_shapes
from phasewise.losses.given_values import check_between_0_and_1, check_classes
from phasewise.metrics import AUC, BinaryAccuracy, BinaryIoU, FBetaScore, IoU
from phasewise.metrics.confusion import AtThresholds
from phasewise.metrics.iou import OF_VOID
from phasewise.metrics.operating_points import AtOperatingPoint

BINARY = BinaryCrossentropy | BinaryFocalCrossentropy
ONE_HOT = CategoricalCrossentropy | CategoricalFocalCrossentropy
INTEGER = SparseCategoricalCrossentropy | CategoricalGeneralizedCrossEntropy
REGIONS = Dice | Tversky
_OF_YES_AND_NO = AUC | BinaryAccuracy | AtThresholds | AtOperatingPoint | FBetaScore | BinaryIoU
OF_VECTORS = ONE_HOT | CategoricalHinge | CosineSimilarity | KLDivergence


def check_shapes(names, losses, pairs):
    """Raises ValueError when a label's shape does not fit its output's; the message names the output and both shapes.

    Args:
        names: of the outputs.
        losses: a `Loss` or None for each.
        pairs: (label, output) for each, objects with `shape` and `dtype`.
    """
    for name, loss, (true, pred) in zip(names, losses, pairs):
        if loss is not None:
            _check_shape(name, loss, true, pred)


def _check_shape(name, loss, true, pred):
    if true is None:
        raise ValueError(f"Output {name!r} has a loss ({loss.name}) but no labels.")
    shapes = f"labels of shape {tuple(true.shape)} and output {name!r} of shape {tuple(pred.shape)}"
    if isinstance(loss, OF_VECTORS) and len(pred.shape) < 2:
        raise ValueError(
            f"{loss.name} compares vectors, one a row; it got {shapes}. One number a row goes with binary_crossentropy or "
            "mean_squared_error."
        )
    if isinstance(loss, CTC):
        return check_sequence_shapes(true.shape, pred.shape, f"output {name!r}")
    if isinstance(loss, INTEGER | Circle):
        return _check_sparse_shape(loss.name, true, pred, shapes)
    if isinstance(loss, ONE_HOT):
        return _check_categorical_shape(loss, true, pred, shapes)
    if type(loss).__module__.startswith("phasewise.") and not _broadcasts(true.shape, pred.shape):
        raise ValueError(f"{loss.name} cannot compare {shapes}: they must agree.")
    return None


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
        if loss is not None and true is not None:
            _check_values(loss, true, pred, f" of output {name!r}", locate)


def _check_values(loss, true, pred, of, locate):
    if isinstance(loss, CTC):
        check_sequences(true, pred.shape[-1], of=of, locate=locate)
    elif isinstance(loss, INTEGER):
        check_classes(loss.name, true, pred.shape[-1], loss.arguments.get("ignore_class"), of=of, locate=locate)
    elif isinstance(loss, BINARY | ONE_HOT | REGIONS):
        check_between_0_and_1(loss.name, true, of=of, locate=locate, is_binary=isinstance(loss, BINARY))


def check_metric_labels(names, losses, metrics, pairs, locate):
    """Raises ValueError for a label that a metric of yes and no cannot count; the message gives the value and its row.

    Args:
        metrics: list of (number of the output, name, metric).
        names, losses, pairs, locate: as for `check_labels`.
    """
    for i, name, metric in metrics:
        of, labels = f" of output {names[i]!r}", pairs[i][0]
        if labels is None:
            continue
        if isinstance(metric, IoU) and metric.sparse_y_true and not isinstance(metric, BinaryIoU):
            _check_regions(f"the metric {name!r}", metric, losses[i], labels, of, locate)
        elif isinstance(metric, _OF_YES_AND_NO) and not isinstance(losses[i], BINARY | ONE_HOT | REGIONS):
            # Where the loss is one of these it has been asked the same.
            check_between_0_and_1(f"the metric {name!r}", labels, of=of, locate=locate, is_binary=True)


def _check_regions(name, metric, loss, labels, of, locate):
    """As `check_classes`, for a metric of regions; what the loss leaves out may be left out of them as well."""
    ignored = metric.ignore_class
    if ignored is None:
        ignored = getattr(loss, "arguments", {}).get("ignore_class")
    check_classes(name, labels, metric.num_classes, ignored, of=of, locate=locate, hint=OF_VOID)
