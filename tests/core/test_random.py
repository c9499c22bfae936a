"""Draws are functions of the seed, the step or the number of the call, and the place in the model; of nothing else."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest

import phasewise as pw
from phasewise import layers, ops

SeedGenerator = pw.random.SeedGenerator
X = np.random.default_rng(0).normal(size=(48, 4)).astype("float32")
Y = X.sum(1, keepdims=True)
ONES = np.ones((70, 4), "float32")


class Noisy(layers.Layer):
    """A layer of a user's own that draws by a generator of its own."""

    def __init__(self, seed=None):
        super().__init__()
        self.generator = SeedGenerator(seed)

    def call(self, x):
        return x + jax.random.normal(jax.random.key(self.generator.next_seed()), x.shape)


def trained(between=lambda: None, late=False, seed=None):
    """History, weights and predictions of a model that draws in every way, after `set_random_seed(1)`."""
    pw.set_random_seed(1)
    start = [] if late else [pw.Input((4,))]
    chain = [layers.Dense(6), layers.Dropout(0.5, seed=seed), layers.GaussianNoise(0.1), Noisy(), layers.Dense(1)]
    model = pw.Sequential(start + chain)
    between()
    model.compile("adam", "mse")
    history = model.fit(X, Y, batch_size=16, epochs=2, verbose=0).history["loss"]
    return [np.array(history), *model.get_weights(), model.predict(X, verbose=0)]


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.fixture(scope="module")
def reference():
    return trained()


def test_the_same_seed_gives_the_same_bits_twice_in_one_process(reference):
    assert same(trained(), reference)


@pytest.mark.parametrize("options", [{"seed": 4}, {"late": True}])
@pytest.mark.extensive
def test_so_do_a_seed_of_a_layers_own_and_weights_that_are_made_late(options):
    assert same(trained(**options), trained(**options))


@pytest.mark.extensive
def test_models_built_and_trained_in_between_have_no_part_in_it(reference):
    def others():
        model = pw.Sequential([layers.Dense(3), layers.Dropout(0.2), layers.Dense(1)])
        model.compile("sgd", "mse")
        model.fit(X, Y, verbose=0)
        pw.random.fresh_seed()

    assert same(trained(others), reference)
    late = trained(late=True)
    assert same(trained(others, late=True), late)


def test_another_process_gives_the_same_bits(reference):
    script = (
        "import sys; sys.path.insert(0, 'tests/core'); import test_random as t;"
        "print(*(a.tobytes().hex() for a in t.trained()), sep='\\n')"
    )
    compiling_anew = {**os.environ, "JAX_ENABLE_COMPILATION_CACHE": "false"}
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=compiling_anew)
    assert run.stdout.split() == [a.tobytes().hex() for a in reference]


def test_two_models_made_after_the_same_seed_draw_differently():
    pw.set_random_seed(2)
    one, another = (pw.Sequential([pw.Input((4,)), layers.Dropout(0.5)]) for _ in range(2))
    assert not np.array_equal(one(ONES, training=True), another(ONES, training=True))


# -- Monte Carlo: a random layer that is pinned to training


@pytest.fixture(scope="module")
def pinned():
    inputs = pw.Input((4,))
    model = pw.Model(inputs, layers.Dropout(0.5)(inputs, training=True))
    model.compile("sgd", "mse")
    return model


