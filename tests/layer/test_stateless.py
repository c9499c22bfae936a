"""StatelessScope and stateless_call: layers called with values given, in a JAX loop of one's own, as in Keras; nothing changes."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import phasewise as pw

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(8, 4)).astype("float32"), RNG.normal(size=(8, 2)).astype("float32")


def network(library, rate=None):
    layers = library.layers
    chain = [layers.Dense(3, kernel_regularizer="l2", activity_regularizer="l1"), layers.BatchNormalization()]
    chain += [] if rate is None else [layers.Dropout(rate)]
    return library.Sequential([library.Input((4,)), *chain, layers.Dense(2)])


def steps_of(model, count=3):
    """The loop of Keras's guide on JAX: values in lists, a jitted step."""
    trained, others = ([v.value for v in each] for each in (model.trainable_variables, model.non_trainable_variables))

    def loss_of(trained, others, x, y):
        outputs, others, losses = model.stateless_call(trained, others, x, training=True, return_losses=True)
        return jnp.mean((outputs - y) ** 2) + sum(losses), others

    @jax.jit
    def step(trained, others):
        (loss, others), gradients = jax.value_and_grad(loss_of, has_aux=True)(trained, others, X, Y)
        return [w - 0.1 * g for w, g in zip(trained, gradients)], others, loss

    losses = []
    for _ in range(count):
        trained, others, loss = step(trained, others)
        losses.append(float(loss))
    return trained, others, losses


def test_a_loop_written_for_keras_on_jax_computes_the_same():
    ours, theirs = network(pw), network(keras)
    ours.set_weights(theirs.get_weights())
    before = [w.copy() for w in ours.get_weights()]
    for found, expected in zip(steps_of(ours), steps_of(theirs)):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), found, list(expected))
    for weight, old in zip(ours.get_weights(), before):
        np.testing.assert_array_equal(weight, old)


def test_a_model_in_inference_gives_what_predict_gives():
    model = network(pw)
    outputs, others = model.stateless_call(model.trainable_variables, model.non_trainable_variables, X)
    np.testing.assert_allclose(outputs, model.predict(X, verbose=0), rtol=1e-5, atol=1e-6)
    for value, own in zip(others, model.non_trainable_variables, strict=True):
        np.testing.assert_array_equal(value, own)


def test_dropout_in_a_jitted_step_drops_others_when_weights_or_rows_are_others():
    model = pw.Sequential([pw.Input((64,)), pw.layers.Dense(1), pw.layers.Dropout(0.5, name="drop")])
    drop = pw.Sequential([pw.Input((64,)), pw.layers.Dropout(0.5)])
    fixed = jax.jit(lambda x: drop.stateless_call([], [], x, training=True)[0])
    ones = np.ones((1, 64), "float32")
    assert (np.asarray(fixed(ones) == 0) != np.asarray(fixed(2 * ones) == 0)).any()

    @jax.jit
    def kept(trained, x):
        return model.stateless_call(trained, [], x, training=True)[0] != 0

    rows = np.ones((64, 64), "float32")
    kernel, bias = np.ones((64, 1), "float32"), np.zeros(1, "float32")
    assert (np.asarray(kept([kernel, bias], rows)) != np.asarray(kept([kernel * 1.01, bias], rows))).any()


def test_what_is_assigned_stays_in_the_scope():
    layer = pw.layers.BatchNormalization(momentum=0.5)
    layer.build((None, 4))
    with pw.StatelessScope([(layer.moving_mean, np.full(4, 2.0))]) as scope:
        layer(X, training=True)
        assert scope.get_current_value(layer.gamma) is None
    mean = X.astype("float64").mean(0)
    np.testing.assert_allclose(scope.get_current_value(layer.moving_mean), 1 + mean / 2, rtol=1e-5)
    np.testing.assert_array_equal(layer.moving_mean, np.zeros(4))


def test_values_are_read_cast_and_updated():
    number = pw.Variable(1.0, name="number")
    with pw.StatelessScope([(number, 2)]) as scope:
        assert float(number.value) == 2 and number.value.dtype == "float32"
        scope.add_update((number, 5))
        assert float(number.value) == 5
    assert float(scope.get_current_value(number)) == 5 and float(number.value) == 1


