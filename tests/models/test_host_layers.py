"""Layers of strings as the first layers of a model: they run on the host, in every task, and the rest is compiled."""

import copy
import pickle
import re

import numpy as np
import pytest

import phasewise as pw
from phasewise import layers

GOOD = [
    "a great film",
    "great fun, all of it",
    "what a wonderful evening",
    "wonderful cast!",
    "I laughed and loved it",
    "pure joy",
]
BAD = [
    "a dull film",
    "dull, all of it",
    "what a terrible evening",
    "terrible cast!",
    "I yawned and left it",
    "pure boredom",
]
REVIEWS, LIKED = np.array(GOOD + BAD), np.repeat([1, 0], 6)


def test_a_text_classifier_typed_from_memory_learns_a_dozen_sentences():
    vectorize = layers.TextVectorization(max_tokens=100, output_sequence_length=6)
    vectorize.adapt(REVIEWS)
    model = pw.Sequential(
        [
            pw.Input(shape=(1,), dtype="string"),
            vectorize,
            layers.Embedding(100, 8, mask_zero=True),
            layers.Bidirectional(layers.LSTM(8)),
            layers.Dense(1, activation="sigmoid"),
        ]
    )
    model.compile(optimizer=pw.optimizers.Adam(0.03), loss="binary_crossentropy", metrics=["accuracy"])
    history = model.fit(REVIEWS, LIKED, batch_size=4, epochs=20, verbose=0)
    assert history.history["accuracy"][-1] == 1.0
    assert model.evaluate(REVIEWS, LIKED, verbose=0, return_dict=True)["accuracy"] == 1.0
    scores = model.predict(["a wonderful film", "a terrible film"], verbose=0)
    assert scores[0] > 0.5 > scores[1]


@pytest.fixture(scope="module")
def mixed():
    """A model of strings and numbers, and data for it."""
    age, city = pw.Input((1,), name="age"), pw.Input((1,), dtype="string", name="city")
    remark, size = pw.Input((), dtype="string", name="remark"), pw.Input((2,), name="size")
    bins = layers.Discretization([20.0, 40.0])(age)
    place = layers.StringLookup(vocabulary=["rome", "paris"], name="place")(city)
    crossed = layers.HashedCrossing(8, output_mode="one_hot")([bins, place])
    words = layers.TextVectorization(output_mode="multi_hot", vocabulary=["fine", "cold"])(remark)
    codes = layers.CategoryEncoding(3, "one_hot")(bins)
    out = layers.Dense(1)(layers.Concatenate()([crossed, words, codes, size]))
    model = pw.Model({"age": age, "city": city, "remark": remark, "size": size}, out)
    model.compile("sgd", "mse")
    rows = 7
    data = {
        "age": np.linspace(10, 60, rows),
        "city": np.array(["rome", "paris", "oslo", "rome", "paris", "rome", "x"]),
        "remark": np.array(["fine", "cold day", "", "fine fine", "fine cold", "no", "cold"]),
        "size": np.random.default_rng(0).normal(size=(rows, 2)).astype("float32"),
    }
    return model, data


def test_every_task_takes_strings_beside_numbers(mixed):
    model, data = mixed
    y = np.arange(7.0)
    predicted = model.predict(data, verbose=0)
    np.testing.assert_array_equal(np.asarray(model(data)), predicted)
    np.testing.assert_array_equal(model.predict_on_batch(data), predicted)
    expected = np.mean((predicted[:, 0] - y) ** 2)
    assert model.evaluate(data, y, verbose=0) == pytest.approx(expected, rel=1e-5)
    assert model.test_on_batch(data, y) == pytest.approx(expected, rel=1e-5)
    before = model.get_weights()
    assert model.train_on_batch(data, y) == pytest.approx(expected, rel=1e-5)
    model.set_weights(before)
    logs = model.fit(data, y, batch_size=7, validation_data=(data, y), verbose=0).history
    assert logs["loss"][0] == pytest.approx(expected, rel=1e-5)
    assert logs["val_loss"][0] < logs["loss"][0]
    model.set_weights(before)


