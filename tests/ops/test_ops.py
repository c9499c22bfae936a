"""Ops as people use them: in loops and branches, in graphs and steps, on variables; what they refuse; where they differ from Keras."""

import pickle

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import phasewise as pw
from phasewise import ops

X = np.random.default_rng(0).normal(size=(4, 3)).astype("float32")


def test_loops_and_branches():
    assert ops.while_loop(lambda i, s: i < 5, lambda i, s: (i + 1, s + i), (0, 0)) == (5, 10)
    assert ops.while_loop(lambda i: i < 5, lambda i: i + 1, 0, maximum_iterations=3) == 3
    assert ops.fori_loop(0, 4, lambda i, s: s + i, 0) == 6
    assert ops.cond(True, lambda: 1, lambda: 2) == 1
    assert ops.switch(1, [lambda a: a, lambda a: -a], 3.0) == -3
    assert list(ops.map(lambda a: a * 2, jnp.arange(3))) == [0, 2, 4]
    assert list(ops.vectorized_map(lambda a: a.sum(), jnp.ones((3, 2)))) == [2, 2, 2]
    carry, seen = ops.scan(lambda s, a: (s + a, s), 0, jnp.arange(4), reverse=True)
    assert (carry, list(seen)) == (6, [6, 5, 3, 0])
    assert list(ops.associative_scan(lambda a, b: a + b, jnp.arange(4))) == [0, 1, 3, 6]
    with pytest.raises(ValueError, match="scan's unroll is a positive integer or a boolean; got 0"):
        ops.scan(lambda s, a: (s, a), 0, jnp.arange(4), unroll=0)


def test_a_function_may_give_its_own_gradient():
    @ops.custom_gradient
    def doubled(x):
        return x * 2, lambda upstream: upstream * 100

    assert jax.grad(lambda x: doubled(x))(1.0) == 100
    assert doubled(pw.Variable(3.0)) == 6


def test_derivatives_along_a_direction():
    value, slope = ops.jvp(lambda x: x**2, (3.0,), (1.0,))
    assert (value, slope) == (9, 6)


def test_a_function_of_scalars_runs_over_arrays():
    add = ops.vectorize(lambda a, b: a + b)
    np.testing.assert_array_equal(add(X, X), 2 * X)


def test_eigenvectors_of_any_matrix():
    matrix = X[:3]
    values, vectors = ops.eig(matrix)
    np.testing.assert_allclose(matrix @ vectors, vectors * values, atol=1e-5)


def test_variables_are_read():
    weight = pw.Variable(X)
    np.testing.assert_array_equal(ops.matmul(weight, ops.transpose(weight)), ops.matmul(X, ops.transpose(X)))
    assert ops.shape(weight) == (4, 3)


def test_in_a_functional_model():
    x = pw.Input((3,))
    a, b = ops.split(ops.rearrange(x, "b (c d) -> b c d", d=3), [1], axis=2)
    y = ops.concatenate([ops.square(a), ops.nn.max_pool(ops.numpy.abs(b), 1)], axis=-1)
    assert y.shape == (None, 1, 3)
    model = pw.Model(x, ops.reshape(y, (-1, 3)))
    wanted = np.concatenate([X[:, :1] ** 2, np.abs(X[:, 1:])], 1)
    np.testing.assert_allclose(model.predict(X, verbose=0), wanted, rtol=1e-6)
    np.testing.assert_allclose(pickle.loads(pickle.dumps(model)).predict(X, verbose=0), wanted, rtol=1e-6)


def test_sizes_are_numbers_where_they_are_known():
    known, unknown = pw.Input(batch_shape=(2, 3)), pw.Input((3,))
    assert (ops.size(known), ops.ndim(unknown), ops.shape(unknown)) == (6, 2, (None, 3))
    assert ops.size(unknown).shape == ()


def test_probabilities_keep_their_logits_through_ops():
    """A saturated, wrong prediction is learnt from whatever op stands between the sigmoid and the loss."""
    x = pw.Input((1,))
    model = pw.Model(x, ops.reshape(ops.cast(ops.sigmoid(x), "float32"), (-1, 1)))
    model.compile(loss="binary_crossentropy")
    assert model.test_on_batch(np.array([[200.0]]), np.array([[0.0]])) == pytest.approx(200)


