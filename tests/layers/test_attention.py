"""Attention: who looks at whom, what a mask leaves out, and dropout by the switch."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import phasewise as pw
from parity import check_layer, close, share_weights
from phasewise import layers

pytestmark = pytest.mark.extensive

RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 4, 5)).astype("float32")
MEMORY = RNG.normal(size=(3, 6, 7)).astype("float32")
QUERY_MASK = np.array([[1, 1, 1, 0], [1, 1, 0, 0], [1, 1, 1, 1]], bool)
VALUE_MASK = np.array([[1, 1, 1, 0, 0, 0], [0, 1, 1, 1, 1, 1], [1, 0, 1, 0, 1, 1]], bool)
PAIRS = RNG.random((3, 4, 6)) > 0.3
PAIRS[..., 0] = VALUE_MASK[..., 0] = True  # each query sees something
HEADED = {
    "MultiHeadAttention": {"num_heads": 2, "key_dim": 3},
    "GroupQueryAttention": {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2},
}
EITHER = pytest.mark.parametrize("name", HEADED)


def twins(name, query, value, **arguments):
    """Our layer and Keras's, built for these inputs, with the same weights."""
    ours, theirs = (getattr(library.layers, name)(**{**HEADED[name], **arguments}) for library in (pw, keras))
    for layer in (ours, theirs):
        layer(query, value, return_attention_scores=True)
    share_weights(ours, theirs)
    return ours, theirs


def reference(layer, query, value, seen):
    """Multi-head attention in float64, weights of wholly masked queries 0: (output, weights)."""
    q, k, v = ((np.einsum("bsf,fnh->bsnh", x, d.kernel.numpy().astype(float)) + d.bias.numpy()) for x, d in zip(
        (query, value, value), (layer.query_dense, layer.key_dense, layer.value_dense)
    ))  # fmt: skip
    scores = np.einsum("bqnh,bknh->bnqk", q, k) / np.sqrt(q.shape[-1])
    powers = np.exp(scores) * np.broadcast_to(seen, scores.shape)
    total = powers.sum(-1, keepdims=True)
    weights = np.divide(powers, total, out=np.zeros_like(powers), where=total > 0)
    context = np.einsum("bnqk,bknh->bqnh", weights, v)
    return np.einsum(
        "bqnh,nhf->bqf", context, layer.output_dense.kernel.numpy().astype(float)
    ) + layer.output_dense.bias.numpy(), weights


# -- masks


@pytest.mark.parametrize(
    "masks",
    [
        {"value_mask": VALUE_MASK},
        {"key_mask": VALUE_MASK, "key": MEMORY},
        {"attention_mask": PAIRS},
        {"attention_mask": PAIRS[0]},
        {"attention_mask": PAIRS[:, None]},
        {"attention_mask": PAIRS[:, :1]},
        {"attention_mask": PAIRS.astype("int32"), "value_mask": VALUE_MASK},
        {"use_causal_mask": True},
        {"use_causal_mask": True, "value_mask": VALUE_MASK, "attention_mask": PAIRS | VALUE_MASK[:, None]},
    ],
    ids=lambda masks: " and ".join(masks),
)
@EITHER
def test_masks_agree_with_keras_with_scores_and_without(name, masks):
    value = MEMORY if name == "MultiHeadAttention" else MEMORY[..., :5]
    masks = {k: value if k == "key" else v for k, v in masks.items()}
    ours, theirs = twins(name, X, value)
    call = {k: jnp.asarray(v) if isinstance(v, np.ndarray) else v for k, v in masks.items()}
    close(ours(X, value, **masks), theirs(X, value, **call), rtol=1e-5, atol=1e-5)
    both = ours(X, value, return_attention_scores=True, **masks), theirs(X, value, return_attention_scores=True, **call)
    close(*both, rtol=1e-5, atol=1e-5)


@EITHER
def test_a_window_goes_with_a_causal_mask(name):
    ours, theirs = twins(name, X, X, sliding_window=2)
    close(ours(X, X, use_causal_mask=True), theirs(X, X, use_causal_mask=True), rtol=1e-5, atol=1e-5)
    _, weights = ours(X, X, use_causal_mask=True, return_attention_scores=True)
    distance = np.arange(4)[:, None] - np.arange(4)
    np.testing.assert_array_equal(
        np.asarray(weights) > 0, np.broadcast_to((distance >= 0) & (distance < 2), weights.shape)
    )


