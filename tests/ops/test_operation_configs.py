"""Functions of `ops` and operators in a graph are written as Keras writes them, and read as Keras wrote them."""

import importlib
import inspect
import json
import subprocess
import sys

import jax
import keras
import numpy as np
import pytest
from ops_rows import ROWS
from test_ops_parity import NOT_SYMBOLIC, found, symbolic

import phasewise as pw
from phasewise.graph.symbolic import is_symbolic
from phasewise.ops.operation_table import TABLE
from phasewise.ops.operations import operations

TAKES_A_FUNCTION = {"Map", "Scan", "AssociativeScan", "Switch", "Cond", "WhileLoop", "ForiLoop", "VectorizedMap", "JVP"}
ABSTRACT = {"SegmentReduction"}
# Of two names of one operation Keras writes the other; both mean the same there and here.
ALSO_CALLED = {"Abs": "Absolute", "Amax": "Max", "Amin": "Min", "Conj": "Conjugate"}
# What Keras writes of an argument that was not given, and we not, or the reverse.
AS_DEFAULT = {"data_format": (None, "channels_last"), "dtype": (None, "float32"), "rms_scaling": (False, "none")}
NO_OPERATION = {  # what leaves no call in a graph, or not one of its own name
    **NOT_SYMBOLIC,
    "cond": "takes a function",
    "associative_scan": "takes a function",
    "fori_loop": "takes a function",
    "map": "takes a function",
    "scan": "takes a function",
    "switch": "takes a function",
    "vectorized_map": "takes a function",
    "while_loop": "takes a function",
    "convert_to_tensor": "a symbolic tensor is one already",
}
NOT_READ_BY_KERAS = {
    "adaptive_average_pool": "its operation takes no single size",
    "adaptive_max_pool": "its operation takes no single size",
    "conv": "its operation knows no groups",
    "conv_transpose": "its operation forgets the padding",
    "histogram": "its backend has none",
    "norm": "its operation makes a list of the axis, which JAX takes for none",
    "quantile": "as norm",
}


def of_keras():
    """Keras's classes of operations, by (module, class)."""
    found = {}
    for module in TABLE:
        path = "keras.src." + ("activations.activations" if module == "activations" else f"ops.{module}")
        for name, cls in vars(importlib.import_module(path)).items():
            is_one = (
                inspect.isclass(cls) and issubclass(cls, keras.Operation) and not issubclass(cls, keras.layers.Layer)
            )
            if is_one and cls.__module__ == path:
                found[module, name] = cls
    return found


def arguments(function):
    kinds = inspect.Parameter
    parameters = [p for p in inspect.signature(function).parameters.values() if p.kind is not kinds.VAR_KEYWORD]
    return [p.name for p in parameters if p.name not in ("self", "name")]


def test_every_operation_of_keras_is_in_the_table_and_no_other():
    theirs = {key for key in of_keras() if key[1] not in TAKES_A_FUNCTION | ABSTRACT}
    assert set(operations()) == theirs


@pytest.mark.parametrize(("key", "row"), operations().items(), ids=lambda each: each[1] if len(each) == 2 else "")
def test_an_operation_keeps_in_its_config_and_is_called_with_what_keras_says(key, row):
    cls = of_keras()[key]
    assert list(row.in_config) == arguments(cls.__init__)
    ours = [name for name in arguments(inspect.unwrap(row.function)) if name not in row.in_config]
    assert ours == arguments(cls.call)


def built(library, name, args, kwargs):
    """A model that calls one op on symbolic tensors in the places of arrays."""
    args, kwargs = symbolic(library, args, ()), symbolic(library, kwargs, ())
    test = is_symbolic if library is pw else keras.utils.is_keras_tensor
    inputs = [leaf for leaf in jax.tree.leaves((args, kwargs), is_leaf=test) if test(leaf)]
    outputs = found(library, name)(*args, **kwargs)
    return library.Model(inputs, list(outputs) if isinstance(outputs, tuple) else outputs)


def entry(model):
    """What the config says of the one operation, the names aside."""
    (layer,) = [each for each in json.loads(json.dumps(model.get_config()))["layers"] if each["inbound_nodes"]]
    config = {key: value for key, value in layer["config"].items() if key != "name"}
    config = {key: value for key, value in config.items() if value not in AS_DEFAULT.get(key, ())}
    if layer["class_name"] == "ExtractPatches":  # Keras writes three sizes where one was given
        config = {key: value for key, value in config.items() if key not in ("size", "strides")}
    return layer["module"], ALSO_CALLED.get(layer["class_name"], layer["class_name"]), config


