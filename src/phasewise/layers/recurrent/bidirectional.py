"""Bidirectional: a sequence read from both ends."""

from collections.abc import Sequence
from typing import Any, Self

import jax
import jax.numpy as jnp
import numpy as np

from phasewise.core import registry
from phasewise.core.registry import register
from phasewise.core.types import Array, ArrayLike, Config, Nest, Shape
from phasewise.layer.layer import Layer
from phasewise.layer.wrapping import build_inside

MERGES = {
    "sum": jnp.add,
    "mul": jnp.multiply,
    "ave": lambda forward, backward: (forward + backward) / 2,
    "concat": lambda forward, backward: jnp.concatenate([forward, backward], axis=-1),
    None: lambda forward, backward: (forward, backward),
}
_ASKED = ("go_backwards", "stateful", "return_sequences", "return_state")


@register("layer")
class Bidirectional(Layer):
    """Runs a recurrent layer over a sequence from its beginning and another from its end (Schuster & Paliwal 1997).

    Args:
        layer: a recurrent layer, as `LSTM` or `RNN`; or one of your own with `go_backwards`, `return_sequences`, `return_state` and
            `stateful` that mean the same. A new one is made like it, with weights of its own.
        merge_mode: what becomes of the two outputs: "concat" (along the last axis), "sum", "mul", "ave", or None for a pair.
        weights: list of arrays for both layers, the forward one's first; or None.
        backward_layer: the layer that reads from the end; by default one like `layer`. It has the other `go_backwards`.

    Input: that of the layer. Output: the merged outputs, those of all steps in the order of the input; with `return_state` a tuple of
    it (with `merge_mode=None` both) and the states, the forward layer's first. `initial_state` at the call is the list of both
    layers' states. The output of a masked step is zero, where all outputs are returned.
    """

    supports_masking = True
    acts_by_phase = False  # its layers say so themselves

    def __init__(
        self,
        layer: Layer,
        merge_mode: str | None = "concat",
        weights: Sequence[ArrayLike] | None = None,
        backward_layer: Layer | None = None,
        **kwargs: Any,
    ):
        super().__init__(**kwargs)
        self.merge_mode = registry.one_of("Bidirectional", "merge_mode", merge_mode, tuple(MERGES))
        _check_layer("layer", layer)
        self.forward_layer = _like(layer, "forward", {})
        if backward_layer is None:
            backward_layer = _like(layer, "backward", {"go_backwards": not layer.go_backwards})
        _check_layer("backward_layer", backward_layer)
        self.backward_layer = backward_layer
        self._check_pair()
        for each in (self.forward_layer, self.backward_layer):
            if hasattr(each, "zero_output_for_mask"):
                each.zero_output_for_mask = each.return_sequences
        self._initial_weights = None if weights is None else [np.asarray(value) for value in weights]
        self.input_spec = layer.input_spec

    def _check_pair(self):
        forward, backward = self.forward_layer, self.backward_layer
        for name in _ASKED:
            ours, theirs = getattr(forward, name), getattr(backward, name)
            if (ours == theirs) == (name == "go_backwards"):
                wanted = "one of each" if name == "go_backwards" else "the same"
                raise ValueError(
                    f"Bidirectional's two layers have {wanted} for `{name}`; the forward layer {forward.name!r} has {ours} and the "
                    f"backward layer {backward.name!r} has {theirs}."
                )

    @property
    def stateful(self) -> bool:
        """Whether both layers are."""
        return self.forward_layer.stateful

    @property
    def return_sequences(self) -> bool:
        """Whether both layers return all outputs."""
        return self.forward_layer.return_sequences

    @property
    def return_state(self) -> bool:
        """Whether both layers return their states."""
        return self.forward_layer.return_state

    @property
    def states(self) -> tuple[Nest, ...] | None:
        """The variables that hold the states of stateful layers, the forward layer's first; else None."""
        both = self.forward_layer.states, self.backward_layer.states
        return None if None in both else (*both[0], *both[1])

    def reset_state(self) -> None:
        """Set the states of both layers to zero.

        Raises:
            AttributeError: they are not stateful.
        """
        if not self.stateful:
            raise AttributeError(f"Bidirectional {self.name!r} has no states to reset: its layers are not stateful.")
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    reset_states = reset_state

    def build(self, sequences_shape: Shape, initial_state_shape: Any = None) -> None:
        """Builds both layers."""
        for layer in (self.forward_layer, self.backward_layer):
            build_inside(self, layer, sequences_shape)
        if self._initial_weights is not None:
            self.set_weights(self._initial_weights)
            self._initial_weights = None
        self.built = True

    def call(
        self,
        sequences: Array,
        initial_state: Nest = None,
        mask: ArrayLike | None = None,
        training: bool | None = None,
    ) -> Nest:
        """The merged outputs; with `return_state` a tuple of them and the states."""
        kwargs = {} if mask is None else {"mask": mask}
        states = [kwargs, kwargs]
        if initial_state is not None:
            given = jax.tree.leaves(initial_state)
            half = len(given) // 2
            states = [{**kwargs, "initial_state": part} for part in (given[:half], given[half:])]
        forward, backward = self.forward_layer(sequences, **states[0]), self.backward_layer(sequences, **states[1])
        after = ()
        if self.return_state:
            after = (*forward[1:], *backward[1:])
            forward, backward = forward[0], backward[0]
        if self.return_sequences:
            backward = jnp.flip(backward, axis=1)
        merged = MERGES[self.merge_mode](forward.astype(self.compute_dtype), backward.astype(self.compute_dtype))
        if not self.return_state:
            return merged
        return (*(merged if self.merge_mode is None else (merged,)), *after)

    def compute_output_shape(self, sequences_shape: Shape, initial_state_shape: Any = None) -> Any:
        """The merged outputs', and the states'."""
        shape = self.forward_layer.compute_output_shape(sequences_shape)
        states = ()
        if self.return_state:
            backward = self.backward_layer.compute_output_shape(sequences_shape)
            shape, states = shape[0], (*shape[1:], *backward[1:])
        if self.merge_mode is None:
            shape = (shape, shape)
        elif self.merge_mode == "concat":
            shape = (*shape[:-1], 2 * shape[-1])
        if not self.return_state:
            return shape
        return (*(shape if self.merge_mode is None else (shape,)), *states)

    def compute_mask(self, inputs: Nest, previous_mask: Nest) -> Nest:
        """The input's for sequences, else none; states have none."""
        leaves = jax.tree.leaves(previous_mask)
        mask = leaves[0] if leaves and self.return_sequences else None
        masks = [mask] * (2 if self.merge_mode is None else 1)
        if self.return_state:
            masks += [None] * sum(len(jax.tree.leaves(x.state_size)) for x in (self.forward_layer, self.backward_layer))
        return masks if len(masks) > 1 else mask

    def get_config(self) -> Config:
        """Every argument, the weights aside."""
        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": registry.serialize(self.forward_layer),
            "backward_layer": registry.serialize(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new layer around two new layers."""
        backward = config.get("backward_layer")
        return cls(
            **{
                **config,
                "layer": registry.deserialize("layer", config["layer"]),
                "backward_layer": None if backward is None else registry.deserialize("layer", backward),
            }
        )


def _check_layer(argument, layer):
    missing = [name for name in _ASKED if not hasattr(layer, name)]
    if not isinstance(layer, Layer) or missing:
        lacks = f", which has no {missing[0]!r}" if isinstance(layer, Layer) else ""
        raise ValueError(
            f"Bidirectional's {argument} is a recurrent layer; got {layer!r} of type {type(layer).__name__}{lacks}."
        )


def _like(layer, side, more):
    """A new layer like this one, named for the side that it begins at."""
    config = layer.get_config()
    return type(layer).from_config({**config, **more, "name": f"{side}_{layer.name.removeprefix(f'{side}_')}"})
