"""What is said where an argument is missing that a class or a function needs: which one, what a call with it looks like, what is taken."""

import functools
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, TypeVar

from phasewise.core import constructors

F = TypeVar("F", bound=Callable[..., Any])

_VALUES = """
    Bidirectional.layer: LSTM(8)
    RandomPosterization.factor: 4
    activation: "relu"
    axes: 1
    backup_dir: "backup"
    boundaries: [1000, 2000]
    cell: LSTMCell(8)
    cells: [LSTMCell(8), LSTMCell(8)]
    decay_rate: 0.9
    decay_steps: 1000
    default_optimizer: Adam()
    dims: (2, 1)
    directory: "checkpoints"
    equation: "abc,cd->abd"
    factor: 0.2
    features: {"age": "float"}
    filename: "log.csv"
    filepath: "best.keras"
    filters: 16
    first_decay_steps: 1000
    fn: mean_squared_error
    function: lambda x: x * 2
    head_dim: 16
    height: 32
    height_factor: 0.2
    initial_learning_rate: 0.1
    initializer: "zeros"
    inner_optimizer: Adam()
    input_dim: 1000
    kernel_size: 3
    key_dim: 16
    layer: Dense(8)
    layers: [Rescaling(1 / 255), Resizing(32, 32)]
    learning_rate: 0.001
    max_number: 10
    model: model
    n: 3
    num_bins: 100
    num_classes: 10
    num_heads: 4
    num_key_value_heads: 2
    num_query_heads: 4
    optimizer_map: OptimizerMap(Adam())
    output_dim: 16
    output_shape: (None, 8)
    output_size: 4
    pool_size: 2
    precision: 0.9
    rank: 2
    rate: 0.5
    recall: 0.9
    scale: 1 / 255
    schedule: lambda epoch: 0.1 / (epoch + 1)
    sensitivity: 0.9
    shape: (None, 3)
    specificity: 0.9
    stddev: 0.1
    target: 100
    target_class_ids: [0, 1]
    target_shape: (4, 8)
    transformation: optax.adam(0.001)
    units: 10
    values: [0.1, 0.01, 0.001]
    width: 32
    width_factor: 0.2
"""
_VALUE = {name.strip(): value for name, value in (line.split(": ", 1) for line in _VALUES.strip().splitlines())}


def message(owner: str, lacking: Sequence[str], known: Collection[str], example: str = "") -> str:
    """What is said where `owner` is not given `lacking`, of the `known` names of its arguments."""
    was = "was" if len(lacking) == 1 else "were"
    return f"{owner} needs {' and '.join(lacking)}, which {was} not given.{example} It takes: {', '.join(known)}."


def lacking(parameters: Iterable[inspect.Parameter], args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[str]:
    """The names of those `parameters`, `self` not among them, that a call needs and that `args` and `kwargs` do not give."""
    parameters = list(parameters)
    by_place = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    left = by_place[len(args) :] + [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    return [p.name for p in left if p.default is p.empty and p.name not in kwargs]


def told_of(constructor: F) -> F:
    """Decorator of an `__init__`: an argument that is missing is a TypeError with the `message` about it, and an example.

    It is looked for where Python has missed one: a call which is right costs no look, and copies are made without a constructor.
    """
    if not inspect.isfunction(constructor) or not _needs_some(constructor):
        return constructor

    @functools.wraps(constructor)
    def checked(self, *args, **kwargs):
        try:
            return constructor(self, *args, **kwargs)
        except TypeError:
            parameters = list(inspect.signature(constructor).parameters.values())[1:]
            missed = lacking(parameters, args, kwargs)
            if not missed:
                raise
        owner = type(self)
        if owner.__init__ is not checked:  # a subclass has handed too little on
            owner = next(each for each in owner.__mro__ if vars(each).get("__init__") is checked)
        example = _example(owner.__name__, constructor, lacking(parameters, (), {}))
        raise TypeError(message(owner.__name__, missed, constructors.names(owner), example))

    return checked


def _needs_some(constructor):
    code = constructor.__code__
    by_place, by_name = len(constructor.__defaults__ or ()), len(constructor.__kwdefaults__ or ())
    return code.co_argcount - 1 > by_place or code.co_kwonlyargcount > by_name


def _example(owner, constructor, needed):
    defined = constructor.__qualname__.split(".")[0]
    values = [_VALUE.get(f"{defined}.{name}", _VALUE.get(name)) for name in needed]
    if None in values:
        return ""
    return f" For example: {owner}({', '.join(f'{name}={value}' for name, value in zip(needed, values))})."