def test_losses_are_collected_where_that_is_asked_for():
    layer = pw.layers.ActivityRegularization(l2=0.5)
    for collects, expected in ((True, [2.0]), (False, [])):
        with pw.StatelessScope(collect_losses=collects) as scope:
            layer(2 * np.ones((1, 1), "float32"))
        assert [float(loss) for loss in scope.losses] == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m, t, o: m.stateless_call(t[:-1], o, X), "has 6 trainable_variables; stateless_call was given 5"),
        (lambda m, t, o: m.stateless_call(t, t, X), "has 2 non_trainable_variables; stateless_call was given 6"),
        (lambda m, t, o: m.stateless_call(t[::-1], o, X), r"has shape \(4, 3\); StatelessScope was given .* \(2,\)"),
        (lambda m, t, o: pw.layers.Dense(1, name="new").stateless_call([], [], X), "'new' has no weights yet"),
        (lambda m, t, o: pw.StatelessScope([("x", 1)]), r"gives values to variables: .* got 'x'"),
    ],
)
def test_what_does_not_fit_is_told(call, message):
    model = network(pw)
    with pytest.raises(ValueError, match=message):
        call(model, model.trainable_variables, model.non_trainable_variables)


def test_a_scope_that_was_not_entered_says_so():
    with pytest.raises(RuntimeError, match="has not been entered"):
        pw.StatelessScope().get_current_value(pw.Variable(1.0))


def steps_with_compute_loss(model, count=3):
    """The loop of Keras's guide on JAX, with the loss that `compile` was given."""
    model.compile("sgd", "mse", loss_weights=[2.0])
    trained, others, metrics = (
        [v.value for v in each]
        for each in (model.trainable_variables, model.non_trainable_variables, model.metrics_variables)
    )

    def loss_of(trained, others, metrics):
        outputs, others = model.stateless_call(trained, others, X, training=True)
        loss, (_, others, metrics) = model.stateless_compute_loss(trained, others, metrics, X, Y, outputs)
        return loss, (others, metrics)

    @jax.jit
    def step(trained, others, metrics):
        (loss, (others, metrics)), gradients = jax.value_and_grad(loss_of, has_aux=True)(trained, others, metrics)
        return [w - 0.1 * g for w, g in zip(trained, gradients)], others, metrics, loss

    losses = []
    for _ in range(count):
        trained, others, metrics, loss = step(trained, others, metrics)
        losses.append(float(loss))
    return trained, others, losses


def plain(library):
    """A network whose kernel has a penalty, and which adds no loss in its call."""
    layers = library.layers
    chain = [layers.Dense(3, kernel_regularizer="l2"), layers.BatchNormalization(), layers.Dense(2)]
    return library.Sequential([library.Input((4,)), *chain])


def test_a_loop_with_the_compiled_loss_computes_what_it_does_in_keras():
    ours, theirs = plain(pw), plain(keras)
    ours.set_weights(theirs.get_weights())
    before = [w.copy() for w in ours.get_weights()]
    for found, expected in zip(steps_with_compute_loss(ours), steps_with_compute_loss(theirs)):
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6), found, list(expected))
    for weight, old in zip(ours.get_weights(), before):
        np.testing.assert_array_equal(weight, old)


def test_stateless_compute_loss_says_which_values_are_missing_and_what_is_not_compiled():
    model = plain(pw)
    trained, others = model.trainable_variables, model.non_trainable_variables
    with pytest.raises(RuntimeError, match=r"no loss and no metrics yet: call model\.compile"):
        model.stateless_compute_loss(trained, others, [], X, Y, Y)
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="has 2 metrics_variables; stateless_compute_loss was given 0"):
        model.stateless_compute_loss(trained, others, [], X, Y, Y)


@pytest.mark.parametrize("library", [pw, keras], ids=["ours", "keras"])
def test_a_symbolic_call_gives_shapes_and_leaves_the_graph_as_it_was(library):
    layer, x = library.layers.Dense(3), library.Input((4,))
    layer.build((None, 4))
    out = layer.symbolic_call(x)
    assert (tuple(out.shape), str(out.dtype)) == ((None, 3), "float32")
    with pytest.raises(AttributeError):
        layer.output  # noqa: B018
