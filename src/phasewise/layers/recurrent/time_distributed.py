"""TimeDistributed: a layer for every step of a sequence."""

from typing import Any

import jax
import jax.numpy as jnp

from phasewise.core import logits
from phasewise.core.registry import register
from phasewise.core.types import ArrayLike, Nest
from phasewise.layer.signature import call_signature
from phasewise.layer.wrapping import build_inside
from phasewise.layers.recurrent.time_loop import look, loop
from phasewise.layers.wrapper import Wrapper
from phasewise.switch import tap


@register("layer")
class TimeDistributed(Wrapper):
    """Calls the wrapped layer on every step of a sequence by itself.

    Args:
        layer: a layer.

    Where the layer writes something (batch normalization in training), draws, or adds to the loss, it is called for one step after
    the other: statistics are those of the step's batch, and draws differ from step to step. Else it is called for all at once.

    Input: (batch, time, ...). Output: (batch, time, ...), the wrapped layer's for each step. A `mask` begins with the axes (batch,
    time); a layer that takes one gets that of its step.
    """

    supports_masking = True
    acts_by_phase = False  # the wrapped layer says so itself

    def build(self, input_shape: Any) -> None:
        """Builds the wrapped layer for one step."""
        build_inside(self, self.layer, self._shape_of_a_step(input_shape))
        self.built = True

    def call(self, inputs: Nest, training: bool | None = None, mask: ArrayLike | None = None) -> Nest:
        """The outputs of all steps."""
        mask = self._checked_mask(inputs, mask)
        takes_mask = mask is not None and call_signature(type(self.layer)).mask

        def step(x, mask):
            y = self.layer(x, mask=mask) if takes_mask else self.layer(x)
            return y, logits.of_each(y)

        one = jax.tree.map(lambda a: jax.ShapeDtypeStruct((a.shape[0], *a.shape[2:]), a.dtype), (inputs, mask))
        seen = look([self.layer], step, *one)
        if seen.written or seen.draws or seen.adds:
            steps = jax.tree.map(lambda a: jnp.swapaxes(a, 0, 1), (inputs, mask))
            _, found = loop(self, seen, lambda carried, inputs: (carried, step(*inputs)), (), steps)
            outputs, of_each = jax.tree.map(lambda a: jnp.swapaxes(a, 0, 1), found)
        else:
            with tap.tapped(None):
                outputs, of_each = jax.vmap(step, in_axes=1, out_axes=1)(inputs, mask)
        _note_logits(outputs, of_each)
        return outputs

    def _checked_mask(self, inputs, mask):
        if mask is None:
            return None
        mask, shape = jnp.asarray(mask), jax.tree.leaves(inputs)[0].shape[:2]
        if mask.shape[:2] != shape:
            raise ValueError(
                f"TimeDistributed {self.name!r} takes a mask whose first axes are (batch, time), here {shape}; it was given one of "
                f"shape {mask.shape}."
            )
        return mask

    def _shape_of_a_step(self, input_shape):
        """The shape of one step, or the structure of them for a structure of shapes."""
        if isinstance(input_shape, dict):
            return {key: self._shape_of_a_step(shape) for key, shape in input_shape.items()}
        if any(isinstance(size, list | tuple | dict) for size in input_shape):
            return type(input_shape)(self._shape_of_a_step(shape) for shape in input_shape)
        if len(input_shape) < 3:
            raise ValueError(
                f"TimeDistributed {self.name!r} takes inputs (batch, time, ...) with at least 3 axes; got one of shape "
                f"{tuple(input_shape)}."
            )
        return (input_shape[0], *input_shape[2:])

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The wrapped layer's for one step, with the time behind the batch axis."""
        time = jax.tree.leaves(input_shape, is_leaf=_is_shape)[0][1]
        with_time = self.layer.compute_output_shape(self._shape_of_a_step(input_shape))
        return jax.tree.map(lambda shape: (shape[0], time, *shape[1:]), with_time, is_leaf=_is_shape)


def _is_shape(item):
    return isinstance(item, list | tuple) and all(size is None or isinstance(size, int) for size in item)


def _note_logits(outputs, found):
    """The logits of probabilities, found for one step, are those of all steps with the time behind the batch axis."""
    for leaf, each in zip(jax.tree.leaves(outputs), found, strict=True):
        if each is not None:
            logits.note(leaf, each.values, each.axis and each.axis + 1)
