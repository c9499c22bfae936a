"""Each rule where it is on its own: what a setting does that Keras leaves without effect, edges, and arguments out of range."""

import jax
import numpy as np
import pytest

import phasewise as pw
from phasewise import optimizers
from phasewise.optimizers import Adafactor, Ftrl, Lion, Muon, ScheduleFreeAdamW


def moved(optimizer, value, *grads, path="weight"):
    """A variable after steps with these gradients."""
    variable = pw.Variable(np.float32(value), name=path.split("/")[-1], path=path)
    for grad in grads:
        optimizer.apply([np.full(variable.shape, grad, np.float32)], [variable])
    return variable.numpy()


@pytest.mark.parametrize(
    ("rate", "relative_step", "used"),
    [(1.0, True, 1 / np.sqrt(4)), (1.0, False, 1.0), (lambda step: 1.0, True, 1.0), (0.25, True, 0.25)],
)
def test_adafactor_holds_a_rate_down_only_where_it_is_asked_to(rate, relative_step, used):
    optimizer = Adafactor(rate, epsilon_2=1.0, relative_step=relative_step)
    optimizer.iterations = 3
    assert moved(optimizer, [0.5], 2.0) == pytest.approx(0.5 - used, rel=1e-6)


def test_adafactor_keeps_of_a_matrix_its_rows_and_columns():
    optimizer = Adafactor()
    optimizer.build([pw.Variable(np.zeros((30, 20), np.float32)), pw.Variable(np.zeros((5, 3, 4), np.float32))])
    kept = [array.shape for slot in optimizer.state["slots"].values() for array in slot if array is not None]
    assert kept == [(30,), (5, 3), (20,), (5, 4)]


def test_ftrl_leaves_a_weight_that_has_had_no_gradient_and_every_weight_at_a_rate_of_0():
    assert moved(Ftrl(0.1, initial_accumulator_value=0.0), [0.5], 0.0, 0.0) == [0.5]
    optimizer = Ftrl(0.0)
    assert moved(optimizer, [0.5], 1.0) == [0.5]
    assert [float(slot[0][0]) for slot in optimizer.state["slots"].values()] == [np.float32(0.1), 0.0]


def test_ftrl_makes_zeros_of_weights_whose_gradients_stay_below_the_l1_term():
    held, free = (Ftrl(0.1, initial_accumulator_value=0.0, l1_regularization_strength=l1) for l1 in (2.0, 0.0))
    assert moved(held, [0.0], 1.0, 0.5) == [0.0]
    assert moved(free, [0.0], 1.0) == pytest.approx(-0.1)


def test_a_rule_made_of_adams_gives_its_step_a_rate_or_a_number_of_its_own():
    class Hurried(optimizers.Adam):
        def step(self, grad, param, slots, rate, iteration):
            param, slots = super().step(grad, param, slots, 3 * rate, iteration)
            return super().step(grad, param, slots, rate, iteration + 1)

    m = v = 0.0
    w = 0.5
    for step, rate in ((1, 0.3), (2, 0.1)):
        m, v = 0.9 * m + 0.1 * 2, 0.5 * v + 0.5 * 4
        w -= rate * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.5**step)))
    assert moved(Hurried(0.1, beta_2=0.5), [0.5], 2.0) == pytest.approx(w, rel=1e-5)


def test_schedule_free_trains_at_the_point_of_plain_steps_where_beta_1_is_0():
    beta_2, z, v = 0.999, 0.5, 0.0
    for step, grad in enumerate((1.0, -2.0, 0.5), 1):
        v = beta_2 * v + (1 - beta_2) * grad**2
        z -= 0.1 * grad / (np.sqrt(v / (1 - beta_2**step)) + 1e-8)
    assert moved(ScheduleFreeAdamW(0.1, beta_1=0.0), [0.5], 1.0, -2.0, 0.5) == pytest.approx(z, rel=1e-6)


def test_schedule_free_with_beta_1_of_1_trains_at_the_mean_of_the_plain_steps():
    optimizer = ScheduleFreeAdamW(0.1, beta_1=1.0)
    steps = [moved(ScheduleFreeAdamW(0.1, beta_1=0.0), [0.5], *[1.0] * n)[0] for n in (1, 2, 3)]
    assert moved(optimizer, [0.5], 1.0, 1.0, 1.0) == pytest.approx(np.mean(steps), rel=1e-6)


