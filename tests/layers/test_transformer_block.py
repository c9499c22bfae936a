"""A small GPT-like model: it trains, a row's bits depend on that row alone, and padding is seen by nobody."""

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers

LENGTH, WORDS = 8, 11
RNG = np.random.default_rng(0)
# The next word is the present one plus 3, from a random first one.
IDS = (RNG.integers(0, WORDS - 1, (96, 1)) + 3 * np.arange(LENGTH + 1)) % (WORDS - 1) + 1


def gpt(dropout):
    """Embedding of words, one block of causal attention and a feed-forward part of EinsumDense, tied scores."""
    inputs = pw.Input((None,), dtype="int32")
    words = layers.ReversibleEmbedding(WORDS, 16)
    hidden = words(inputs)
    heads = layers.MultiHeadAttention(2, 8, dropout=dropout)
    normal = layers.LayerNormalization()(hidden)
    hidden = layers.Add()([hidden, heads(normal, normal, use_causal_mask=True)])
    wide = layers.EinsumDense("abc,cd->abd", (None, 32), activation="gelu", bias_axes="d")(
        layers.LayerNormalization()(hidden)
    )
    hidden = layers.Add()([hidden, layers.EinsumDense("abd,dc->abc", (None, 16), bias_axes="c")(wide)])
    return pw.Model(inputs, words(layers.LayerNormalization(dtype="float32")(hidden), reverse=True))


@pytest.fixture(scope="module", params=["float32", pytest.param("mixed_bfloat16", marks=pytest.mark.extensive)])
def trained(request):
    """The model after some epochs, and its history."""
    pw.set_random_seed(1)
    with pw.core.precision.dtype_policy_scope(request.param):
        model = gpt(0.1)
    model.compile(
        pw.optimizers.Adam(0.01), pw.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"]
    )
    return model, model.fit(IDS[:, :-1], IDS[:, 1:], batch_size=32, epochs=30, verbose=0).history


def test_it_learns_to_continue(trained):
    model, history = trained
    assert history["loss"][0] > 1.5
    assert history["accuracy"][-1] > 0.95
    assert model.evaluate(IDS[:, :-1], IDS[:, 1:], verbose=0)[1] > 0.98


def test_a_row_has_the_same_bits_alone_in_any_batch_and_place(trained):
    model, x = trained[0], IDS[:40, :-1]
    whole = model.predict(x, verbose=0)
    for size in (1, 7, 32):
        np.testing.assert_array_equal(model.predict(x, batch_size=size, verbose=0), whole)
    order = RNG.permutation(40)
    np.testing.assert_array_equal(model.predict(x[order], verbose=0), whole[order])
    np.testing.assert_array_equal(model.predict(x[[39]], verbose=0), whole[39:])
    np.testing.assert_array_equal(model(x[3:5]), whole[3:5])


def test_no_place_sees_a_later_one(trained):
    model, x = trained[0], IDS[:4, :-1].copy()
    before = model.predict(x, verbose=0)
    x[:, 5:] = 1
    after = model.predict(x, verbose=0)
    np.testing.assert_array_equal(after[:, :5], before[:, :5])
    assert not np.array_equal(after[:, 5:], before[:, 5:])


def test_explain_tells_of_attention_that_drops(trained):
    rows = trained[0].explain(print_fn=False)
    assert [(row.kind, row.fit.action) for row in rows] == [("MultiHeadAttention", "drops 10% of the weights")]


def masked(chain):
    """Two blocks of attention that is not causal, with residual connections, behind an embedding that masks 0."""
    inputs = hidden = pw.Input((None,), dtype="int32")
    hidden = layers.Embedding(WORDS, 16, mask_zero=True)(hidden)
    for attention in chain:
        hidden = layers.Add()([hidden, attention(hidden, hidden)])
        hidden = layers.LayerNormalization()(hidden)
    return pw.Model(inputs, hidden)


def test_padding_is_seen_by_no_layer_behind():
    """What comes out at the places of a short row is what comes out of that row without its padding."""
    model = masked([layers.MultiHeadAttention(2, 8), layers.GroupQueryAttention(4, 4, 2)])
    ids = IDS[:3, :LENGTH].copy()
    ids[:, 5:] = 0
    padded, short = model.predict(ids, verbose=0), model.predict(ids[:, :5], verbose=0)
    np.testing.assert_allclose(padded[:, :5], short, rtol=1e-5, atol=1e-6)
