"""Functions of TensorFlow in the graphs of Keras 2, as operations of Keras 3: arithmetic, comparisons, reductions, shapes and slices.

Keras 2 writes each as a layer, `TFOpLambda` (or `SlicingOpLambda`, in TensorFlow 2.0 to 2.3 `TensorFlowOpLayer`), with the name of the
function. What is not in the table is refused by its name.
"""

from collections.abc import Mapping
from typing import Any

from phasewise.core.registry import did_you_mean
from phasewise.files import json_text
from phasewise.files.file_error import FileError

# Function of TensorFlow: operation, its arguments by place; after ":" those that the operation's config has, "theirs=ours" where names differ.
_TABLE = """
    __operators__.add math.add: Add x y
    math.subtract: Subtract x y
    math.multiply: Multiply x y
    math.truediv math.divide realdiv: TrueDivide x y
    math.floordiv: FloorDivide x y
    math.floormod math.mod: Mod x y
    math.pow: Power x y
    math.maximum: Maximum x y
    math.minimum: Minimum x y
    math.greater: Greater x y
    math.greater_equal: GreaterEqual x y
    math.less: Less x y
    math.less_equal: LessEqual x y
    math.equal __operators__.eq: Equal x y
    math.not_equal __operators__.ne: NotEqual x y
    math.logical_and __operators__.logical_and: LogicalAnd x y
    math.logical_or __operators__.logical_or: LogicalOr x y
    linalg.matmul: Matmul a b
    math.negative: Negative x
    math.abs: Absolute x
    math.square: Square x
    math.sqrt: Sqrt x
    math.rsqrt: Rsqrt x
    math.exp: Exp x
    math.log: Log x
    math.log1p: Log1p x
    math.sin: Sin x
    math.cos: Cos x
    math.tanh nn.tanh: Tanh x
    math.sigmoid nn.sigmoid: Sigmoid x
    math.floor: Floor x
    math.ceil: Ceil x
    math.round: Round x
    math.sign: Sign x
    math.erf: Erf x
    math.softplus nn.softplus: Softplus features
    nn.relu: Relu features
    nn.relu6: Relu6 features
    nn.elu: Elu features
    nn.selu: Selu features
    nn.silu: Silu features
    nn.softsign: Softsign features
    nn.leaky_relu: LeakyRelu features : alpha=negative_slope
    nn.gelu: Gelu features : approximate
    nn.softmax: Softmax logits : axis
    nn.log_softmax: LogSoftmax logits : axis
    math.reduce_mean: Mean input_tensor : axis keepdims
    math.reduce_sum: Sum input_tensor : axis keepdims
    math.reduce_max: Max input_tensor : axis keepdims
    math.reduce_min: Min input_tensor : axis keepdims
    math.reduce_prod: Prod input_tensor : axis keepdims
    math.cumsum: Cumsum x : axis
    math.argmax: Argmax input : axis
    clip_by_value: Clip t : clip_value_min=x_min clip_value_max=x_max
    cast: Cast x : dtype
    concat: Concatenate values : axis
    stack: Stack values : axis
    reshape: Reshape tensor : shape=newshape
    transpose: Transpose a : perm=axes
    expand_dims: ExpandDims input : axis
    squeeze: Squeeze input : axis
"""
_DEFAULTS = {
    "nn.leaky_relu": {"alpha": 0.2},
    "math.cumsum": {"axis": 0},
    "math.argmax": {"axis": 0},
    "stack": {"axis": 0},
    "nn.gelu": {"approximate": False},
}
_OF_GRAPHS = {  # operations in TensorFlow's own graphs
    "Add": "Add",
    "AddV2": "Add",
    "BiasAdd": "Add",
    "Exp": "Exp",
    "Maximum": "Maximum",
    "Minimum": "Minimum",
    "Mul": "Multiply",
    "Neg": "Negative",
    "Pow": "Power",
    "RealDiv": "TrueDivide",
    "Relu": "Relu",
    "Sigmoid": "Sigmoid",
    "Sqrt": "Sqrt",
    "Square": "Square",
    "Sub": "Subtract",
    "Tanh": "Tanh",
}
_KINDS = ("TFOpLambda", "SlicingOpLambda", "TensorFlowOpLayer")
_CONSTANT = "_CONSTANT_VALUE"
_MODELS = ("Functional", "Model", "Sequential")


def _rows():
    rows = {}
    for line in filter(None, map(str.strip, _TABLE.splitlines())):
        names, _, rest = line.partition(": ")
        called, _, config = rest.partition(" : ")
        operation, *args = called.split()
        pairs = dict((each.split("=") * 2)[:2] for each in config.split())
        rows.update(dict.fromkeys(names.split(), (operation, args, pairs)))
    return rows


_ROWS = _rows()


def as_operations(layers: list[Any]) -> list[Any]:
    """The entries of a functional model's "layers", those that are functions as operations. Keras 3's own legacy files do not say what is one;
    there it is what has no `trainable`.

    Raises:
        ValueError: a function that is not known, with arguments that it has not, or called with what no operation takes.
    """
    models = {each.get("name") for each in layers if each.get("class_name") in _MODELS}
    return [_entry(each, models) for each in layers]


