"""adapt: a model is fitted to data without labels, and is given back as it was."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import phasewise as pw
from phasewise import layers
from phasewise.shift.adaptation.lame import neighbours
from phasewise.shift.collapse import come_in_runs, narrowed_to, wrong_with

METHODS = ("adabn", "ema", "blend", "tent", "sar")


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def build(last="softmax"):
    pw.set_random_seed(3)
    x = pw.Input((4,))
    h = layers.BatchNormalization(name="first")(x)
    h = layers.Dense(6, activation="tanh", name="hidden")(h)
    h = layers.Dropout(0.5)(layers.BatchNormalization(name="second")(h))
    return pw.Model(x, layers.Dense(3, activation=last, name="last")(h), name="net")


@pytest.fixture(scope="module")
def model():
    made = build()
    made.compile("adam", "sparse_categorical_crossentropy")
    made.fit(normal(64, 4), np.arange(64) % 3, verbose=0, epochs=30)
    return made


def state_of(model):
    """Every weight, statistic and the optimizer, as bytes."""
    kept = jax.tree.leaves(model.optimizer.state)
    return [np.asarray(a).tobytes() for a in [*model.get_weights(), *kept, model.steps_trained]]


X = normal(96, 4, seed=1) * 2 + 1


@pytest.mark.few(3)
@pytest.mark.parametrize("method", METHODS)
def test_leaving_the_block_gives_the_model_back_to_the_bit(model, method):
    before = state_of(model)
    with pw.adapt(model, X, method, watch=False) as adaptation:
        adaptation.predict(X[:32])
        assert state_of(model) != before
    assert state_of(model) == before


@pytest.mark.extensive
@pytest.mark.parametrize("case", range(100))
def test_whatever_happens_the_model_is_given_back_to_the_bit(model, case):
    rng = np.random.default_rng(case)
    before, method = state_of(model), rng.choice(METHODS)
    error = [None, KeyboardInterrupt, ValueError, MemoryError][rng.integers(4)]
    last = rng.integers(1, 4)

    def batches():
        for number in range(3):
            if error is not None and number == last - 1:
                raise error("in the middle")
            yield X[32 * number : 32 * number + 32]

    data = pw.Dataset.from_generator(batches)
    if error is None:
        adaptation = pw.adapt(model, data, method)
        adaptation.predict(X[: rng.integers(8, 40)])
        adaptation.restore()
    else:
        with pytest.raises((error, RuntimeError)):
            pw.adapt(model, data, method)
    assert state_of(model) == before


def test_an_error_in_the_middle_of_a_stream_leaves_the_batch_undone(model):
    def batches():
        yield X[:32]
        raise OSError("the disk is gone")

    before = state_of(model)
    with pytest.raises(OSError, match="the disk is gone"):
        pw.adapt(model, pw.Dataset.from_generator(batches), "tent")
    assert state_of(model) == before


def test_what_is_kept_stays(model):
    before = model.get_weights()
    with pw.adapt(model, X, "adabn") as adaptation:
        assert adaptation.keep() is model
    changed = model.get_layer("first").moving_mean.numpy()
    model.set_weights(before)
    np.testing.assert_allclose(changed, X.astype(np.float64).mean(0), rtol=1e-5)
    with pytest.raises(ValueError, match="was kept: what the model was before is no longer known"):
        adaptation.restore()


def test_what_was_undone_predicts_no_more(model):
    adaptation = pw.adapt(model, None, "tent")
    adaptation.restore()
    with pytest.raises(ValueError, match="was undone: call adapt again"):
        adaptation.predict(X)


def test_adabn_is_what_recalibrate_gives(model):
    with pw.adapt(model, X, "adabn") as adaptation:
        found = model.get_weights()
        np.testing.assert_array_equal(adaptation.predict(X), model.predict(X, verbose=0))
    twin = build()
    twin.set_weights(model.get_weights())
    pw.recalibrate(twin, X, verbose=0)
    for a, b in zip(found, twin.get_weights()):
        np.testing.assert_array_equal(a, b)


@pytest.mark.few(1)
@pytest.mark.parametrize("method", ["tent", "sar", "eata"])
def test_after_data_that_end_predictions_use_the_statistics_of_all_rows_under_the_weights_found(model, method):
    options = {"source": normal(64, 4)} if method == "eata" else {}
    if method != "tent":
        options |= {"margin": 1.0}
    before = [model.get_layer(name).gamma.numpy().copy() for name in ("first", "second")]
    with pw.adapt(model, X, method, batch_size=20, **options):
        found, predicted = model.get_weights(), model.predict(X, verbose=0)
        assert all((model.get_layer(n).gamma.numpy() != old).any() for n, old in zip(("first", "second"), before))
    twin = build()
    twin.set_weights(found)
    first, second, hidden = (twin.get_layer(name) for name in ("first", "second", "hidden"))
    for layer, x in ((first, X), (second, pw.Model(twin.input, hidden.output).predict(X, verbose=0))):
        np.testing.assert_allclose(layer.moving_mean.numpy(), x.mean(0, dtype=np.float64), rtol=1e-4, atol=1e-6)
        np.testing.assert_allclose(layer.moving_variance.numpy(), x.var(0, dtype=np.float64), rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(predicted, twin.predict(X, verbose=0))


def test_a_blend_weighs_the_rows_of_training_as_n(model):
    first = model.get_layer("first")
    old = [w.numpy().astype(np.float64) for w in (first.moving_mean, first.moving_variance)]
    with pw.adapt(model, X, pw.blend(32)):
        new = [w.numpy() for w in (first.moving_mean, first.moving_variance)]
    x = X.astype(np.float64)
    for was, now, found in zip(old, (x.mean(0), x.var(0)), new):
        np.testing.assert_allclose(found, 32 / 128 * was + 96 / 128 * now, rtol=1e-5)


def test_without_data_a_blend_takes_each_batch(model):
    with pw.adapt(model, None, "blend", n=8) as adaptation:
        np.testing.assert_array_equal(
            adaptation.predict(X[:32]), model.predict(X[:32], statistics=pw.blend(8), verbose=0)
        )


def test_a_running_average_follows_the_batches_in_order(model):
    first = model.get_layer("first")
    mean = first.moving_mean.numpy().astype(np.float64)
    with pw.adapt(model, X, "ema", momentum=0.75):
        for start in (0, 32, 64):
            mean = 0.75 * mean + 0.25 * X[start : start + 32].astype(np.float64).mean(0)
        np.testing.assert_allclose(first.moving_mean.numpy(), mean, rtol=1e-5)


def plain_tent(weights, batches, optimizer):
    """Wang et al. (2021), in plain JAX: gamma and beta of both normalizations after all batches; predictions before each step."""
    g1, b1, kernel, bias, g2, b2, last, last_bias = weights

    def normalized(x, gamma, beta):
        return gamma * (x - x.mean(0)) / jnp.sqrt(x.var(0) + 1e-3) + beta

    def logits(params, x):
        h = jnp.tanh(normalized(x, params[0], params[1]) @ kernel + bias)
        return normalized(h, params[2], params[3]) @ last + last_bias

    def entropy(params, x):
        logp = jax.nn.log_softmax(logits(params, x))
        return -(jnp.exp(logp) * logp).sum(-1).mean()

    @jax.jit
    def step(params, kept, x):
        updates, kept = optimizer.update(jax.grad(entropy)(params, x), kept, params)
        return optax.apply_updates(params, updates), kept, jax.nn.softmax(logits(params, x))

    params, predicted = [g1, b1, g2, b2], []
    kept = optimizer.init(params)
    for x in batches:
        params, kept, y = step(params, kept, x)
        predicted.append(y)
    return params, predicted


@pytest.mark.few(1)
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_tent_is_its_formula_after_twenty_steps(model, optimizer):
    batches = [normal(30, 4, seed=seed) * 2 + 1 for seed in range(20)]
    names = ("first", "hidden", "second", "last")
    weights = [jnp.asarray(w.numpy()) for name in names for w in model.get_layer(name).trainable_variables]
    made = {"adam": optax.adam(1e-3), "sgd": optax.sgd(1e-3, momentum=0.9)}[optimizer]
    wanted, predicted = plain_tent(weights, batches, made)
    with pw.adapt(model, None, "tent", optimizer=optimizer, watch=False) as adaptation:
        for x, y in zip(batches, predicted):
            np.testing.assert_allclose(adaptation.predict(x), y, rtol=1e-4, atol=1e-5)
        found = [w.numpy() for name in ("first", "second") for w in model.get_layer(name).trainable_variables]
    for a, b in zip(found, wanted):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize(
    "loss",
    [pw.losses.SparseCategoricalCrossentropy, pw.losses.CategoricalCrossentropy, pw.losses.BinaryCrossentropy],
)
def test_scores_are_taken_for_what_a_loss_from_logits_makes_of_them(loss):
    def after(last, from_logits):
        made = build(last)
        made.compile(loss=loss(from_logits=from_logits))
        audit = pw.audit(made, X, verbose=0)
        with pw.adapt(made, X, "tent", watch=False):
            return made.get_weights(), [each.entropy for each in audit.remedies.tried]

    last = "sigmoid" if loss is pw.losses.BinaryCrossentropy else "softmax"
    (weights, entropies), (expected, entropies_expected) = after(None, True), after(last, False)
    for found, wanted in zip(weights, expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(entropies, entropies_expected, rtol=1e-5)


@pytest.mark.extensive
def test_episodic_tent_begins_anew_with_each_batch(model):
    with pw.adapt(model, None, "tent", episodic=True, learning_rate=0.1) as adaptation:
        first = adaptation.predict(X[:32])
        adaptation.predict(X[32:64])
        np.testing.assert_array_equal(adaptation.predict(X[:32]), first)


@pytest.mark.extensive
def test_a_source_of_batches_is_taken_as_it_comes(model):
    with pw.adapt(model, None, "tent") as adaptation:
        wanted = [adaptation.predict(X[start : start + 40]) for start in (0, 40, 80)]
    with pw.adapt(model, None, "tent") as adaptation:
        found = adaptation.predict(pw.Dataset.from_tensor_slices(X).batch(40))
    np.testing.assert_array_equal(found, np.concatenate(wanted))


def test_collapse_is_noticed_and_taken_back(model):
    before = state_of(model)
    with (
        pw.adapt(model, None, "tent", learning_rate=1.0) as adaptation,
        pytest.warns(pw.warning.CollapseWarning) as told,
    ):
        for seed in range(60):
            found = adaptation.predict(normal(32, 4, seed=seed))
            if adaptation.collapsed:
                break
        assert "has collapsed after" in str(told[0].message) and "as it was before" in str(told[0].message)
        assert state_of(model) == before
        np.testing.assert_array_equal(found, model.predict(normal(32, 4, seed=seed), verbose=0))


def test_collapse_is_told_from_data_that_are_of_one_class():
    one, even = np.eye(3)[np.zeros(90, int)], np.eye(3)[np.arange(90) % 3]
    sure = 0.98 * even + 0.02 / 3
    assert "100% of the predictions are one class" in wrong_with(one, sure)
    assert wrong_with(one, one) is None and wrong_with(sure, even) is None
    assert "tell the rows apart" in wrong_with(0.4 * even + 0.2, sure)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda m: pw.adapt(m, X, "tnet"), "adapt has no method 'tnet'.*Did you mean 'tent'"),
        (lambda m: pw.adapt(m, X, "tent", learning_rat=1), "no option 'learning_rat'.*Did you mean 'learning_rate'"),
        (lambda m: pw.adapt(m, X, "tent", learning_rate=0), "learning_rate must be above 0; got 0"),
        (lambda m: pw.adapt(m, X, "tent", optimizer="adma"), "optimizer is 'adam', 'sgd' or an optax"),
        (lambda m: pw.adapt(m), "'adabn' needs the data that it adapts to"),
        (lambda m: pw.adapt(m, X[:, :2], "tent"), r"expects shape \(None, 4\)"),
        (lambda m: pw.adapt(m, np.where(X > 4, np.nan, X), "tent"), "holds nan in row .*adapt needs finite numbers"),
        (lambda m: pw.adapt("net", X), "adapt takes a model; got 'net'"),
    ],
)  # fmt: skip
def test_a_mistake_is_explained_and_changes_nothing(model, call, message):
    before = state_of(model)
    with pytest.raises((ValueError, TypeError), match=message):
        call(model)
    assert state_of(model) == before


def test_what_a_method_lacks_is_named():
    numbers = build(last=None)
    with pytest.raises(ValueError, match="needs predictions that are probabilities"):
        pw.adapt(numbers, X, "tent")
    frozen = build()
    frozen.trainable = False
    with pytest.raises(ValueError, match=r"those that it has are frozen \(first, second\)"):
        pw.adapt(frozen, X, "tent")
    x = pw.Input((4,))
    with pytest.raises(ValueError, match="calls no layer with moving statistics, so adapt"):
        pw.adapt(pw.Model(x, layers.Dense(2, activation="softmax")(x)), X, "adabn")


def plain(weights):
    """In plain JAX: (gammas and betas, a function of these and rows that gives log-probabilities with batch statistics)."""
    g1, b1, kernel, bias, g2, b2, last, last_bias = weights

    def normalized(x, gamma, beta):
        return gamma * (x - x.mean(0)) / jnp.sqrt(x.var(0) + 1e-3) + beta

    def logp(params, x):
        h = jnp.tanh(normalized(x, params[0], params[1]) @ kernel + bias)
        return jax.nn.log_softmax(normalized(h, params[2], params[3]) @ last + last_bias)

    return [g1, b1, g2, b2], logp


def weights_of(model):
    names = ("first", "hidden", "second", "last")
    return [jnp.asarray(w.numpy()) for name in names for w in model.get_layer(name).trainable_variables]


def entropy_of(logp):
    return -(jnp.exp(logp) * logp).sum(-1)


BATCHES = [normal(30, 4, seed=seed) * 2 + 1 for seed in range(6)]


def adapted(model, method, **options):
    with pw.adapt(model, None, method, watch=False, **options) as adaptation:
        for x in BATCHES:
            adaptation.predict(x)
        return [w.numpy() for name in ("first", "second") for w in model.get_layer(name).trainable_variables]


@pytest.mark.extensive
def test_eata_is_its_formula(model):
    options = {"margin": 0.9, "distance": 0.95, "fisher_weight": 5.0}
    params, logp = plain(weights_of(model))
    source = normal(64, 4, seed=50)
    squares = [
        [
            g**2
            for g in jax.grad(lambda w, x=x: -logp(w, x).max(-1).mean())(
                params,
            )
        ]
        for x in (source[:32], source[32:])
    ]
    omega, first = [(a + b) / 2 for a, b in zip(*squares)], params
    optimizer, border, mean = optax.sgd(0.05, momentum=0.9), 0.9 * np.log(3), None
    kept = optimizer.init(params)
    for x in BATCHES:
        p, h = jnp.exp(logp(params, x)), entropy_of(logp(params, x))
        keep = h < border
        if mean is not None:
            keep &= jnp.abs(p @ mean / jnp.linalg.norm(p, axis=1) / jnp.linalg.norm(mean)) < 0.95
        weight = jnp.exp(border - h)

        def loss(w, x=x, keep=keep, weight=weight):
            drift = sum((o * (a - b) ** 2).sum() for o, a, b in zip(omega, w, first))
            return (weight * entropy_of(logp(w, x)))[keep].sum() / max(keep.sum(), 1) + 5.0 * drift

        updates, kept = optimizer.update(jax.grad(loss)(params), kept, params)
        params = optax.apply_updates(params, updates)
        if keep.any():
            mean = p[keep].mean(0) if mean is None else 0.9 * mean + 0.1 * p[keep].mean(0)
    found = adapted(model, "eata", source=source, learning_rate=0.05, **options)
    for a, b in zip(found, params):
        np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.extensive
def test_sar_is_its_formula(model):
    params, logp = plain(weights_of(model))
    optimizer, border = optax.sgd(0.05, momentum=0.9), 0.9 * np.log(3)
    kept = optimizer.init(params)
    for x in BATCHES:
        keep = entropy_of(logp(params, x)) < border
        grads = jax.grad(lambda w, x=x, keep=keep: entropy_of(logp(w, x))[keep].mean())(params)
        norm = jnp.sqrt(sum((g**2).sum() for g in grads))
        moved = [w + 0.05 * g / norm for w, g in zip(params, grads)]
        still = keep & (entropy_of(logp(moved, x)) < border)
        grads = jax.grad(lambda w, x=x, still=still: entropy_of(logp(w, x))[still].mean())(moved)
        updates, kept = optimizer.update(grads, kept, params)
        params = optax.apply_updates(params, updates)
    found = adapted(model, "sar", margin=0.9, learning_rate=0.05, recover_below=1e-6)
    for a, b in zip(found, params):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_a_batch_of_which_eata_keeps_no_row_changes_nothing(model):
    with pw.adapt(
        model, None, "eata", source=X[:32], margin=0.9, distance=2.0, learning_rate=0.05, watch=False
    ) as adaptation:
        adaptation.predict(BATCHES[0])
        before = model.get_weights()
        adaptation.method.margin, adaptation.method._step._programs = 1e-6, {}
        adaptation.predict(BATCHES[1])  # momentum and the pull to the source would go on by themselves
        for a, b in zip(before, model.get_weights()):
            np.testing.assert_array_equal(a, b)


def test_sar_counts_no_batch_as_sure_of_which_the_ascent_leaves_no_row(model):
    p = model.predict(BATCHES[0], batch_size=30, statistics="batch", verbose=0)
    least = (-p * np.log(p)).sum(-1).min()  # the surest row alone is reliable, until the ascent makes it less sure
    with pw.adapt(model, None, "sar", margin=1.0001 * least / np.log(3), watch=False) as adaptation:
        adaptation.predict(BATCHES[0])
        assert adaptation.method.recoveries == 0


def test_sar_begins_anew_where_the_entropy_falls_too_low(model):
    before = model.get_weights()
    with pw.adapt(model, None, "sar", margin=1.0, recover_below=5.0, watch=False) as adaptation:
        adaptation.predict(X[:32])
        assert adaptation.method.recoveries == 1
        for a, b in zip(before, model.get_weights()):
            np.testing.assert_array_equal(a, b)


@pytest.mark.extensive
def test_sar_adapts_models_without_batch_normalization():
    x = pw.Input((4,))
    h = layers.LayerNormalization(name="norm")(layers.Dense(6)(x))
    made = pw.Model(x, layers.Dense(3, activation="softmax")(h))
    gamma = made.get_layer("norm").gamma.numpy().copy()
    with pw.adapt(made, X[:64], "sar", margin=1.0):
        assert (made.get_layer("norm").gamma.numpy() != gamma).any()
    np.testing.assert_array_equal(made.get_layer("norm").gamma.numpy(), gamma)


@pytest.mark.few(1)
@pytest.mark.parametrize("mutual", [True, False])
def test_lame_ends_where_its_formula_stays(model, mutual):
    x = X[:40]
    before = state_of(model)
    with pw.adapt(model, None, "lame", k=3, iterations=500, mutual=mutual) as adaptation:
        z = adaptation.predict(x).astype(np.float64)
    assert state_of(model) == before
    q = model.predict(x, verbose=0).astype(np.float64)
    hidden = pw.Model(model.input, model.get_layer("last").input).predict(x, verbose=0).astype(np.float64)
    unit = hidden / np.linalg.norm(hidden, axis=1, keepdims=True)
    near = unit @ unit.T - 9 * np.eye(40)
    w = near >= np.sort(near, 1)[:, [-3]]
    w = w & w.T if mutual else w
    wanted = q * np.exp(w @ z)
    np.testing.assert_allclose(z, wanted / wanted.sum(1, keepdims=True), atol=1e-3)


def of_two_kinds(rows, seed):
    """Rows of which the model below finds three classes, the third in both kinds by chance alone."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 12)) * ([0, 0, 1] + [3] * 9)
    return (x + 10 * np.eye(12)[np.arange(rows) % 2]).astype("float32")