@pytest.mark.parametrize(
    ("path", "options", "is_adams"),
    [
        ("net/dense/kernel", {}, False),
        ("net/embedding/embeddings", {}, True),
        ("net/Embedding_table/kernel", {}, True),
        ("net/embedding/embeddings", {"exclude_embeddings": False}, False),
        ("net/head/kernel", {"exclude_layers": ["tail", "he.d"]}, True),
        ("net/head/kernel", {"exclude_layers": "head"}, True),
        ("net/dense/kernel", {"exclude_layers": "head"}, False),
    ],
)
def test_muon_leaves_to_adam_what_it_is_told_to(path, options, is_adams):
    optimizer = Muon(0.1, **options)
    value = moved(optimizer, np.ones((2, 3)), 1.0, path=path)
    assert (optimizer.state["slots"]["velocity"][0] is not None) == is_adams
    decay = 1 - 0.1 * 0.004
    # Adam's first step is as long as the rate; a matrix of ones has one singular value, which becomes about 1.
    singular = (decay - value) / (0.1 * 0.2 * np.sqrt(3)) * np.sqrt(6)
    if is_adams:
        np.testing.assert_allclose(value, decay - 0.1, rtol=1e-5)
    else:
        assert (singular > 0.6).all()
        assert (singular < 1.3).all()


def test_muons_two_kinds_of_weights_have_decays_of_their_own():
    optimizer = Muon(0.1, weight_decay=0.5, adam_weight_decay=None)
    assert moved(optimizer, [1.0], 0.0) == [1.0]
    np.testing.assert_allclose(moved(Muon(0.1, weight_decay=0.5), np.ones((2, 2)), 0.0), 0.95, rtol=1e-6)
    excluding = Muon(0.1, weight_decay=0.5)
    excluding.exclude_from_weight_decay(var_names=["weight"])
    np.testing.assert_array_equal(moved(excluding, np.ones((2, 2)), 0.0), 1.0)


@pytest.mark.parametrize(
    ("name", "setting", "value"),
    [
        ("Adadelta", "rho", 0.5),
        ("Adafactor", "clip_threshold", 0.25),
        ("Adamax", "beta_2", 0.5),
        ("Ftrl", "l1_regularization_strength", 0.5),
        ("Lamb", "epsilon", 0.5),
        ("Lion", "beta_2", 0.1),
        ("Muon", "momentum", 0.1),
        ("Nadam", "beta_1", 0.5),
        ("ScheduleFreeAdamW", "warmup_steps", 9),
    ],
)
def test_a_setting_made_between_two_steps_holds_from_the_next_on(name, setting, value):
    make = getattr(optimizers, name)
    early, late, never = make(0.25, **{setting: value}), make(0.25), make(0.25)
    start = np.float32([[1.0, 2.0], [3.0, 5.0]])
    for optimizer in (early, late, never):
        moved(optimizer, start, 0.0)
    setattr(late, setting, value)
    assert late.get_config()[setting] == value
    variables = [pw.Variable(start) for _ in range(3)]
    for optimizer, variable in zip((early, late, never), variables):
        optimizer.begin_anew()
        for grad in (1.0, -0.5):
            optimizer.apply([grad * start], [variable])
    np.testing.assert_array_equal(variables[0].numpy(), variables[1].numpy())
    assert not np.array_equal(variables[0].numpy(), variables[2].numpy())


