"""Warnings of what a run does that a person would not expect."""

import dataclasses

import numpy as np

from phasewise.core.warning import (
    InitialStatisticsWarning,
    LaggingStatisticsWarning,
    NothingTrainsWarning,
    PinnedPhaseWarning,
    SmallBatchWarning,
    warn,
)
from phasewise.layer.layer import depends_on_phase
from phasewise.layers.normalization.normalization import Normalization, warn_not_adapted

LEAST_SHARE = 0.01  # of the initial value, from which on a lag is looked for
LEAST_GAP = 0.1  # in standard deviations, or as a fraction of the variance, from which on it is told


def warn_of_small_batches(calls, rows, filled):
    """Warn, once, when a layer in training takes its statistics over one or two values.

    Args:
        calls: the `observe.Calls` of a training step.
        rows, filled: rows in its batch, and those that it was filled up to, for which the calls were traced.
    """
    using = [c for c in calls if c.decision.training and c.statistics == "batch" and c.values is not None]
    few = [c for c in using if c.values * rows < 3 * filled]
    if not few or not calls.report("small batches"):
        return
    values = max(1, few[0].values * rows // filled)
    effect = (
        "the variance of one value is 0, so that the output is the same for every input"
        if values == 1
        else "of two values one always becomes -1 and the other 1"
    )
    warn(
        f"Batch normalization ({_names(few)}) trains on a batch of {rows} row{'s' * (rows > 1)}: its statistics come from "
        f"{values} value{'s' * (values > 1)} a channel, and {effect}. Give a larger batch_size, drop a short last "
        "batch (batch(n, drop_remainder=True)), or freeze the layer.",
        SmallBatchWarning,
    )


def warn_of_pinned_phase(calls):
    """Warn, once, when layers run in inference in `fit` because the learning phase is pinned.

    Args:
        calls: the `observe.Calls` of a training step.
    """
    pinned = [c for c in calls if c.decision.rule == 4 and not c.decision.training and depends_on_phase(c.layer)]
    if pinned and calls.report("pinned phase"):
        warn(
            f"The learning phase is pinned to inference, so `fit` trains with {_names(pinned)} in inference: batch normalization "
            "uses its moving statistics and does not update them, dropout passes through. Unpin it with "
            "phasewise.backend.set_learning_phase(None), or leave the learning_phase_scope.",
            PinnedPhaseWarning,
        )


def warn_of_initial_statistics(calls):
    """Warn, once, when a layer in inference normalizes with moving statistics as they were made.

    Args:
        calls: the `observe.Calls` of an inference step.
    """
    if calls.has_reported("initial statistics"):
        return
    using = [c for c in calls if not c.decision.training and c.statistics not in (None, "batch")]
    fresh = [c for c in using if any(average.is_initial for average in c.layer._averages)]
    if fresh and calls.report("initial statistics"):
        warn(
            f"Batch normalization ({_names(fresh)}) normalizes with moving statistics that no batch has ever updated: they are "
            "still the initial mean and variance, so the data pass almost unchanged. Train the layer (not frozen, not called "
            "with training=False), load weights, or set the statistics with phasewise.recalibrate(model, data).",
            InitialStatisticsWarning,
        )


def warn_of_unadapted(calls):
    """Warn, once, when a `Normalization` is used that `adapt` has not given its statistics.

    Args:
        calls: the `observe.Calls` of a step.
    """
    if calls.adaptable is None:
        calls.adaptable = [call for call in calls if isinstance(call.layer, Normalization)]
    if calls.adaptable:
        found = [call for call in calls.adaptable if not call.layer.is_adapted]
        calls.adaptable = []
        if found:
            warn_not_adapted(_names(found))


def warn_of_nothing_to_train(model, calls, task):
    """Warn, once, when no weight of `model` is trained.

    Args:
        calls: the `observe.Calls` of a training step.
        task: the method that trains.
    """
    if not calls.report("nothing trains"):
        return
    frozen = [layer for layer in model._inventory().layers if layer._own_variables and not layer.trainable]
    if not frozen:
        what, remedy = "it has no trainable weights", "Give it a layer that has some."
    else:
        what = f"its weights are frozen ({_quoted(frozen)})"
        remedy = (
            "What is frozen is decided at each call, not by `compile`: set `trainable = True` before the calls that are to train "
            "it. A GAN's discriminator that was frozen for the generator's sake is frozen in its own train_on_batch as well."
        )
    warn(f"`{task}` of {model.name!r} trains nothing: {what}. {remedy}", NothingTrainsWarning)


def updates_of_a_step(calls, rows):
    """How many updates of moving statistics one training step makes: list of (layer, count), each layer once.

    Args:
        calls: the `observe.Calls` of the step.
        rows: rows in its batch.
    """
    counts = {}
    for call in calls:
        if call.layer._averages and call.decision.training:
            batches = -(-rows // (call.layer.virtual_batch_size or rows))
            counts[call.layer] = counts.get(call.layer, 0) + batches * call.times
    return list(counts.items())


@dataclasses.dataclass
class Lag:
    """How far a layer's moving statistics are behind the batches that they followed, on average over the channels."""

    layer: object
    updates: int
    momentum: float
    share: float
    gap: float
    ratio: float


def lag_of(layer, moving):
    """The `Lag` of a layer whose average `moving` is too far from its batches; None where all is well or unknown."""
    share = moving.initial_share
    if share is None or not LEAST_SHARE < share < 1:
        return None
    (mean, variance), (mean_now, variance_now) = moving.estimate(), moving.now()
    spread = np.sqrt(np.maximum(variance, 0) + moving.epsilon)
    gap = float((np.abs(mean_now - mean) / spread).mean())
    ratio = float(np.exp(np.log((variance_now + moving.epsilon) / spread**2).mean()))
    if gap < LEAST_GAP and abs(ratio - 1) < LEAST_GAP:
        return None
    return Lag(layer, moving.updates, moving.momentum, share, gap, ratio)


def warn_of_lag(layers):
    """Warn, once for all layers, when moving statistics have not caught up with the data that they followed.

    Of a layer this is told once; anew only when it has caught up, or its statistics were set, in between.
    """
    lags = [lag for layer in layers for average in layer._averages if (lag := _untold_lag(layer, average)) is not None]
    if not lags:
        return
    worst = max(lags, key=lambda lag: lag.gap + abs(np.log(lag.ratio)))
    others = f" (and {len(lags) - 1} other layer{'s' * (len(lags) > 2)})" if len(lags) > 1 else ""
    layer = worst.layer
    warn(
        f"fit ended before the moving statistics of {layer.name!r}{others} caught up with the data, so predict and evaluate "
        f"normalize otherwise than fit did: {worst.updates} updates at momentum {worst.momentum:g} leave {worst.share:.0%} of the "
        f"initial values; on average over the channels the moving mean is off by {worst.gap:.2g} standard deviations and the moving "
        f"variance is {worst.ratio:.2g} times that of the batches. Remedy: phasewise.recalibrate(model, data), more steps, or a smaller "
        "momentum.",
        LaggingStatisticsWarning,
    )


def _untold_lag(layer, moving):
    lag, told = lag_of(layer, moving), moving.lag_is_told
    moving.lag_is_told = lag is not None
    return None if told else lag


def _names(calls):
    """The layers of the calls, each once."""
    return _quoted([call.layer for call in calls])


def _quoted(layers):
    names = list(dict.fromkeys(repr(layer.name) for layer in layers))
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