def test_values_of_another_size_agree_with_keras_where_it_can():
    """Keras's path without scores fails where value_dim is not key_dim."""
    ours, theirs = twins("MultiHeadAttention", X, MEMORY, value_dim=4)
    both = (layer(X, MEMORY, return_attention_scores=True) for layer in (ours, theirs))
    close(*both, rtol=1e-5, atol=1e-5)
    close(ours(X, MEMORY), ours(X, MEMORY, return_attention_scores=True)[0])


def test_a_query_without_keys_gets_nothing_and_a_finite_gradient():
    layer = layers.MultiHeadAttention(2, 3)
    layer(X, MEMORY)
    layer.set_weights([RNG.normal(size=w.shape) for w in layer.get_weights()])
    seen = PAIRS & QUERY_MASK[..., None]
    expected = reference(layer, X, MEMORY, seen[:, None])
    for call in ({"attention_mask": seen}, {"attention_mask": PAIRS, "query_mask": QUERY_MASK}):
        outputs = layer(X, MEMORY, return_attention_scores=True, **call)
        close(outputs, expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(outputs[0][0, 3], layer.output_dense.bias.numpy())
        grads = jax.grad(lambda x, call=call: layer(x, MEMORY, **call).sum())(X)
        np.testing.assert_array_equal(grads[~QUERY_MASK], 0)
        assert np.isfinite(grads).all()


@pytest.mark.parametrize("K", [pw, keras], ids=["phasewise", "keras"])
def test_masks_of_embeddings_are_taken_from_the_inputs_and_handed_on(K):
    """In calls one by one and in a functional model, whose loss leaves padding out, as its output's mask says."""
    ids, memory = np.array([[1, 2, 3, 0], [4, 5, 0, 0]]), np.array([[3, 0, 0], [2, 1, 0]])
    words, attend = K.layers.Embedding(7, 5, mask_zero=True), K.layers.MultiHeadAttention(2, 3)
    _, weights = attend(words(ids), words(memory), return_attention_scores=True)
    np.testing.assert_array_equal(
        np.asarray(weights) > 0,
        ((ids != 0)[:, :, None] & (memory != 0)[:, None])[:, None] * np.ones((1, 2, 1, 1), bool),
    )
    query, value = K.Input((4,), dtype="int32"), K.Input((3,), dtype="int32")
    model = K.Model([query, value], K.layers.Dense(1)(attend(words(query), words(value))))
    model.compile("sgd", "mse")
    ours = model.predict([ids, memory], verbose=0)
    real = np.square(ours[..., 0])[ids != 0]
    np.testing.assert_allclose(
        model.evaluate([ids, memory], np.zeros((2, 4, 1)), verbose=0), real.sum() / real.size, rtol=1e-5
    )


def test_a_model_with_implicit_masks_agrees_with_keras_at_real_places():
    ids = np.array([[1, 2, 3, 0], [4, 5, 0, 0], [1, 1, 6, 6]])

    def built(K):
        inputs = K.Input((None,), dtype="int32")
        hidden = K.layers.Embedding(7, 6, mask_zero=True)(inputs)
        hidden = K.layers.MultiHeadAttention(2, 3)(hidden, hidden, use_causal_mask=True)
        hidden = K.layers.LayerNormalization()(hidden)
        return K.Model(inputs, K.layers.GroupQueryAttention(2, 4, 2)(hidden, hidden))

    ours, theirs = built(pw), built(keras)
    assert [w.shape for w in ours.weights] == [w.shape for w in theirs.weights]
    values = [RNG.normal(size=w.shape) for w in theirs.get_weights()]
    ours.set_weights(values), theirs.set_weights(values)
    a, b = ours.predict(ids, verbose=0), theirs.predict(ids, verbose=0)
    np.testing.assert_allclose(a[ids != 0], b[ids != 0], rtol=1e-4, atol=1e-5)


def test_causal_attention_over_one_axis_of_a_plane_follows_that_axis():
    plane = RNG.normal(size=(2, 3, 4, 5)).astype("float32")
    layer = layers.MultiHeadAttention(2, 3, attention_axes=2)
    outputs, weights = layer(plane, plane, use_causal_mask=True, return_attention_scores=True)
    assert weights.shape == (2, 3, 2, 4, 4)
    np.testing.assert_array_equal(np.asarray(weights) > 0, np.broadcast_to(np.tri(4, dtype=bool), weights.shape))
    line = layers.MultiHeadAttention(2, 3)
    line(plane[:, 0], plane[:, 0])
    line.set_weights(layer.get_weights())
    for row in range(3):
        close(outputs[:, row], line(plane[:, row], plane[:, row], use_causal_mask=True))


# -- attention without projections


@pytest.mark.parametrize(
    "call",
    [
        {"mask": [None, VALUE_MASK]},
        {"mask": [QUERY_MASK, VALUE_MASK]},
        {"mask": [QUERY_MASK, None], "use_causal_mask": True},
        {"mask": [None, VALUE_MASK], "use_causal_mask": True, "return_attention_scores": True},
    ],
    ids=lambda call: " and ".join(call),
)
@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])
def test_attention_without_projections_agrees_with_keras_under_masks(name, call):
    inputs = [X, MEMORY[..., :5]]
    ours, theirs = getattr(layers, name)(), getattr(keras.layers, name)()
    check_layer(ours, theirs, inputs, **{**call, "mask": [m if m is None else jnp.asarray(m) for m in call["mask"]]})


