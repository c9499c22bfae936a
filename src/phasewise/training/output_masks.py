"""Masks of outputs: places of padding count neither in a loss nor in a metric that is a mean, as in Keras."""

import inspect

import jax
import jax.numpy as jnp

from phasewise.core import logits, masking
from phasewise.losses import Dice, Loss, Tversky
from phasewise.metrics import ConcordanceCorrelation, PearsonCorrelation
from phasewise.metrics.reduction import MeanMetricWrapper

_LOOKS_AT_MASKS = Dice | Tversky | PearsonCorrelation | ConcordanceCorrelation


def masks_of(y_pred):
    """The mask of each output, or None, as a list."""
    return [masking.of(leaf) for leaf in jax.tree.leaves(y_pred)]


def attach_each(y_pred, masks):
    """Give the outputs their masks, in the order of `masks_of`: for the same arrays in another trace."""
    for leaf, mask in zip(jax.tree.leaves(y_pred), masks, strict=True):
        masking.attach(leaf, mask)


def counting(mask, row_mask):
    """What counts: where the mask of an output is True in the rows where `row_mask`, (rows,), is; None: all."""
    if mask is None or row_mask is None:
        return row_mask if mask is None else mask
    return mask & row_mask.reshape(row_mask.shape + (1,) * (mask.ndim - 1))


def by_place(pair, pred, mask):
    """Labels and predictions with one value for each place of the mask, where bringing them to one rank has dropped their last axis.

    Args:
        pair: (labels, predictions) of one rank.
        pred: the output that the predictions were made of.
    """
    if mask is None or pair[0] is None or not pred.ndim == mask.ndim + 1 == pair[1].ndim + 1:
        return pair
    return tuple(logits.follow(each[..., None], each) for each in pair)


def takes_mask(loss):
    """Whether a loss leaves out what a mask says: one whose `__call__` is its user's may not."""
    return type(loss).__call__ is Loss.__call__ or "mask" in inspect.signature(type(loss).__call__).parameters


def is_mean(metric):
    """Whether a metric is the mean of values of which some can be left out."""
    return isinstance(metric, MeanMetricWrapper)


def mixes_rows(item, rank):
    """Whether a loss or metric of ours compares rows with one another without looking at what the mask leaves out.

    Args:
        rank: of the predictions.
    """
    axis = getattr(item, "arguments", {}).get("axis")
    if axis is None or not rank or isinstance(item, _LOOKS_AT_MASKS):
        return False
    return any(each % rank == 0 for each in (axis if isinstance(axis, tuple | list) else [axis]))


def weight_of(weight, mask):
    """Weights of a metric for what counts, floating; None where all counts 1. Both broadcast from the left."""
    if mask is None:
        return weight
    mask = mask.astype(jnp.float32)
    if weight is None:
        return mask
    rank = max(weight.ndim, mask.ndim)
    weight, mask = (each.reshape(each.shape + (1,) * (rank - each.ndim)) for each in (weight, mask))
    return weight * mask
