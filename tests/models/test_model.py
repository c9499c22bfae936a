"""Model: subclasses and nesting, the compiled call, losses that layers add, constraints, freezing, finding layers."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pandas as pd
import pytest

import phasewise as pw

X = np.random.default_rng(0).normal(size=(10, 5)).astype("float32")
Y = X[:, :1]
BOTH = pytest.mark.parametrize("K", [pw, keras], ids=["phasewise", "keras"])


def nested_class(K):
    """A model of blocks of layers that pass `training` on."""

    class Block(K.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.dense = K.layers.Dense(units, name="dense")
            self.norm = K.layers.BatchNormalization(momentum=0.5, name="norm")

        def call(self, x, training=None):
            return self.norm(self.dense(x), training=training)

    class Nested(K.Model):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.blocks = [Block(3, name="one"), Block(2, name="two")]
            self.head = K.layers.Dense(1, name="head")

        def call(self, x, training=None):
            for block in self.blocks:
                x = block(x, training=training)
            return self.head(x)

    return Nested


def same_weights(ours, theirs, seed=1):
    rng = np.random.default_rng(seed)
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    values = [np.abs(rng.normal(size=w.shape)).astype("float32") + 0.1 for w in ours.weights]
    ours.set_weights(values), theirs.set_weights(values)


def test_a_subclass_of_nested_layers_trains_and_predicts_as_in_keras():
    ours, theirs = nested_class(pw)(name="net"), nested_class(keras)(name="net")
    for model in (ours, theirs):
        model(X)
        model.compile("sgd", "mse")
    same_weights(ours, theirs)
    histories = [m.fit(X, Y, batch_size=5, epochs=3, shuffle=False, verbose=0).history for m in (ours, theirs)]
    np.testing.assert_allclose(histories[0]["loss"], histories[1]["loss"], rtol=1e-4)
    for a, b in zip(ours.get_weights(), theirs.get_weights()):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(ours.predict(X, verbose=0), theirs.predict(X, verbose=0), rtol=1e-3, atol=1e-5)


def test_build_makes_the_weights_of_every_layer_inside_once_and_under_one_path():
    model = nested_class(pw)(name="net")
    assert not model.built and model.weights == []
    model.build((None, 5))
    before = [w.path for w in model.weights]
    assert before[0] == "net/one/dense/kernel" and len(before) == 14
    values = model.get_weights()
    assert model(X).shape == (10, 1)
    assert [w.path for w in model.weights] == before
    for a, b in zip(values, model.get_weights()):
        np.testing.assert_array_equal(a, b)
    assert (model.input_shape, model.output_shape) == ((None, 5), (None, 1))


@BOTH
def test_a_subclass_may_have_weights_of_its_own_from_init_or_build(K):
    class Mine(K.Model):
        def __init__(self):
            super().__init__()
            self.shift = self.add_weight(shape=(2,), initializer="ones", name="shift")

        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], 2), initializer="ones", name="kernel")
            self.built = True

        def call(self, x):
            return x @ self.kernel + self.shift

    model = Mine()
    np.testing.assert_allclose(model(X), X.sum(1, keepdims=True) + np.ones((10, 2)), rtol=1e-4, atol=1e-5)
    model.compile("sgd", "mse")
    model.fit(X, X[:, :2], verbose=0)
    assert not np.allclose(model.get_weights()[0], 1)
    assert len(model.trainable_weights) == 2


@BOTH
def test_a_subclass_may_build_its_graph_in_init(K):
    class Mine(K.Model):
        def __init__(self, width, **kwargs):
            inputs = K.Input((5,))
            super().__init__(inputs, K.layers.Dense(width)(inputs), **kwargs)

    assert Mine(3)(X).shape == (10, 3)


def test_the_arguments_of_a_subclass_are_its_config():
    class Mine(pw.Model):
        def __init__(self, width, depth=1, **kwargs):
            super().__init__(**kwargs)
            self.width, self.depth = width, depth

    again = Mine.from_config(Mine(3, depth=2, name="mine").get_config())
    assert (again.width, again.depth, again.name) == (3, 2, "mine")


def test_a_subclass_takes_and_returns_dicts():
    class Mine(pw.Model):
        def __init__(self):
            super().__init__()
            self.head = pw.layers.Dense(1)

        def call(self, inputs):
            return {"sum": self.head(inputs["a"]) + self.head(inputs["b"])}

    model = Mine()
    model.compile("sgd", "mse")
    model.fit({"a": X, "b": X}, {"sum": Y}, verbose=0)
    np.testing.assert_allclose(
        model.predict({"a": X, "b": X}, verbose=0)["sum"], model({"a": X, "b": X})["sum"], rtol=1e-5, atol=1e-6
    )


def counted():
    """A model, and the list of (shape, training) with which its `call` has run in Python."""
    runs = []

    class Counted(pw.Model):
        def __init__(self):
            super().__init__()
            self.norm = pw.layers.BatchNormalization()

        def call(self, x, training=None):
            runs.append((x.shape, training))
            return self.norm(x)

    model = Counted()
    model.build((None, 5))
    runs.clear()
    return model, runs


def test_a_call_is_traced_once_for_each_shape_and_each_phase():
    model, runs = counted()
    for x, options in [(X, {}), (X + 1, {}), (X[:2], {}), (X, {"training": True}), (X[:2], {}), (X, {})]:
        model(x, **options)
    assert runs == [((10, 5), False), ((2, 5), False), ((10, 5), True)]


def test_what_the_switch_reads_leads_to_a_new_trace_and_back_to_the_old_one():
    model, runs = counted()
    model(X)
    with pw.learning_phase_scope("training"):
        model(X)
    model.norm.trainable = False
    model(X)
    model.norm.trainable = True
    model(X)
    assert [training for _, training in runs] == [False, True, False]


def test_a_call_in_training_updates_the_moving_statistics_and_one_in_inference_does_not():
    model, _ = counted()
    model(X)
    np.testing.assert_array_equal(model.norm.get_weights()[2], np.zeros(5))
    model(X, training=True)
    np.testing.assert_allclose(model.norm.get_weights()[2], 0.01 * X.mean(0), rtol=1e-4, atol=1e-8)


def test_a_call_reads_weights_that_were_set_after_it_was_compiled():
    model = pw.Sequential([pw.Input((5,)), pw.layers.Dense(1, use_bias=False)])
    model(X)
    model.set_weights([np.ones((5, 1))])
    np.testing.assert_allclose(model(X), X.sum(1, keepdims=True), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("training", [False, True])
def test_a_call_under_the_users_own_jit_and_grad_is_the_call_and_changes_nothing(training):
    norm, dense = pw.layers.BatchNormalization(), pw.layers.Dense(1, activation="tanh")
    model = pw.Sequential([pw.Input((5,)), norm, dense])
    before = model.get_weights()
    wanted = np.asarray(jax.jit(lambda x: model(x, training=training))(X))
    gradient = jax.jit(jax.grad(lambda x: model(x, training=training).sum()))(X)
    for a, b in zip(before, model.get_weights()):
        np.testing.assert_array_equal(a, b)
    if training:
        normalized = (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-3)
        np.testing.assert_allclose(gradient.sum(0), np.zeros(5), atol=1e-5)  # a shift of all rows changes nothing
    else:
        normalized = X / np.sqrt(1.001)
        slope = 1 - np.tanh(normalized @ dense.kernel.numpy()) ** 2
        np.testing.assert_allclose(gradient, slope * dense.kernel.numpy().T / np.sqrt(1.001), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(wanted, np.tanh(normalized @ dense.kernel.numpy()), rtol=1e-4, atol=1e-5)


def test_a_model_called_on_constants_inside_a_jit_leaves_no_tracer_behind():
    model = pw.Sequential([pw.Input((5,)), pw.layers.BatchNormalization()])
    jax.jit(lambda s: s * model(X, training=True))(2.0)
    assert all(isinstance(w, np.ndarray) for w in model.get_weights())
    assert model(X).shape == (10, 5)


def test_an_unbuilt_model_may_be_built_by_its_first_call_inside_a_jit():
    model = nested_class(pw)()
    outputs = jax.jit(lambda x: model(x))(X)
    np.testing.assert_allclose(model(X), outputs, rtol=1e-6)


def test_an_error_in_the_first_call_leaves_the_model_unbuilt():
    class Picky(pw.Model):
        def call(self, x):
            if x.shape[-1] != 5:
                raise ValueError("five, please")
            return x

    model = Picky(name="picky")
    with pytest.raises(ValueError, match=r"five, please\s.*'picky' \(Picky\) on shape \(10, 2\)"):
        model(X[:, :2])
    assert not model.built
    np.testing.assert_array_equal(model(X), X)


def adding_class(K):
    class Adds(K.Layer):
        def call(self, x):
            self.add_loss(0.1 * (x**2).mean())
            return x

    return Adds


def with_losses(K):
    """A model with every kind of added loss."""
    inputs = K.Input((5,))
    hidden = adding_class(K)(name="adds")(inputs)
    hidden = K.layers.Dense(3, kernel_regularizer="l2", activity_regularizer="l1", name="hidden")(hidden)
    inner_input = K.Input((3,))
    inner = K.Model(
        inner_input,
        K.layers.Dense(1, bias_regularizer=K.regularizers.L1L2(0.3, 0.2), name="out")(inner_input),
        name="inner",
    )
    model = K.Model(inputs, inner(hidden), name="net")
    model.compile(K.optimizers.SGD(0.05), "mse", metrics=["mae"])
    return model


def test_the_losses_that_layers_add_reach_what_fit_and_evaluate_report_as_in_keras():
    ours, theirs = with_losses(pw), with_losses(keras)
    rng = np.random.default_rng(1)
    values = [rng.normal(size=w.shape).astype("float32") for w in ours.weights]
    ours.set_weights(values), theirs.set_weights(values)
    arguments = {"batch_size": 4, "epochs": 2, "shuffle": False, "verbose": 0, "validation_data": (X[:4], Y[:4])}
    histories = [m.fit(X, Y, **arguments).history for m in (ours, theirs)]
    for name in histories[1]:
        np.testing.assert_allclose(histories[0][name], histories[1][name], rtol=1e-5, err_msg=name)
    np.testing.assert_allclose(ours.evaluate(X, Y, batch_size=4, verbose=0), theirs.evaluate(X, Y, 4, verbose=0), 1e-5)
    np.testing.assert_allclose(ours.test_on_batch(X, Y), theirs.test_on_batch(X, Y), rtol=1e-5)
    ours(X), theirs(X)
    np.testing.assert_allclose(sorted(map(float, ours.losses)), sorted(map(float, theirs.losses)), rtol=1e-5)


def test_a_frozen_regularizer_does_not_count_as_in_keras():
    def loss(K):
        model = K.Sequential(
            [
                K.Input((5,)),
                K.layers.Dense(1, kernel_regularizer="l2", kernel_initializer="ones"),
                K.layers.Dense(1, kernel_initializer="ones"),
            ]
        )
        model.layers[0].trainable = False
        model.compile("sgd", "mse")
        return model.train_on_batch(X, Y)

    np.testing.assert_allclose(loss(pw), loss(keras), rtol=1e-5)


@BOTH
def test_constraints_hold_after_every_update(K):
    model = K.Sequential(
        [K.Input((5,)), K.layers.Dense(3, kernel_constraint="unit_norm", bias_constraint="non_neg"), K.layers.Dense(1)]
    )
    model.compile(K.optimizers.SGD(1.0), "mse")
    model.fit(X, Y, epochs=2, batch_size=5, verbose=0)
    kernel, bias = model.layers[0].get_weights()
    np.testing.assert_allclose(np.linalg.norm(kernel, axis=0), np.ones(3), rtol=1e-5)
    assert (bias >= 0).all()


@BOTH
def test_freezing_a_model_freezes_what_is_inside_and_a_layer_can_be_freed_again(K):
    inner = K.Sequential([K.Input((5,)), K.layers.Dense(2), K.layers.BatchNormalization()])
    model = K.Sequential([K.Input((5,)), inner, K.layers.Dense(1)])
    assert (len(model.trainable_weights), len(model.non_trainable_weights)) == (6, 2)
    inner.trainable = False
    assert (len(model.trainable_weights), len(model.non_trainable_weights)) == (2, 6)
    assert not inner.layers[0].trainable and model.trainable
    model.trainable = True
    assert len(model.trainable_weights) == 6


@BOTH
def test_a_frozen_layer_keeps_its_weights_in_fit(K):
    model = K.Sequential([K.Input((5,)), K.layers.Dense(2), K.layers.Dense(1)])
    model.layers[0].trainable = False
    before = model.get_weights()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])
    assert not np.array_equal(model.get_weights()[2], before[2])


def test_layers_are_found_by_name_and_place_and_a_misspelt_name_gives_the_near_one():
    model = pw.Sequential(
        [pw.Input((5,)), pw.layers.Dense(2, name="hidden"), pw.layers.Dense(1, name="head")], name="net"
    )
    assert model.get_layer("hidden") is model.get_layer(index=0) is model.layers[0]
    assert model.get_layer(index=-1).name == "head"
    for call, message in [
        (lambda: model.get_layer("hiden"), "'net' has no layer 'hiden'. Did you mean 'hidden'?"),
        (lambda: model.get_layer(index=2), "'net' has 2 layers; there is no layer 2"),
        (lambda: model.get_layer(), "a name or an index, one of the two"),
        (lambda: model.get_layer("head", 1), "a name or an index, one of the two"),
    ]:
        with pytest.raises(ValueError, match=message):
            call()


class NoCall(pw.Model):
    pass


class NoSuper(pw.Model):
    def __init__(self):
        self.dense = pw.layers.Dense(1)

    def call(self, x):
        return self.dense(x)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: NoCall()(X), NotImplementedError, "NoCall has neither a graph nor a `call`"),
        (lambda: NoSuper()(X), RuntimeError, r"NoSuper.__init__ did not call super\(\).__init__\(\)"),
        (
            lambda: NoSuper().compile("sgd", "mse"),
            RuntimeError,
            r"NoSuper.__init__ did not call super\(\).__init__\(\)",
        ),
        (lambda: pw.Model(input=pw.Input((5,))), ValueError, "Model has no argument 'input'. It is called inputs."),
        (lambda: nested_class(pw)().fit(X, Y), RuntimeError, "needs a compiled model"),
    ],
)
def test_a_mistake_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_outputs_are_jax_arrays_and_integers_and_lists_are_taken():
    model = pw.Sequential([pw.Input((5,)), pw.layers.Dense(1, kernel_initializer="ones")])
    assert isinstance(model(X), jax.Array)
    for x in (np.ones((2, 5), int), [[1, 1, 1, 1, 1]] * 2, jnp.ones((2, 5)), np.ones((2, 5), "float64")):
        outputs = model(x)
        assert outputs.dtype == jnp.float32
        np.testing.assert_allclose(outputs, [[5.0], [5.0]])


def test_what_is_no_array_and_turns_into_one_is_an_input():
    class Held:
        def __array__(self, dtype=None, copy=None):
            return X

    model = pw.Sequential([pw.Input((5,)), pw.layers.Dense(1)])
    expected = np.asarray(model(X))
    for given in (pd.DataFrame(X), Held(), X.tolist()):
        np.testing.assert_array_equal(model(given), expected)
        np.testing.assert_array_equal(model.layers[0](given), model.layers[0](X))