@pytest.mark.parametrize("name", ["Attention", "AdditiveAttention"])
def test_attention_takes_masks_from_its_inputs_and_hands_that_of_the_query_on(name):
    ids, memory = np.array([[1, 2, 0]]), np.array([[3, 0, 0, 2]])
    words = layers.Embedding(7, 5, mask_zero=True)
    kept = []

    class Sees(layers.Layer):
        def call(self, inputs, mask=None):
            kept.append(mask)
            return inputs

    outputs, weights = getattr(layers, name)()([words(ids), words(memory)], return_attention_scores=True)
    np.testing.assert_array_equal(np.asarray(weights[0] > 0), (memory != 0) * np.ones((3, 1), bool))
    np.testing.assert_array_equal(outputs[0, 2], 0)
    Sees()(outputs)
    np.testing.assert_array_equal(kept.pop(), ids != 0)


def test_attention_of_a_query_without_keys_is_0():
    outputs, weights = layers.Attention()([X, X], mask=[None, np.zeros((3, 4), bool)], return_attention_scores=True)
    assert not np.asarray(outputs).any() and not np.asarray(weights).any()


# -- dropout


LARGE = np.ones((4, 32, 8), "float32")
DROPPING = {
    "MultiHeadAttention": lambda **more: layers.MultiHeadAttention(2, 3, dropout=0.25, **more),
    "GroupQueryAttention": lambda **more: layers.GroupQueryAttention(3, 4, 2, dropout=0.25, **more),
    "Attention": lambda **more: layers.Attention(dropout=0.25, **more),
    "AdditiveAttention": lambda **more: layers.AdditiveAttention(dropout=0.25, **more),
}


def attend(layer, x, **call):
    """Attention of `x` to itself."""
    return layer([x, x], **call) if isinstance(layer, layers.Attention) else layer(x, x, **call)


@pytest.mark.parametrize("name", DROPPING)
def test_weights_are_dropped_in_training_and_their_mean_stays(name):
    layer = DROPPING[name](seed=3)
    ones = np.float32(np.eye(32) * 0 + 1)[None] * np.ones((4, 1, 1), "float32")  # (4, 32, 32)
    attend(layer, ones)
    if name == "Attention":
        outputs, weights = attend(layer, ones, training=True, return_attention_scores=True)
        assert abs(np.mean(np.asarray(weights) == 0) - 0.25) < 0.03
        np.testing.assert_allclose(np.unique(np.asarray(weights)), [0, 1 / 32 / 0.75], rtol=1e-5)
        np.testing.assert_allclose(outputs, np.asarray(weights) @ ones, rtol=1e-5)
    a, b = attend(layer, ones, training=True), attend(layer, ones, training=True)
    assert not np.array_equal(a, b)
    np.testing.assert_array_equal(attend(layer, ones), attend(layer, ones, training=False))
    again = DROPPING[name](seed=3)
    attend(again, ones, training=name == "Attention")
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(attend(again, ones, training=True), a)
    layer.dropout = 0.0
    np.testing.assert_allclose(attend(layer, ones, training=True), attend(layer, ones), rtol=1e-6)


