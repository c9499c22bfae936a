"""Logits are not probabilities: what a loss, a metric and the last activation of an output take its scores for."""

from phasewise import metrics as all_metrics
from phasewise.core.warning import LogitsWarning, warn
from phasewise.losses import crossentropy, functions, overlap
from phasewise.metrics.accuracy import binary_accuracy
from phasewise.metrics.confusion import AtThresholds
from phasewise.metrics.operating_points import AtOperatingPoint

UNIT = frozenset({"sigmoid", "softmax", "hard_sigmoid", "sparse_sigmoid", "sparsemax"})
"""Activations whose values lie in [0, 1]."""

NOT_NEGATIVE = UNIT | {"exponential", "softplus", "relu", "relu6", "ReLU", "squareplus", "sparse_plus"}
"""Activations whose values, divided by their sum, are probabilities."""

_BINARY = (crossentropy.binary_crossentropy, crossentropy.binary_focal_crossentropy)
_OVER_CLASSES = (
    crossentropy.categorical_crossentropy,
    crossentropy.categorical_focal_crossentropy,
    crossentropy.sparse_categorical_crossentropy,
)
_REGIONS = (overlap.dice, overlap.tversky)
_PROBABILITIES_ONLY = (crossentropy.categorical_generalized_cross_entropy, functions.kl_divergence, *_REGIONS)


def takes_logits(item):
    """True where a loss or metric takes scores for logits, False where for probabilities, None where either will do."""
    function, arguments = getattr(item, "fn", None), getattr(item, "arguments", {})
    if isinstance(item, all_metrics.AUC):
        return item.from_logits
    if isinstance(item, AtThresholds):
        return False if item.top_k is None and min(item.thresholds) > 0 else None
    if isinstance(item, AtOperatingPoint):
        return False
    if isinstance(item, all_metrics.FBetaScore):
        return None if item.threshold is None else False
    if isinstance(item, all_metrics.BinaryIoU):
        return False if item.threshold > 0 else None
    if function is binary_accuracy:
        return False if arguments.get("threshold", 0.5) > 0 else None
    if function in _BINARY + _OVER_CLASSES:
        return bool(arguments.get("from_logits", False))
    return False if function in _PROBABILITIES_ONLY else None


def is_over_classes(item):
    """Whether a loss or metric divides scores by their sum over the classes."""
    return getattr(item, "fn", None) in _OVER_CLASSES


def for_logits(metric, loss):
    """The metric of the same name that takes scores for logits as the `loss` does; the metric itself where that is not known."""
    changed = None
    if getattr(metric, "fn", None) in _BINARY + _OVER_CLASSES or isinstance(metric, all_metrics.AUC):
        changed = {"from_logits": True}
    elif getattr(metric, "fn", None) is binary_accuracy:
        changed = {"threshold": 0.0}
    elif isinstance(metric, AtThresholds):
        changed = {"thresholds": 0.0}
    if changed is None or (not is_over_classes(metric) and getattr(loss, "fn", None) not in _BINARY):
        return metric
    return type(metric).from_config({**metric.get_config(), **changed})


def tell_mismatches(names, losses, metrics, activations):
    """Warn where the scores of an output are taken for what they are not.

    Args:
        names: of the outputs.
        losses: a `Loss` or None for each.
        metrics: list of (number of the output, name in the logs, metric).
        activations: the name of the last activation of each output, or None where it is not known.
    """
    for name, loss, activation in zip(names, losses, activations):
        if loss is not None:
            _tell_of_loss(name, loss, activation)
    for i, name, metric in metrics:
        _tell_of_metric(names[i], name, metric, losses[i], activations[i])


def _tell_of_loss(output, loss, activation):
    wants = takes_logits(loss)
    if activation is None or wants is None:
        return
    if wants and activation in UNIT:
        warn(
            f"Output {output!r} ends in {activation}, and its loss {loss.name!r} has from_logits=True: the probabilities are taken for "
            "logits. Leave out the activation (it is then part of the loss), or from_logits.",
            LogitsWarning,
        )
    if not wants and not _suits(loss, activation):
        usual = "sigmoid" if loss.fn in _BINARY + _REGIONS else "softmax"
        remedy = f"end in activation={usual!r}"
        if loss.fn not in _PROBABILITIES_ONLY:
            remedy += f", or give the loss as {type(loss).__name__}(from_logits=True)"
        warn(
            f"Output {output!r} {_ends(activation)}, and its loss {loss.name!r} takes its scores for probabilities: those outside "
            f"of [0, 1] are cut off, and nothing is learnt from them. Remedy: {remedy}.",
            LogitsWarning,
        )


def _tell_of_metric(output, name, metric, loss, activation):
    wants, given = takes_logits(metric), takes_logits(loss)
    has_border = getattr(metric, "fn", None) is binary_accuracy or isinstance(metric, _HAS_BORDER)
    if wants is False and given:
        because = f"its loss {loss.name!r} has from_logits=True"
    elif wants is False and given is None and not has_border and not _suits(metric, activation):
        because = (
            f"the output {_ends(activation)}"  # a border of 0.5 may be meant all the same, for a regression on 0 and 1
        )
    elif wants and activation in UNIT:
        warn(
            f"The metric {name!r} has from_logits=True, but the output {output!r} ends in {activation}: its scores are probabilities. "
            "Leave out from_logits.",
            LogitsWarning,
        )
        return
    else:
        return
    warn(
        f"The metric {name!r} takes the scores of output {output!r} for probabilities, but {because}. {_remedy(metric)}",
        LogitsWarning,
    )


_HAS_BORDER = AtThresholds | all_metrics.BinaryIoU | all_metrics.FBetaScore


def _suits(item, activation):
    """Whether what leaves the activation may be taken for probabilities."""
    return activation is None or activation in (NOT_NEGATIVE if is_over_classes(item) else UNIT)


def _ends(activation):
    return "has no activation" if activation == "linear" else f"ends in {activation}"


def _remedy(metric):
    if isinstance(metric, AtThresholds):
        return f"For logits give {type(metric).__name__}(thresholds=0): a probability of 0.5 is a logit of 0."
    if getattr(metric, "fn", None) is binary_accuracy or isinstance(metric, all_metrics.BinaryIoU):
        return f"For logits give {type(metric).__name__}(threshold=0): a probability of 0.5 is a logit of 0."
    if isinstance(metric, AtOperatingPoint | all_metrics.FBetaScore):
        return "Let the model end in sigmoid."
    if getattr(metric, "fn", None) in _PROBABILITIES_ONLY:
        return "Let the model end in softmax."
    return f"For logits give {type(metric).__name__}(from_logits=True)."
