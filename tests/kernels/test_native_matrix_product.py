"""Products with a large kernel: natively the numbers of float64 and of XLA, a gradient that is never written, derivatives of any order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import phasewise as pw
from phasewise.core import made_by
from phasewise.kernels import adam as update
from phasewise.kernels import matrix_product as kernel
from phasewise.kernels.finite import magnitude
from phasewise.kernels.native.library import KERNELS, lanes, reason_against

pytestmark = pytest.mark.skipif(
    reason_against(KERNELS) is not None or not lanes(),
    reason="the native kernels are not built here, or the processor lacks AVX2",
)

SHAPES = [
    (2, 1, 1),
    (9, 17, 50),
    (64, 300, 100),
    (65, 257, 49),
    (100, 1000, 531),
    (511, 33, 16),
]  # rows, inputs, outputs


@pytest.fixture(autouse=True)
def _however_small(monkeypatch):
    monkeypatch.setattr(kernel, "FEWEST_WEIGHTS", 1)
    monkeypatch.setattr(update, "FEWEST_ENTRIES", 1)
    monkeypatch.setenv("PHASEWISE_NATIVE", "always")


def drawn(*shape, seed=0):
    return np.random.RandomState(seed).randn(*shape).astype(np.float32)


def assert_near(found, expected, tolerance=1e-5):
    assert np.abs(np.asarray(found) - expected).max() <= tolerance * np.abs(expected).max()


@pytest.mark.parametrize(("rows", "inputs", "outputs"), SHAPES)
def test_product_and_both_gradients_are_those_of_float64(rows, inputs, outputs):
    x, weights, slopes = drawn(rows, inputs), drawn(inputs, outputs, seed=1), drawn(rows, outputs, seed=2)

    y, gradients_by = jax.vjp(lambda x, weights: kernel.matrix_product(x, weights), x, weights)
    dx, dweights = gradients_by(slopes)

    x, weights, slopes = (np.asarray(a, np.float64) for a in (x, weights, slopes))
    for found, expected in ((y, x @ weights), (dx, slopes @ weights.T), (dweights, x.T @ slopes)):
        assert_near(found, expected)


def test_a_row_has_the_same_bits_wherever_it_stands_and_twice():
    x, weights = drawn(70, 900), drawn(900, 130, seed=1)
    whole = kernel.matrix_product(x, weights)
    np.testing.assert_array_equal(whole, kernel.matrix_product(x, weights))
    np.testing.assert_array_equal(whole[33:], kernel.matrix_product(x[33:], weights))
    np.testing.assert_array_equal(whole[::-1], kernel.matrix_product(x[::-1], weights))


def test_derivatives_of_second_order_are_those_of_xla():
    x, weights = drawn(6, 5), drawn(5, 4, seed=1)

    def energy(product):
        return lambda weights: (jnp.tanh(product(jnp.tanh(product(x, weights)), weights.T)) ** 2).sum()

    found = jax.hessian(energy(kernel.matrix_product))(weights)
    assert_near(found, np.asarray(jax.hessian(energy(jnp.matmul))(weights)))
    twice = jax.grad(lambda w: jnp.vdot(*2 * (jax.grad(energy(kernel.matrix_product))(w),)))(weights)
    assert_near(twice, np.asarray(jax.grad(lambda w: jnp.vdot(*2 * (jax.grad(energy(jnp.matmul))(w),)))(weights)))


def test_vmap_half_precision_and_one_row_fall_back():
    x, weights = drawn(3, 8, 5), drawn(5, 4, seed=1)
    assert_near(jax.vmap(lambda x: kernel.matrix_product(x, weights))(x), x @ weights)
    assert kernel.matrix_product(jnp.bfloat16(x[0]), jnp.bfloat16(weights)).dtype == jnp.bfloat16
    assert_near(kernel.matrix_product(x[0, :1], weights), x[0, :1] @ weights)


def stepped(x, weights, slopes, momentum, velocity, rate):
    """Adam by the gradient of a product's sum with slopes, as one program; and how large the gradient is said to be."""
    with made_by.remembered():
        gradient = jax.grad(lambda weights: (kernel.matrix_product(x, weights) * slopes).sum())(weights)
        how = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}
        return update.adam(gradient, weights, momentum, velocity, rate, **how), magnitude([gradient])


@pytest.mark.parametrize(("rows", "inputs", "outputs"), SHAPES)
def test_an_update_by_a_gradient_that_is_not_written_is_the_same(rows, inputs, outputs):
    x, weights, slopes = drawn(rows, inputs), drawn(inputs, outputs, seed=1), drawn(rows, outputs, seed=2)
    momentum, velocity = drawn(inputs, outputs, seed=3), 1 + drawn(inputs, outputs, seed=4) ** 2

    program = jax.jit(stepped).lower(x, weights, slopes, momentum, velocity, np.float32(0.01)).compile()
    found, size = program(x, weights, slopes, momentum, velocity, np.float32(0.01))

    assert "phasewise_adam_of_product" in program.as_text()
    gradient = np.asarray(x, np.float64).T @ slopes
    momentum, velocity = 0.9 * momentum + 0.1 * gradient, 0.999 * velocity + 0.001 * gradient**2
    moved = weights - 0.01 * momentum / (np.sqrt(velocity) + 1e-7)
    for ours, expected in zip(found, (moved, momentum, velocity), strict=True):
        assert_near(ours, expected)
    assert size >= np.abs(gradient).max() * (1 - 1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["x", "slopes"])
def test_what_is_not_finite_in_a_factor_is_seen_though_the_other_be_zero(bad, where):
    factors = {"x": np.zeros((3, 4), np.float32), "slopes": np.zeros((3, 2), np.float32)}
    factors[where][1, 1] = bad
    assert not magnitude_of(**factors) <= 1e30


def magnitude_of(x, slopes):
    zeros = np.zeros((x.shape[1], slopes.shape[1]), np.float32)
    return jax.jit(stepped)(x, zeros, slopes, zeros, zeros, np.float32(0))[1]


def test_a_product_too_large_for_float32_is_seen():
    assert not magnitude_of(np.full((3, 4), 1e25, np.float32), np.full((3, 2), 1e25, np.float32)) <= 1e30


@pytest.mark.few(3)
@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("named", [{}, {"clipvalue": 0.01}, {"weight_decay": 0.1}])
def test_training_is_the_same_as_in_xlas_operations(monkeypatch, named, shared):
    x, y = drawn(64, 40), drawn(64, 3, seed=1)

    def trained(wish):
        monkeypatch.setenv("PHASEWISE_NATIVE", wish)
        monkeypatch.setattr(kernel, "FEWEST_WEIGHTS", 1 if wish else 1 << 60)
        monkeypatch.setattr(update, "FEWEST_ENTRIES", 1 if wish else 1 << 60)
        pw.utils.set_random_seed(0)
        hidden = pw.layers.Dense(40, activation="tanh", kernel_regularizer="l2" if shared else None)
        inputs = pw.Input((40,))
        features = hidden(hidden(inputs)) if shared else hidden(inputs)
        model = pw.Model(inputs, pw.layers.Dense(3)(features))
        model.compile(optimizer=pw.optimizers.Adam(0.003, **named), loss="mse")
        model.fit(x, y, batch_size=16, epochs=2, verbose=0)
        return model.get_weights()

    for ours, xla in zip(trained("always"), trained(""), strict=True):
        np.testing.assert_allclose(ours, xla, rtol=1e-4, atol=1e-5)
