"""Native kernels in bfloat16, forward and both gradients, against float64: random shapes, strides, dilations, groups and odd channels.

Results are rounded once, so an error is at most half a unit in the last place of bfloat16 (2⁻⁸) beside what was summed in float32.
New memory is filled with numbers that would show (MALLOC_PERTURB_), so that nothing is read that nobody has written.
"""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phasewise.core import made_by
from phasewise.kernels import batch_normalization as fused
from phasewise.kernels import pooling
from phasewise.kernels.convolution import convolve
from phasewise.kernels.convolution_sizes import Around
from phasewise.kernels.native import convolution, direct, dots
from phasewise.kernels.native.library import KERNELS, has_bfloat16_dots, reason_against

pytestmark = [
    pytest.mark.skipif(
        reason_against(convolution.LIBRARY) is not None or reason_against(KERNELS) is not None,
        reason="the native kernels are not built here",
    ),
    pytest.mark.usefixtures("however_small"),
]

HALF_A_UNIT = 2**-8


def drawn(rng, *shape):
    return jnp.asarray(rng.standard_normal(shape), jnp.bfloat16)


def with_gradients(function):
    def computed(*arrays):
        *arguments, slope = arrays
        y, pullback = jax.vjp(function, *arguments)
        return y, *pullback(slope)

    return jax.jit(computed)


def assert_rounded_once(found, exact):
    for each, right in zip(found, exact, strict=True):
        assert each.dtype == jnp.bfloat16 and each.shape == right.shape
        each, right = np.asarray(each, np.float64), np.asarray(right, np.float64)
        allowed = HALF_A_UNIT * 1.01 * np.abs(right) + 1e-5 * np.abs(right).max(initial=0)
        assert (np.abs(each - right) <= allowed).all(), np.abs(each - right).max()


def native_calls(program, *arrays):
    return program.lower(*arrays).as_text().count("custom_call @phasewise_")


