"""The LSTM's own kernel: its numbers and gradients are those of the formula, whatever the mask, the rows and the threads."""

import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import phasewise as pw
from phasewise import activations
from phasewise.kernels import lstm, recurrent
from phasewise.kernels.native.library import KERNELS, reason_against

pytestmark = pytest.mark.skipif(reason_against(KERNELS) is not None, reason="The native kernels are not in use here.")

STEP = recurrent.lstm_step(activations.tanh, activations.sigmoid, is_standard=True)
PLAIN = recurrent.lstm_step(activations.tanh, activations.sigmoid)


def normal(*shape, seed=0):
    return jnp.asarray(np.random.default_rng(seed).normal(size=shape), jnp.float32)


def problem(units, batch, time=5):
    first = normal(batch, units, seed=1), normal(batch, units, seed=2)
    return (
        normal(time, batch, 4 * units),
        first,
        (normal(units, 4 * units, seed=3) / units**0.5, normal(4 * units, seed=4)),
    )


def in_float64(projected, states, weights, kept=None, mask=None):
    """The formula, step by step."""
    projected, (h, c), (kernel, bias) = jax.tree.map(lambda a: np.asarray(a, np.float64), (projected, states, weights))
    outputs = []
    for t in range(len(projected)):
        sums = projected[t] + (h if kept is None else h * np.asarray(kept)[:, 0]) @ kernel + bias
        i, f, o = (1 / (1 + np.exp(-part)) for part in np.split(sums, 4, -1)[:2] + np.split(sums, 4, -1)[3:])
        carry = f * c + i * np.tanh(np.split(sums, 4, -1)[2])
        real = np.ones((len(h), 1), bool) if mask is None else mask[t][:, None]
        h, c = np.where(real, o * np.tanh(carry), h), np.where(real, carry, c)
        outputs.append(h)
    return np.array(outputs), (h, c)


def scored(step, kept=None, mask=None, sequences=True):
    def score(projected, states, weights):
        found = jax.tree.leaves(recurrent.recurrence(step, sequences, False, projected, states, weights, kept, mask))
        return sum((leaf * jnp.cos(jnp.arange(leaf.size)).reshape(leaf.shape)).sum() for leaf in found)

    return score


def program_of(function, *arguments):
    return jax.jit(function).lower(*arguments).as_text()


def assert_close(found, expected, tolerance=1e-5):
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * np.abs(b).max())


def drawn(units, batch, masks, drops):
    mask = np.random.default_rng(5).random((5, batch)) > 0.4 if masks else None
    kept = (normal(batch, 1, units, seed=6) > 0) * jnp.float32(2) if drops else None
    return kept, mask


@pytest.mark.parametrize(("units", "batch"), [(1, 1), (5, 3), (16, 9), (40, 13)])
@pytest.mark.parametrize(("masks", "drops"), [(False, False), (True, True)])
def test_outputs_are_those_of_the_formula_in_float64(units, batch, masks, drops):
    given, chosen = problem(units, batch), drawn(units, batch, masks, drops)
    assert_close(recurrent.recurrence(STEP, True, False, *given, *chosen), in_float64(*given, *chosen))


@pytest.mark.few(6)
@pytest.mark.parametrize(("units", "batch"), [(1, 1), (5, 3), (16, 9), (40, 13)])
@pytest.mark.parametrize(
    ("masks", "drops", "sequences"), [(False, False, True), (True, True, True), (False, True, False)]
)
def test_gradients_are_those_of_the_loop(units, batch, masks, drops, sequences):
    given, (kept, mask) = problem(units, batch), drawn(units, batch, masks, drops)
    found, expected = (
        jax.jit(jax.grad(scored(step, kept, mask, sequences), (0, 1, 2)))(*given) for step in (STEP, PLAIN)
    )
    assert_close(found, expected)


def test_copies_for_lesser_processors_compute_the_formula(lesser_processor):
    given, chosen = problem(20, 13), drawn(20, 13, True, True)
    assert_close(recurrent.recurrence(STEP, True, False, *given, *chosen), in_float64(*given, *chosen))
    found, expected = (jax.grad(scored(step, *chosen), (0, 1, 2))(*given) for step in (STEP, PLAIN))
    assert_close(found, expected)


