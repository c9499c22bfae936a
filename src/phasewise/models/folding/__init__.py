"""Folding: batch normalization goes into the weights of its neighbours, for an inference-only copy of a model."""

from phasewise.models.folding.fold import fold as fold