def test_a_row_has_the_same_bits_alone_in_any_batch_and_place(mixed):
    model, data = mixed
    whole = model.predict(data, verbose=0)
    for size in (1, 3):
        np.testing.assert_array_equal(model.predict(data, batch_size=size, verbose=0), whole)
    order = np.array([3, 0, 6, 1])
    chosen = {name: array[order] for name, array in data.items()}
    np.testing.assert_array_equal(model.predict(chosen, verbose=0), whole[order])
    np.testing.assert_array_equal(np.asarray(model({name: array[5:6] for name, array in data.items()})), whole[5:6])


def test_data_sets_generators_lists_and_held_out_rows_are_taken(mixed):
    model, data = mixed
    whole, y = model.predict(data, verbose=0), np.arange(7.0)
    plan = pw.Dataset.from_tensor_slices((data, y)).batch(3)
    np.testing.assert_array_equal(model.predict(plan, verbose=0), whole)
    lists = {name: array.tolist() for name, array in data.items()}
    np.testing.assert_array_equal(model.predict(lists, verbose=0), whole)
    np.testing.assert_array_equal(np.asarray(model(lists)), whole)
    assert model.evaluate(plan, verbose=0) == pytest.approx(model.evaluate(data, y, verbose=0), rel=1e-5)
    before = model.get_weights()
    batches = ((part, labels) for part, labels in plan)
    model.fit(batches, steps_per_epoch=3, verbose=0)
    model.fit(data, y, validation_split=0.3, class_weight=None, sample_weight=np.ones(7), verbose=0)
    model.set_weights(before)


def test_training_by_strings_is_training_by_what_they_become():
    """The same losses and weights, to the bit, as where `Dataset.map` encodes them."""

    def network(source, first):
        x = pw.Input(*source)
        net = pw.Model(x, layers.Dense(1)(layers.Flatten()(layers.Embedding(4, 3)(first(x)))))
        net.compile("adam", "mse")
        return net

    lookup = layers.StringLookup(vocabulary=["a", "b", "c"])
    words, y = np.random.default_rng(0).choice(["a", "b", "c", "d"], (20, 2)), np.arange(20.0)
    inside = network(((2,), None, "string"), lookup)
    outside = network(((2,), None, "int32"), lambda x: x)
    outside.set_weights(inside.get_weights())
    plan = pw.Dataset.from_tensor_slices((words, y)).batch(6)
    ours = inside.fit(plan, epochs=3, verbose=0).history
    theirs = outside.fit(plan.map(lambda x, y: (lookup(x), y)), epochs=3, verbose=0).history
    assert ours == theirs
    for a, b in zip(inside.get_weights(), outside.get_weights()):
        np.testing.assert_array_equal(a, b)


def test_a_sequential_without_an_input_finds_its_shape_in_the_data():
    def chain():
        first = layers.TextVectorization(vocabulary=["a", "b"], output_sequence_length=3)
        return pw.Sequential([first, layers.Embedding(4, 2), layers.Flatten(), layers.Dense(1)])

    called, fitted = chain(), chain()
    assert called(["a b", "c"]).shape == (2, 1)
    fitted.compile("sgd", "mse")
    fitted.fit(["a b", "c"], np.ones(2), verbose=0)
    assert fitted.predict(np.array([["a"], ["b"], ["q"]]), verbose=0).shape == (3, 1)
    assert fitted.count_params() == 15


def test_a_shape_alone_builds_no_model_that_begins_with_strings():
    model = pw.Sequential([layers.Hashing(3), layers.Embedding(3, 2)], name="net")
    with pytest.raises(
        ValueError, match=r"'net' begins with layers that run on the host.*Input\(shape, dtype=\"string\"\)"
    ):
        model.build((None, 1))


def test_what_knows_the_model_as_a_function_takes_strings_too():
    normalized = [layers.Dense(2), layers.BatchNormalization(), layers.Dense(1)]
    lookup = layers.StringLookup(vocabulary=["a", "b"], output_mode="one_hot")
    model = pw.Sequential([pw.Input((1,), dtype="string"), lookup, *normalized])
    words = np.array(list("abqabbq"))
    (change,) = pw.recalibrate(model, words, verbose=0)
    assert "batch_normalization" in str(change)
    predicted = model.predict(words, verbose=0)
    np.testing.assert_allclose(pw.fold(model).model.predict(words, verbose=0), predicted, rtol=1e-5, atol=1e-6)
    function, params, state = pw.pure(model)
    np.testing.assert_allclose(function(params, state, words)[0], predicted, rtol=1e-5, atol=1e-6)
    again = pw.Sequential.from_config(model.get_config())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(words, verbose=0), predicted)