def test_extreme_and_missing_numbers_stay_in_their_row():
    projected, states, weights = problem(8, 4)
    projected = projected.at[:, 1].mul(1e4).at[2, 2, 3].set(jnp.nan)
    outputs, _ = recurrent.recurrence(STEP, True, False, projected, states, weights)
    assert_close(outputs[:, (0, 1, 3)], in_float64(projected, states, weights)[0][:, (0, 1, 3)])
    assert np.isnan(outputs[2:, 2]).any()


def test_a_row_has_the_same_bits_alone_and_at_any_place():
    projected, (h, c), weights = problem(20, 19)
    whole, _ = recurrent.recurrence(STEP, True, False, projected, (h, c), weights)
    for rows in ([0], [7], [18], [3, 1, 2], list(range(18, -1, -1))):
        rows = np.array(rows)
        part, _ = recurrent.recurrence(STEP, True, False, projected[:, rows], (h[rows], c[rows]), weights)
        np.testing.assert_array_equal(part, whole[:, rows])


def test_the_gradient_can_be_differentiated_again():
    projected, states, weights = problem(4, 3)

    def size_of_gradient(step, x):
        return (jax.grad(scored(step))(x, states, weights) ** 2).sum()

    found, expected = (jax.grad(size_of_gradient, 1)(step, projected) for step in (STEP, PLAIN))
    assert_close(found, expected)


def test_vmap_computes_with_the_loop():
    projected, states, weights = problem(4, 3)
    several = jnp.stack([projected, 2 * projected])
    found, expected = (
        jax.vmap(jax.grad(scored(step)), (0, None, None))(several, states, weights) for step in (STEP, PLAIN)
    )
    assert_close(found, expected)


def test_other_shapes_types_and_activations_are_left_to_the_loop():
    given = problem(4, 3)
    assert "phasewise_lstm" in program_of(scored(STEP), *given)
    assert "phasewise_lstm" not in program_of(scored(PLAIN), *given)
    projected, states, (kernel, bias) = given
    short = projected.astype(jnp.bfloat16), states, (kernel.astype(jnp.bfloat16), bias.astype(jnp.bfloat16))
    assert "phasewise_lstm" not in program_of(scored(STEP), *short)
    assert not lstm.suits(projected[:0], states, (kernel, bias), None, None)
    by_gate = jnp.ones((3, 4, 4), jnp.float32)
    assert not lstm.suits(*given, by_gate, None)


def test_a_layer_with_other_activations_computes_them():
    x = np.asarray(normal(2, 3, 4))
    layer = pw.layers.LSTM(3, activation="relu")
    kernel, recurrent_kernel, bias = (np.asarray(w) for w in (layer(x), layer.get_weights())[1])
    h = c = np.zeros((2, 3))
    for t in range(3):
        i, f, g, o = np.split(x[:, t] @ kernel + h @ recurrent_kernel + bias, 4, -1)
        i, f, o = (1 / (1 + np.exp(-part)) for part in (i, f, o))
        c = f * c + i * np.maximum(g, 0)
        h = o * np.maximum(c, 0)
    assert_close(layer(x), h)


SCRIPT = """
import jax, numpy as np, phasewise as pw, hashlib
pw.utils.set_random_seed(1)
model = pw.Sequential([pw.Input((6, 5)), pw.layers.LSTM(7, return_sequences=True), pw.layers.LSTM(3)])
x = np.random.default_rng(0).normal(size=(40, 6, 5)).astype("float32")
model.compile("sgd", "mse")
model.fit(x, x[:, 0, :3], epochs=2, batch_size=20, shuffle=False, verbose=0)
np.save(OUT, np.concatenate([np.ravel(w) for w in model.get_weights()] + [np.ravel(model.predict(x, verbose=0))]))
"""


def trained_in_a_process(path, **environment):
    script = SCRIPT.replace("OUT", repr(str(path)))
    subprocess.run([sys.executable, "-c", script], env={**os.environ, **environment}, check=True)
    return np.load(path)


def test_training_is_the_same_natively_and_in_xla(tmp_path):
    native = trained_in_a_process(tmp_path / "native.npy")
    assert_close(trained_in_a_process(tmp_path / "xla.npy", PHASEWISE_NATIVE="0"), native)
