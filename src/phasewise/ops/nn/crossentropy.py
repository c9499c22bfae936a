"""Cross-entropies by position: those of `phasewise.losses`, without a mean. Probabilities that come out of a sigmoid or a softmax in
a step are traced back to their logits, as there."""

import jax.numpy as jnp

from phasewise import losses
from phasewise.core import defaults, logits
from phasewise.core.dtypes import floating
from phasewise.ops.op import op


def _checked(name, target, output):
    """The target, the output, and the dtype of the result."""
    output, target = floating(output) if not logits.of(output) else output, jnp.asarray(target)
    return target, output, jnp.promote_types(output.dtype, target.dtype)


@op
def binary_crossentropy(target, output, from_logits=False):
    """-(y log p + (1 - y) log(1 - p)) for each entry.

    Args:
        target: labels in [0, 1].
        output: probabilities, kept 1e-7 from 0 and 1; or logits.
        from_logits: which of the two.

    Raises:
        ValueError: the shapes differ.
    """
    target, output, dtype = _checked("binary_crossentropy", target, output)
    if target.shape != output.shape:
        raise ValueError(f"binary_crossentropy takes arrays of one shape; got {target.shape} and {output.shape}.")
    column = logits.follow(output[..., None], output)
    return losses.binary_crossentropy(target[..., None], column, from_logits).astype(dtype)


@op
def categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-sum(y log p) over the classes along `axis`.

    Args:
        target: one-hot or soft labels.
        output: probabilities, divided by their sum first and kept 1e-7 from 0 and 1; or logits.
        from_logits: which of the two.
        axis: int.

    Raises:
        ValueError: the shapes differ.
    """
    target, output, dtype = _checked("categorical_crossentropy", target, output)
    return losses.categorical_crossentropy(target, output, from_logits, 0.0, axis).astype(dtype)


@op
def sparse_categorical_crossentropy(target, output, from_logits=False, axis=-1):
    """-log p of the labelled class along `axis`.

    Args:
        target: whole numbers, of the shape of `output` without `axis`, or with size 1 there.
        output, from_logits: as of `categorical_crossentropy`.
        axis: int.

    Raises:
        ValueError: the shapes do not fit.
    """
    target, output, _ = _checked("sparse_categorical_crossentropy", target, output)
    found = losses.sparse_categorical_crossentropy(target, output, from_logits, None, axis)
    return found.astype(jnp.promote_types(output.dtype, defaults.floatx()))