def _entry(entry, models):
    inner = entry.get("config")
    if not isinstance(inner, Mapping):
        return entry
    if entry.get("class_name") not in _KINDS:
        is_operation = "module" not in entry and set(inner).isdisjoint(
            ("trainable", "layers", "batch_shape", "batch_input_shape")
        )
        has_calls = any(isinstance(node, Mapping) for node in entry.get("inbound_nodes") or ())
        return {**entry, "module": "keras.ops"} if is_operation and has_calls else entry
    convert = {"TensorFlowOpLayer": _of_graph, "SlicingOpLambda": _slicing, "TFOpLambda": _lambda}[entry["class_name"]]
    converted = [convert(entry, node, models) for node in entry.get("inbound_nodes") or []]
    if not converted or any(each[:2] != converted[0][:2] for each in converted):
        raise ValueError(
            f"The function {_title(entry)} is called with other settings at each of its calls, or never: it cannot be read."
        )
    operation, config, _ = converted[0]
    return {
        "module": "keras.ops",
        "class_name": operation,
        "config": config,
        "name": entry.get("name"),
        "inbound_nodes": [{"args": args, "kwargs": {}} for _, _, args in converted],
    }


def _lambda(entry, node, models):
    """(operation, its config, what it is called with)."""
    function = entry["config"].get("function")
    if function not in _ROWS:
        raise ValueError(
            f"The graph calls TensorFlow's {_title(entry)}, which is not known here.{did_you_mean(str(function), _ROWS)} Known are plain arithmetic, "
            "reductions and shapes; rebuild the model with layers, and take its weights by load_weights."
        )
    operation, places, pairs = _ROWS[function]
    first, given = _call(node, models)
    given = {
        **_DEFAULTS.get(function, {}),
        **{key: value for key, value in given.items() if key != "name" and value is not None},
    }
    args = [first, *(given.pop(place) for place in places[1:] if place in given)]
    config = {pairs[key]: given.pop(key) for key in list(given) if key in pairs}
    if neutral := {key for key, value in given.items() if value in (False, None)}:
        given = {key: value for key, value in given.items() if key not in neutral}
    if given or len(args) != len(places) or _has_tensor(config):
        raise ValueError(f"TensorFlow's {_title(entry)} is called with {given or config}, which is not known here.")
    return operation, config, args


def _slicing(entry, node, models):
    first, given = _call(node, models)
    spec = given.get("slice_spec")
    if spec is None or _has_tensor(spec):
        raise ValueError(f"The slice {_title(entry)} is cut at places that are tensors, or nowhere: it cannot be read.")
    key = [_slice(each) for each in (spec if isinstance(spec, list) else [spec])]
    return "GetItem", {}, [first, key]


def _slice(part):
    if isinstance(part, Mapping) and {"start", "stop"} <= part.keys():
        return {"class_name": "__slice__", "config": {each: part.get(each) for each in ("start", "stop", "step")}}
    is_ellipsis = isinstance(part, Mapping) and "llipsis" in str(part.get("class_name"))
    return {"class_name": "__ellipsis__", "config": {}} if is_ellipsis else part


def _of_graph(entry, node, models):
    definition = entry["config"].get("node_def")
    try:
        definition = json_text.parsed(definition.encode(), "it") if isinstance(definition, str) else definition
    except FileError:
        definition = None
    operation = _OF_GRAPHS.get(definition.get("op")) if isinstance(definition, Mapping) else None
    if operation is None:
        op = definition.get("op") if isinstance(definition, Mapping) else definition
        raise ValueError(
            f"The graph has TensorFlow's operation {op!r} ({_title(entry)}), which is not known here.{did_you_mean(str(op), _OF_GRAPHS)}"
        )
    args = [_tensor(each, models) for each in node]
    for place, value in sorted((entry["config"].get("constants") or {}).items(), key=lambda item: int(item[0])):
        args.insert(int(place), value)
    return operation, {}, args


def _call(node, models):
    """(first argument, the others by name) of a call: [name, call, output, kwargs], or a list of these."""
    if isinstance(node, list) and node and isinstance(node[0], list):
        if any(len(each) < 3 for each in node):
            raise ValueError(f"A call in a config is [layer, call, output, arguments]; got {node!r}.")
        more = {
            key: _value(value, models) for each in node for key, value in (each[3] if len(each) > 3 else {}).items()
        }
        return [_tensor(each, models) for each in node], more
    if not isinstance(node, list) or len(node) < 3:
        raise ValueError(f"A call in a config is [layer, call, output, arguments]; got {node!r}.")
    given = node[3] if len(node) > 3 and isinstance(node[3], Mapping) else {}
    return _tensor(node, models), {key: _value(value, models) for key, value in given.items()}


def _value(value, models):
    if isinstance(value, list) and len(value) >= 3 and isinstance(value[0], str) and isinstance(value[1], int):
        return _tensor(value, models)
    return [_value(each, models) for each in value] if isinstance(value, list) else value


def _tensor(reference, models):
    """What Keras 3 writes for the output of a layer; a constant is itself."""
    name, call, output = reference[:3]
    if name == _CONSTANT:
        return output
    call = (
        call - 1 if name in models and isinstance(call, int) and call > 0 else call
    )  # the first is that of the model itself
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, call, output]}}


def _has_tensor(value):
    if isinstance(value, Mapping):
        return value.get("class_name") == "__keras_tensor__" or any(map(_has_tensor, value.values()))
    return isinstance(value, list) and any(map(_has_tensor, value))


def _title(entry):
    return repr(entry["config"].get("function") or entry.get("name"))
