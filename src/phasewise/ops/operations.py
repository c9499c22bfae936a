"""Functions in a graph as Keras's files speak of them: each is an operation, with a class, a config and a call."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from phasewise import activations, ops
from phasewise.core import registry
from phasewise.core.defaults import image_data_format
from phasewise.core.dtypes import standardize_dtype
from phasewise.core.types import Config, Nest
from phasewise.graph import symbolic
from phasewise.ops.operation_table import TABLE

_FUNCTIONS_IN = {"activations": activations, "image": ops.image}
_OF_ACTIVATIONS = {"exponential": "Exp", "linear": "Copy", "relu": "ReLU"}
_ALSO_CALLED = {ops.swish: "Silu", ops.hard_swish: "HardSilu", ops.image.extract_patches_3d: "ExtractPatches"}
# What operators and methods of a symbolic tensor record.
_OF_JAX = {
    jnp.abs: "Absolute",
    jnp.add: "Add",
    jnp.asarray: "ConvertToTensor",
    jnp.bitwise_and: "BitwiseAnd",
    jnp.bitwise_or: "BitwiseOr",
    jnp.bitwise_xor: "BitwiseXor",
    jnp.floor_divide: "FloorDivide",
    jnp.greater: "Greater",
    jnp.greater_equal: "GreaterEqual",
    jnp.invert: "BitwiseInvert",
    jnp.less: "Less",
    jnp.less_equal: "LessEqual",
    jnp.matmul: "Matmul",
    jnp.mod: "Mod",
    jnp.multiply: "Multiply",
    jnp.negative: "Negative",
    jnp.not_equal: "NotEqual",
    jnp.power: "Power",
    jnp.reshape: "Reshape",
    jnp.round: "Round",
    jnp.squeeze: "Squeeze",
    jnp.subtract: "Subtract",
    jnp.true_divide: "TrueDivide",
    symbolic.get_item: "GetItem",
}
# Keras's operators of tensors are logical ones, which agree with those of bits where all are booleans.
_OF_BOOLEANS = {
    "BitwiseAnd": "LogicalAnd",
    "BitwiseOr": "LogicalOr",
    "BitwiseXor": "LogicalXor",
    "BitwiseInvert": "LogicalNot",
}


class Operation(NamedTuple):
    """A row of the table."""

    module: str
    class_name: str
    function: Callable[..., Nest]
    in_config: tuple[str, ...]


@functools.cache
def operations() -> dict[tuple[str, str], Operation]:
    """The table, by Keras's module and class."""
    found = {}
    for module, text in TABLE.items():
        path = f"keras.src.{'activations' if module == 'activations' else 'ops'}.{module}"
        for line in text.strip().splitlines():
            words, _, arguments = line.strip().partition(": ")
            for word in words.split():
                class_name, _, name = word.partition("=")
                function = getattr(_FUNCTIONS_IN.get(module, ops), name or registry.snake_case(class_name))
                found[module, class_name] = Operation(path, class_name, function, tuple(arguments.split()))
    return found


@functools.cache
def _by_class():
    return {row.class_name: row for row in operations().values()}


@functools.cache
def _by_function():
    """What is recorded in a graph -> its row; of two names of one function the one that it bears."""
    found = {}
    for row in operations().values():
        is_named = registry.snake_case(row.class_name) == getattr(row.function, "__name__", None)
        if is_named or row.function not in found:
            found[row.function] = row
    for name in activations.__all__:
        row = _by_class().get(_OF_ACTIVATIONS.get(name))
        if row is None and name in ops.__all__:
            row = found.get(getattr(ops, name))
        if row is not None:
            found.setdefault(getattr(activations, name), row)
    others = {**_ALSO_CALLED, **_OF_JAX}
    return {**found, **{function: _by_class()[name] for function, name in others.items()}}


def operation_of(function: Callable[..., Nest]) -> Operation | None:
    """The operation that Keras records where `function` is called on symbolic tensors; None where it has none."""
    return _by_function().get(function)


