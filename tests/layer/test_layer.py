"""Layer: what a user's own subclass may rely on, beside the same subclass of Keras's Layer."""

import inspect

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import phasewise as pw

X = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
BOTH = pytest.mark.parametrize("K", [pw, keras], ids=["phasewise", "keras"])

# What our signatures leave out of Keras's, or add, on purpose.
ABSENT = {
    "Layer.add_weight": {
        "args",
        "overwrite_with_gradient",
    },  # `args` only refuses Keras 2's order; the other is float8's
    "Layer.compute_output_shape": {"args", "kwargs"},  # ours names its argument
    "Model.__init__": {"args"},
    "Model.evaluate": {"kwargs"},
    "Sequential.add": {"rebuild"},
    "Sequential.pop": {"rebuild"},
    "InputLayer": {"input_tensor"},
}
ADDED = {
    "Layer.compute_output_shape": {"input_shape"},
    "Model.__init__": {"inputs", "outputs", "name", "trainable"},
    "Model.fit": {"on_nonfinite"},
    "Model.evaluate": {"statistics"},
    "Model.predict": {"statistics"},
    "Sequential.__init__": {"kwargs"},
}
OTHER_DEFAULT = {"Layer.build": {"input_shape"}, "Model.build": {"input_shape"}}  # ours may be left out
LAYER_METHODS = [
    "__init__",
    "add_weight",
    "build",
    "call",
    "add_loss",
    "get_config",
    "from_config",
    "compute_mask",
    "compute_output_shape",
    "compute_output_spec",
    "get_weights",
    "set_weights",
    "count_params",
]
MODEL_METHODS = [
    "__init__",
    "build",
    "compile",
    "fit",
    "evaluate",
    "predict",
    "train_on_batch",
    "test_on_batch",
    "predict_on_batch",
    "summary",
    "get_layer",
]
SIGNATURES = (
    [(f"Layer.{m}", getattr(pw.Layer, m), getattr(keras.Layer, m)) for m in LAYER_METHODS]
    + [(f"Model.{m}", getattr(pw.Model, m), getattr(keras.Model, m)) for m in MODEL_METHODS]
    + [(f"Sequential.{m}", getattr(pw.Sequential, m), getattr(keras.Sequential, m)) for m in ("__init__", "add", "pop")]
    + [
        ("Input", pw.Input, keras.Input),
        ("InputLayer", pw.layers.InputLayer, keras.layers.InputLayer),
        ("InputSpec", pw.InputSpec, keras.InputSpec),
    ]
)


@pytest.mark.parametrize(("name", "ours", "theirs"), SIGNATURES, ids=[row[0] for row in SIGNATURES])
def test_the_signature_is_keras_but_for_the_differences_in_the_table(name, ours, theirs):
    ours, theirs = inspect.signature(ours).parameters, inspect.signature(theirs).parameters
    assert theirs.keys() - ours.keys() == ABSENT.get(name, set())
    assert ours.keys() - theirs.keys() == ADDED.get(name, set())
    shared = [n for n in theirs if n in ours]
    assert [n for n in ours if n in theirs] == shared
    assert {n for n in shared if ours[n].default != theirs[n].default} == OTHER_DEFAULT.get(name, set())


