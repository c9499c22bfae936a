"""Names that a subclass is free to use, since Keras's classes leave them to it: phasewise works as if they had never been its own."""

import jax.numpy as jnp
import numpy as np
import pytest

import phasewise as pw
from phasewise.layers import BatchNormalization, Dense, Dropout

X = np.random.default_rng(3).normal(size=(24, 3)).astype(np.float32)
Y = X[:, :1] * 2
VALUES = {
    "seed": 7,
    "compiled": "yes",
    "inputs": 3,
    "outputs": [1],
    "input_shape": (3,),
    "output_shape": (1,),
    "output_names": ["price"],
    "all_layers": [1, 2],
    "sublayers": None,
    "decide": 0.5,
    "number_of": 2,
    "ensure_built": True,
    "example_spec": "a row",
}


class Net(pw.Model):
    def __init__(self, **own):
        super().__init__()
        for name, value in own.items():
            setattr(self, name, value)
        self.hidden, self.norm, self.drop, self.out = Dense(4), BatchNormalization(), Dropout(0.5), Dense(1)

    def call(self, x):
        return self.out(self.drop(self.norm(self.hidden(x))))


def trained(model):
    """What a model with weights that are known beforehand becomes, and what it says then."""
    model.build((None, 3))
    model.set_weights([np.full(v.shape, 0.5, np.float32) for v in model.weights])
    pw.utils.set_random_seed(1)
    model.compile("sgd", "mse", metrics=["mae"])
    history = model.fit(X, Y, batch_size=8, epochs=2, verbose=0).history
    return [
        *history["loss"],
        *history["mae"],
        *np.ravel(model.predict(X, verbose=0)),
        *map(float, model.evaluate(X, Y, verbose=0)),
    ]


def test_a_model_may_have_attributes_of_these_names():
    model = Net(**VALUES)
    assert trained(model) == trained(Net())
    assert {name: getattr(model, name) for name in VALUES} == VALUES
    assert model.norm.name in str(model.explain())


def test_and_methods():
    def own(self):
        return "own"

    cls = type("Own", (Net,), dict.fromkeys(VALUES, own))
    model = cls()
    assert trained(model) == trained(Net())
    assert all(getattr(model, name)() == "own" for name in VALUES)


def test_a_layer_kept_under_such_a_name_is_trained_and_saved_with_the_others(tmp_path):
    class Generated(pw.Model):
        def __init__(self):
            super().__init__()
            self.seed, self.outputs = Dense(2), Dense(1)

        def call(self, x):
            return self.outputs(self.seed(x))

    model = Generated()
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    assert [v.shape for v in model.trainable_weights] == [(3, 2), (2,), (2, 1), (1,)]
    model.save_weights(tmp_path / "own.weights.h5")
    other = Generated()
    other.build((None, 3))
    other.load_weights(tmp_path / "own.weights.h5")
    np.testing.assert_array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_number_kept_under_such_a_name_and_changed_later_has_its_effect():
    class Scaled(pw.Model):
        def __init__(self):
            super().__init__()
            self.seed = 2.0

        def call(self, x):
            return x * self.seed

    model = Scaled()
    np.testing.assert_array_equal(model.predict(X, verbose=0), X * 2)
    model.seed = 3.0
    np.testing.assert_array_equal(model.predict(X, verbose=0), X * 3)


@pytest.mark.parametrize("name", ["seed", "compiled", "inputs", "output_names"])
def test_a_model_that_is_no_subclass_refuses_what_would_have_no_effect(name):
    model = pw.Sequential([pw.Input((3,)), Dense(1)])
    with pytest.raises(AttributeError, match=rf"Sequential\.{name} tells what there is; it cannot be assigned to\."):
        setattr(model, name, 1)


@pytest.mark.parametrize("name", ["mask", "masked"])
def test_a_loss_may_have_attributes_of_these_names(name):
    class Squares(pw.losses.Loss):
        def __init__(self, value):
            super().__init__()
            setattr(self, name, value)

        def call(self, y_true, y_pred):
            return jnp.square(y_true - y_pred) * getattr(self, name)

    assert float(Squares(2.0)(np.zeros((2, 1)), np.ones((2, 1)))) == 2


def test_a_layer_may_return_a_weight():
    class Constant(pw.layers.Layer):
        def build(self, input_shape):
            self.w = self.add_weight(shape=(2,), initializer="ones", name="w")

        def call(self, x):
            return self.w

    np.testing.assert_array_equal(Constant()(X), [1, 1])
    tensor = pw.Input((3,))
    assert pw.Model(tensor, pw.layers.Dense(1)(tensor) + Constant()(tensor)[:1]).predict(X, verbose=0).shape == (24, 1)


class Classes(Net):
    def __init__(self, **own):
        super().__init__(**own)
        self.classes = Dense(2)

    def call(self, x):
        return self.classes(super().call(x))


def test_such_a_model_is_adapted():
    def adapted(model):
        model.compile(loss=pw.losses.SparseCategoricalCrossentropy(from_logits=True))
        model.build((None, 3))
        model.set_weights([np.full(v.shape, 0.5, np.float32) for v in model.weights])
        with pw.adapt(model, X, "tent"):
            return model.predict(X, verbose=0)

    np.testing.assert_array_equal(adapted(Classes(**VALUES)), adapted(Classes()))


def test_an_endpoint_of_such_a_model_takes_its_arguments(tmp_path):
    class Sum(pw.Model):
        def __init__(self):
            super().__init__()
            self.inputs, self.dense = 3, Dense(3)

        def call(self, x, y):
            return self.dense(x) + y

    archive, model = pw.export.ExportArchive(format="stablehlo"), Sum()
    expected = model(X, 2 * X)
    archive.track(model)
    archive.add_endpoint("serve", model.call, [pw.InputSpec(shape=(None, 3), dtype="float32")] * 2)
    archive.write_out(tmp_path / "sum", verbose=False)
    np.testing.assert_allclose(pw.export.load(tmp_path / "sum").serve((X, 2 * X)), expected, rtol=1e-5, atol=1e-6)
