"""Every name of `keras.ops` and its namespaces is here, with Keras's arguments and a row that compares it."""

import importlib
import inspect
import pickle

import keras
import pytest
from ops_rows import ROWS

import phasewise as pw
from parity import bare_signature

NAMESPACES = ["", "numpy", "nn", "linalg", "image"]
in_each = pytest.mark.parametrize("namespace", NAMESPACES)

# Ops whose results are no values to compare one by one: tests of their own, in test_ops.
WITHOUT_A_ROW = {
    "associative_scan",
    "cond",
    "custom_gradient",
    "eig",
    "fori_loop",
    "image.elastic_transform",
    "jvp",
    "map",
    "scan",
    "sparsemax",
    "switch",
    "vectorize",
    "vectorized_map",
    "while_loop",
}


def modules(namespace):
    """(ours, Keras's)."""
    path = ".ops" + f".{namespace}" * bool(namespace)
    return importlib.import_module(f"phasewise{path}"), importlib.import_module(f"keras{path}")


def public(module):
    """Its functions."""
    return {name for name in dir(module) if name[0] != "_" and inspect.isroutine(getattr(module, name))}


@in_each
def test_every_name_is_here_with_the_same_arguments(namespace):
    ours, theirs = modules(namespace)
    assert public(theirs) <= set(ours.__all__)
    assert len(set(ours.__all__)) == len(ours.__all__)
    for name in public(theirs):
        assert bare_signature(getattr(ours, name)) == str(inspect.signature(getattr(theirs, name))), name


@in_each
def test_a_name_is_one_function_in_ops_and_in_its_namespace(namespace):
    ours, _ = modules(namespace)
    if namespace != "image":
        assert all(getattr(pw.ops, name) is getattr(ours, name) for name in ours.__all__)


@in_each
def test_every_function_is_described_and_found_by_pickle(namespace):
    ours, theirs = modules(namespace)
    for name in public(theirs):
        function = getattr(ours, name)
        assert inspect.getdoc(function), name
        assert pickle.loads(pickle.dumps(function)) is function


def test_every_op_has_a_row_that_compares_it():
    rows = {name for name, *_ in ROWS} | WITHOUT_A_ROW
    missing = public(keras.ops) - rows | {f"image.{name}" for name in public(keras.ops.image)} - rows
    assert not missing
    assert not WITHOUT_A_ROW & {name for name, *_ in ROWS}


def test_what_keras_does_not_have_comes_from_jax():
    assert float(pw.ops.sum(pw.ops.nn.relu([-1.0, 2.0]))) == 2
    assert float(pw.ops.erf_inv(0.5)) == pytest.approx(0.4769363)
    assert pw.ops.erf_inv is pw.ops.erf_inv


@pytest.mark.parametrize(
    ("module", "wrong", "right"), [("ops", "matmull", "matmul"), ("ops.nn", "max_pol", "max_pool")]
)
def test_a_name_that_is_not_there_is_answered_with_the_nearest(module, wrong, right):
    with pytest.raises(AttributeError, match=rf"phasewise.{module} has no '{wrong}'. Did you mean '{right}'\?"):
        getattr(importlib.import_module(f"phasewise.{module}"), wrong)