def test_models_inside_a_model_are_split_too():
    age, city = pw.Input((1,)), pw.Input((1,), dtype="string")
    codes = layers.CategoryEncoding(3, "one_hot")
    lookup = layers.StringLookup(vocabulary=["rome", "paris"])
    inner = pw.Model([age, city], layers.Concatenate()([layers.Dense(2)(age), codes(lookup(city))]))
    encoder = pw.Model(city, lookup(city))
    a, c = pw.Input((1,)), pw.Input((1,), dtype="string")
    outer = pw.Model([a, c], layers.Dense(1)(layers.Concatenate()([inner([a, c]), codes(encoder(c))])))
    outer.compile("sgd", "mse")
    ages, cities = np.array([10.0, 30.0, 50.0]), np.array(["rome", "paris", "oslo"])
    outer.fit([ages, cities], np.ones(3), verbose=0)
    ids = np.eye(3)[[1, 2, 0]]
    dense = next(layer for layer in inner.layers if isinstance(layer, layers.Dense))
    kernel, bias = outer.layers[-1].get_weights()
    expected = np.concatenate([np.asarray(dense(ages[:, None])), ids, ids], 1) @ kernel + bias
    np.testing.assert_allclose(outer.predict([ages, cities], verbose=0), expected, rtol=1e-5)
    np.testing.assert_array_equal(np.asarray(encoder(cities)), [[1], [2], [0]])  # nothing of it is left to be compiled


def test_parts_of_strings_go_to_layers_of_their_own():
    x = pw.Input((3,), dtype="string")
    first, rest = layers.StringLookup(vocabulary=["a", "b"]), layers.Hashing(5)
    model = pw.Model(x, layers.Concatenate()([first(x[:, :1]), rest(x[:, 1:])]))
    rows = np.array([["a", "x", "y"], ["q", "x", "z"]])
    np.testing.assert_array_equal(
        model.predict(rows, verbose=0), np.concatenate([first(rows[:, :1]), rest(rows[:, 1:])], 1)
    )


def test_a_pipeline_runs_on_the_host_where_its_layers_do():
    pipeline = layers.Pipeline([layers.StringLookup(vocabulary=["a", "b"]), layers.CategoryEncoding(3, "one_hot")])
    expected = np.eye(3)[[1, 2, 0]]
    np.testing.assert_array_equal(pipeline(["a", "b", "c"]), expected)
    model = pw.Sequential([pw.Input((1,), dtype="string"), pipeline])
    np.testing.assert_array_equal(model.predict(["a", "b", "c"], verbose=0), expected)
    again = layers.Pipeline.from_config(pipeline.get_config())
    np.testing.assert_array_equal(again(["a", "b", "c"]), expected)
    with pytest.raises(ValueError, match=r"\(Pipeline\) has layers that run on the host and others that have weights"):
        pw.Sequential([pw.Input((1,), dtype="string"), layers.Pipeline([*pipeline.layers, layers.Dense(2)])])
    with pytest.raises(TypeError, match="Pipeline takes a list of layers; got 3"):
        layers.Pipeline(3)


def test_a_pipeline_trains_when_the_call_around_it_does():
    pipeline = layers.Pipeline([layers.Dropout(0.5), layers.Rescaling(2.0)])
    x = np.ones((4, 50), np.float32)
    np.testing.assert_array_equal(pipeline(x), 2 * x)
    assert set(np.unique(pipeline(x, training=True))) == {0.0, 4.0}