@pytest.mark.parametrize(
    ("make", "setting"), [(optimizers.Adagrad, "initial_accumulator_value"), (Muon, "exclude_layers")]
)
def test_what_the_state_was_made_with_is_not_set_later(make, setting):
    optimizer = make()
    moved(optimizer, [1.0], 1.0)
    with pytest.raises(AttributeError, match=f"{setting} of {make.__name__} cannot be set once training has begun"):
        setattr(optimizer, setting, 0.5)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: optimizers.Adadelta(rho=1.5), r"rho must be in \[0, 1\]; got 1.5"),
        (
            lambda: optimizers.Adagrad(initial_accumulator_value=-1),
            "initial_accumulator_value must be at least 0; got -1",
        ),
        (lambda: Adafactor(beta_2_decay=0.8), "beta_2_decay must be at most 0; got 0.8"),
        (lambda: Adafactor(clip_threshold=0), "clip_threshold must be above 0; got 0"),
        (lambda: Adafactor(relative_step="no"), "Adafactor's relative_step is True or False; got 'no'"),
        (lambda: optimizers.Adamax(beta_1=1), r"beta_1 must be in \[0, 1\); got 1"),
        (lambda: optimizers.Nadam(beta_2=-0.5), r"beta_2 must be in \[0, 1\); got -0.5"),
        (lambda: Ftrl(learning_rate_power=0.5), "learning_rate_power must be at most 0; got 0.5"),
        (lambda: Ftrl(l1_regularization_strength=-1), "l1_regularization_strength must be at least 0; got -1"),
        (lambda: Ftrl(l2_shrinkage_regularization_strength="1"), "l2_shrinkage_.* must be at least 0; got '1'"),
        (lambda: Ftrl(beta=-1), "beta must be at least 0; got -1"),
        (lambda: optimizers.Lamb(epsilon=-1), "epsilon must be at least 0; got -1"),
        (lambda: Lion(beta_1=0), r"beta_1 must be in \(0, 1\]; got 0"),
        (lambda: Lion(beta_2=1.5), r"beta_2 must be in \[0, 1\]; got 1.5"),
        (lambda: Muon(ns_steps=2.5), "ns_steps must be an integer of at least 0; got 2.5"),
        (lambda: Muon(ns_steps=None), "ns_steps must be an integer of at least 0; got None"),
        (lambda: Muon(exclude_layers=["*head"]), r"exclude_layers takes regular expressions; '\*head' is none"),
        (lambda: Muon(exclude_layers=[3]), "exclude_layers takes regular expressions; 3 is none"),
        (lambda: Muon(nesterov=1.0), "Muon's nesterov is True or False; got 1.0"),
        (lambda: Muon(clipnorm=1.0, clipvalue=1.0), "Only one of clipnorm, clipvalue and global_clipnorm"),
        (lambda: Muon(lr=0.1), "Muon has no argument 'lr'"),
        (lambda: Muon(rms_rate=-1), "rms_rate must be at least 0; got -1"),
        (lambda: Muon(muon_a=float("nan")), "muon_a must be a finite number; got nan"),
        (lambda: ScheduleFreeAdamW(warmup_steps=-1), "warmup_steps must be an integer of at least 0; got -1"),
        (lambda: ScheduleFreeAdamW(beta_1=1.5), r"beta_1 must be in \[0, 1\]; got 1.5"),
    ],
)
def test_a_mistake_is_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# -- in fit

X = np.random.default_rng(0).normal(size=(40, 3)).astype("float32")
Y = (X @ [[1.0], [-2.0], [0.5]]).astype("float32")
IN_FIT = {
    "Muon": {"exclude_layers": ["head"], "use_ema": True},
    "Adafactor": {},
    "Nadam": {"gradient_accumulation_steps": 2},
    "ScheduleFreeAdamW": {"warmup_steps": 4, "learning_rate": 0.05},
    "Ftrl": {"learning_rate": 0.2, "clipvalue": 0.5},
}


class EachBatch(pw.callbacks.Callback):
    """Asks for every batch, so that a chunk is one step."""

    def on_train_batch_end(self, batch, logs=None):
        pass


def fitted(name, *, callbacks=(), layers=1, **options):
    pw.set_random_seed(3)
    chain = [pw.layers.Dense(4, "tanh", name=f"hidden_{i}") for i in range(layers)]
    model = pw.Sequential(
        [pw.Input((3,)), *chain, pw.layers.BatchNormalization(name="norm"), pw.layers.Dense(1, name="head")]
    )
    model.compile(getattr(optimizers, name)(**IN_FIT[name]), "mse")
    model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=list(callbacks), **options)
    return model


@pytest.mark.parametrize("name", IN_FIT)
@pytest.mark.extensive
def test_fit_ends_at_the_same_bits_whatever_the_length_of_a_chunk(name):
    for ours, theirs in zip(fitted(name).get_weights(), fitted(name, callbacks=[EachBatch()]).get_weights()):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("name", ["Muon", "Adafactor"])
@pytest.mark.extensive
def test_a_large_state_is_written_in_place_to_the_same_numbers(monkeypatch, name):
    kept = fitted(name)
    monkeypatch.setattr(pw.training.run, "IN_PLACE_BYTES", 0)
    in_place = fitted(name)
    for ours, theirs in zip(in_place.get_weights(), kept.get_weights()):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", ["Muon", "Adafactor", "Ftrl"])
def test_what_a_large_model_keeps_is_given_up_to_the_program_that_writes_over_it(monkeypatch, name):
    monkeypatch.setattr(pw.training.run, "IN_PLACE_BYTES", 0)
    model = fitted(name, on_nonfinite="ignore")

    def places():
        return {slot.unsafe_buffer_pointer() for slot in jax.tree.leaves(model.optimizer.state["slots"])}

    before = places()
    model.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, on_nonfinite="ignore")
    assert places() == before


def test_equal_small_weights_that_adam_updates_are_stacked_beside_muons_matrices():
    deep = fitted("Muon", layers=20)  # 20 biases of one shape
    slots = deep.optimizer.state["slots"]
    assert [v is None for v in slots["velocity"]] == [
        len(v.shape) == 2 and "head" not in v.path for v in deep.trainable_variables
    ]
    assert all(np.isfinite(w).all() for w in deep.get_weights())
