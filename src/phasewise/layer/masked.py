"""The mask that a layer takes with its input, and the one that it gives to its output."""

import jax

from phasewise.core import masking
from phasewise.core.types import Nest
from phasewise.layer import inputs as layer_inputs


class Masked:
    """The part of a layer that sees to it."""

    supports_masking = False
    checks_mask = False  # True where `call` itself holds the mask against the inputs, whose first axes it need not have

    def _take_mask(self, accepted, args, kwargs):
        if accepted.mask and kwargs.get("mask") is None and args:
            found = masking.masks_of(args[0])
            if jax.tree.leaves(found):
                kwargs["mask"] = found
        elif not accepted.mask and "mask" in kwargs and not accepted.anything:
            mask = kwargs.pop("mask")
            if self.supports_masking:
                masking.attach(args[0], mask)
            else:
                layer_inputs.tell_of_lost_mask(self, mask)

    def _give_mask(self, inputs, given, outputs):
        mask = masking.masks_of(inputs) if given is None else given
        if jax.tree.leaves(mask) or type(self).compute_mask is not Masked.compute_mask:
            masking.attach_all(outputs, self.compute_mask(inputs, mask))

    def compute_mask(self, inputs: Nest, previous_mask: Nest) -> Nest:
        """The mask of the output: the input's where the layer supports masking, else none, which is told."""
        if self.supports_masking:
            return previous_mask
        layer_inputs.tell_of_lost_mask(self, previous_mask)
        return None