@EITHER
def test_scores_are_those_before_dropout_and_explain_tells_what_is_dropped(name):
    inputs = pw.Input((4, 5))
    layer = DROPPING[name](name="heads")
    model = pw.Model(inputs, layer(inputs, inputs, return_attention_scores=True))
    told = model.explain(print_fn=False)
    assert [row.layer for row in told] == ["heads"]
    assert (told["heads"].fit.action, told["heads"].predict.action) == ("drops 25% of the weights", "drops nothing")
    (a, weights), (b, same) = model(X, training=True), model(X)
    np.testing.assert_allclose(weights, same, rtol=1e-5)
    assert np.abs(a - b).max() > 1e-3
    without = pw.Model(inputs, getattr(layers, name)(**HEADED[name])(inputs, inputs))
    assert len(without.explain(print_fn=False)) == 0


def test_flash_attention_gives_the_same_numbers_with_dropout_and_scores_too():
    plain, flash = layers.MultiHeadAttention(2, 3), layers.MultiHeadAttention(2, 3, dropout=0.5, flash_attention=True)
    plain(X, X), flash(X, X)
    flash.set_weights(plain.get_weights())
    close(flash(X, X, return_attention_scores=True), plain(X, X, return_attention_scores=True), rtol=0, atol=0)


# -- precision, initial values, configs


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
@EITHER
def test_half_precision_is_near_float32_and_takes_its_softmax_there(name, policy):
    """Scores up to some 300 are rounded to whole numbers in bfloat16; the weights show that they were not."""
    wide, half = (getattr(layers, name)(**HEADED[name], dtype=dtype) for dtype in ("float32", policy))
    x = np.float32(np.asarray(X, jnp.bfloat16))
    wide(x, x), half(x, x)
    values = [np.float32(np.asarray(RNG.normal(size=w.shape), jnp.bfloat16)) for w in wide.get_weights()]
    wide.set_weights(values), half.set_weights(values)
    outputs, weights = half(x, x, use_causal_mask=True, return_attention_scores=True)
    expected, expected_weights = wide(x, x, use_causal_mask=True, return_attention_scores=True)
    assert outputs.dtype == weights.dtype == half.compute_dtype
    np.testing.assert_allclose(np.float32(weights), expected_weights, atol=4e-2)
    np.testing.assert_allclose(np.float32(outputs), expected, rtol=6e-2, atol=2e-2 * np.abs(expected).max())
    simple = layers.Attention(dtype=policy)
    keys = np.float32([[[16, 16], [16, 15.875]]])
    _, weights = simple(
        [keys[:, :1], keys], return_attention_scores=True
    )  # scores 512 and 510, both exact in float32 only
    np.testing.assert_allclose(np.float32(weights[0, 0]), 1 / (1 + np.exp([-2, 2])), rtol=1e-2)


