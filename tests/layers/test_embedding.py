"""Embeddings: ids are numbers of rows or are refused, masks follow from id 0, gradients go to the rows that were looked up."""

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest

import phasewise as pw
from parity import close
from phasewise import layers
from phasewise.core import variable

pytestmark = pytest.mark.extensive

IDS = np.array([[1, 2, 0], [3, 0, 0], [4, 4, 6]])
OUT_OF_RANGE = r"'words' has input_dim=7, so that its ids are whole numbers in \[0, 6\]; it was given "


def embedding(**arguments):
    return layers.Embedding(7, 3, name="words", **arguments)


@pytest.fixture(scope="module")
def model():
    made = pw.Sequential([pw.Input((3,), dtype="int32"), embedding(), layers.Flatten(), layers.Dense(2)])
    made.compile("sgd", "mse")
    return made


def with_bad(bad, rows=40):
    ids = np.ones((rows, 3), int if bad == int(bad) else float)
    ids[37, 1] = bad
    return ids


Y = np.zeros((40, 2))
WAYS = {
    "fit": lambda model, x: model.fit(x, Y, batch_size=8, verbose=0),
    "fit of a plan": lambda model, x: model.fit(pw.data.Dataset.from_tensor_slices((x, Y)).batch(8), verbose=0),
    "validation": lambda model, x: model.fit(x[:30], Y[:30], validation_data=(x, Y), verbose=0),
    "evaluate": lambda model, x: model.evaluate(x, Y, verbose=0),
    "predict": lambda model, x: model.predict(x, verbose=0),
    "train_on_batch": lambda model, x: model.train_on_batch(x, Y),
    "test_on_batch": lambda model, x: model.test_on_batch(x, Y),
    "predict_on_batch": lambda model, x: model.predict_on_batch(x),
    "a call": lambda model, x: model(x),
}


@pytest.mark.parametrize("way", WAYS)
def test_an_id_out_of_range_is_told_with_its_row_however_the_data_come_in(model, way):
    with pytest.raises(ValueError, match=OUT_OF_RANGE + "7 in row 37, position 1"):
        WAYS[way](model, with_bad(7))


def test_ids_that_are_negative_or_no_whole_numbers_are_told(model):
    with pytest.raises(ValueError, match=OUT_OF_RANGE + "-1 in row 37, position 1. A negative id is no way"):
        model.predict(with_bad(-1), verbose=0)
    for bad in (1.5, np.nan):
        with pytest.raises(ValueError, match=OUT_OF_RANGE + f"{bad:g} in row 37"):
            embedding()(with_bad(bad, 40) if bad == bad else np.where(with_bad(7) == 7, np.nan, 1.0))


def test_ids_are_found_through_blocks_casts_and_models_of_ones_own():
    class Mine(pw.Model):
        def __init__(self):
            super().__init__()
            self.block = pw.Sequential([embedding(), layers.Flatten()])

        def call(self, inputs):
            return self.block(inputs["ids"]) + inputs["more"]

    inputs = pw.Input((3,))  # float32: the graph casts
    graph = pw.Model(inputs, pw.Sequential([embedding()])(inputs))
    given = {"ids": with_bad(7), "more": np.ones((40, 9))}
    for call in (lambda: Mine().predict(given, verbose=0), lambda: graph.predict(with_bad(7), verbose=0)):
        with pytest.raises(ValueError, match=OUT_OF_RANGE + "7 in row 37"):
            call()


def test_an_id_that_a_compiled_program_works_out_gives_nan():
    shift = layers.Lambda(lambda ids: ids + 5)
    model = pw.Sequential([pw.Input((3,), dtype="int32"), shift, embedding()])
    seen = np.isnan(model.predict(np.array([[0, 1, 2]]), verbose=0)).all(-1)
    np.testing.assert_array_equal(seen, [[False, False, True]])
    looked_up = jax.jit(embedding())(jnp.array([-1, 0, 6, 7]))
    np.testing.assert_array_equal(np.isnan(looked_up).all(-1), [True, False, False, True])


