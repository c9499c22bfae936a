"""What `predict` computes, as a pure function of the inputs that has the weights in it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from phasewise.core import random, variable
from phasewise.core.types import Array, Nest
from phasewise.export.after_host import check_no_host_part
from phasewise.export.signature import Signature, names_of_outputs, signature_of
from phasewise.layer.added_losses import collected_losses
from phasewise.switch import phase
from phasewise.switch.statistics_policy import ByLayer, Policy
from phasewise.training.programs import trace_calls, under


class Inference(NamedTuple):
    """A model's predictions as a function.

    Attributes:
        name: the model's.
        function: `(inputs) -> outputs`, or `(inputs, seed)` where something is drawn.
        signature: of the inputs.
        output_names: in the order of the outputs' leaves.
        draws: whether something is drawn.
        rows_mix: whether a row's output depends on the rows beside it.
        narrow: the dtypes narrower than float32 that layers compute in.
        around: `(call) -> call()`, in which the weights are read as they were, and layers do what they do in `predict`.
        bytes: the size of the weights.
    """

    name: str
    function: Callable[..., Nest]
    signature: Signature
    output_names: list[str]
    draws: bool
    rows_mix: bool
    bytes: int
    narrow: tuple[str, ...]
    around: Callable[..., Nest]


def inference(
    model: Any,
    input_signature: Nest = None,
    statistics: Policy | ByLayer | dict[str, Any] | None = None,
) -> Inference:
    """The `Inference` of a model: what its `predict` would compute now, a pinned learning phase and pinned calls honoured.

    Args:
        model: built.
        input_signature: as of `signature_of`.
        statistics: as `predict` takes it.

    Raises:
        ValueError: the model has no weights yet, begins with layers of strings, or remembers rows from batch to batch.
    """
    check_can_be_exported(model)
    signature = signature_of(model, input_signature)
    with under(model, statistics):
        calls, outputs = trace_calls(model, signature.example(), "predict")
    variables = model._inventory().variables
    values = [np.asarray(v.raw) for v in variables]

    def around(call: Callable[[], Nest], seed: Array | int = 0) -> Nest:
        with (
            under(model, statistics),
            variable.scope(variables, values),
            random.scope(seed, 0),
            phase.task("predict"),
            collected_losses(),
        ):
            return call()

    return Inference(
        model.name,
        lambda inputs, *seed: around(lambda: model(inputs), *seed),
        signature,
        names_of_outputs(model, outputs),
        bool(calls.draws),
        calls.rows_mix,
        sum(value.nbytes for value in values),
        tuple(sorted({layer.compute_dtype for layer in model._inventory().layers} & {"bfloat16", "float16"})),
        around,
    )


def check_can_be_exported(model: Any, is_built: bool = True) -> None:
    """See whether a layer or a model can be a program.

    Args:
        is_built: whether it has to have its weights already.

    Raises:
        ValueError: it has no weights yet, begins with layers of strings, or remembers rows from batch to batch.
    """
    if is_built and not model.built:
        raise ValueError(
            f"{model.name!r} has no weights yet: call it on data, fit it, or call build(input_shape), before export."
        )
    check_no_host_part(model)
    if model._inventory().remembers:
        names = [layer.name for layer in model._inventory().layers if layer.remembers]
        raise ValueError(
            f"{model.name!r} cannot be exported: {', '.join(map(repr, names))} (stateful=True) goes on where the batch before ended, "
            "and an exported program keeps nothing between calls. Build the model with stateful=False and carry the weights over."
        )
