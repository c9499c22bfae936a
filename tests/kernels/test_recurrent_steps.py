"""The loop over time: its gradient, written by hand, is that which JAX finds by itself."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phasewise import activations
from phasewise.kernels import recurrent

TIME, BATCH, UNITS = 6, 3, 4
TANH, SIGMOID = activations.tanh, activations.sigmoid
STEPS = {
    "simple": (recurrent.simple_step(TANH), 1, 1),
    "lstm": (recurrent.lstm_step(TANH, SIGMOID), 4, 2),
    "gru": (recurrent.gru_step(TANH, SIGMOID), 3, 1),
}
MASK = np.random.default_rng(3).random((TIME, BATCH)) > 0.4


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def problem(kind, masks):
    """(step, arguments that are differentiated, the others)."""
    step, gates, states = STEPS[kind]
    weights = normal(UNITS, gates * UNITS, seed=1), normal(gates * UNITS, seed=2)
    first = tuple(normal(BATCH, UNITS, seed=5 + i) for i in range(states))
    kept = None if masks is None else (normal(BATCH, masks if masks == 1 else gates, UNITS, seed=4) > 0) * 2.0
    return step, (normal(TIME, BATCH, gates * UNITS), first, weights), kept


def scored(run, step, unroll, sequences, kept, mask):
    """A scalar whose gradient differs from entry to entry, of outputs and last states."""

    def score(projected, states, weights):
        found = jax.tree.leaves(run(step, sequences, unroll, projected, states, weights, kept, mask))
        return sum((leaf * jnp.cos(jnp.arange(leaf.size)).reshape(leaf.shape)).sum() for leaf in found)

    return score


@pytest.mark.parametrize("kind", STEPS)
@pytest.mark.parametrize("masks", [None, 1, "gates"])
@pytest.mark.parametrize(
    ("mask", "sequences", "unroll"), [(None, True, False), (MASK, True, False), (MASK, False, True)]
)
def test_value_and_gradient_are_those_of_the_plain_loop(kind, masks, mask, sequences, unroll):
    step, given, kept = problem(kind, masks)
    fast = scored(recurrent.recurrence, step, unroll, sequences, kept, mask)
    plain = scored(recurrent.recurrence_of_any_step, recurrent.with_product(step), unroll, sequences, kept, mask)
    found, expected = (jax.jit(jax.value_and_grad(f, (0, 1, 2)))(*given) for f in (fast, plain))
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=2e-5)


def test_the_gradient_can_be_differentiated_again():
    step, given, _ = problem("lstm", None)

    def penalty(run, step):
        score = scored(run, step, False, True, None, None)
        return lambda *given: sum(jnp.square(leaf).sum() for leaf in jax.tree.leaves(jax.grad(score, 2)(*given)))

    found = jax.jit(jax.grad(penalty(recurrent.recurrence, step), 2))(*given)
    expected = jax.jit(jax.grad(penalty(recurrent.recurrence_of_any_step, recurrent.with_product(step)), 2))(*given)
    for a, b in zip(found, expected):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-3)


def test_the_lstm_step_is_that_of_its_formula_in_float64():
    rng = np.random.default_rng(0)
    z, c = rng.normal(size=(BATCH, 4 * UNITS)), rng.normal(size=(BATCH, UNITS))
    i, f, g, o = np.split(z, 4, axis=-1)

    def sigma(x):
        return 1 / (1 + np.exp(-x))

    carry = sigma(f) * c + sigma(i) * np.tanh(g)
    h, found = STEPS["lstm"][0](jnp.float32(z), jnp.float32(0), (jnp.float32(c) * 0, jnp.float32(c)))
    np.testing.assert_allclose(found, carry, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(h, sigma(o) * np.tanh(carry), rtol=1e-5, atol=1e-6)


def test_equal_layers_share_one_step():
    assert recurrent.lstm_step(TANH, SIGMOID) is recurrent.lstm_step(TANH, SIGMOID)
