"""Spectral normalization against singular values in float64, and what it leaves alone."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import phasewise as pw
from phasewise.kernels.spectral_norm import spectral_norm
from phasewise.layers import Dense, Layer, SpectralNormalization

RNG = np.random.default_rng(0)
X = RNG.normal(size=(8, 5)).astype("float32")
Y = RNG.normal(size=(8, 3)).astype("float32")


class Table(Layer):
    """Rows of `embeddings`, as an embedding layer has them."""

    def build(self, input_shape):
        self.embeddings = self.add_weight((4, 3), "glorot_uniform", name="embeddings")

    def call(self, inputs):
        return self.embeddings.value[inputs]


class Convolution(Layer):
    """A kernel with four axes, summed over the first two."""

    def build(self, input_shape):
        self.kernel = self.add_weight((2, 3, input_shape[-1], 4), "glorot_uniform", name="kernel")

    def call(self, inputs):
        return inputs @ self.kernel.value.sum((0, 1))


def wrapped(layer, x, **arguments):
    """A built wrapper; its vector_u of length 1, as one call in training would leave it."""
    made = SpectralNormalization(layer, **arguments)
    made(x, training=True)
    return made


def reference(kernel, u, iterations):
    """(sigma, u) by Miyato et al. (2018), algorithm 1, in float64."""
    matrix = np.asarray(kernel, np.float64).reshape(-1, kernel.shape[-1])
    u = np.asarray(u, np.float64)
    for _ in range(iterations):
        v = u @ matrix.T / np.linalg.norm(u @ matrix.T)
        u = v @ matrix / np.linalg.norm(v @ matrix)
    return (v @ matrix @ u.T).item(), u


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
@pytest.mark.parametrize("iterations", [1, 3])
def test_the_output_is_that_of_kernel_over_sigma_in_both_phases(training, iterations):
    layer = wrapped(Dense(3, bias_initializer="ones"), X, power_iterations=iterations)
    sigma, _ = reference(layer.kernel.numpy(), layer.vector_u.numpy(), iterations)
    expected = X.astype(np.float64) @ layer.kernel.numpy() / sigma + 1
    np.testing.assert_allclose(layer(X, training=training), expected, rtol=1e-5, atol=1e-6)


def test_only_a_call_in_training_stores_vector_u_and_none_changes_the_kernel():
    layer = wrapped(Dense(3), X)
    kernel, u, bias = (w.numpy().copy() for w in (layer.kernel, layer.vector_u, layer.layer.bias))
    layer(X)
    np.testing.assert_array_equal(layer.vector_u.numpy(), u)
    layer(X, training=True)
    np.testing.assert_allclose(layer.vector_u.numpy(), reference(kernel, u, 1)[1], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(layer.kernel.numpy(), kernel)
    np.testing.assert_array_equal(layer.layer.bias.numpy(), bias)


@pytest.mark.parametrize(
    "layer, x", [(Convolution(), X), (Table(), np.arange(4)), (Dense(3), X)], ids=["conv", "table", "dense"]
)
def test_the_largest_singular_value_goes_to_one(layer, x):
    layer = wrapped(layer, x)
    for _ in range(60):
        layer(x, training=True)
    kernel = layer.kernel.numpy()
    exact = np.linalg.svd(kernel.astype(np.float64).reshape(-1, kernel.shape[-1]), compute_uv=False)[0]
    assert reference(kernel, layer.vector_u.numpy(), 1)[0] == pytest.approx(exact, rel=1e-4)
    plain = np.asarray(layer.layer(x))
    np.testing.assert_allclose(layer(x), plain / exact, rtol=1e-3, atol=1e-5)


def test_embeddings_stay_floating_though_the_input_is_integers():
    assert SpectralNormalization(Table())(np.arange(4)).dtype == "float32"


@pytest.mark.parametrize("size", [1e-20, 1.0, 1e15])
def test_the_size_of_the_kernel_does_not_matter(size):
    layer = wrapped(Dense(3, use_bias=False), X)
    before = np.asarray(layer(X))
    layer.kernel.assign(layer.kernel.numpy() * np.float32(size))
    np.testing.assert_allclose(layer(X), before, rtol=1e-5)


@pytest.mark.parametrize("training", [False, True], ids=["inference", "training"])
def test_a_kernel_of_zeros_stays_as_it_is_and_learns(training):
    layer = wrapped(Dense(3, kernel_initializer="zeros"), X)
    u = layer.vector_u.numpy().copy()
    function, params, state = pw.pure(layer)

    def total(params):
        y, after = function(params, state, X, training=training)
        return y.sum(), after

    grads, after = jax.jit(jax.grad(total, has_aux=True))(params)
    np.testing.assert_array_equal(layer(X, training=training), np.zeros((8, 3)))
    np.testing.assert_array_equal(next(iter(after.values())), u)
    kernel = next(g for name, g in grads.items() if name.endswith("kernel"))
    np.testing.assert_allclose(kernel, np.broadcast_to(X.sum(0)[:, None], (5, 3)), rtol=1e-5)


def test_the_gradient_flows_through_sigma_with_u_and_v_constant():
    layer = wrapped(Dense(3, use_bias=False), X)
    function, params, state = pw.pure(layer)
    (name,) = params
    grad = jax.jit(jax.grad(lambda p: (function(p, state, X)[0] * Y).sum()))(params)[name]
    kernel = layer.kernel.numpy().astype(np.float64)
    sigma, u = reference(kernel, layer.vector_u.numpy(), 1)
    v = layer.vector_u.numpy().astype(np.float64) @ kernel.T
    v = v / np.linalg.norm(v)
    outer = X.T.astype(np.float64) @ Y
    expected = outer / sigma - (outer * kernel).sum() / sigma**2 * (v.T @ u)  # Miyato et al. (2018), equation 10
    np.testing.assert_allclose(grad, expected, rtol=1e-4, atol=1e-5)


def test_fit_moves_kernel_and_vector_u_and_predict_normalizes():
    layer = SpectralNormalization(Dense(3, use_bias=False), name="sn")
    model = pw.Sequential([pw.Input((5,)), layer])
    model.compile("sgd", "mse")
    before = model.get_weights()
    model.fit(X, Y, epochs=2, verbose=0)
    assert all(not np.array_equal(a, b) for a, b in zip(before, model.get_weights()))
    sigma, _ = reference(layer.kernel.numpy(), layer.vector_u.numpy(), 1)
    np.testing.assert_allclose(model.predict(X, verbose=0), X @ layer.kernel.numpy() / sigma, rtol=1e-4, atol=1e-6)


def test_a_frozen_layer_is_in_inference():
    layer = wrapped(Dense(3), X)
    layer.trainable = False
    u = layer.vector_u.numpy().copy()
    layer(X, training=True)
    np.testing.assert_array_equal(layer.vector_u.numpy(), u)
    assert layer.trainable_variables == []


def test_explain_says_what_each_task_does():
    model = pw.Sequential([pw.Input((5,)), SpectralNormalization(Dense(3), name="sn")])
    row = model.explain(print_fn=False)["sn"]
    assert (row.fit.action, row.predict.action) == ("kernel / sigma, vector_u follows", "kernel / sigma")


def test_a_mask_goes_through_the_wrapped_layer():
    x, mask = RNG.normal(size=(2, 3, 5)).astype("float32"), np.array([[True, False, True]] * 2)
    assert SpectralNormalization(Dense(3)).compute_mask(x, mask) is mask
    assert SpectralNormalization(Convolution()).compute_mask(x, mask) is None


def test_mixed_precision_iterates_in_float32():
    layer = wrapped(Dense(3, dtype="mixed_bfloat16"), X, dtype="mixed_bfloat16")
    assert layer(X).dtype == "bfloat16"
    u, kernel = layer.vector_u.numpy().copy(), layer.kernel.numpy()
    layer(X, training=True)
    np.testing.assert_allclose(layer.vector_u.numpy(), reference(kernel, u, 1)[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: SpectralNormalization("dense"), "SpectralNormalization wraps a layer; got 'dense'"),
        (lambda: SpectralNormalization(Dense(3), 0), "power_iterations must be a positive integer; got 0"),
        (lambda: SpectralNormalization(Dense(3), 1.5), "power_iterations must be a positive integer; got 1.5"),
        (
            lambda: SpectralNormalization(pw.layers.ReLU(name="act"), name="sn")(X),
            r"'sn' wraps 'act' \(ReLU\), which has neither a `kernel` nor `embeddings`",
        ),
    ],
)
def test_bad_arguments_are_named(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def test_many_iterations_are_a_loop_and_not_copies_of_their_code():
    matrix, u = jnp.asarray(RNG.normal(size=(5, 3)), jnp.float32), jnp.ones((1, 3), jnp.float32)

    def size(iterations):
        return len(str(jax.make_jaxpr(lambda m: spectral_norm(m, u, iterations))(matrix)))

    assert size(50) < 3 * size(1)
    for iterations in (1, 2, 7, 50):
        sigma, found = spectral_norm(matrix, u, iterations)
        exact, u_exact = reference(matrix, u, iterations)
        np.testing.assert_allclose(sigma, exact, rtol=1e-6)
        np.testing.assert_allclose(found, u_exact, rtol=1e-5, atol=1e-6)


def test_a_model_with_many_iterations_trains():
    layer = SpectralNormalization(Dense(3, use_bias=False), power_iterations=50)
    model = pw.Sequential([pw.Input((5,)), layer])
    model.compile(pw.optimizers.SGD(1.0), "mse")
    kernel = np.float64(layer.kernel.numpy())
    sigma, (u,) = reference(kernel, layer.vector_u.numpy(), 50)
    model.train_on_batch(X, Y)
    error = X @ (kernel / sigma) - Y
    of_normalized = 2 * X.T.astype(np.float64) @ error / error.size
    v = kernel @ u / np.linalg.norm(kernel @ u)  # the gradient of sigma is v uᵀ, with u and v held constant
    gradient = of_normalized / sigma - np.outer(v, u) * (of_normalized * kernel).sum() / sigma**2
    np.testing.assert_allclose(kernel - layer.kernel.numpy(), gradient, rtol=1e-4, atol=1e-6)