@EITHER
def test_projections_begin_with_other_numbers_each_in_the_range_of_their_fans(name):
    layer = getattr(layers, name)(**HEADED[name], kernel_initializer="glorot_uniform")
    layer.build((None, None, 5), (None, None, 5))
    kernels = [w.numpy() for w in layer.weights if w.name == "kernel"]
    for kernel in kernels[:3]:  # (5, heads, 3)
        assert np.abs(kernel).max() <= np.sqrt(6 / (5 + kernel.shape[1] * 3))
    assert not np.array_equal(kernels[1], kernels[2])
    names = ["query", "key", "value", "attention_output"]
    assert [w.path for w in layer.weights] == [f"{layer.name}/{n}/{w}" for n in names for w in ("kernel", "bias")]


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("Embedding", {"input_dim": 7, "output_dim": 3, "mask_zero": True}),
        ("ReversibleEmbedding", {"input_dim": 7, "output_dim": 3, "tie_weights": False, "logit_soft_cap": 3.0}),
        ("EinsumDense", {"equation": "ab,bc->ac", "output_shape": 3, "bias_axes": "c", "activation": "relu"}),
        (
            "MultiHeadAttention",
            {"num_heads": 2, "key_dim": 3, "output_shape": 4, "dropout": 0.1, "kernel_regularizer": "l2"},
        ),
        ("GroupQueryAttention", {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2, "sliding_window": 3}),
        ("Attention", {"score_mode": "concat", "use_scale": True, "seed": 3}),
        ("AdditiveAttention", {"use_scale": False, "dropout": 0.5}),
    ],
)
def test_configs_go_to_keras_and_come_from_it(name, arguments):
    ours, theirs = getattr(layers, name), getattr(keras.layers, name)
    layer, twin = ours(**arguments, name="it"), theirs(**arguments, name="it")
    mine = {k: v for k, v in layer.get_config().items() if k != "dtype"}
    assert ours.from_config(twin.get_config()).get_config() == layer.get_config()
    again = theirs.from_config(mine).get_config()
    assert {k: v for k, v in again.items() if k in arguments} == {
        k: v for k, v in twin.get_config().items() if k in arguments
    }


def test_a_class_of_keras_by_its_other_name_is_found():
    spec = {
        "class_name": "GroupedQueryAttention",
        "config": {"head_dim": 2, "num_query_heads": 4, "num_key_value_heads": 2},
    }
    assert isinstance(pw.core.registry.deserialize("layer", spec), layers.GroupQueryAttention)


# -- errors


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("MultiHeadAttention", (0, 3), "num_heads must be a positive integer; got 0"),
        ("MultiHeadAttention", (2, 1.5), "key_dim must be a positive integer; got 1.5"),
        ("MultiHeadAttention", (2, 3, 0), "value_dim must be a positive integer; got 0"),
        ("MultiHeadAttention", (2, 3, None, 1.5), r"dropout is the fraction to drop, in \[0, 1\]; got 1.5"),
        ("MultiHeadAttention", (2, 3, None, 0, "no"), "use_bias is True or False; got 'no'"),
        ("MultiHeadAttention", (2, 3, None, 0, True, 0), "output_shape is made of positive integers; got 0"),
        ("MultiHeadAttention", (2, 3, None, 0, True, "a"), "output_shape must be a tuple of integers"),
        ("MultiHeadAttention", (2, 3, None, 0, True, None, "a"), "attention_axes must be a tuple of integers"),
        (
            "MultiHeadAttention",
            (2, 3, None, 0, True, None, None, 0),
            "sliding_window must be a positive integer; got 0",
        ),
        (
            "MultiHeadAttention",
            (2, 3, None, 0, True, None, None, None, "no"),
            "flash_attention is True or False; got 'no'",
        ),
        ("GroupQueryAttention", (3, 4, 3), "num_query_heads must be a multiple of num_key_value_heads.* got 4 and 3"),
        ("GroupQueryAttention", (3, 2, 4), "num_query_heads must be a multiple of num_key_value_heads.* got 2 and 4"),
        ("Attention", (False, "dots"), "score_mode is one of 'dot', 'concat'; got 'dots'. Did you mean 'dot'"),
        ("Attention", (False, "dot", -0.1), "dropout is the fraction to drop"),
        ("AdditiveAttention", ("no",), "use_scale is True or False; got 'no'"),
    ],
)
def test_the_constructor_refuses_what_cannot_be_meant(name, arguments, message):
    with pytest.raises(ValueError, match=message):
        getattr(layers, name)(*arguments)


PLANE = np.ones((2, 3, 4, 5))


