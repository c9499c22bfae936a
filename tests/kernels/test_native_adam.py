"""Adam in one native pass: the numbers of XLA's operations, in place."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import phasewise as pw
from phasewise.kernels import adam as kernel
from phasewise.kernels.native.library import KERNELS, reason_against

pytestmark = pytest.mark.skipif(reason_against(KERNELS) is not None, reason="the native kernels are not built here")

HOW = {"beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7}


@pytest.fixture(autouse=True)
def _however_small(monkeypatch):
    monkeypatch.setattr(kernel, "FEWEST_ENTRIES", 1)


def drawn(shape, seed=0):
    rng = np.random.RandomState(seed)
    gradient, param, momentum = (rng.randn(*shape).astype(np.float32) for _ in range(3))
    return gradient, param, momentum, rng.rand(*shape).astype(np.float32)


def in_float64(gradient, param, momentum, velocity, rate):
    """Kingma & Ba (2015), with epsilon outside of the correction."""
    gradient, param, momentum, velocity = (np.asarray(a, np.float64) for a in (gradient, param, momentum, velocity))
    momentum = 0.9 * momentum + 0.1 * gradient
    velocity = 0.999 * velocity + 0.001 * gradient**2
    return param - rate * momentum / (np.sqrt(velocity) + 1e-7), momentum, velocity


def updated(*arrays, rate=0.01):
    return kernel.adam(*map(jnp.asarray, arrays), jnp.float32(rate), **HOW)


@pytest.mark.parametrize("shape", [(1,), (17,), (3, 5, 7), (200, 333), (1 << 15,), ((1 << 16) + 3,), (0, 4)])
def test_the_pass_gives_the_numbers_of_float64(shape):
    arrays = drawn(shape)
    for found, expected in zip(updated(*arrays), in_float64(*arrays, 0.01), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_copies_for_lesser_processors_give_the_numbers_of_float64(lesser_processor):
    arrays = drawn((200, 333))
    for found, expected in zip(updated(*arrays), in_float64(*arrays, 0.01), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_native_and_xla_agree_to_a_millionth(monkeypatch):
    arrays = drawn((300, 701))
    native = updated(*arrays)
    monkeypatch.setattr(kernel, "FEWEST_ENTRIES", 1 << 60)
    for ours, xla in zip(native, jax.jit(updated)(*arrays), strict=True):
        np.testing.assert_allclose(ours, xla, rtol=1e-6, atol=1e-6)


def test_two_updates_from_one_state_have_the_same_bits():
    arrays = drawn((700, 301))
    for first, second in zip(updated(*arrays), updated(*arrays), strict=True):
        np.testing.assert_array_equal(first, second)


def test_what_is_given_stays_as_it_was_unless_it_is_given_up():
    arrays = [jnp.asarray(array) for array in drawn((100, 50))]
    before = [np.array(array) for array in arrays]
    jax.block_until_ready(updated(*arrays))
    for array, old in zip(arrays, before):
        np.testing.assert_array_equal(array, old)


def test_a_state_that_is_given_up_is_written_over_inside_a_loop_and_a_choice():
    def steps(state, gradient):
        def chosen(state):
            return jax.lax.while_loop(
                lambda carried: carried[0],
                lambda carried: (False, tuple(kernel.adam(gradient, *carried[1], jnp.float32(0.01), **HOW))),
                (gradient[0, 0] > -10, state),
            )[1]

        return jax.lax.fori_loop(0, 5, lambda i, state: chosen(state), state)

    gradient, *state = drawn((1024, 512))
    program = jax.jit(steps, donate_argnums=0).lower(tuple(state), gradient).compile()

    assert 'custom_call_target="phasewise_adam"' in program.as_text()
    large = [line for line in program.as_text().splitlines() if " copy(" in line and "f32[1024,512]" in line]
    assert not large
    assert program.memory_analysis().temp_size_in_bytes < 1024 * 512 * 4


def test_derivatives_of_an_update_are_those_of_xlas_operations():
    gradient, param, momentum, velocity = map(jnp.asarray, drawn((6, 4)))

    def moved(gradient):
        return kernel.adam(gradient, param, momentum, velocity, jnp.float32(0.01), **HOW)[0].sum()

    def by_hand(gradient):
        m, v = 0.9 * momentum + 0.1 * gradient, 0.999 * velocity + 0.001 * gradient**2
        return (param - 0.01 * m / (jnp.sqrt(v) + 1e-7)).sum()

    np.testing.assert_allclose(jax.grad(moved)(gradient), jax.grad(by_hand)(gradient), rtol=1e-3, atol=1e-6)


def test_vmapped_and_half_precision_updates_fall_back():
    arrays = drawn((3, 8, 5))
    each = jax.vmap(updated)(*arrays)
    for found, expected in zip(each, in_float64(*arrays, 0.01), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    half = kernel.adam(*(jnp.asarray(array, jnp.bfloat16) for array in (*drawn((64,)), 0.01)), **HOW)
    assert {array.dtype for array in half} == {jnp.dtype(jnp.bfloat16)}


@pytest.mark.few(3)
@pytest.mark.parametrize(
    "named",
    [{}, {"clipnorm": 0.1}, {"global_clipnorm": 0.1}, {"weight_decay": 0.1}, {"amsgrad": True}, {"use_ema": True}],
)
def test_training_is_the_same_without_the_native_pass(monkeypatch, named):
    rng = np.random.RandomState(0)
    x, y = rng.randn(64, 12).astype(np.float32), rng.randn(64, 3).astype(np.float32)

    def trained(fewest):
        monkeypatch.setattr(kernel, "FEWEST_ENTRIES", fewest)
        pw.utils.set_random_seed(0)
        model = pw.Sequential([pw.Input((12,)), pw.layers.Dense(7, activation="tanh"), pw.layers.Dense(3)])
        model.compile(optimizer=pw.optimizers.Adam(0.01, **named), loss="mse")
        model.fit(x, y, batch_size=16, epochs=3, verbose=0)
        return model.get_weights()

    for ours, xla in zip(trained(1), trained(1 << 60), strict=True):
        np.testing.assert_allclose(ours, xla, rtol=1e-5, atol=1e-6)


def test_the_last_good_state_is_kept_where_a_large_model_meets_nan():
    rng = np.random.RandomState(0)
    x, y = rng.randn(64, 1024).astype(np.float32), rng.randn(64, 1).astype(np.float32)
    model = pw.Sequential([pw.Input((1024,)), pw.layers.Dense(1400, activation="relu"), pw.layers.Dense(1)])
    model.compile(optimizer="adam", loss="mse")
    model.fit(x[:48], y[:48], batch_size=16, verbose=0, shuffle=False)
    good = model.get_weights()
    x[:] = np.nan
    with pytest.raises(pw.NonFiniteError, match="step 0"):
        model.fit(x, y, batch_size=16, verbose=0, shuffle=False)
    for now, before in zip(model.get_weights(), good, strict=True):
        np.testing.assert_array_equal(now, before)