def weighted_class(K):
    """A layer with weights of its own, around layers with theirs."""

    class Weighted(K.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.first = K.layers.Dense(2, name="first")
            self.norm = K.layers.BatchNormalization(name="norm")
            self.scale = self.add_weight(shape=(2,), initializer="ones", name="scale")
            self.count = self.add_weight(shape=(2,), initializer="zeros", trainable=False, name="count")
            self.last = K.layers.Dense(3, name="last")

        def call(self, inputs):
            return self.last(self.norm(self.first(inputs)) * self.scale + self.count)

    return Weighted


def paths(weights):
    return [w.path for w in weights]


@pytest.mark.parametrize("kind", ["weights", "trainable_weights", "non_trainable_weights"])
def test_weights_come_in_the_order_and_under_the_paths_of_keras(kind):
    ours, theirs = weighted_class(pw)(name="mine"), weighted_class(keras)(name="mine")
    ours(X), theirs(X)
    assert paths(getattr(ours, kind)) == paths(getattr(theirs, kind))


@pytest.mark.parametrize("kind", ["weights", "trainable_weights", "non_trainable_weights"])
def test_freezing_one_weight_or_layer_moves_the_same_weights_as_in_keras(kind):
    def frozen(K):
        layer = weighted_class(K)(name="mine")
        layer(X)
        layer.first.kernel.trainable = False
        layer.norm.trainable = False
        return paths(getattr(layer, kind))

    assert frozen(pw) == frozen(keras)


def test_weights_carry_what_add_weight_was_given():
    class Mine(pw.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(
                shape=(input_shape[-1], 2),
                initializer=pw.initializers.Constant(-2.0),
                regularizer="l2",
                constraint="non_neg",
                name="w",
            )
            self.counter = self.add_weight((), "zeros", "int32", trainable=False)

        def call(self, inputs):
            return inputs @ self.w

    layer = Mine(name="mine")
    np.testing.assert_allclose(layer(X), X @ np.full((5, 2), -2.0), rtol=1e-5)
    assert (layer.w.shape, layer.w.dtype, layer.w.path, layer.w.trainable) == ((5, 2), "float32", "mine/w", True)
    assert (layer.counter.shape, layer.counter.dtype, layer.counter.trainable) == ((), "int32", False)
    np.testing.assert_allclose(layer.losses, [0.01 * 10 * 4.0], rtol=1e-6)
    np.testing.assert_array_equal(layer.w.constraint(layer.w.value), np.zeros((5, 2)))


def test_a_weight_without_an_initializer_is_glorot_uniform_or_zero_by_its_dtype():
    layer = pw.Layer()
    floating, whole = layer.add_weight((20, 30)), layer.add_weight((3,), dtype="int32")
    bound = np.sqrt(6 / 50)
    assert 0.9 * bound < np.abs(floating.numpy()).max() <= bound
    np.testing.assert_array_equal(whole.numpy(), np.zeros(3))


def test_sublayers_are_found_in_attributes_lists_tuples_and_dicts_also_when_they_came_later():
    class Mine(pw.Layer):
        def __init__(self):
            super().__init__()
            self.listed, self.keyed = [], {"inner": [pw.layers.Dense(4)]}
            self.paired = (pw.layers.Dense(3), pw.layers.Dense(2))
            self.listed.append(pw.layers.Dense(1))
            self.keyed["late"] = pw.layers.Dense(6)

        def call(self, x):
            for layer in (self.keyed["late"], *self.keyed["inner"], *self.paired, *self.listed):
                x = layer(x)
            return x

    layer = Mine()
    assert layer(X).shape == (4, 1)
    assert len(layer.sublayers()) == 5
    assert layer.count_params() == (5 * 6 + 6) + (6 * 4 + 4) + (4 * 3 + 3) + (3 * 2 + 2) + (2 * 1 + 1)
    layer.listed.append(pw.layers.Dense(7))
    assert len(layer.sublayers()) == 6
    layer.trainable = False
    assert layer.trainable_weights == [] and not layer.listed[-1].trainable


def test_a_layer_that_is_held_twice_counts_once():
    class Mine(pw.Layer):
        def __init__(self):
            super().__init__()
            self.one = pw.layers.Dense(5)
            self.same = [self.one]

        def call(self, x):
            return self.same[0](self.one(x))

    layer = Mine()
    layer(X)
    assert layer.count_params() == 30


@BOTH
def test_call_takes_further_arguments_by_place_and_by_name(K):
    class Mine(K.Layer):
        def call(self, x, other, factor=2.0, training=None):
            return x + factor * other + (100.0 if training else 0.0)

    layer = Mine()
    np.testing.assert_allclose(layer(X, X), 3 * X, rtol=1e-5)
    np.testing.assert_allclose(layer(X, other=X, factor=4.0), 5 * X, rtol=1e-5)
    np.testing.assert_allclose(layer(X, X, training=True), 3 * X + 100, rtol=1e-5)
    inputs = K.Input((5,))
    model = K.Model(inputs, layer(inputs, inputs, factor=0.5))
    np.testing.assert_allclose(model(X), 1.5 * X, rtol=1e-5)


def test_training_and_what_follows_it_may_be_given_by_place():
    class Mine(pw.Layer):
        def call(self, x, training=None, mask=None):
            return x * (2 if training else 1) * (3 if mask is not None else 1)

    np.testing.assert_allclose(Mine()(X, True), 2 * X)
    np.testing.assert_allclose(Mine()(X, True, np.ones(4, bool)), 6 * X)


@BOTH
def test_build_gets_the_shapes_that_its_arguments_name(K):
    class Two(K.Layer):
        def build(self, query_shape, value_shape):
            self.shapes = tuple(query_shape), tuple(value_shape)

        def call(self, query, value):
            return query

    layer = Two()
    layer(X, value=X[:, :2])
    assert layer.shapes == ((4, 5), (4, 2))


@BOTH
def test_build_gets_a_list_of_shapes_for_a_list_of_inputs(K):
    class Listed(K.Layer):
        def build(self, input_shape):
            self.shapes = [tuple(s) for s in input_shape]

        def call(self, inputs):
            return inputs[0]

    layer = Listed()
    layer([X, X[:, :2]])
    assert layer.shapes == [(4, 5), (4, 2)]


def regularized(K):
    dense = K.layers.Dense(
        1, kernel_regularizer="l2", activity_regularizer="l1", kernel_initializer="ones", bias_regularizer="l1"
    )
    dense(X)
    return dense


def test_losses_are_those_of_keras_in_its_order_and_of_the_last_call_only():
    ours, theirs = regularized(pw), regularized(keras)
    for _ in range(3):
        ours(2 * X), theirs(2 * X)
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-6)
    ours.trainable = theirs.trainable = False
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-6)


