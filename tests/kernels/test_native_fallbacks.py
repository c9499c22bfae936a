"""Each native operation under `vmap`, `eval_shape`, export and on several devices: XLA computes there, and gives the same numbers."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest
from native_operations import OPERATIONS, arrays_of, native_kernels

from phasewise.kernels.native import convolution
from phasewise.kernels.native.library import KERNELS, reason_against

pytestmark = [
    pytest.mark.skipif(
        reason_against(convolution.LIBRARY) is not None or reason_against(KERNELS) is not None,
        reason="the native kernels are not built here",
    ),
    pytest.mark.usefixtures("however_small"),
]

every_operation = pytest.mark.parametrize("name", OPERATIONS)


def assert_near(found, expected):
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        other = np.asarray(other)
        assert one.shape == other.shape and one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5 * np.abs(other).max())


@every_operation
def test_each_is_native_in_a_program_for_one_device(name):
    function, expected = OPERATIONS[name]
    assert native_kernels(jax.jit(function).lower(*arrays_of(name)).as_text()) == expected


@every_operation
def test_jit_within_jit_and_no_jit_at_all_give_the_same_numbers(name):
    function, _ = OPERATIONS[name]
    arrays = arrays_of(name)
    alone = function(*arrays)
    assert_near(jax.jit(function)(*arrays), alone)
    assert_near(jax.jit(lambda *arrays: jax.jit(function)(*arrays))(*arrays), alone)


@every_operation
def test_shapes_and_types_are_told_without_computing(name):
    function, _ = OPERATIONS[name]
    arrays = arrays_of(name)
    told = jax.tree.leaves(jax.eval_shape(function, *arrays))
    assert [(each.shape, each.dtype) for each in told] == [
        (each.shape, each.dtype) for each in jax.tree.leaves(function(*arrays))
    ]


@pytest.mark.few(4)
@every_operation
def test_vmap_is_left_to_xla(name):
    function, _ = OPERATIONS[name]
    arrays = arrays_of(name)
    several = jax.tree.map(lambda array: np.stack([array, array[::-1], 2 * array]), arrays)
    mapped = jax.jit(jax.vmap(function))
    assert native_kernels(mapped.lower(*several).as_text()) == set()
    found = mapped(*several)
    for row in range(3):
        one = function(*(array[row] for array in several))
        assert_near(jax.tree.map(lambda each, row=row: each[row], found), one)


@every_operation
def test_an_exported_program_is_xla_s_alone(name):
    function, _ = OPERATIONS[name]
    arrays = arrays_of(name)
    exported = jax.export.export(jax.jit(function))(*arrays)
    assert native_kernels(exported.mlir_module()) == set()
    assert_near(exported.call(*arrays), jax.jit(function)(*arrays))


SHARED = """
import contextlib, sys, jax, numpy as np
from jax.sharding import AxisType, NamedSharding, PartitionSpec
from native_operations import OPERATIONS, arrays_of, native_kernels
kind, is_set = sys.argv[1:]
mesh = jax.make_mesh((8,), ("rows",), axis_types=(AxisType[kind],))
for name, (function, _) in OPERATIONS.items():
    arrays = arrays_of(name)
    program = jax.jit(function)
    alone = program(*arrays)
    rows = [len(each) == 8 for each in arrays]
    shared = [
        jax.device_put(each, NamedSharding(mesh, PartitionSpec("rows") if of_rows else PartitionSpec()))
        for each, of_rows in zip(arrays, rows)
    ]
    with jax.set_mesh(mesh) if is_set == "set" else contextlib.nullcontext():
        assert native_kernels(program.lower(*shared).as_text()) == set(), name
        found = program(*shared)
    for one, other in zip(jax.tree.leaves(found), jax.tree.leaves(alone), strict=True):
        assert len(one.sharding.device_set) == 8, name
        one, other = np.asarray(one), np.asarray(other)
        assert np.abs(one - other).max() <= 1e-5 * np.abs(other).max(), name
print("all")
"""


@pytest.mark.parametrize("kind, is_set", [("Explicit", "set"), ("Explicit", "not"), ("Auto", "not")])
@pytest.mark.few(1)
def test_arrays_on_eight_devices_are_left_to_xla(kind, is_set):
    environment = {**os.environ, "PHASEWISE_NATIVE": "always", "XLA_FLAGS": "--xla_force_host_platform_device_count=8"}
    environment["PYTHONPATH"] = os.pathsep.join([os.path.dirname(__file__), environment.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", SHARED, kind, is_set]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "all"