def test_ids_keep_their_digits_under_mixed_precision():
    ids = np.float32([[257, 999, 513]])
    table = np.arange(1000.0)[:, None]
    with pw.core.precision.dtype_policy_scope("mixed_bfloat16"):
        inputs = pw.Input((3,))
        models = [
            pw.Sequential([layers.Embedding(1000, 1)]),
            pw.Sequential([pw.Input((3,)), layers.Embedding(1000, 1)]),
            pw.Model(inputs, pw.Sequential([layers.Embedding(1000, 1)])(inputs)),
        ]

        class Mine(pw.Model):
            def __init__(self):
                super().__init__()
                self.words = layers.Embedding(1000, 1)

            def call(self, inputs):
                return self.words(inputs)

        with pytest.raises(ValueError, match="ids in bfloat16, which rounds whole numbers above 256"):
            Mine()(ids)
        mine = Mine()
        mine.build((None, 3))
    for model, x in [*((m, ids) for m in models), (mine, ids.astype(int))]:
        model(x)
        model.set_weights([table])
        np.testing.assert_array_equal(model.predict(x, verbose=0)[..., 0], jnp.bfloat16(ids))


def test_the_mask_is_where_ids_are_not_0_and_reaches_the_layers_behind():
    kept = []

    class Sees(layers.Layer):
        def call(self, inputs, mask=None):
            kept.append(mask)
            return inputs

    for make in (layers.Embedding, layers.ReversibleEmbedding):
        vectors = make(7, 3, mask_zero=True)(IDS)
        Sees()(vectors)
        np.testing.assert_array_equal(kept.pop(), IDS != 0)
        Sees()(make(7, 3)(IDS))
        assert kept.pop() is None
        model = pw.Sequential([make(7, 3, mask_zero=True), Sees()])
        model(IDS)
        assert kept.pop().shape[1:] == IDS.shape[1:]
        kept.clear()


def test_the_gradient_of_a_row_is_the_sum_over_its_ids():
    layer = embedding()
    layer.build()
    seeds = np.random.default_rng(0).normal(size=(*IDS.shape, 3)).astype("float32")

    def score(table, ids):
        with variable.scope(layer.trainable_variables, [table]):
            return (layer(ids) * seeds).sum()

    expected = np.zeros((7, 3))
    np.add.at(expected, IDS, seeds)
    table = jnp.asarray(layer.embeddings.numpy())
    np.testing.assert_allclose(jax.jit(jax.grad(score))(table, IDS), expected, rtol=1e-6, atol=1e-7)
    written = str(jax.make_jaxpr(jax.grad(score))(table, IDS))
    assert "scatter-add" in written and "dot_general" not in written  # no product with a matrix of ids by rows


def test_the_table_can_be_given():
    table = np.arange(21.0).reshape(7, 3)
    for weights in (table, [table]):
        np.testing.assert_array_equal(embedding(weights=weights)(IDS), table[IDS])
        reversible = layers.ReversibleEmbedding(7, 3, tie_weights=False, weights=weights)
        np.testing.assert_array_equal(reversible(IDS), table[IDS])
        assert [w.name for w in reversible.weights] == ["embeddings", "reverse_embeddings"]
    with pytest.raises(ValueError, match=r"has shape \(7, 3\)"):
        embedding(weights=table.T)
    with pytest.warns(pw.warning.PhasewiseWarning, match="input_length has no effect"):
        embedding(input_length=3)


@pytest.mark.parametrize(
    "arguments", [{}, {"tie_weights": False}, {"logit_soft_cap": 2.0, "reverse_dtype": "float32"}, {"lora_rank": 2}]
)
def test_the_way_back_agrees_with_keras(arguments):
    ours, theirs = layers.ReversibleEmbedding(7, 3, **arguments), keras.layers.ReversibleEmbedding(7, 3, **arguments)
    x = np.random.default_rng(1).normal(size=(2, 5, 3)).astype("float32")
    ours(IDS), theirs(IDS)
    ours.set_weights(theirs.get_weights())
    assert [w.shape for w in ours.weights] == [w.shape for w in theirs.weights]
    close(ours(x, reverse=True), theirs(x, reverse=True))
    inputs = pw.Input((None, 3))
    assert ours(inputs, reverse=True).shape == (None, None, 7)
    assert ours.compute_output_shape((2, None, 3), reverse=True) == (2, None, 7)