def test_every_loss_that_one_call_adds_counts():
    class Adds(pw.Layer):
        def call(self, x):
            for i in range(20):
                self.add_loss(float(i))
            return x

    layer = Adds()
    layer(X)
    assert sum(map(float, layer.losses)) == 190


def plain_class(K):
    class Plain(K.Layer):
        def __init__(self, units, activation="relu", sizes=(1, 2), **options):
            super().__init__(**options)
            self.units, self.sizes = units, sizes

        def call(self, x):
            return x

    return Plain


def test_a_class_without_get_config_is_rebuilt_from_its_arguments():
    Plain = plain_class(pw)
    layer = Plain(3, sizes=[4, 5], name="mine", dtype="bfloat16", trainable=False)
    again = Plain.from_config(layer.get_config())
    assert (again.units, again.sizes, again.name, again.trainable) == (3, [4, 5], "mine", False)
    assert again.get_config() == layer.get_config()


def test_a_class_whose_constructor_takes_no_keywords_has_a_config_that_it_takes():
    class Bare(pw.Layer):
        def __init__(self, units):
            super().__init__()
            self.units = units

        def call(self, x):
            return x

    assert Bare.from_config(Bare(7).get_config()).units == 7


@BOTH
def test_an_argument_that_a_config_cannot_hold_asks_for_get_config(K):
    layer = plain_class(K)(K.layers.Dense(2))
    with pytest.raises(NotImplementedError, match="get_config"):
        layer.get_config()


def test_set_weights_is_undone_by_set_weights_and_checks_before_it_changes_anything():
    layer = weighted_class(pw)(name="mine")
    layer(X)
    before = layer.get_weights()
    layer.set_weights([w + 1 for w in before])
    np.testing.assert_array_equal(layer.get_weights()[0], before[0] + 1)
    with pytest.raises(ValueError, match=r"Weight 'mine/last/bias' has shape \(3,\); set_weights was given \(4,\)"):
        layer.set_weights([*before[:-1], np.zeros(4)])
    np.testing.assert_array_equal(layer.get_weights()[0], before[0] + 1)
    layer.get_weights()[0][:] = 9
    assert not (layer.get_weights()[0] == 9).any()


@pytest.mark.parametrize(
    ("spec", "shape", "taken"),
    [
        ({"ndim": 3}, (4, 5), False),
        ({"ndim": 2}, (4, 5), True),
        ({"min_ndim": 3}, (4, 5), False),
        ({"max_ndim": 1}, (4, 5), False),
        ({"axes": {-1: 6}}, (4, 5), False),
        ({"axes": {1: 6}}, (4, 5), False),
        ({"axes": {-1: 5}}, (4, 2, 5), True),
        ({"shape": (None, 6)}, (4, 5), False),
        ({"dtype": "int32"}, (4, 5), False),
        ({"shape": (None, 5), "dtype": "float32"}, (4, 5), True),
        ({"shape": (None, 1), "allow_last_axis_squeeze": True}, (4,), True),
        ({"shape": (None,), "allow_last_axis_squeeze": True}, (4, 1), True),
    ],
)
@BOTH
def test_an_input_spec_takes_and_refuses_what_that_of_keras_does(K, spec, shape, taken):
    class Mine(K.Layer):
        def __init__(self):
            super().__init__(name="mine")
            self.input_spec = K.InputSpec(**spec)

        def call(self, x):
            return x

    x = np.ones(shape, "float32")
    if taken:
        np.testing.assert_array_equal(Mine()(x), x)
    else:
        with pytest.raises(ValueError, match="mine"):
            Mine()(x)


def test_specs_for_several_inputs_count_them_and_match_a_dict_by_name():
    class Mine(pw.Layer):
        def __init__(self):
            super().__init__(name="mine")
            self.input_spec = [pw.InputSpec(ndim=2, name="wide"), pw.InputSpec(ndim=1, name="flat", optional=True)]

        def call(self, inputs):
            return jax.tree.leaves(inputs)[0]

    Mine()({"flat": X[:, 0], "wide": X})
    Mine()([X, None])
    with pytest.raises(ValueError, match=r"'mine' \(Mine\) takes 2 inputs; it was given 1"):
        Mine()([X])


