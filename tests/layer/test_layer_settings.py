"""What is set on a layer after it was built has an effect, or is refused."""

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers, regularizers
from phasewise.core.variable import Variable

X, Y = np.float32([[1.0]]), np.float32([[0.0]])


def model_of(*chain):
    model = pw.Sequential([pw.Input((1,)), *chain])
    model.compile(pw.optimizers.SGD(0.5), "mse")
    model.train_on_batch(X, Y)
    return model


def dense(**kwargs):
    return layers.Dense(1, use_bias=False, kernel_initializer="zeros", **kwargs)


def loss_at(model, w):
    model.set_weights([np.float32([[w]])])
    return model.test_on_batch(X, Y)


@pytest.mark.parametrize("to_the_weight", [False, True])
def test_a_regularizer_set_after_build_counts_from_the_next_step_on(to_the_weight):
    model = model_of(dense())
    layer = model.layers[0]
    assert loss_at(model, 2.0) == 4.0
    if to_the_weight:
        layer.kernel.regularizer = regularizers.L1(1.0)
    else:
        layer.kernel_regularizer = regularizers.L1(1.0)
        assert layer.get_config()["kernel_regularizer"]["class_name"] == "L1"
    assert loss_at(model, 2.0) == 4.0 + 2.0
    layer.kernel_regularizer = None
    assert loss_at(model, 2.0) == 4.0


def test_a_constraint_set_after_build_holds_from_the_next_step_on():
    model = model_of(dense())
    model.layers[0].kernel_constraint = "non_neg"
    model.set_weights([np.float32([[-1.0]])])
    model.optimizer.learning_rate = 0.0
    model.train_on_batch(X, Y)
    assert model.get_weights()[0][0, 0] == 0.0


def test_the_rules_of_gamma_and_beta_are_set_by_keras_names():
    layer = layers.BatchNormalization()
    layer.gamma_regularizer = "l2"
    layer.build((None, 2))
    assert isinstance(layer.gamma.regularizer, regularizers.L2)
    layer.beta_constraint = "non_neg"
    assert layer.beta.constraint is layer.beta_constraint
    assert layer.get_config()["beta_constraint"]["class_name"] == "NonNeg"


def test_a_rule_that_no_weight_would_follow_is_refused():
    layer = dense()
    layer.build((None, 1))
    with pytest.raises(AttributeError, match=r"bias_regularizer would have no effect: Dense .* has no weight 'bias'"):
        layer.bias_regularizer = "l2"
    with pytest.raises(AttributeError, match=r"kernel_initializer would have no effect.*layer.kernel.assign"):
        layer.kernel_initializer = "ones"
    without = layers.LayerNormalization(center=False)
    without.build((None, 2))
    with pytest.raises(AttributeError, match="beta_regularizer would have no effect"):
        without.beta_regularizer = "l2"


@pytest.mark.parametrize(
    ("layer", "name", "value"),
    [
        (layers.Dense(2), "units", 3),
        (layers.Dense(2), "use_bias", False),
        (layers.BatchNormalization(), "axis", 1),
        (layers.BatchNormalization(), "renorm", True),
        (layers.LayerNormalization(), "axis", 1),
        (layers.GroupNormalization(1), "axis", 1),
        (layers.PReLU(), "shared_axes", [1]),
    ],
)
def test_what_the_weights_were_made_by_cannot_be_set_any_more(layer, name, value):
    setattr(layer, name, value)
    layer.build((None, 4, 4))
    setattr(layer, name, value)
    other = {"units": 5, "use_bias": True, "renorm": False, "shared_axes": [2]}.get(name, 2)
    with pytest.raises(AttributeError, match=f"{name} of .* cannot be set any more: its weights were made by {name}="):
        setattr(layer, name, other)


def test_the_momentum_of_moving_statistics_can_be_set_after_build():
    layer = layers.BatchNormalization(momentum=0.9)
    layer.build((None, 1))
    layer.momentum = 0.5
    layer(np.float32([[2.0], [4.0]]), training=True)
    np.testing.assert_allclose(layer.moving_mean, [0.5 * 3.0])


def test_a_dtype_policy_set_later_holds_from_the_next_call_on():
    model = pw.Sequential([pw.Input((2,)), layers.Dense(1, kernel_initializer="ones")])
    x = np.float32([[1.0, 2.0**-10]])
    assert model(x) == 1.0 + 2.0**-10
    model.layers[0].dtype_policy = "mixed_bfloat16"
    assert str(model(x).dtype) == "bfloat16"
    assert model.predict(x, verbose=0) == 1.0
    model.layers[0].dtype_policy = "float32"
    assert model(x) == 1.0 + 2.0**-10


def test_a_dtype_policy_that_would_not_take_effect_is_refused():
    layer = layers.Dense(1)
    layer.dtype_policy = "bfloat16"
    layer.build((None, 1))
    assert layer.kernel.dtype == "bfloat16"
    with pytest.raises(AttributeError, match="'float32' cannot be set any more: its weights are stored in bfloat16"):
        layer.dtype_policy = "float32"
    with pytest.raises(AttributeError, match=r"the layers inside have policies of their own. Set it on each"):
        pw.Sequential([pw.Input((1,)), layers.Dense(1)]).dtype_policy = "mixed_bfloat16"
    with pytest.raises(ValueError, match="Unknown dtype policy 'mixed_bfloat'"):
        layer.dtype_policy = "mixed_bfloat"


class Grows(pw.Layer):
    def __init__(self, what):
        super().__init__()
        self.what = what

    def call(self, inputs):
        if self.what == "weight":
            return inputs + self.add_weight((1,), name="w").value
        self.inner = Variable(0.0) if self.what == "variable" else layers.Dense(1)
        return inputs


@pytest.mark.parametrize(
    ("what", "named"),
    [
        ("weight", r"add_weight\(name='w'\)"),
        ("variable", r"self.inner = Variable\(...\)"),
        ("layer", r"self.inner = Dense\(...\)"),
    ],
)
def test_what_each_call_would_make_anew_is_refused_in_call(what, named):
    for layer in (Grows(what), pw.Sequential([Grows(what)])):
        with pytest.raises(RuntimeError, match=f"{named} in the call of Grows.*Make it in `build`"):
            layer(X)


class BuildsInside(pw.Layer):
    def build(self, input_shape):
        super().build(input_shape)  # says that the layer is built
        self.w = self.add_weight((1,), initializer="ones")
        self.inner = layers.Dense(1, kernel_initializer="ones")
        self.inner.build(input_shape)

    def call(self, inputs):
        return self.inner(inputs) * self.w


def test_build_may_make_weights_and_layers_whatever_it_says_of_being_built():
    assert pw.Sequential([BuildsInside()])(X) == 1.0


@pytest.mark.parametrize("argument", ["trainable", "autocast"])
def test_a_text_is_no_truth_value(argument):
    with pytest.raises(ValueError, match=f"Dense's {argument} is True or False; got 'no'"):
        layers.Dense(1, **{argument: "no"})
    with pytest.raises(ValueError, match="Dense's trainable is True or False; got 'no'"):
        layers.Dense(1).trainable = "no"
