"""Native kernels on lesser processors: the copies that have no AVX-512 give the same numbers, and kernels without a copy are left out."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from native_operations import OPERATIONS, arrays_of, native_kernels, with_gradients

from phasewise.cli import doctor
from phasewise.kernels.convolution import convolve, convolve_depthwise
from phasewise.kernels.convolution_sizes import Around
from phasewise.kernels.native import convolution
from phasewise.kernels.native.depthwise import DEPTHWISE
from phasewise.kernels.native.direct import DIRECT
from phasewise.kernels.native.library import KERNELS, Library, reason_against
from phasewise.kernels.native.pointwise import POINTWISE
from phasewise.kernels.native.winograd import WINOGRAD

pytestmark = pytest.mark.skipif(
    reason_against(convolution.LIBRARY) is not None or reason_against(KERNELS) is not None,
    reason="the native kernels are not built here",
)


@pytest.mark.parametrize("name", ["normalization with a mask", "normalization, sum and rectifier", "maximum", "mean"])
def test_copies_for_lesser_processors_give_the_numbers_of_xla(name, lesser_processor):
    function, kernels = OPERATIONS[name]
    arrays = arrays_of(name)
    assert native_kernels(jax.jit(function).lower(*arrays).as_text()) == kernels
    in_xla = jax.vmap(function)(*(array[None] for array in arrays))
    for found, expected in zip(*map(jax.tree.leaves, (function(*arrays), in_xla)), strict=True):
        np.testing.assert_allclose(found, expected[0], rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_convolutions_in_vectors_have_a_copy_for_avx2_and_are_onednns_without(lesser_processor):
    around = (Around(1, 1),) * 2

    @with_gradients
    def several(x, kernel, of_channels, of_points, of_patches):
        x = convolve(x, kernel, (1, 1), around, (1, 1))
        x = convolve_depthwise(x, of_channels, (2, 1), around, (1, 1))
        x = convolve(x, of_points, (1, 1), (Around(0, 0),) * 2, (1, 1))
        return convolve(x, of_patches, (1, 2), around, (1, 1))

    rng = np.random.default_rng(0)
    shapes = (3, 9, 10, 16), (3, 3, 16, 32), (3, 3, 32, 1), (1, 1, 32, 21), (2, 3, 21, 9)
    scales = 1, 12, 3, 6, 11  # sums of about 1, whose sines forgive what a rounding changes
    arrays = [jnp.asarray(rng.standard_normal(shape) / scale, jnp.float32) for shape, scale in zip(shapes, scales)]
    own = {WINOGRAD.target, DEPTHWISE.target, POINTWISE.target, DIRECT.target}
    found = native_kernels(jax.jit(several).lower(*arrays).as_text())
    assert found == (own if lesser_processor == "avx2" else {convolution.TARGET})
    in_xla = jax.vmap(several)(*(array[None] for array in arrays))
    for found, expected in zip(*map(jax.tree.leaves, (several(*arrays), in_xla)), strict=True):
        np.testing.assert_allclose(found, expected[0], rtol=1e-5, atol=1e-5 * np.abs(expected).max())


def test_bfloat16_is_rounded_once_from_the_kernels_of_float32_where_it_has_none(lesser_processor):
    def convolved(x, kernel):
        return convolve(x, kernel, (1, 1), (Around(1, 1),) * 2, (1, 1))

    rng = np.random.default_rng(0)
    narrow = [jnp.asarray(rng.standard_normal(shape), jnp.bfloat16) for shape in ((3, 9, 10, 16), (3, 3, 16, 16))]
    wide = [array.astype(jnp.float32) for array in narrow]
    taken = [native_kernels(jax.jit(convolved).lower(*arrays).as_text()) for arrays in (narrow, wide)]
    assert taken[0] == taken[1] != set()
    np.testing.assert_array_equal(convolved(*narrow), convolved(*wide).astype(jnp.bfloat16))


def test_the_environment_limits_them_and_onednn_and_the_doctor_says_so():
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={**os.environ, "PHASEWISE_MAX_ISA": "AVX2"},
        capture_output=True,
        text=True,
    )
    assert "native kernels use avx2 at most, as PHASEWISE_MAX_ISA asks for" in done.stdout, done.stderr
    assert done.stdout.split()[-1].endswith(":avx2")


SCRIPT = """
from phasewise.cli.entry import main
from phasewise.kernels.native.convolution import implementation
main(["doctor"])
print(implementation(0, 1, False, ((8, 16, 16, 16), (3, 3, 16, 16), (8, 16, 16, 16)), (1,) * 8))
"""


def test_a_limit_that_is_no_instruction_set_is_told(monkeypatch):
    monkeypatch.setenv("PHASEWISE_MAX_ISA", "sse9")
    assert reason_against(Library("any.so", ())) == (
        "the environment variable PHASEWISE_MAX_ISA is 'sse9', not one of baseline, avx2, avx512."
    )
    assert doctor.examined()["instruction_limit"] is None