@pytest.fixture(scope="module")
def prefers():
    x = pw.Input((12,))
    made = pw.Model(x, layers.Dense(3, activation="softmax", name="last")(x))
    kernel = np.zeros((12, 3))
    kernel[:3] = [[0.12, -0.5, 0], [-0.5, 0.12, 0], [0, 0, 1.5]]
    made.get_layer("last").set_weights([kernel, [0, 0, 0.2]])
    return made


def test_lame_running_to_fewer_classes_is_a_collapse(prefers):
    with (
        pw.adapt(prefers, None, "lame", k=15, mutual=False) as adaptation,
        pytest.warns(pw.warning.CollapseWarning, match=r"have run to \d\.\d classes \(with moving statistics \d\.\d\)"),
    ):
        for seed in range(16):
            found = adaptation.predict(of_two_kinds(32, seed))
    np.testing.assert_array_equal(found, prefers.predict(of_two_kinds(32, 15), verbose=0))


def test_fewer_classes_are_no_collapse_where_they_come_in_runs():
    rng = np.random.default_rng(0)
    sure = 0.2 + 0.4 * np.eye(3)[np.repeat([0, 1, 2], 64)]
    runs, mixed = np.split(sure, 6), np.split(rng.permutation(sure), 6)
    assert come_in_runs(runs) and not come_in_runs(mixed)
    one_class = [np.tile(np.eye(3)[k % 3] * 0.8 + 0.2 / 3, (32, 1)) for k in range(6)]
    assert narrowed_to(one_class, runs) is None and narrowed_to(mixed, mixed) is None
    assert narrowed_to(one_class, mixed).startswith(
        "the predictions of a batch have run to 1.6 classes"
    )  # exp of the entropy of (13, 1, 1) / 15


def test_neighbours_that_must_be_mutual_draw_rows_less():
    features = np.array([[1, 0.0], [1, 0.1], [1, 0.2], [1, 1.0]])
    assert neighbours(features, 2, False)[3].tolist() == [0, 1, 1, 0]
    assert neighbours(features, 2, True)[3].tolist() == [0, 0, 0, 0]


def test_eata_without_source_rows_says_what_it_needs(model):
    with pytest.raises(ValueError, match=r"'eata' needs source rows.*source=x_train"):
        pw.adapt(model, X, "eata")
