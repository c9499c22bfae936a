"""RematScope: what is computed again for the gradient is the same, whatever layers write, draw, add, mask and leave for the loss."""

import jax
import numpy as np
import pytest

import phasewise as pw

LAYERS = pw.layers
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(16, 6)).astype("float32"), RNG.normal(size=(16, 2)).astype("float32")


def remats(model, *inputs):
    """How often something is computed again in the gradient of a call in training."""
    trained = [v.value for v in model.trainable_variables]
    others = [v.value for v in model.non_trainable_variables]

    def loss(trained):
        return model.stateless_call(trained, others, *inputs, training=True)[0].sum()

    return str(jax.make_jaxpr(jax.grad(loss))(trained)).count("prevent_cse")


def trained(make, scope=None, x=X, y=Y, loss="mse"):
    """Losses and weights of a few steps, of a model made in the scope or not."""
    pw.set_random_seed(1)
    with scope or pw.RematScope(None):
        model = make()
    model.compile(pw.optimizers.SGD(0.1), loss)
    losses = model.fit(x, y, epochs=2, batch_size=8, verbose=0, shuffle=False).history["loss"]
    return losses, model.get_weights(), model


def assert_same(make, mode="full", expected_more=True, **data):
    plain, again = trained(make, **data), trained(make, pw.RematScope(mode), **data)
    np.testing.assert_allclose(again[0], plain[0], rtol=1e-5)
    for weight, expected in zip(again[1], plain[1], strict=True):
        np.testing.assert_allclose(weight, expected, rtol=1e-4, atol=1e-6)
    return plain[2], again[2]


def chain():
    layers = [LAYERS.Dense(8, activation="relu", kernel_regularizer="l2"), LAYERS.BatchNormalization()]
    layers += [LAYERS.Dropout(0.5), LAYERS.ActivityRegularization(l2=0.1), LAYERS.Dense(2)]
    return pw.Sequential([pw.Input((6,)), *layers])


class Block(LAYERS.Layer):
    """Layers inside of a layer, with a loss of its own."""

    def __init__(self):
        super().__init__()
        self.inner = [LAYERS.Dense(6, activation="gelu"), LAYERS.BatchNormalization(), LAYERS.Dropout(0.3)]

    def call(self, inputs):
        h = inputs
        for layer in self.inner:
            h = layer(h)
        self.add_loss((h**2).mean())
        return inputs + h


# -- the same numbers


def test_statistics_draws_and_added_losses_are_the_same():
    plain, again = assert_same(chain)
    assert remats(plain, X) == 0 and remats(again, X) >= 5


@pytest.mark.parametrize("mode", ["full", "activations", "larger_than"])
def test_blocks_of_layers_are(mode):
    def make():
        return pw.Sequential(
            [pw.Input((6,)), Block(), pw.Sequential([LAYERS.Dense(4), LAYERS.BatchNormalization()]), LAYERS.Dense(2)]
        )

    assert_same(make, mode)


def test_a_mask_reaches_the_layers_behind():
    ids = np.array([[1, 2, 0, 0], [3, 0, 0, 0]] * 8)

    def make():
        layers = [LAYERS.Embedding(5, 3, mask_zero=True), LAYERS.Dense(3, activation="tanh"), LAYERS.LSTM(2)]
        return pw.Sequential([pw.Input((4,), dtype="int32"), *layers])

    assert_same(make, x=ids)


def test_a_saturated_softmax_has_its_loss_from_the_logits():
    labels = np.zeros(16, "int32")

    def make():
        kernel = pw.initializers.Constant(np.stack([np.full(6, -60.0), np.full(6, 60.0)], 1))
        return pw.Sequential([pw.Input((6,)), LAYERS.Dense(2, activation="softmax", kernel_initializer=kernel)])

    for mode in ("full", "activations"):
        losses, weights, _ = trained(
            make, pw.RematScope(mode), np.ones((16, 6), "float32"), labels, "sparse_categorical_crossentropy"
        )
        assert losses[0] > 100 and all(np.isfinite(weight).all() for weight in weights)
        assert_same(make, mode, x=np.ones((16, 6), "float32"), y=labels, loss="sparse_categorical_crossentropy")


def test_inference_is_as_it_was():
    plain, again = trained(chain)[2], trained(chain, pw.RematScope())[2]
    np.testing.assert_allclose(again.predict(X, verbose=0), plain.predict(X, verbose=0), rtol=1e-4, atol=1e-6)


# -- what is computed again


def test_the_gradient_keeps_less():
    def residuals(mode):
        with pw.RematScope(mode):
            block = Block()
        model = pw.Sequential([pw.Input((6,)), block])

        def loss(x):
            values = [[v.value for v in each] for each in (model.trainable_variables, model.non_trainable_variables)]
            return model.stateless_call(*values, x, training=True)[0].sum()

        _, kept = jax.vjp(loss, X)
        return sum(leaf.size for leaf in jax.tree.leaves(kept) if leaf.shape[:1] == (16,))

    assert residuals("full") < residuals(None) / 2


def test_layers_are_chosen_by_their_names():
    with pw.RematScope("list_of_layers", layer_names=["second"]):
        model = pw.Sequential([pw.Input((6,)), LAYERS.Dense(4, name="first"), LAYERS.Dense(2, name="second")])
    assert remats(model, X) == 1


def test_layers_are_chosen_by_the_size_of_their_output():
    with pw.RematScope("larger_than", output_size_threshold=16 * 4):
        model = pw.Sequential([pw.Input((6,)), LAYERS.Dense(4), LAYERS.Dense(5), LAYERS.Dense(3)])
    assert remats(model, X) == 1


def test_the_innermost_scope_counts_and_the_place_of_the_call_does_not():
    with pw.RematScope("full"):
        first = LAYERS.Dense(4)
        with pw.RematScope(None):
            second = LAYERS.Dense(2)
    model = pw.Sequential([pw.Input((6,)), first, second])
    with pw.RematScope("full"):
        assert remats(model, X) == 1


def test_outside_of_training_nothing_is():
    with pw.RematScope("full"):
        layer = LAYERS.Dense(2)
    layer.build((None, 6))
    values = [v.value for v in layer.trainable_variables]
    assert "prevent_cse" not in str(jax.make_jaxpr(lambda values: layer.stateless_call(values, [], X)[0])(values))


# -- mistakes


def test_an_unknown_mode_is_told_with_the_nearest():
    with pytest.raises(ValueError, match=r"mode is one of .* got 'larger'\. Did you mean 'larger_than'"):
        pw.RematScope("larger")


def test_names_that_no_layer_has_are_told():
    with pytest.raises(ValueError, match=r"needs layer_names=\[\.\.\.\]"):
        pw.RematScope("list_of_layers")
    with (
        pytest.raises(ValueError, match=r"No layer called 'secnd' was made in the RematScope\. Did you mean 'second'"),
        pw.RematScope("list_of_layers", layer_names=["secnd"]),
    ):
        LAYERS.Dense(1, name="second")
