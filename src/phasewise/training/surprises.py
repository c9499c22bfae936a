"""Warnings of what a run does that a person would not expect."""

from phasewise.warning import SmallBatchWarning, warn


def warn_of_small_batches(calls, rows):
    """Warn when a layer in training takes its statistics over one or two values.

    Args:
        calls: the `observe.Calls` of a training step.
        rows: rows in its batch.
    """
    few = [
        c for c in calls if c.decision.training and c.statistics == "batch" and c.values is not None and c.values < 3
    ]
    if not few or calls.reported:
        return
    calls.reported = True
    names = ", ".join(dict.fromkeys(repr(call.layer.name) for call in few))
    effect = (
        "the variance of one value is 0, so that the output is the same for every input"
        if few[0].values == 1
        else "of two values one always becomes -1 and the other 1"
    )
    warn(
        f"Batch normalization ({names}) trains on a batch of {rows} row{'s' * (rows > 1)}: its statistics come from "
        f"{few[0].values} value{'s' * (few[0].values > 1)} a channel, and {effect}. Give a larger batch_size, drop a short last "
        "batch (batch(n, drop_remainder=True)), or freeze the layer.",
        SmallBatchWarning,
    )