@pytest.mark.parametrize(
    ("arguments", "inputs", "call", "message"),
    [
        ({}, (np.ones((2, 5)), X), {}, r"'heads' takes a query with at least 3 axes .*; got shape \(2, 5\)"),
        ({}, (PLANE, X), {}, r"the same number of axes; got a query of shape \(2, 3, 4, 5\) and a value of shape \(3, 4, 5\)"),
        ({}, (X, MEMORY[:2]), {}, r"the same number of rows; got a query of shape \(3, 4, 5\) and a value of shape \(2, 6, 7\)"),
        ({}, (X, MEMORY, X), {}, r"a value for each key.* got a value of shape \(3, 6, 7\) and a key of shape \(3, 4, 5\)"),
        ({"attention_axes": 2}, (PLANE, PLANE[:, :2]), {}, "the same size on axis 1, over which it does not attend"),
        ({"attention_axes": 3}, (PLANE, PLANE), {}, r"attention_axes=\(3,\); inputs with 4 axes have the axes of places 1 to 2"),
        ({"attention_axes": (1, 1)}, (PLANE, PLANE), {}, "each is named once"),
        ({}, (PLANE, PLANE), {"use_causal_mask": True}, r"attends over the axes \(1, 2\), and use_causal_mask needs one axis"),
        ({"sliding_window": 2}, (PLANE, PLANE), {}, "sliding_window needs one axis"),
        ({}, (X, MEMORY), {"query_mask": np.ones((3, 6))}, r"a query_mask of shape \(3, 6\) for an input of shape \(3, 4, 5\)"),
        ({}, (X, MEMORY), {"value_mask": np.ones((3, 4))}, r"a value_mask of shape \(3, 4\) for .* \(3, 6, 7\): a boolean one of shape \(3, 6\)"),
        ({}, (X, MEMORY), {"attention_mask": np.ones((3, 6, 4))}, r"attention_mask of shape \(3, 6, 4\); its scores have shape \(3, 2, 4, 6\)"),
        ({}, (X, MEMORY), {"attention_mask": np.ones(6)}, r"attention_mask of shape \(6,\).* which query may look at which key: \(3, 4, 6\), or \(4, 6\)"),
    ],
)  # fmt: skip
def test_inputs_and_masks_that_do_not_fit_are_told_by_name(arguments, inputs, call, message):
    with pytest.raises(ValueError, match=message):
        layers.MultiHeadAttention(2, 3, name="heads", **arguments)(*inputs, **call)


def test_inputs_of_the_other_layers_are_told_by_name():
    groups = layers.GroupQueryAttention(3, 4, 2, name="groups")
    with pytest.raises(ValueError, match="'groups' takes a query with 3 axes"):
        groups(PLANE, PLANE)
    with pytest.raises(ValueError, match=r"'groups' needs a known last axis; its query has shape \(None, 4, None\)"):
        groups(pw.Input((4, None)), pw.Input((4, 5)))
    simple = layers.Attention(name="simple")
    for inputs, message in [
        (X, r"takes a list \[query, value\] or \[query, value, key\]; got one input"),
        ([X], "takes a list"),
        ([X] * 4, "takes a list .* got 4 inputs"),
        ([X, MEMORY], r"of the same size; got a query of shape \(3, 4, 5\) and a key of shape \(3, 6, 7\)"),
        ([X, MEMORY, X], "a value for each key"),
    ]:
        with pytest.raises(ValueError, match=f"'simple' .*{message}"):
            simple(inputs)
    with pytest.raises(ValueError, match=r"'simple' .* was given a mask of shape"):
        simple([X, X], mask=[None, np.ones((3, 7), bool)])


def test_unknown_places_stay_unknown():
    query, value = pw.Input((None, 5)), pw.Input((None, 7))
    outputs, weights = layers.MultiHeadAttention(2, 3)(query, value, return_attention_scores=True)
    assert outputs.shape == (None, None, 5) and weights.shape == (None, 2, None, None)
    layer = layers.MultiHeadAttention(2, 3, output_shape=(2, 4))
    assert layer(query, value=value).shape == (None, None, 2, 4)
    assert layer.compute_output_shape((2, None, 5), (2, 6, 7)) == (2, None, 2, 4)
    assert layers.GroupQueryAttention(3, 4, 2)(query, value).shape == (None, None, 5)
    same = pw.Input((None, 5))
    assert layers.Attention()([query, same]).shape == (None, None, 5)
    assert layers.AdditiveAttention().compute_output_shape([(2, None, 5), (2, 6, 3), (2, 6, 5)]) == (2, None, 3)
