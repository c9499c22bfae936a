"""RematScope: layers whose inner values are computed again for the gradient, instead of being kept."""

import contextlib
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, NamedTuple, Self

import jax
import numpy as np

from phasewise.core import logits, masking, random, variable
from phasewise.core.arguments import check_count
from phasewise.core.registry import did_you_mean, one_of
from phasewise.core.types import Nest
from phasewise.layer.added_losses import collected_losses, record_loss
from phasewise.switch import observe, tap
from phasewise.switch.collected_moments import is_collecting
from phasewise.switch.collected_rows import rows_asked_for

MODES = ("full", "activations", "larger_than", "list_of_layers", None)

_scopes = ContextVar("phasewise_remat_scopes", default=())


class Recomputing(NamedTuple):
    """What of a layer is computed again: arguments as of `RematScope`."""

    mode: str
    output_size_threshold: int
    layer_names: tuple[str, ...]


class RematScope:
    """Layers that are made inside the block keep, in training, what they are given and not what they compute on the way: for the gradient it is
    computed again. Training takes less memory and more time; its numbers are the same.

        with phasewise.RematScope("full"):
            block = phasewise.Sequential([...])  # or layers, one by one

    Args:
        mode: "full", every layer (a block of layers as one, and each layer in it); "activations", of layers with an `activation` that alone;
            "larger_than", layers whose output is large; "list_of_layers", those of `layer_names`; None, none, inside of another scope.
        output_size_threshold: int: more numbers than that, those of all rows together, make an output large.
        layer_names: list of names of layers.

    As in Keras the scope counts where a layer is made, and not where it is called. A whole model is no block: what is called outermost is not
    computed again as one. `phasewise.remat(function)` is for functions.

    Raises:
        ValueError: an unknown mode; or no `layer_names` for "list_of_layers".
    """

    def __init__(
        self, mode: str | None = "full", output_size_threshold: int = 1024, layer_names: Sequence[str] | None = None
    ):
        self.mode = one_of("RematScope", "mode", mode, MODES)
        self.output_size_threshold = check_count("RematScope", "output_size_threshold", output_size_threshold, least=0)
        self.layer_names = list(layer_names or ())
        if mode == "list_of_layers" and not self.layer_names:
            raise ValueError(
                "RematScope's mode='list_of_layers' needs layer_names=[...], the names of layers; got none."
            )
        if isinstance(layer_names, str):
            raise ValueError(f"RematScope's layer_names is a list of names; got {layer_names!r}.")
        self._made, self._tokens = set(), []

    def __enter__(self) -> Self:
        self._tokens.append(_scopes.set((*_scopes.get(), self)))
        return self

    def __exit__(self, kind: type | None, *raised: object) -> None:
        _scopes.reset(self._tokens.pop())
        missing = [name for name in self.layer_names if name not in self._made]
        if kind is None and self.mode == "list_of_layers" and missing:
            raise ValueError(
                f"No layer called {missing[0]!r} was made in the RematScope.{did_you_mean(missing[0], self._made)} Layers are found by "
                "name=, where they are made."
            )


def of_new_layer(name: str) -> Recomputing | None:
    """What the scope that is open asks of a layer of this name; None for nothing."""
    scopes = _scopes.get()
    if not scopes:
        return None
    scope = scopes[-1]
    scope._made.add(name)
    if scope.mode is None or (scope.mode == "list_of_layers" and name not in scope.layer_names):
        return None
    return Recomputing(scope.mode, scope.output_size_threshold, tuple(scope.layer_names))


def recomputed(layer: Any, in_training: bool, is_outermost: bool) -> Callable[..., Nest]:
    """`layer.call` as the scope in which the layer was made asks for it, in the call that is being made."""
    asked, call = layer._recomputing, layer.call
    is_looked_at = is_collecting() or rows_asked_for() is not None or tap.is_tapped()
    if not in_training or not variable.in_scope() or is_looked_at or (is_outermost and hasattr(layer, "layers")):
        return call
    if asked.mode == "activations":
        return _with_activation(layer, call)

    def called(*args, **kwargs):
        if asked.mode == "larger_than" and _size(layer, call, args, kwargs) <= asked.output_size_threshold:
            return call(*args, **kwargs)
        return _computed_again(layer, call, args, kwargs)

    return called


def _with_activation(layer, call):
    activation = vars(layer).get("activation")
    if not callable(activation):
        return call

    def called(*args, **kwargs):
        vars(layer)["activation"] = lambda x: _computed_again(layer, activation, (x,), {})  # no setting of the user's
        try:
            return call(*args, **kwargs)
        finally:
            vars(layer)["activation"] = activation

    return called


def _computed_again(layer, call, args, kwargs):
    """`call(*args, **kwargs)`, of which the gradient keeps the arguments and the outputs alone.

    Arrays from outside keep their identity, so that masks and logits are found there; what is assigned and added inside comes out with the
    outputs.
    """
    variables, told = _variables_of(layer), {}

    def body():
        with _apart(variables) as (held, losses):
            outputs = call(*args, **kwargs)
        told["written"] = list(held.written.values())
        told["owners"] = losses.owners
        leaves = jax.tree.leaves(outputs)
        return (
            outputs,
            held.collect(told["written"]),
            list(losses),
            [masking.of(leaf) for leaf in leaves],
            logits.of_each(outputs),
        )

    outputs, values, losses, masks, found = jax.checkpoint(body)()
    for each, value in zip(told["written"], values, strict=True):
        each.assign(value)
    for owner, loss in zip(told["owners"], losses, strict=True):
        record_loss(owner, loss)
    for leaf, mask in zip(jax.tree.leaves(outputs), masks, strict=True):
        masking.attach(leaf, mask)
    logits.note_each(outputs, found)
    return outputs


@contextlib.contextmanager
def _apart(variables):
    """What is assigned and added in the block stays in it."""
    with (
        variable.scope(variables, [each.raw for each in variables]) as held,
        collected_losses() as losses,
    ):
        yield held, losses


def _size(layer, call, args, kwargs):
    """How many numbers a call returns; it is traced, never run, and nobody is told."""
    with _apart(_variables_of(layer)), observe.calls(), random.scope(np.uint32(0), np.int32(0)):
        outputs = jax.eval_shape(lambda: call(*args, **kwargs))
    return sum(int(np.prod(leaf.shape)) for leaf in jax.tree.leaves(outputs))


def _variables_of(layer):
    inventory = layer._inventory()
    return [*inventory.variables, *(each for metric in inventory.metrics for each in metric.variables)]