@pytest.mark.parametrize("again", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_of_a_model_takes_strings_too(mixed, again):
    model, data = mixed
    np.testing.assert_array_equal(again(model).predict(data, verbose=0), model.predict(data, verbose=0))


def test_summary_and_explain_say_what_runs_on_the_host(mixed):
    model, _ = mixed
    told = []
    model.summary(print_fn=told.append)
    explanation = model.explain(print_fn=told.append)
    for text in told:
        assert re.search(
            r"On the host, before the compiled program: .*place.*hashed_crossing.*text_vectorization", text
        )
    assert "place" in explanation.on_host
    plain = pw.Sequential([pw.Input((2,)), layers.Dense(1)])
    assert not plain.runs_on_host
    plain.summary(print_fn=lambda text: told.append(text))
    assert "host" not in told[-1]


def test_an_id_that_is_outside_of_an_embedding_is_an_error_here_too():
    lookup = layers.StringLookup(vocabulary=["a", "b", "c"])
    model = pw.Sequential([pw.Input((1,), dtype="string"), lookup, layers.Embedding(3, 2, name="table")])
    with pytest.raises(ValueError, match=r"'table' has input_dim=3.*given 3 in row"):
        model.predict(["a", "c"], verbose=0)


def test_an_unfitted_layer_is_named_in_every_task():
    model = pw.Sequential([pw.Input((1,), dtype="string"), layers.StringLookup(name="words"), layers.Embedding(3, 2)])
    model.compile("sgd", "mse")
    for run in (
        lambda: model(np.array(["a"])),
        lambda: model.predict(["a"], verbose=0),
        lambda: model.fit(["a"], np.ones((1, 1, 2)), verbose=0),
    ):
        with pytest.raises(RuntimeError, match=r"StringLookup 'words' has no vocabulary yet. Call layer.adapt"):
            run()


def test_counting_over_the_rows_of_a_batch_is_refused():
    lookup = layers.StringLookup(vocabulary=["a"], output_mode="count", name="words")
    with pytest.raises(
        ValueError, match=r"output_mode='count' counts along the second axis.*Use Input\(\(1,\)\)"
    ) as refusal:
        lookup(pw.Input((), dtype="string"))
    assert "In the call of layer 'words' (StringLookup) on shape (None,)." in refusal.value.__notes__


def test_strings_that_reach_what_takes_numbers_are_refused_with_the_remedy():
    text, numbers = pw.Input((1,), dtype="string", name="text"), pw.Input((2,))
    remedy = "TextVectorization, StringLookup or Hashing"
    with pytest.raises(TypeError, match=rf"Layer 'd' \(Dense\) takes numbers, and 'text' is strings.*{remedy}"):
        layers.Dense(2, name="d")(text)
    with pytest.raises(TypeError, match=f"The function add takes numbers, and 'text' is strings.*{remedy}"):
        text + 1
    plain = pw.Sequential([pw.Input((1,)), layers.Dense(1)])
    plain.compile("sgd", "mse")
    for run in (plain.predict, lambda x: plain.fit(x, np.ones(1)), plain):
        with pytest.raises(
            TypeError, match=r"(?s)numbers.*TextVectorization, StringLookup and Hashing do, in Dataset.map or"
        ):
            run(np.array(["a"]))
    lookup = layers.StringLookup(vocabulary=["a"], name="back", invert=True)
    with pytest.raises(ValueError, match="'back' is strings, and a model computes numbers: it cannot return them"):
        pw.Model(numbers, lookup(layers.Discretization([0.0])(numbers)))
    with pytest.raises(ValueError, match=r"Layer 'h' \(Hashing\) runs on the host.*what 'd2' \(Dense\) computes"):
        pw.Model(numbers, layers.Hashing(3, name="h")(layers.Dense(2, name="d2")(numbers)))
    model = pw.Model(text, layers.Hashing(3)(text))
    with pytest.raises(TypeError, match=r"Input 'text' takes strings; it was given an array of dtype float64"):
        model.predict(np.ones(2), verbose=0)
    with pytest.raises(
        ValueError, match=r"Input 'text' expects shape \(None, 1\).*given a single entry: put it into a list"
    ):
        model("a")
    both = pw.Model([text, numbers], layers.Concatenate()([layers.Hashing(3, output_mode="one_hot")(text), numbers]))
    with pytest.raises(TypeError, match=rf"Input '{numbers.name}' takes numbers of dtype float32; .* dtype <U1"):
        both.predict([np.array(["a"]), np.array([["1", "2"]])], verbose=0)
    with pytest.raises(ValueError, match=r"Unknown dtype 'strings'. Did you mean 'string'"):
        pw.Input((1,), dtype="strings")