class NoCall(pw.Layer):
    pass


class NoSuper(pw.Layer):
    def __init__(self):
        self.dense = pw.layers.Dense(2)

    def call(self, x):
        return self.dense(x)


class WeightTooEarly(pw.Layer):
    def __init__(self):
        self.w = self.add_weight((2,))


class Misfit(pw.Layer):
    def build(self, input_shape):
        self.w = self.add_weight((3, 2))

    def call(self, x):
        return x @ self.w


def wrong_shape_later():
    dense = pw.layers.Dense(2, name="head")
    dense(X)
    dense(X[:, :3])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: NoCall()(X), NotImplementedError, r"NoCall has no `call` method: define `call\(self, inputs\)`"),
        (lambda: NoCall()(pw.Input((5,))), NotImplementedError, "NoCall has no `call` method"),
        (lambda: NoSuper()(X), RuntimeError, r"NoSuper.__init__ did not call super\(\).__init__\(\)"),
        (lambda: NoSuper().weights, RuntimeError, r"NoSuper.__init__ did not call super\(\).__init__\(\)"),
        (WeightTooEarly, RuntimeError, r"WeightTooEarly.__init__ did not call super\(\).__init__\(\)"),
        (lambda: pw.layers.Dense(2)(np.array(["a", "b"])), TypeError, "'dense' was given an array of dtype <U1"),
        (lambda: pw.layers.Dense(2)(["a", "b"]), TypeError, "'dense' was given the string 'a': layers take numbers"),
        (
            lambda: pw.layers.Dense(2, activaton="relu"),
            ValueError,
            "no argument 'activaton'. Did you mean 'activation'",
        ),
        (lambda: plain_class(pw)(1, unit=2), ValueError, "Plain has no argument 'unit'. Did you mean 'units'"),
        (lambda: pw.layers.Dense(2, name="a/b"), ValueError, "cannot contain '/'"),
        (
            wrong_shape_later,
            ValueError,
            r"'head' \(Dense\) expects an input of size 5 on axis -1; got an input of shape \(4, 3\)",
        ),
        (lambda: Misfit(name="mine")(X), Exception, r"In the call of layer 'mine' \(Misfit\) on shape \(4, 5\)"),
        (lambda: Misfit(name="mine")(pw.Input((5,))), Exception, "sizes 24 and 240 stand for None"),
        (lambda: pw.layers.Dense(2).set_weights([X]), ValueError, "'dense' has 0 weights.*not built yet"),
    ],
)
def test_a_mistake_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_assigning_a_variable_inside_a_jit_is_refused_and_leaves_it_as_it_was():
    variable = pw.Variable(np.zeros(3, "float32"), name="w")
    with pytest.raises(ValueError, match=r"'w' was assigned inside a jax.jit.*phasewise.pure"):
        jax.jit(lambda x: variable.assign(x).value)(jnp.ones(3))
    np.testing.assert_array_equal(variable.numpy(), np.zeros(3))


def test_a_layer_in_a_jit_of_the_users_own_is_pure():
    norm = pw.layers.BatchNormalization()
    outputs = jax.jit(lambda x: norm(x, training=True))(X)
    np.testing.assert_allclose(np.mean(outputs, 0), np.zeros(5), atol=1e-5)
    np.testing.assert_array_equal(norm.get_weights()[2], np.zeros(5))
    np.testing.assert_allclose(norm(X), X / np.sqrt(1.001), rtol=1e-5)


def test_names_that_a_user_may_give_to_attributes_do_not_disturb_a_layer():
    class Mine(pw.layers.Layer):
        def __init__(self):
            super().__init__()
            self.parts = [pw.layers.Dense(2), pw.layers.Dense(3)]
            self.inventory = self.moving_statistics = self.nodes = self.graph = {"statistics": pw.layers.Dropout(0.5)}

        def call(self, inputs):
            for part in self.parts:
                inputs = part(inputs)
            return self.graph["statistics"](inputs)

    x = pw.Input((4,))
    model = pw.Model(x, Mine()(x))
    model.compile("sgd", "mse")
    model.fit(np.ones((8, 4)), np.ones((8, 3)), verbose=0)
    assert model.predict(np.ones((8, 4)), verbose=0).shape == (8, 3)
    assert len(model.weights) == 4
    assert [row.layer for row in model.explain(print_fn=False)] == ["dropout"]
