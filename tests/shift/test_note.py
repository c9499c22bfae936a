"""NOTE: instance-aware normalization and a balanced memory, for streams whose classes come in runs."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import phasewise as pw
from phasewise import layers
from phasewise.shift.adaptation.reservoir import BalancedReservoir

ROOM = 12
RNG = np.random.default_rng(0)
X = (RNG.normal(size=(4 * ROOM, 6, 6, 2)) * RNG.uniform(0.3, 3, (4 * ROOM, 1, 1, 2)) + 1).astype("float32")


@pytest.fixture(scope="module")
def model():
    pw.set_random_seed(1)
    chain = [layers.Conv2D(4, 3, name="conv"), layers.BatchNormalization(name="bn"), layers.ReLU()]
    chain += [layers.GlobalAveragePooling2D(), layers.Dense(3, activation="softmax", name="last")]
    made = pw.Sequential([pw.Input((6, 6, 2)), *chain])
    made.get_layer("bn").set_weights([RNG.uniform(0.5, 2, 4) for _ in range(4)])
    made.get_layer("last").set_weights([RNG.normal(size=(4, 3)), np.zeros(3)])
    return made


def shrunk(d, t):
    return jnp.where(d > t, d - t, jnp.where(d < -t, d + t, 0.0))


def plain_normalized(h, params, statistics, k):
    """Equations 3 to 7 with the affine part, for (rows, height, width, channels)."""
    positions = h.shape[1] * h.shape[2]
    mean, variance = h.mean((1, 2), keepdims=True), h.var((1, 2), keepdims=True, ddof=1)
    spread = statistics[1] + 1e-3
    mean = statistics[0] + shrunk(mean - statistics[0], k * jnp.sqrt(spread / positions))
    variance = statistics[1] + shrunk(variance - statistics[1], k * spread * jnp.sqrt(2 / (positions - 1)))
    return params[0] * (h - mean) / jnp.sqrt(variance + 1e-3) + params[1]


def plain_note(model, x, k, momentum, rate):
    """Algorithm 1, row by row: (predictions, gamma and beta, moving statistics)."""
    kernel, bias, last, last_bias = (
        jnp.asarray(w.numpy()) for n in ("conv", "last") for w in model.get_layer(n).weights
    )
    bn = model.get_layer("bn")
    params = [jnp.asarray(bn.gamma.numpy()), jnp.asarray(bn.beta.numpy())]
    statistics = [jnp.asarray(bn.moving_mean.numpy()), jnp.asarray(bn.moving_variance.numpy())]
    optimizer, rng = optax.adam(rate), np.random.default_rng(0)
    kept = optimizer.init(params)

    def convolved(x):
        return (
            jax.lax.conv_general_dilated(x, kernel, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")) + bias
        )

    def logp(params, statistics, x):
        h = plain_normalized(convolved(x), params, statistics, k)
        return jax.nn.log_softmax(jax.nn.relu(h).mean((1, 2)) @ last + last_bias)

    def entropy(params, statistics, x):
        found = logp(params, statistics, x)
        return -(jnp.exp(found) * found).sum(-1).mean()

    predicted, memory, labels, seen = [], [], [], np.zeros(3, int)
    for number, row in enumerate(x):
        predicted.append(jnp.exp(logp(params, statistics, row[None]))[0])
        label = int(predicted[-1].argmax())
        seen[label] += 1
        counts = np.bincount(labels, minlength=3)
        if len(memory) < ROOM:
            memory.append(row), labels.append(label)
        elif counts[label] < counts.max():
            most = [i for i in range(ROOM) if counts[labels[i]] == counts.max()]
            place = rng.choice(most)
            memory[place], labels[place] = row, label
        elif rng.random() < counts[label] / seen[label]:
            place = rng.choice([i for i in range(ROOM) if labels[i] == label])
            memory[place] = row
        if (number + 1) % ROOM == 0:
            batch = jnp.stack(memory)
            h = convolved(batch)
            now = h.mean((0, 1, 2)), h.var((0, 1, 2), ddof=1)
            statistics = [(1 - momentum) * a + momentum * b for a, b in zip(statistics, now)]
            updates, kept = optimizer.update(jax.grad(entropy)(params, list(now), batch), kept, params)
            params = optax.apply_updates(params, updates)
    return np.array(predicted), params, statistics


@pytest.mark.extensive
def test_note_is_its_algorithm_row_by_row_however_rows_are_batched(model):
    options = {"k": 2.0, "momentum": 0.2}
    predicted, params, statistics = plain_note(model, X, rate=0.01, **options)
    bn = model.get_layer("bn")
    with pw.adapt(model, None, "note", memory=ROOM, learning_rate=0.01, watch=False, **options) as adaptation:
        found = [adaptation.predict(X[:18]), adaptation.predict(X[18:])]
        np.testing.assert_allclose(np.concatenate(found), predicted, atol=1e-5)
        for variable, wanted in zip(bn.weights, [*params, *statistics]):
            np.testing.assert_allclose(variable.numpy(), wanted, rtol=1e-5, atol=1e-5)


def test_a_row_is_predicted_the_same_whatever_is_beside_it(model):
    with pw.adapt(model, None, "note") as adaptation:
        together = adaptation.predict(X[:8])
    with pw.adapt(model, None, "note") as adaptation:
        np.testing.assert_allclose(adaptation.predict(X[:1]), together[:1], atol=1e-6)


def test_where_a_channel_of_a_row_is_one_value_moving_statistics_stand():
    made = pw.Sequential([pw.Input((3,)), layers.BatchNormalization(), layers.Dense(2, activation="softmax")])
    made.layers[0].moving_mean.assign([1.0, 2.0, 3.0])
    x = RNG.normal(size=(8, 3)).astype("float32") * 5
    with pw.adapt(made, None, "note") as adaptation:
        np.testing.assert_allclose(adaptation.predict(x), made.predict(x, verbose=0), atol=1e-6)


def test_the_memory_holds_as_many_of_each_class_though_they_come_in_runs():
    memory = BalancedReservoir(30, seed=3)
    for number in range(3000):
        memory.offer(number, number // 1000)
    assert np.bincount(memory.classes).tolist() == [10, 10, 10]
    last = [row - 2000 for row, label in zip(memory.rows, memory.classes) if label == 2]
    assert max(last) > 500  # not only its first ones


@pytest.mark.parametrize("option", ["k", "learning_rate", "memory", "momentum"])
def test_an_option_out_of_its_range_is_named(model, option):
    with pytest.raises(ValueError, match=f"{option}.*got -1"):
        pw.adapt(model, None, "note", **{option: -1})
