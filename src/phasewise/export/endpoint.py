"""An endpoint of an archive: a function of a user's own, or a layer or model, as a program with the weights that it reads."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

import phasewise.export.signature as signatures
from phasewise.core import random, variable
from phasewise.core.followed import Followed
from phasewise.core.naming import distinct
from phasewise.core.types import Nest
from phasewise.export.inference import Inference, check_can_be_exported
from phasewise.export.signature import Signature, names_of_outputs, signature_of
from phasewise.layer.added_losses import collected_losses
from phasewise.layer.layer import Layer
from phasewise.switch import observe, phase


class Endpoint(NamedTuple):
    """A function that is served.

    Attributes:
        inference: it as a program with the weights inside.
        variables: those that it reads.
        function: `(values of the variables, inputs) -> outputs`.
        options: of the format.
        arguments: how many it takes; several are one input of the program, a tuple of them.
    """

    inference: Inference
    variables: list[Any]
    function: Callable[..., Nest]
    options: dict[str, Any]
    arguments: int

    def of_arguments(self, arguments: tuple[Nest, ...]) -> Nest:
        """The input of the program that the arguments of a call are."""
        return arguments[0] if self.arguments == 1 else arguments


def endpoint(name: str, fn: Callable[..., Nest], input_signature: Any, options: dict[str, Any]) -> Endpoint:
    """The `Endpoint` of a function, with the values that the variables which it reads have now.

    Args:
        name: of the endpoint.
        fn: a layer, a model, or a function of arrays that may call some.
        input_signature: a list of what each argument is, or of one argument that; None: as a model was built.

    Raises:
        ValueError: nothing says what `fn` takes; or it goes on where the batch before ended, has no weights yet or takes strings.
    """
    owner = fn if isinstance(fn, Layer) else getattr(fn, "__self__", None)
    owner = owner if isinstance(owner, Layer) else None
    if owner is not None:
        check_can_be_exported(owner, is_built=hasattr(owner, "_example_spec"))
    arguments = _arguments(name, fn, owner, input_signature)
    followed = Followed()

    def run(values, inputs, seed=0):
        with (
            variable.scope(followed.variables, values) as held,
            random.scope(seed, 0) as draws,
            phase.task("predict"),
            collected_losses(),
        ):
            return fn(*arguments.spread(inputs)), draws, held

    def function(values, inputs, *seed):
        return run(values, inputs, *seed)[0]

    calls, outputs = followed.traced(lambda: _traced(run, followed.variables, arguments.signature.example()))
    _refuse_writing(name, calls)
    if memory := [v.path for v in followed.variables if v.is_memory]:
        raise ValueError(
            f"The endpoint {name!r} goes on where the batch before ended ({', '.join(memory)}), and an exported program keeps nothing "
            "between calls. Build the layer with stateful=False."
        )
    values = [np.asarray(v._value) for v in followed.variables]
    has_names = hasattr(owner, "output_names") and fn in (owner, getattr(owner, "call", None))
    inference = Inference(
        name,
        lambda inputs, *seed: function(values, inputs, *seed),
        arguments.signature,
        names_of_outputs(owner, outputs) if has_names else signatures.names_of_leaves(outputs, "output"),
        bool(calls.draws),
        calls.rows_mix or owner is None,  # of a function of a user's own it is not known
        sum(value.nbytes for value in values),
        (),
        lambda call, seed=0: call(),
    )
    return Endpoint(inference, list(followed.variables), function, options, arguments.count)


def _traced(run, variables, example):
    """The record of the layer calls, what is drawn in it, and the outputs' shapes."""

    def outputs_of(values, inputs):
        outputs, draws, held = run(values, inputs)
        calls.draws = tuple(draws.drawn)
        calls.written = list(held.written.values())
        return outputs

    specs = [jax.ShapeDtypeStruct(v.shape, v._value.dtype) for v in variables]
    with observe.calls() as calls:
        outputs = jax.eval_shape(outputs_of, specs, example)
        calls.end_of_trace(jax.tree.leaves(example))
    return calls, outputs


def _refuse_writing(name, calls):
    """Raises ValueError where a function assigns variables: nothing of it would be kept. What metrics of layers count nobody asks for."""
    counted = {id(each) for call in calls for each in call.layer.metrics_variables}
    paths = [each.path for each in calls.written if not each.is_memory and id(each) not in counted]
    if not paths:
        return
    raise ValueError(
        f"The endpoint {name!r} assigns {', '.join(paths)}, and an exported program keeps nothing between calls. Where it is to normalize with "
        "the batch and dropout is to stay as it is, call the model in inference, with phasewise.statistics('batch'): model(x). Where it is to "
        "draw, freeze the normalization layers (layer.trainable = False) before model(x, training=True)."
    )


class _Arguments(NamedTuple):
    signature: Signature
    count: int

    def spread(self, inputs):
        return (inputs,) if self.count == 1 else inputs


def _arguments(name, fn, owner, given):
    """What a function takes; several arguments are one input, a tuple of them."""
    is_model = hasattr(owner, "_example_spec") and fn in (owner, owner.call)
    if is_model and (owner._input_tensors or not isinstance(given, list | tuple) or len(given) == 1):
        return _Arguments(signature_of(owner, given), 1)
    if given is None:
        raise ValueError(
            f"The endpoint {name!r} needs input_signature: a list with phasewise.InputSpec(shape=(None, ...), dtype=...) for each argument."
        )
    arguments = list(given) if isinstance(given, list | tuple) else [given]
    leaves, tree = jax.tree.flatten(
        tuple(arguments) if len(arguments) != 1 else arguments[0], is_leaf=signatures.is_leaf
    )
    names = _names(fn, arguments)
    slots = [signatures.slot(leaf, each) for leaf, each in zip(leaves, names, strict=True)]
    return _Arguments(Signature(slots, tree), len(arguments))


def _names(fn, arguments: Sequence[Nest]) -> list[str]:
    """A name for each leaf of the arguments: that of the parameter, and the way to the leaf."""
    try:
        parameters = [p.name for p in inspect.signature(fn).parameters.values() if p.kind is not p.VAR_KEYWORD]
    except (TypeError, ValueError):
        parameters = []
    parameters += [f"input_{number}" for number in range(len(parameters), len(arguments))]
    names = []
    for parameter, argument in zip(parameters, arguments):
        names += signatures.names_of_leaves(argument, parameter)
    return distinct(names)
