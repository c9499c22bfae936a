"""Convolution as a function of arrays: against NumPy in float64, and its gradients against JAX's own derivation."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phasewise.kernels.convolution import convolve, convolve_depthwise, convolve_transposed
from phasewise.kernels.convolution_sizes import Around, around, output_size, transposed_around, transposed_output_size

pytestmark = pytest.mark.extensive

RNG = np.random.default_rng(0)


def summed(x, kernel, strides, padding, dilation):
    """The defining sum in float64, one output position at a time: channels last, one group."""
    padded = np.pad(x.astype(np.float64), ((0, 0), *padding, (0, 0)))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel.shape, dilation)]
    sizes = [(n - r) // s + 1 for n, r, s in zip(padded.shape[1:], reach, strides)]
    y = np.zeros((len(x), *sizes, kernel.shape[-1]))
    for place in itertools.product(*map(range, sizes)):
        for entry in itertools.product(*map(range, kernel.shape[:-2])):
            at = tuple(p * s + e * d for p, s, e, d in zip(place, strides, entry, dilation))
            y[(slice(None), *place)] += padded[(slice(None), *at)] @ kernel[entry]
    return y


CASES = [
    ((1, 1), (3, 2), "valid", (1, 1)),
    ((2, 3), (3, 2), "same", (1, 1)),
    ((1, 1), (2, 3), "same", (2, 1)),
    ((3, 1), (1, 4), "valid", (1, 1)),
    ((3, 2), (2, 2), "valid", (2, 1)),
]


@pytest.mark.parametrize(("strides", "window", "padding", "dilation"), CASES)
def test_it_is_the_sum_that_defines_it(strides, window, padding, dilation):
    x, kernel = RNG.normal(size=(2, 7, 6, 3)).astype("float32"), RNG.normal(size=(*window, 3, 4)).astype("float32")
    zeros = tuple(around(padding, *each) for each in zip((7, 6), window, strides, dilation))
    y = convolve(x, kernel, strides, zeros, dilation)
    np.testing.assert_allclose(y, summed(x, kernel, strides, zeros, dilation), rtol=1e-5, atol=1e-5)
    assert y.shape[1:3] == tuple(output_size(padding, *each) for each in zip((7, 6), window, strides, dilation))


@pytest.mark.parametrize(("strides", "window", "padding", "dilation"), CASES)
@pytest.mark.parametrize("groups", [1, 2, 4])
def test_its_gradients_are_those_of_the_sum(strides, window, padding, dilation, groups):
    x = RNG.normal(size=(2, 7, 6, 4)).astype("float32")
    kernel = RNG.normal(size=(*window, 4 // groups, 8)).astype("float32")
    zeros = tuple(around(padding, *each) for each in zip((7, 6), window, strides, dilation))

    def theirs(x, kernel):
        layout = ("NHWC", "HWIO", "NHWC")
        y = jax.lax.conv_general_dilated(
            x, kernel, strides, zeros, None, dilation, layout, feature_group_count=groups, precision="highest"
        )
        return jnp.sin(y).sum()

    def ours(x, kernel):
        return jnp.sin(convolve(x, kernel, strides, zeros, dilation, groups=groups)).sum()

    for a, b in zip(jax.grad(ours, (0, 1))(x, kernel), jax.grad(theirs, (0, 1))(x, kernel)):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


def test_a_gradient_has_a_gradient():
    x, kernel = RNG.normal(size=(2, 5, 2)).astype("float32"), RNG.normal(size=(3, 2, 3)).astype("float32")

    def steepness(function):
        return jax.grad(lambda x, k: (jax.grad(lambda k: jnp.sin(function(x, k)).sum())(k) ** 2).sum(), (0, 1))(
            x, kernel
        )

    ours = steepness(lambda x, k: convolve(x, k, (1,), (Around(1, 1),), (1,)))
    theirs = steepness(
        lambda x, k: jax.lax.conv_general_dilated(x, k, (1,), [(1, 1)], dimension_numbers=("NWC", "WIO", "NWC"))
    )
    for a, b in zip(ours, theirs):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (2, 1), (3, 1), (2, 2), (3, 2), (3, 3), (4, 3)])
@pytest.mark.parametrize("padding", ["valid", "same"])
def test_the_transposed_convolution_is_the_gradient_by_the_input(kernel, stride, padding):
    size = 4 * stride + kernel if padding == "valid" else 5 * stride
    weights = RNG.normal(size=(kernel, 2, 3)).astype("float32")
    zeros = (around(padding, size, kernel, stride, 1),)
    y, back = jax.vjp(lambda x: convolve(x, weights, (stride,), zeros, (1,)), np.zeros((2, size, 2), "float32"))
    slope = RNG.normal(size=y.shape).astype("float32")
    zeros = (transposed_around(padding, None, kernel, stride, 1),)
    found = convolve_transposed(slope, weights, (stride,), zeros, (1,))
    assert found.shape[1] == transposed_output_size(padding, None, 5, kernel, stride, 1)
    np.testing.assert_allclose(found, back(slope)[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("function", [convolve, convolve_depthwise])
def test_half_precision_is_summed_in_float32_and_rounded_once(function):
    x = jnp.asarray(RNG.normal(size=(2, 9, 9, 16)), jnp.bfloat16)
    kernel = jnp.asarray(RNG.normal(size=(3, 3, 16, 2 if function is convolve else 1)), jnp.bfloat16)
    arguments = ((1, 1), (Around(0, 0),) * 2, (1, 1))
    y = function(x, kernel, *arguments)
    wide = function(x.astype(jnp.float32), kernel.astype(jnp.float32), *arguments)
    assert y.dtype == jnp.bfloat16
    np.testing.assert_array_equal(y, wide.astype(jnp.bfloat16))


def test_a_long_sum_of_small_products_is_not_lost_in_half_precision():
    x, kernel = jnp.ones((1, 4096, 1), jnp.bfloat16), jnp.full((4096, 1, 1), 2.0**-8, jnp.bfloat16)
    assert convolve(x, kernel, (1,), (Around(0, 0),), (1,)).item() == 16  # in bfloat16 the sum would stop growing at 2


def test_the_gradient_takes_no_longer_in_a_compiled_loop():
    """XLA's own form of the gradient by the kernel is some 40 times slower there. An exported program is XLA's on every machine."""
    program = jax.jit(jax.grad(lambda k, x: convolve(x, k, (1, 1), (Around(1, 1),) * 2, (1, 1)).sum()))
    arrays = np.zeros((3, 3, 4, 4), "float32"), np.zeros((1, 8, 8, 4), "float32")
    text = jax.export.export(program)(*arrays).mlir_module()
    layouts = {
        line.split("dim_numbers = ")[1].split(",  window")[0].split("window")[0].strip(" ,")
        for line in text.splitlines()
        if "stablehlo.convolution" in line
    }
    assert layouts == {"[b, 0, 1, f]x[0, 1, i, o]->[b, 0, 1, f]"}
