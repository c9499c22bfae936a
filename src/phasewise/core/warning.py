"""Warnings: one category for each kind of surprise, so that each can be silenced by itself, told at the user's own line."""

import sys
import warnings


class PhasewiseWarning(UserWarning):
    """What phasewise warns of."""


class NonFiniteWarning(PhasewiseWarning):
    """The data hold NaN or infinity."""


class DataEndedWarning(PhasewiseWarning):
    """The data ended before the steps that were asked for."""


class SmallBatchWarning(PhasewiseWarning):
    """Batch statistics are taken over one or two values."""


class LaggingStatisticsWarning(PhasewiseWarning):
    """`fit` ended before moving statistics had caught up with the data."""


class InitialStatisticsWarning(PhasewiseWarning):
    """A layer normalizes with the statistics that it was made with: no batch has updated them, no `adapt` has set them."""


class NothingTrainsWarning(PhasewiseWarning):
    """A model is trained of which no weight is trained."""


class PinnedPhaseWarning(PhasewiseWarning):
    """A pinned learning phase makes `fit` run in inference."""


class StructureWarning(PhasewiseWarning):
    """Data are nested otherwise than a model's inputs or outputs, or have keys that the model lacks."""


class LogitsWarning(PhasewiseWarning):
    """Scores outside of [0, 1] are taken for probabilities, or probabilities for logits."""


class UnseenClassWarning(PhasewiseWarning):
    """A class occurs in evaluation that training never saw."""


class LostMaskWarning(PhasewiseWarning):
    """A layer drops the mask of its input, and what comes after it takes masked steps for real ones."""


class CollapseWarning(PhasewiseWarning):
    """An adaptation made predictions worse than it found them, and was taken back."""


class ShiftWarning(PhasewiseWarning):
    """What a model predicts has shifted: a monitor is certain of it."""


class NativeKernelsWarning(PhasewiseWarning):
    """Native kernels are missing or broken where there should be some; XLA's are used."""


class NoEffectWarning(PhasewiseWarning):
    """Something that was set applies to nothing."""


# While a model is traced, JAX calls us back from between our own frames.
_OURS = {"phasewise", "jax", "contextlib", "functools"}


def warn(message: str, category: type[Warning]) -> None:
    """Warn at the line outside of phasewise (and of JAX) from which the call came."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").split(".")[0] in _OURS:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