def test_a_window_without_strides_moves_by_its_own_size():
    images = np.arange(32.0, dtype="float32").reshape(1, 4, 4, 2)
    for pool in (ops.max_pool, ops.average_pool):
        np.testing.assert_array_equal(pool(images, 2), pool(images, (2, 2), strides=(2, 2)))


def test_segments_are_counted_where_the_numbers_are_known():
    np.testing.assert_array_equal(ops.segment_sum([1.0, 2.0, 4.0], [0, 2, 2]), [1, 0, 6])
    with pytest.raises(ValueError, match="segment_sum needs num_segments in a compiled program"):
        jax.jit(ops.segment_sum)(jnp.ones(3), jnp.zeros(3, int))


def test_a_window_less_signal_comes_back_as_it_was():
    signal = X.reshape(1, 12)
    spectra = ops.stft(signal, 4, 2, 4, window=None, center=False)
    np.testing.assert_allclose(ops.istft(spectra, 4, 2, 4, window=None, center=False), signal, atol=1e-6)


def test_a_query_that_sees_nothing_gets_nothing():
    q = jnp.ones((1, 2, 1, 3))
    seen = np.array([[True, True], [False, False]])[None, None]
    found = ops.dot_product_attention(q, q, q, mask=seen)
    np.testing.assert_allclose(found[0, :, 0], [[1, 1, 1], [0, 0, 0]])


def test_the_soft_cap_bounds_scores():
    q = jnp.array([[[[1.0]], [[3.0]]]])
    scores = np.array([[1.0, 3.0], [3.0, 9.0]])
    capped = scores / (1 + scores / 2)
    weights = np.exp(capped) / np.exp(capped).sum(1, keepdims=True)
    found = ops.dot_product_attention(q, q, q, scale=1.0, attn_logits_soft_cap=2.0)
    np.testing.assert_allclose(found[0, :, 0, 0], weights @ [1.0, 3.0], rtol=1e-6)


def test_sparsemax_is_on_the_simplex():
    found = np.asarray(ops.sparsemax(X))
    np.testing.assert_allclose(found.sum(-1), 1, rtol=1e-6)


def test_equal_points_have_a_distance_whose_gradient_is_finite():
    slope = jax.grad(lambda x: ops.cdist(x, x).sum())(jnp.asarray(X))
    assert np.isfinite(slope).all()


def test_elastic_images_repeat_by_their_seed_and_stay_where_alpha_is_0():
    images = np.random.default_rng(0).uniform(size=(2, 8, 8, 3)).astype("float32")
    once, _again, _other = (ops.image.elastic_transform(images, sigma=1.0, seed=seed) for seed in (1, 1, 2))
    still = ops.image.elastic_transform(images, alpha=0.0, sigma=1.0, seed=1)
    np.testing.assert_array_equal(still, images)
    assert once.shape == images.shape and once.dtype == images.dtype