def test_the_way_back_follows_the_policy_or_its_own_dtype():
    x = np.random.default_rng(1).normal(size=(2, 3)).astype("float32")
    layer = layers.ReversibleEmbedding(7, 3, dtype="mixed_bfloat16")
    table = np.random.default_rng(2).normal(size=(7, 3)).astype("float32")
    layer.build()
    layer.set_weights([table])
    assert layer(IDS).dtype == layer(x, reverse=True).dtype == "bfloat16"
    np.testing.assert_allclose(np.float32(layer(x, reverse=True)), x @ table.T, rtol=2e-2, atol=2e-2)
    wide = layers.ReversibleEmbedding(7, 3, dtype="mixed_bfloat16", reverse_dtype="float32")
    wide.build()
    wide.set_weights([table])
    assert wide(pw.Input((3,)), reverse=True).dtype == wide(x, reverse=True).dtype == "float32"
    np.testing.assert_allclose(wide(x, reverse=True), x @ table.T, rtol=1e-5)


def test_a_tied_table_is_trained_from_both_ends():
    inputs = pw.Input((3,), dtype="int32")
    layer = layers.ReversibleEmbedding(7, 8)
    model = pw.Model(inputs, layer(layer(inputs), reverse=True))
    model.compile(pw.optimizers.Adam(0.05), pw.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert len(model.weights) == 1
    history = model.fit(IDS, IDS, epochs=40, verbose=0).history["loss"]
    assert history[-1] < 0.2 < history[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"input_dim": 0, "output_dim": 3}, "input_dim must be a positive integer; got 0"),
        ({"input_dim": 7, "output_dim": True}, "output_dim must be a positive integer; got True"),
        ({"input_dim": 7, "output_dim": 3, "mask_zero": "no"}, "mask_zero is True or False; got 'no'"),
        ({"input_dim": 7, "output_dim": 3, "lora_rank": 0}, "lora_rank must be a positive integer; got 0"),
        ({"input_dim": 7, "output_dim": 3, "quantization_config": 8}, "quantization_config=None only"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        layers.Embedding(**arguments)


def test_the_way_back_takes_vectors_of_its_size():
    with pytest.raises(ValueError, match=r"vectors of size output_dim=3; got an input of shape \(2, 4\)"):
        layers.ReversibleEmbedding(7, 3)(np.ones((2, 4)), reverse=True)
    with pytest.raises(ValueError, match="logit_soft_cap must be a number above 0"):
        layers.ReversibleEmbedding(7, 3, logit_soft_cap=0)


def test_low_rank_adaptation_trains_the_two_small_weights_only():
    model = pw.Sequential([pw.Input((3,), dtype="int32"), embedding(), layers.Flatten(), layers.Dense(2)])
    model.compile("sgd", "mse")
    model.fit(IDS, np.ones((3, 2)), verbose=0)
    layer, before = model.layers[0], model.predict(IDS, verbose=0)
    layer.enable_lora(2, lora_alpha=4)
    np.testing.assert_array_equal(model.predict(IDS, verbose=0), before)
    table = layer.embeddings.numpy().copy()
    model.compile("sgd", "mse")
    model.fit(IDS, np.ones((3, 2)), epochs=2, verbose=0)
    np.testing.assert_array_equal(layer.embeddings.numpy(), table)
    assert [w.name for w in layer.trainable_weights] == ["lora_embeddings_a", "lora_embeddings_b"]
    a, b = (w.numpy() for w in layer.trainable_weights)
    assert np.abs(b).max() > 0
    np.testing.assert_allclose(layer(IDS), (table + 4 / 2 * a @ b)[IDS], rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="by lora again: it is already, with rank 2"):
        layer.enable_lora(2)
    with pytest.raises(ValueError, match="by lora yet: it has no weights"):
        layers.Embedding(7, 3).enable_lora(2)
    with pytest.raises(ValueError, match="its embeddings has a constraint"):
        layers.Embedding(7, 3, lora_rank=2, embeddings_constraint="non_neg")(IDS)
