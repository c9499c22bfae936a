"""Batch normalization by the batch's moments, natively and in XLA's operations: the same numbers, the same derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import phasewise as pw
from phasewise.core import made_by
from phasewise.kernels import batch_normalization as fused
from phasewise.kernels.moments import moments, normalize
from phasewise.kernels.native.library import KERNELS, reason_against

EPSILON = 1e-3

pytestmark = pytest.mark.skipif(reason_against(KERNELS) is not None, reason="the native kernels are not built here")


def drawn(shape, mean=0.0, seed=0):
    return jnp.asarray(np.random.RandomState(seed).randn(*shape) + mean, jnp.float32)


def plain(x, gamma, beta, residual=None, mask=None, rectify=False, ceiling=None):
    axes = tuple(range(x.ndim - 1))
    y = normalize(x, moments(x, axes, mask=mask), gamma=gamma, beta=beta, epsilon=EPSILON)
    y = y if residual is None else y + residual
    y = y if ceiling is None else jnp.where(y >= ceiling, ceiling, y)
    return jnp.where(y <= 0, 0, y) if rectify else y


def native(x, gamma, beta, residual=None, mask=None, rectify=False, ceiling=None):
    with made_by.remembered():
        found = fused.own_moments(x, mask)
        y = fused.normalized_by_own(
            x, found, mask, gamma=gamma, beta=beta, epsilon=EPSILON, dtype=jnp.promote_types(x.dtype, gamma.dtype)
        )
        y = y if residual is None else fused.summed(y + residual, y, residual)
        return fused.rectified(y, ceiling) if rectify else y


def assert_near(found, expected, tolerance=1e-5):
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        assert np.abs(np.asarray(a) - b).max() <= tolerance * max(1, np.abs(np.asarray(b)).max())


def in_float64(x, gamma, beta, dy):
    """The rectified result and its gradients, by the formulas of Ioffe & Szegedy (2015)."""
    x, dy = (np.asarray(a, np.float64).reshape(-1, a.shape[-1]) for a in (x, dy))
    inverse = 1 / np.sqrt(x.var(0) + EPSILON)
    standard = (x - x.mean(0)) * inverse
    y = standard * gamma + beta
    g = dy * (y > 0)
    dx = gamma * inverse * (g - g.mean(0) - standard * (g * standard).mean(0))
    return np.maximum(y, 0), dx, (g * standard).sum(0), g.sum(0)


@pytest.mark.parametrize("shape", [(8, 6, 5, 64), (7, 5, 3), (33, 200), (3, 3000), (5, 1)])
@pytest.mark.parametrize("mean", [0, 1e5, -1e5])
def test_result_and_gradients_are_those_of_float64_however_far_the_mean(shape, mean):
    x, dy = drawn(shape, mean), drawn(shape, seed=1)
    gamma, beta = drawn(shape[-1:], 1, seed=2), drawn(shape[-1:], seed=3)

    y, gradients_by = jax.vjp(lambda *arguments: native(*arguments, rectify=True), x, gamma, beta)

    found = [part.reshape(-1, shape[-1]) for part in (y, *gradients_by(dy))]
    assert_near(found, [part.reshape(-1, shape[-1]) for part in in_float64(x, gamma, beta, dy)])


@pytest.mark.parametrize("rectify, ceiling", [(False, None), (True, None), (True, 0.7)])
@pytest.mark.parametrize("adds", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_native_and_xla_give_the_same_result_and_gradients(rectify, ceiling, adds, masked):
    shape = (9, 4, 5, 12)
    x, gamma, beta = drawn(shape, 3), drawn((12,), 1, 1), drawn((12,), 0, 2)
    residual = drawn(shape, 0, 3) if adds else None
    mask = (np.arange(9) < 6).reshape(9, 1, 1, 1) if masked else None
    weights = drawn(shape, 0, 4)

    def loss_of(function):
        return lambda *arguments: (function(*arguments, mask=mask, rectify=rectify, ceiling=ceiling) * weights).sum()

    places = (0, 1, 2, 3) if adds else (0, 1, 2)
    found, expected = (jax.value_and_grad(loss_of(f), places)(x, gamma, beta, residual) for f in (native, plain))

    assert_near(found, expected)


def test_where_a_mask_leaves_nothing_the_result_is_finite():
    x, ones = drawn((4, 3, 8)), jnp.ones(8)

    y, gradients_by = jax.vjp(lambda x: native(x, ones, ones, mask=np.zeros((4, 1, 1), bool)), x)

    assert np.isfinite(y).all() and np.isfinite(gradients_by(y)[0]).all()
    assert_near(fused.own_moments(x, np.zeros((4, 1, 1), bool)).variance, np.zeros((1, 1, 8)))


def test_a_single_row_has_no_gradient_to_the_bit():
    """It is normalized to beta whatever it is; an optimizer that scales gradients would make large steps of a rounding."""
    x, gamma, beta = drawn((1, 50)), drawn((50,), 1, 1), drawn((50,), 0, 2)

    y, gradients_by = jax.vjp(native, x, gamma, beta)

    np.testing.assert_array_equal(gradients_by(drawn((1, 50), 0, 3))[0], 0)
    np.testing.assert_array_equal(y[0], beta)


def test_gradients_of_gradients_are_those_of_xla():
    x, gamma, beta, weights = drawn((6, 5, 4)), drawn((4,), 1, 1), drawn((4,), 0, 2), drawn((6, 5, 4), 0, 3)

    def steepness(function):
        def loss(*arguments):
            return (jnp.sin(function(*arguments, rectify=True, ceiling=0.9)) * weights).sum()

        return lambda *arguments: sum((g * g).sum() for g in jax.grad(loss, (0, 1, 2))(*arguments))

    found, expected = (jax.grad(steepness(f), (0, 1, 2))(x, gamma, beta) for f in (native, plain))

    assert_near(found, expected, 1e-4)


def test_forward_mode_and_vmap_give_what_xla_gives():
    x, gamma, beta = drawn((3, 6, 4)), drawn((4,), 1, 1), drawn((4,), 0, 2)

    for transformed in (
        lambda f: jax.jvp(lambda x: f(x, gamma, beta, rectify=True, ceiling=0.9), (x,), (jnp.cos(x),)),
        lambda f: jax.vmap(lambda x: f(x, gamma, beta))(x),
        lambda f: jax.vmap(jax.grad(lambda x: (f(x, gamma, beta) ** 3).sum()))(x),
    ):
        assert_near(transformed(native), transformed(plain))


def test_the_gradient_by_the_moments_themselves_is_that_of_xla():
    x = drawn((5, 6, 4), 2)

    def of(found):
        return jnp.sin(found.mean).sum() + (found.variance**2).sum()

    assert_near(jax.grad(lambda x: of(fused.own_moments(x)))(x), jax.grad(lambda x: of(moments(x, (0, 1))))(x))


def test_two_runs_give_the_same_bits():
    x, gamma, beta = drawn((40, 30, 64)), drawn((64,), 1, 1), drawn((64,), 0, 2)
    run = jax.jit(jax.grad(lambda x: (native(x, gamma, beta, rectify=True) ** 3).sum()))

    assert len({np.asarray(run(x)).tobytes() for _ in range(5)}) == 1


def test_bfloat16_is_rounded_once():
    x = drawn((16, 8, 32), 2).astype(jnp.bfloat16)
    gamma, beta = jnp.ones(32, jnp.bfloat16), jnp.zeros(32, jnp.bfloat16)

    found = native(x, gamma, beta, rectify=True)

    assert found.dtype == jnp.bfloat16
    expected = plain(x.astype(jnp.float32), jnp.ones(32), jnp.zeros(32), rectify=True)
    assert_near(found.astype(jnp.float32), expected, 2**-8)


def test_fit_learns_the_same_natively_also_from_a_short_last_batch(monkeypatch):
    x, y = np.asarray(drawn((24, 16, 16, 16), 5)), np.asarray(drawn((24, 16), seed=1))

    def learnt():
        inputs = pw.Input((16, 16, 16))
        h = pw.layers.ReLU(1.0)(pw.layers.BatchNormalization()(inputs))
        h = pw.layers.BatchNormalization()(h)
        h = pw.layers.Activation("relu")(pw.layers.Add()([inputs, h]))
        model = pw.Model(inputs, pw.layers.GlobalAveragePooling2D()(h))
        model.compile(optimizer=pw.optimizers.SGD(0.1), loss="mse")
        model.fit(x, y, batch_size=16, epochs=2, shuffle=False, verbose=0)
        return [np.asarray(w) for w in model.get_weights()]

    natively = learnt()
    monkeypatch.setattr(fused, "FEWEST_VALUES", 1 << 40)

    assert_near(natively, learnt())