def test_a_border_of_an_odd_number_of_pixels_is_filled_up_whole():
    found = np.asarray(ops.image.resize(np.ones((1, 3, 4, 1), "float32"), (4, 4), "nearest", pad_to_aspect_ratio=True))
    np.testing.assert_array_equal(found[0, :, 0, 0], [1, 1, 1, 0])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ops.cholesky(-np.eye(2)), "cholesky takes symmetric positive definite matrices"),
        (lambda: ops.det(X), r"det takes square matrices \(..., rows, columns\); got shape \(4, 3\)"),
        (lambda: ops.cdist(X, X[:, :2]), r"as many features; got shapes \(4, 3\) and \(4, 2\)"),
        (lambda: ops.rearrange(X, "a -> a"), r"has 1 axes before '->'; got an array of shape \(4, 3\)"),
        (lambda: ops.rearrange(X, "(a b) c -> a b c"), "all sizes but one must be given"),
        (lambda: ops.conv(X, X), r"conv takes an array of 3 or 4 or 5 axes.*got shape \(4, 3\)"),
        (lambda: ops.max_pool(X[None], 2, padding="some"), "max_pool's padding is one of 'valid', 'same'; got 'some'"),
        (lambda: ops.multi_hot([1]), "multi_hot needs num_classes"),
        (lambda: ops.one_hot([1], 3, sparse=True), r"one_hot\(sparse=True\) is not supported"),
        (lambda: ops.fft(X), r"fft takes a pair \(real, imaginary\) of arrays; got ndarray"),
        (lambda: ops.stft(X, 4, 2, 2), "stft needs a fft_length of at least sequence_length"),
        (lambda: ops.stft(X, 2, 1, 2, window="box"), "stft's window is 'hann', 'hamming', a vector or None; got 'box'"),
        (lambda: ops.scatter_update(X, [[0]], X[:1], "sub"), "reduction is one of None, 'add', 'max', 'min', 'mul'"),
        (lambda: ops.pad(X, 1, "edge", constant_values=1), "pad takes constant_values with mode='constant' only"),
        (lambda: ops.searchsorted(X, X), r"searchsorted searches one sorted vector; got an array of shape \(4, 3\)"),
        (lambda: ops.normalize(X, order=0), "normalize's order is a whole number of at least 1; got 0"),
        (
            lambda: ops.view_as_complex(X),
            r"view_as_complex takes \(..., 2\), real and imaginary parts; got shape \(4, 3\)",
        ),
        (lambda: ops.unstack(X, num=2), r"unstack finds 4 parts along axis 0 of shape \(4, 3\); got num=2"),
        (lambda: ops.convert_to_tensor(X, sparse=True), "convert_to_tensor makes dense arrays"),
        (
            lambda: ops.convert_to_numpy(pw.Input((3,))),
            "convert_to_numpy takes what holds numbers; got the symbolic tensor",
        ),
        (lambda: ops.ctc_decode(X[None], [4], "best"), "strategy is one of 'greedy', 'beam_search'; got 'best'"),
        (
            lambda: ops.image.crop_images(X[None], 1, 1),
            "crop_images takes two of top_cropping, bottom_cropping, target_height",
        ),
        (
            lambda: ops.image.rgb_to_hsv(X),
            r"rgb_to_hsv takes an image of three axes, or a batch of four; got shape \(4, 3\)",
        ),
        (
            lambda: ops.binary_crossentropy(X, X[:2]),
            r"binary_crossentropy takes arrays of one shape; got \(4, 3\) and \(2, 3\)",
        ),
        (lambda: ops.fold(X[None], 4, 2), r"fold takes \(batch, channels \* 4, 9\)"),
        (lambda: ops.depth_to_space(X[None, None], 2), "takes a number of channels that 2² divides"),
        (lambda: ops.layer_normalization(X, rms_scaling=True), "rms_scaling=True: use rms_normalization"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_beams_spell_what_all_alignments_add_up_to():
    """The likeliest labels by adding up every alignment, one by one."""
    scores = np.random.default_rng(3).normal(size=(1, 4, 3)).astype("float32")
    chances = np.asarray(jax.nn.log_softmax(scores))[0]
    totals = {}
    for path in np.ndindex(3, 3, 3, 3):
        spelt = tuple(k for i, k in enumerate(path) if k and (i == 0 or path[i - 1] != k))
        totals[spelt] = np.logaddexp(totals.get(spelt, -np.inf), sum(chances[i, k] for i, k in enumerate(path)))
    labels, found = ops.ctc_decode(scores, [4], "beam_search", beam_width=40, top_paths=3)
    best = sorted(totals.items(), key=lambda item: -item[1])[:3]
    assert [tuple(k for k in row if k >= 0) for row in np.asarray(labels)[:, 0].tolist()] == [
        spelt for spelt, _ in best
    ]
    np.testing.assert_allclose(found[0], [score for _, score in best], rtol=1e-5)


def test_keras_still_counts_differently_where_we_say_so():
    """Reasons to differ that a new Keras may take away."""
    assert abs(np.asarray(keras.ops.sparsemax(X)).sum(-1) - 1).max() > 0.01
    with pytest.raises(TypeError, match="does not accept dtype int32"):
        keras.ops.sigmoid(np.array([1]))
    np.testing.assert_allclose(ops.sigmoid(np.array([0])), [0.5])