def arrays(args, kwargs):
    return [leaf for leaf in jax.tree.leaves((args, kwargs)) if isinstance(leaf, np.ndarray) and leaf.ndim]


def in_a_graph():
    """The rows of ops that stand in a graph, of each op the first in every run."""
    seen = set()
    for name, args, kwargs in ROWS:
        if name in NO_OPERATION or not arrays(args, kwargs) or (name == "where" and len(args) == 1):
            continue
        if name == "trapezoid" and len(arrays(args, kwargs)) > 1:
            continue  # see the test of tensors in a config
        marks = [pytest.mark.extensive] if name in seen else []
        seen.add(name)
        yield pytest.param(name, args, kwargs, id=f"{name}-{len(seen)}", marks=marks)


@pytest.mark.parametrize(("name", "args", "kwargs"), list(in_a_graph()))
def test_a_call_is_written_as_keras_writes_it(name, args, kwargs):
    try:
        theirs = entry(built(keras, name, args, kwargs))
    except (TypeError, ValueError, AttributeError, NotImplementedError) as error:
        pytest.skip(f"Keras cannot write it: {error!r:.80}")
    assert entry(built(pw, name, args, kwargs)) == theirs


@pytest.mark.parametrize(("name", "args", "kwargs"), list(in_a_graph()))
@pytest.mark.few(12)
def test_a_call_computes_the_same_once_read_there_and_here(name, args, kwargs):
    ours = built(pw, name, args, kwargs)
    models = [pw.Model.from_config(json.loads(json.dumps(ours.get_config())))]
    if name not in NOT_READ_BY_KERAS:
        models.append(keras.Model.from_config(ours.get_config()))  # of many operations Keras takes no lists for tuples
    data = arrays(args, kwargs)
    expected = jax.tree.leaves(ours(data))
    for model in models:
        for a, b in zip(expected, jax.tree.leaves(model(data)), strict=True):
            np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=1e-5, atol=1e-5)


def test_what_no_config_can_hold_is_refused():
    x = pw.Input((3,))
    with pytest.raises(
        ValueError, match="clip is called with a tensor as its 'x_max': Keras keeps that argument in a config"
    ):
        pw.Model(x, pw.ops.clip(x, 0.0, x)).get_config()
    with pytest.raises(
        ValueError, match=r"calls the function 'test.*<lambda>', which no config can speak of\. Use functions of"
    ):
        pw.Model(x, pw.ops.apply(lambda t: t + 1, x)).get_config()


def test_an_operation_that_is_not_there_or_takes_no_such_argument_is_told():
    x = pw.Input((3,))
    config = pw.Model(x, pw.ops.mean(x, axis=1)).get_config()
    layer = config["layers"][1]
    for change, message in (
        (
            {"class_name": "Meen"},
            r"the operation 'Meen' of 'keras.src.ops.numpy', which there is none of here\. Did you mean",
        ),
        ({"config": {"axes": 1}}, r"operation Mean has no argument 'axes'\. Did you mean 'axis'"),
    ):
        changed = {**config, "layers": [config["layers"][0], {**layer, **change}]}
        with pytest.raises(ValueError, match=message):
            pw.Model.from_config(changed)


def test_a_list_of_places_is_not_taken_for_one_place_on_several_axes():
    x = pw.Input((4,))
    again = pw.Model.from_config(json.loads(json.dumps(pw.Model(x, x[:, [0, 2]]).get_config())))
    np.testing.assert_array_equal(again(np.arange(8.0).reshape(2, 4)), [[0, 2], [4, 6]])


FIRST = """
import difflib
import phasewise as pw

x = pw.Input((4,))
model = pw.Model(x, pw.ops.relu(x) + 1)

def refuse(*arguments, **options):
    raise AssertionError("a near spelling was looked for, among thousands of names")

difflib.get_close_matches = refuse
print(model.get_config()["layers"][1]["class_name"])
"""


def test_a_first_config_asks_for_no_name_that_is_not_there():
    done = subprocess.run([sys.executable, "-c", FIRST], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "Relu"