def a_convolution(rng):
    """Shapes of input and kernel, and how it moves."""
    dimensions = int(rng.integers(1, 4))
    groups, dilated = int(rng.choice([1, 1, 2, 3])), bool(rng.integers(2))
    window = tuple(int(n) for n in rng.integers(1, 4, dimensions))
    moves = tuple(int(n) for n in rng.integers(1, 3, dimensions))
    ones = (1,) * dimensions
    x = (int(rng.integers(1, 5)), *(int(n) for n in rng.integers(7, 13, dimensions)), groups * int(rng.integers(1, 8)))
    kernel = (*window, x[-1] // groups, groups * int(rng.integers(1, 8)))
    padding = tuple(Around(int(rng.integers(0, n)), int(rng.integers(0, n))) for n in window)
    return x, kernel, (ones if dilated else moves), padding, (moves if dilated else ones), groups


def exact_convolution(x, kernel, slope, strides, padding, dilation, groups):
    """In float64 by XLA's own convolution, whose gradients JAX derives."""
    space = "DHW"[-len(strides) :]
    numbers = (f"N{space}C", f"{space}IO", f"N{space}C")

    def function(x, kernel):
        pads = [tuple(pair) for pair in padding]
        return jax.lax.conv_general_dilated(
            x, kernel, strides, pads, rhs_dilation=dilation, dimension_numbers=numbers, feature_group_count=groups
        )

    with jax.enable_x64(True):
        wide = [jnp.asarray(np.asarray(array, np.float64)) for array in (x, kernel, slope)]
        return [np.asarray(each) for each in with_gradients(function)(*wide)]


@pytest.mark.few(4)
@pytest.mark.parametrize("seed", range(6))
def test_convolutions_and_both_gradients_are_float64_rounded_once(seed):
    rng = np.random.default_rng(seed)
    shape, kernel_shape, strides, padding, dilation, groups = a_convolution(rng)
    x, kernel = drawn(rng, *shape), drawn(rng, *kernel_shape)

    def function(x, kernel):
        return convolve(x, kernel, strides, padding, dilation, groups=groups)

    slope = drawn(rng, *jax.eval_shape(function, x, kernel).shape)
    found = with_gradients(function)(x, kernel, slope)

    assert native_calls(with_gradients(function), x, kernel, slope) > 0
    assert_rounded_once(found, exact_convolution(x, kernel, slope, strides, padding, dilation, groups))


needs_dots = pytest.mark.skipif(
    not has_bfloat16_dots(), reason="this kernel is written for AVX512-BF16 without AMX, which this processor is not"
)

# Shapes of input and kernel, strides, padding, dilation: more than a panel of channels and a band of rows; no tap for some of a
# gradient's places; rows of the input that nothing sees; channels that make no pair.
OF_DOTS = {
    "bands and panels": ((2, 70, 66, 18), (3, 3, 18, 37), (1, 1), (Around(1, 1), Around(1, 1)), (1, 1)),
    "one position, strides": ((3, 9, 12, 5), (1, 1, 5, 33), (2, 3), (Around(0, 0), Around(0, 0)), (1, 1)),
    "strides": ((3, 11, 12, 6), (3, 2, 6, 16), (2, 2), (Around(0, 1), Around(1, 1)), (1, 1)),
    "dilation": ((3, 12, 13, 3), (3, 3, 3, 9), (1, 1), (Around(2, 0), Around(1, 2)), (2, 2)),
    "one axis": ((4, 40, 20), (5, 20, 8), (1,), (Around(2, 2),), (1,)),
    "padding beyond the kernel": ((2, 3, 4, 2), (2, 3, 2, 4), (1, 1), (Around(4, 3), Around(3, 3)), (1, 1)),
}


@needs_dots
@pytest.mark.parametrize("name", OF_DOTS)
def test_products_of_pairs_are_float64_rounded_once(name):
    shape, kernel_shape, *how = OF_DOTS[name]
    rng = np.random.default_rng(0)
    x, kernel = drawn(rng, *shape), drawn(rng, *kernel_shape)

    def function(x, kernel):
        return convolve(x, kernel, *how)

    slope = drawn(rng, *jax.eval_shape(function, x, kernel).shape)
    text = with_gradients(function).lower(x, kernel, slope).as_text()
    assert text.count(f"@{dots.TARGET}(") == 3
    found = with_gradients(function)(x, kernel, slope)
    assert_rounded_once(found, exact_convolution(x, kernel, slope, *how, 1))


@needs_dots
def test_the_bits_of_an_image_do_not_depend_on_its_batch():
    shape, kernel_shape, *how = OF_DOTS["bands and panels"]
    rng = np.random.default_rng(1)
    x, kernel = drawn(rng, 9, *shape[1:]), drawn(rng, *kernel_shape)
    convolved = jax.jit(lambda x: convolve(x, kernel, *how))

    np.testing.assert_array_equal(*(np.asarray(y, np.float32) for y in (convolved(x)[:1], convolved(x[:1]))))


@needs_dots
def test_what_no_output_sees_does_not_reach_the_gradient_by_the_kernel():
    """Five outputs are two pairs and one: the column that a sixth would see holds no number."""
    rng = np.random.default_rng(2)
    x = drawn(rng, 3, 4, 11, 4).at[:, :, 10:].set(jnp.inf)
    kernel, slope = drawn(rng, 1, 2, 4, 4), drawn(rng, 3, 4, 5, 4)
    _, pullback = jax.vjp(lambda kernel: convolve(x, kernel, (1, 2), (Around(0, 0),) * 2, (1, 1)), kernel)
    assert np.isfinite(np.asarray(jax.jit(pullback)(slope)[0], np.float32)).all()


@needs_dots
def test_a_processor_without_products_of_pairs_takes_the_kernels_of_float32(monkeypatch):
    monkeypatch.setattr(dots, "has_bfloat16_dots", lambda: False)
    monkeypatch.setattr(convolution, "has_bfloat16", lambda: False)
    shape, kernel_shape, *how = OF_DOTS["strides"]
    x, kernel = jnp.zeros(shape, jnp.bfloat16), jnp.zeros(kernel_shape, jnp.bfloat16)
    text = jax.jit(lambda x, kernel: convolve(x, kernel, *how)).lower(x, kernel).as_text()
    assert f"@{direct.TARGET}(" in text and dots.TARGET not in text and convolution.TARGET not in text


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("pool", [pooling.max_pool, pooling.average_pool])
def test_pooling_and_its_gradient_are_xla_s_of_float32_rounded_once(pool, seed, monkeypatch):
    rng = np.random.default_rng(seed)
    dimensions = int(rng.integers(1, 4))
    window, strides = ((1, *(int(n) for n in rng.integers(1, 4, dimensions)), 1) for _ in range(2))
    padding = str(rng.choice(["same", "valid"]))
    x = drawn(
        rng, int(rng.integers(1, 5)), *(int(n) for n in rng.integers(4, 11, dimensions)), int(rng.integers(1, 40))
    )

    def function(x):
        return pool(x, window, strides, padding)

    slope = drawn(rng, *jax.eval_shape(function, x).shape)
    found = with_gradients(function)(x, slope)
    monkeypatch.setenv("PHASEWISE_NATIVE", "1")
    jax.clear_caches()
    exact = with_gradients(function)(x.astype("float32"), slope.astype("float32"))
    assert_rounded_once(found, exact)


@pytest.mark.parametrize("shape", [(7, 5, 3), (5, 9, 8, 17), (33, 64)])
@pytest.mark.parametrize("rectify", [False, True])
def test_normalization_and_its_gradients_are_float64_rounded_once(shape, rectify):
    rng = np.random.default_rng(len(shape))
    x, slope = drawn(rng, *shape) + 3, drawn(rng, *shape)
    gamma, beta = (jnp.asarray(rng.standard_normal(shape[-1]), jnp.float32) for _ in range(2))

    def function(x, gamma, beta):
        with made_by.remembered():
            found = fused.own_moments(x)
            y = fused.normalized_by_own(x, found, gamma=gamma, beta=beta, epsilon=1e-3, dtype=jnp.bfloat16)
            return fused.rectified(y) if rectify else y

    y, dx, dgamma, dbeta = with_gradients(function)(x, gamma, beta, slope)

    wide, g = (np.asarray(each, np.float64).reshape(-1, shape[-1]) for each in (x, slope))
    inverse = 1 / np.sqrt(wide.var(0) + 1e-3)
    standard = (wide - wide.mean(0)) * inverse
    exact = standard * np.asarray(gamma, np.float64) + np.asarray(beta, np.float64)
    if rectify:
        exact, g = np.maximum(exact, 0), g * (exact > 0)
    exact_dx = np.asarray(gamma, np.float64) * inverse * (g - g.mean(0) - standard * (g * standard).mean(0))
    assert_rounded_once((y, dx), (exact.reshape(shape), exact_dx.reshape(shape)))
    np.testing.assert_allclose(dgamma, (g * standard).sum(0), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(dbeta, g.sum(0), rtol=1e-5, atol=1e-4)


POISONED = """
import endurance
print(sum(bool(endurance.compared(seed)) for seed in range(300, 310)))
"""


@pytest.mark.few(1)
@pytest.mark.parametrize("fill", ["128", "1"])  # new memory holds 3e38 or -2e38 in either type
def test_nothing_is_read_that_nobody_has_written(fill):
    environment = {**os.environ, "PHASEWISE_NATIVE": "always", "MALLOC_PERTURB_": fill}
    environment["PYTHONPATH"] = os.pathsep.join([os.path.dirname(__file__), environment.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", POISONED], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 5
