"""The logits that probabilities were made of, so that the loss of a step can be computed from those.

A sigmoid or a softmax rounds to 0 and 1 where its input is large, and what the rounding took no loss can bring back. While a
step is traced, these activations therefore leave beside their result what they were given (`made_by`), and a cross-entropy of that
very array asks for it.
"""

import dataclasses

import jax

from phasewise.core import made_by
from phasewise.core.types import Array, Nest


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class Logits:
    """What probabilities are the sigmoid of (axis None), or the softmax of along `axis`, counted from the front."""

    values: Array
    axis: int | None = dataclasses.field(metadata={"static": True})


def note(probabilities: Array, values: Array, axis: int | None = None) -> Array:
    """`probabilities`, remembered to be those of the logits `values`, entry by entry or along `axis`."""
    return made_by.note(probabilities, Logits(values, None if axis is None else axis % values.ndim))


def of(array: Array) -> Logits | None:
    """The logits that `array` was made of, in its shape; None where that is not known."""
    maker = made_by.of(array)
    return maker if isinstance(maker, Logits) else None


def follow(array: Array, source: Array) -> Array:
    """`array`, which holds the entries of `source` in their order, in another shape or dtype; it has the same logits."""
    found = None if array is source else of(source)
    if found is None:
        return array
    if array.shape == source.shape or found.axis is None:
        return note(array, found.values.reshape(array.shape), found.axis)
    along_last = found.axis == source.ndim - 1 and array.shape[-1:] == source.shape[-1:]
    return note(array, found.values.reshape(array.shape), -1) if along_last else array


def of_each(arrays: Nest) -> list[Logits | None]:
    """The logits of each array of a nest."""
    return [of(leaf) for leaf in jax.tree.leaves(arrays)]


def note_each(arrays: Nest, found: list[Logits | None]) -> None:
    """Remember what `of_each` found, for the same arrays in another trace."""
    for leaf, each in zip(jax.tree.leaves(arrays), found, strict=True):
        if each is not None:
            note(leaf, each.values, each.axis)