WAYS = {
    "predict": lambda model: model.predict(ONES, verbose=0),
    "predict_on_batch": lambda model: model.predict_on_batch(ONES),
    "call": lambda model: np.asarray(model(ONES)),
    "evaluate": lambda model: np.array(model.evaluate(ONES, 2 * ONES, verbose=0)),
    "test_on_batch": lambda model: np.array(model.test_on_batch(ONES, 2 * ONES)),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_pinned_layer_draws_anew_at_each_call_and_the_sequence_repeats_with_the_seed(pinned, way):
    runs = []
    for _ in range(2):
        pw.set_random_seed(3)
        runs.append([WAYS[way](pinned) for _ in range(4)])
    assert same(*runs)
    assert not any(np.array_equal(a, b) for i, a in enumerate(runs[0]) for b in runs[0][:i])


def test_predictions_by_monte_carlo_spread_as_dropout_does(pinned):
    draws = np.stack([pinned.predict(ONES, verbose=0) for _ in range(40)])
    assert set(np.unique(draws)) == {0, 2}
    assert abs(draws.mean() - 1) < 5 / np.sqrt(draws.size)  # a draw of 0 or 2 has standard deviation 1
    assert abs(draws.std(0).mean() - 1) < 0.05


def test_a_rows_draws_depend_on_its_place_and_not_on_how_the_data_are_cut(pinned):
    def predicted(data, **options):
        pw.set_random_seed(3)
        return pinned.predict(data, verbose=0, **options)

    whole = predicted(ONES)
    assert not np.array_equal(whole[:32], whole[32:64])
    for size in (1, 7, 64):
        np.testing.assert_array_equal(predicted(ONES, batch_size=size), whole)
    np.testing.assert_array_equal(predicted(iter([ONES[:50], ONES[50:]])), whole)
    np.testing.assert_array_equal(predicted(ONES[:40]), whole[:40])


def test_batches_of_an_evaluation_draw_differently_and_its_loss_does_not_depend_on_their_size(pinned):
    def loss(size):
        pw.set_random_seed(3)
        return pinned.evaluate(ONES, 2 * ONES, batch_size=size, verbose=0)

    np.testing.assert_allclose([loss(7), loss(35)], loss(70), rtol=1e-6)
    kept = 0
    for _ in range(3):
        kept += pinned.evaluate(ONES, ONES * 0, batch_size=1, verbose=0) / 4 / 3
    assert abs(kept - 0.5) < 5 * 0.5 / np.sqrt(3 * ONES.size)  # one mask for all rows would be off by far more


def test_what_is_not_pinned_passes_through_and_takes_no_number_of_the_sequence(pinned):
    free = pw.Sequential([pw.Input((4,)), layers.Dropout(0.5)])
    np.testing.assert_array_equal(free.predict(ONES, verbose=0), ONES)
    pw.set_random_seed(3)
    first = pinned.predict(ONES, verbose=0)
    pw.set_random_seed(3)
    free.predict(ONES, verbose=0)
    np.testing.assert_array_equal(pinned.predict(ONES, verbose=0), first)


# -- SeedGenerator


@pytest.mark.parametrize("seed", [None, 5])
def test_a_generator_moves_inside_a_compiled_call(seed):
    model = pw.Sequential([pw.Input((4,)), Noisy(seed)])
    drawn = [model.predict(ONES * 0, verbose=0) for _ in range(3)]
    assert abs(np.concatenate(drawn).std() - 1) < 0.15
    assert len({rows.tobytes() for draw in drawn for rows in (draw[:32], draw[32:64])}) == 6
    assert not np.array_equal(model(ONES), model(ONES))


def test_a_generator_in_a_loss_moves_with_each_step():
    generator = SeedGenerator(5)
    model = pw.Sequential([pw.Input((4,)), layers.Dense(1, kernel_initializer="zeros")])
    model.compile(
        pw.optimizers.SGD(1e-20), lambda t, p: ops.mean(p, -1) + jax.random.uniform(generator.next(), p.shape[:1])
    )
    assert len({model.train_on_batch(X, Y) for _ in range(4)}) == 4


def test_a_layer_takes_a_generator_for_its_seed_and_gives_it_back_in_its_config():
    x = ONES[:1]
    first, second = (layers.Dropout(0.5, seed=SeedGenerator(7)) for _ in range(2))
    drawn = [np.asarray(first(ONES, training=True)) for _ in range(2)]
    assert not np.array_equal(*drawn)
    np.testing.assert_array_equal(second(ONES, training=True), drawn[0])
    again = layers.Dropout.from_config(first.get_config())
    np.testing.assert_array_equal(again(ONES, training=True), drawn[0])
    assert again(x, training=True).shape == x.shape


def test_a_layer_with_a_seed_draws_its_own_sequence_outside_of_a_model():
    def drawn():
        layer = layers.Dropout(0.5, seed=4)
        return [np.asarray(layer(ONES, training=True)) for _ in range(2)]

    first = drawn()
    pw.random.fresh_seed()
    assert same(drawn(), first)
    assert not np.array_equal(*first)


@pytest.mark.parametrize("seed", [True, "1", 1.5])
def test_a_seed_that_is_no_integer_is_refused(seed):
    with pytest.raises(ValueError, match="Dropout's seed is an integer or None"):
        layers.Dropout(0.5, seed=seed)
    with pytest.raises(ValueError, match="A SeedGenerator's seed is an integer or None"):
        SeedGenerator(seed)
