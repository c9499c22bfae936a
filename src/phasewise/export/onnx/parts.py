"""The layers of a model, each as a program of its own: to find out which it is that cannot be converted."""

from collections.abc import Iterator
from typing import Any

import jax

from phasewise.export.inference import Inference
from phasewise.export.signature import Signature, Slot
from phasewise.switch import tap

ROWS = 11  # a number of rows by which axes of rows are told from others


def parts_of(inference: Inference) -> Iterator[Inference]:
    """An `Inference` for each class and shape of layers that are called, those inside others first; named as errors name layers."""
    calls = []

    def note(layer: Any, args: Any, outputs: Any) -> Any:
        specs = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype), args)
        if not hasattr(layer, "predict") and jax.tree.leaves(specs):
            calls.append((layer, specs, len(jax.tree.leaves(outputs))))
        return outputs

    with tap.tapped(note):
        jax.eval_shape(inference.function, inference.signature.example(rows=ROWS))
    seen = set()
    for layer, specs, count in calls:
        key = type(layer), str(specs)
        if key not in seen:
            seen.add(key)
            yield _part(inference, layer, specs, count)


def _part(inference, layer, specs, count):
    leaves, tree = jax.tree.flatten(specs)
    slots = [
        Slot(
            f"input_{n}",
            (None if leaf.shape[:1] == (ROWS,) else leaf.shape[0], *leaf.shape[1:]) if leaf.shape else (),
            str(leaf.dtype),
        )
        for n, leaf in enumerate(leaves)
    ]
    return inference._replace(
        name=f"{layer.name!r} ({type(layer).__name__})",
        function=lambda inputs: inference.around(lambda: layer(*inputs)),
        signature=Signature(slots, tree),
        output_names=[f"output_{n}" for n in range(count)],
    )
