"""Statistics as a choice: moving, batch, a blend of both, or one of these by layer."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import phasewise as pw
from phasewise.layers import BatchNormalization, Dense, Dropout

X = np.random.default_rng(0).normal(3.0, 2.0, (48, 4)).astype("float32")


@pytest.fixture(scope="module")
def model():
    pw.set_random_seed(5)
    x = pw.Input((4,))
    h = BatchNormalization(name="first")(x)
    h = Dropout(0.5)(Dense(3, name="dense")(h))
    made = pw.Model(x, BatchNormalization(name="second", epsilon=1e-5)(h))
    rng = np.random.default_rng(1)
    made.set_weights([np.abs(rng.normal(size=w.shape)) + 0.5 for w in made.get_weights()])
    return made


def reference(model, x, n_of):
    """float64, each layer mixing statistics with its `n` (None: moving only)."""

    def normalized(layer, x):
        gamma, beta, mean, variance = (w.astype(np.float64) for w in layer.get_weights())
        n = n_of(layer.name)
        if n is not None:
            share = len(x) / (n + len(x))
            mean = (1 - share) * mean + share * x.mean(0)
            variance = (1 - share) * variance + share * x.var(0)
        return (x - mean) / np.sqrt(variance + layer.epsilon) * gamma + beta

    kernel, bias = model.get_layer("dense").get_weights()
    h = normalized(model.get_layer("first"), x.astype(np.float64)) @ kernel.astype(np.float64) + bias
    return normalized(model.get_layer("second"), h)


@pytest.mark.parametrize(
    "policy, n_of",
    [
        ("moving", lambda name: None),
        ("batch", lambda name: 0),
        (pw.blend(16), lambda name: 16),
        ("blend(16)", lambda name: 16),
        (pw.blend(0), lambda name: 0),
        ({"first": "batch"}, {"first": 0, "second": None}.get),
        ({"second": pw.blend(7), "first": "blend(2.5)"}, {"first": 2.5, "second": 7}.get),
        ({}, lambda name: None),
    ],
    ids=["moving", "batch", "blend", "written blend", "blend of 0", "one layer", "two layers", "no layer"],
)
def test_predictions_are_those_of_the_formula(model, policy, n_of):
    found = model.predict(X, batch_size=48, statistics=policy, verbose=0)
    np.testing.assert_allclose(found, reference(model, X, n_of), rtol=1e-4, atol=1e-4)


@settings(max_examples=8, deadline=None)
@given(n=st.floats(0, 1e4))
def test_a_blend_lies_between_its_ends(model, n):
    ends = [model.get_layer("first")(X), None]
    with pw.statistics("batch"):
        ends[1] = model.get_layer("first")(X)
    with pw.statistics(pw.blend(n)):
        mixed = np.asarray(model.get_layer("first")(X)).mean(0)
    low, high = np.sort([np.asarray(end).mean(0) for end in ends], axis=0)
    assert (mixed >= low - 0.2 * np.abs(low)).all()
    assert (mixed <= high + 0.2 * np.abs(high)).all()


def test_padding_is_no_part_of_a_blend(model):
    whole = model.predict(X[:40], batch_size=32, statistics=pw.blend(10), verbose=0)[32:]
    alone = model.predict(X[32:40], batch_size=8, statistics=pw.blend(10), verbose=0)
    np.testing.assert_allclose(whole, alone, rtol=1e-5, atol=1e-5)


def test_a_scope_inside_another_adds_to_it_by_layer(model):
    with pw.statistics("batch"), pw.statistics({"second": "moving"}):
        inner = model.predict(X, batch_size=48, verbose=0)
    np.testing.assert_allclose(inner, reference(model, X, {"first": 0, "second": None}.get), rtol=1e-4, atol=1e-4)
    with pw.statistics({"first": "batch"}), pw.statistics(None):
        again = model.predict(X, batch_size=48, verbose=0)
    np.testing.assert_allclose(again, reference(model, X, {"first": 0, "second": None}.get), rtol=1e-4, atol=1e-4)


def test_a_policy_without_a_dict_replaces_the_one_around_it(model):
    with pw.statistics({"first": "batch"}), pw.statistics("moving"):
        inner = model.predict(X, batch_size=48, verbose=0)
    np.testing.assert_array_equal(inner, model.predict(X, verbose=0))


@pytest.mark.parametrize("policy", ["batch", pw.blend(4), {"second": "batch"}], ids=str)
def test_no_policy_changes_the_model_or_wakes_dropout(model, policy):
    before = model.get_weights()
    first = model.predict(X, statistics=policy, verbose=0)
    np.testing.assert_array_equal(first, model.predict(X, statistics=policy, verbose=0))
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_explain_says_which_statistics_each_layer_uses(model):
    rows = model.explain(statistics={"second": pw.blend(16)}, print_fn=False)
    assert rows["first"].predict.action == "moving statistics"
    assert rows["second"].predict.action == "blend(16) statistics"
    assert rows["second"].evaluate.statistics == "blend(16)"


def test_evaluate_takes_every_policy():
    x = pw.Input((4,))
    made = pw.Model(x, Dense(1)(BatchNormalization(name="bn")(x)))
    made.compile("sgd", "mse")
    y = np.zeros((48, 1))
    losses = [
        made.evaluate(X, y, batch_size=48, statistics=policy, verbose=0)
        for policy in ("moving", "batch", pw.blend(48), {"bn": "batch"})
    ]
    assert len(set(losses[:3])) == 3
    assert losses[3] == losses[1]


@pytest.mark.parametrize("n", [-1, "many", float("inf"), float("nan"), True])
def test_a_blend_of_no_number_is_refused(n):
    with pytest.raises(
        ValueError, match=r"blend\(n\): n is how many examples the moving statistics weigh, at least 0; got"
    ):
        pw.blend(n)


def test_a_layer_that_the_model_lacks_is_named(model):
    for call in (
        lambda p: model.predict(X, statistics=p, verbose=0),
        lambda p: model.explain(statistics=p, print_fn=False),
    ):
        with pytest.raises(ValueError, match=r"names the layer 'secnd', which is no batch .* Did you mean 'second'?"):
            call({"secnd": "batch"})


@pytest.mark.parametrize("policy", ["blend", "blend(x)", ["batch"], {"first": "btach"}], ids=str)
def test_an_unknown_policy_is_explained(model, policy):
    with pytest.raises(ValueError, match=r"Unknown statistics policy .*phasewise.blend\(n\)"):
        model.predict(X, statistics=policy, verbose=0)