def described(node: Any) -> tuple[Config, list[Any], dict[str, Any]]:
    """How Keras writes a call of a function.

    Args:
        node: of a graph; its operation is a `Function`.

    Returns:
        (module, class_name, config and registered_name of the operation, its name aside; what it is called with, by place; by name).

    Raises:
        ValueError: Keras has no such operation, or an argument that it keeps in the operation's config is a tensor.
    """
    function = node.operation.function
    row = operation_of(function)
    if row is None:
        raise ValueError(
            f"The graph calls the function {getattr(function, '__qualname__', function)!r}, which no config can speak of. Use functions of "
            "phasewise.ops, or wrap it: a Lambda layer of a function that is registered, or a Layer subclass."
        )
    if node.outputs[0].dtype == "bool" and function in _OF_JAX:
        row = _by_class()[_OF_BOOLEANS.get(row.class_name, row.class_name)]
    signature = inspect.signature(row.function if function in _OF_JAX else function)
    bound = signature.bind(*node.args, **node.kwargs)
    if row.class_name == "ReLU" and len(bound.arguments) == 1:
        row = _by_class()["Relu"]
    bound.apply_defaults()
    config = {name: _written(row, name, bound.arguments[name]) for name in row.in_config if name in bound.arguments}
    if function is ops.image.extract_patches_3d and isinstance(config["size"], int):
        config["size"] = (config["size"],) * 3  # by which Keras, too, tells volumes
    args, kwargs = _called_with(signature, bound.arguments, config)
    if row.class_name == "GetItem":
        args[1] = _key_written(args[1])
    head = {"module": row.module, "class_name": row.class_name, "config": config, "registered_name": row.class_name}
    return head, args, kwargs


def _written(row, name, value):
    if symbolic.any_symbolic(value):
        raise ValueError(
            f"{row.function.__name__} is called with a tensor as its {name!r}: Keras keeps that argument in a config, which holds numbers."
        )
    if value is not None and name == "dtype":
        return standardize_dtype(value)
    if value is None and name == "data_format":  # who reads it may have another default
        return image_data_format()
    return value.tolist() if isinstance(value, np.ndarray | np.generic) or hasattr(value, "__jax_array__") else value


def _called_with(signature, arguments, config):
    """Arguments and keyword arguments of a call, without those that the config has."""
    rest = [parameter for name, parameter in signature.parameters.items() if name not in config]
    kept = {parameter.name: arguments[parameter.name] for parameter in rest}
    bound = inspect.BoundArguments(signature.replace(parameters=rest), kept)
    return list(bound.args), bound.kwargs


def _key_written(key):
    """A list of places is an array of them: Keras takes every list for a tuple."""
    if isinstance(key, tuple):
        return tuple(_key_written(each) for each in key)
    return np.asarray(key) if isinstance(key, list) else key


def apply(spec: Config, args: list[Any], kwargs: Mapping[str, Any]) -> Nest:
    """Call the function that an operation's config speaks of.

    Args:
        spec: "module", "class_name" and "config".
        args, kwargs: what Keras calls the operation with.

    Raises:
        ValueError: there is no such operation here, or it does not take these arguments.
    """
    row = _row(spec)
    config = {name: _tuples(value) for name, value in (spec.get("config") or {}).items() if name != "name"}
    unknown = [name for name in config if name not in row.in_config]
    if unknown:
        raise ValueError(
            f"The operation {row.class_name} has no argument {unknown[0]!r}.{registry.did_you_mean(unknown[0], row.in_config)}"
        )
    if row.class_name == "GetItem" and len(args) > 1 and isinstance(args[1], list):
        args = [args[0], tuple(args[1]), *args[2:]]
    signature = inspect.signature(row.function)
    by_place = [n for n, p in signature.parameters.items() if n not in row.in_config and p.kind is not p.VAR_KEYWORD]
    many = [n for n in by_place if signature.parameters[n].kind is inspect.Parameter.VAR_POSITIONAL]
    single = [n for n in by_place if n not in many]
    if len(args) > len(single) and not many:
        raise ValueError(
            f"The operation {row.class_name} is called with {', '.join(single)}; the config gives {len(args)} arguments."
        )
    if many:
        first = [config[name] for name in signature.parameters if name in config and name != "indexing"]
        return row.function(*first, *args, **{n: v for n, v in config.items() if n == "indexing"}, **kwargs)
    return row.function(**dict(zip(single, args)), **config, **kwargs)


def _tuples(value):
    """A file has lists for tuples."""
    return tuple(map(_tuples, value)) if isinstance(value, list) else value


def _row(spec):
    module, name = str(spec.get("module")).split(".")[-1], spec.get("class_name")
    row = operations().get((module, name)) or (_by_class().get(name) if module in ("ops", *TABLE) else None)
    if row is None:
        raise ValueError(
            f"The config speaks of the operation {name!r} of {spec.get('module')!r}, which there is none of here."
            f"{registry.did_you_mean(name, _by_class())}"
        )
    return row
