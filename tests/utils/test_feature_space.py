"""FeatureSpace: columns of a table made ready, by arrays, by plans and in a model, as the layers themselves do it."""

import inspect
import json
import pickle

import keras
import numpy as np
import pytest

import phasewise as pw

FeatureSpace = pw.utils.FeatureSpace
TABLE = {
    "age": [20.0, 30.0, 40.0, 50.0],
    "city": ["bonn", "rome", "bonn", "oslo"],
    "code": [5, 6, 5, 7],
    "cut": [0.1, 0.2, 0.3, 0.4],
    "plain": [9.0, 8.0, 7.0, 6.0],
    "tag": ["x", "y", "z", "x"],
}
ROWS = len(TABLE["age"])


@pytest.fixture(scope="module")
def space():
    """A space of every kind that learns, and a cross."""
    made = FeatureSpace(
        {
            "age": "float_normalized",
            "city": "string_categorical",
            "code": FeatureSpace.integer_categorical(num_oov_indices=2),
            "cut": FeatureSpace.float_discretized(None, bin_boundaries=[0.15, 0.35]),
            "plain": FeatureSpace.float_rescaled(2.0, 1.0),
            "tag": FeatureSpace.string_hashed(3),
        },
        crosses=[("city", "code")],
        crossing_dim=5,
    )
    made.adapt(TABLE)
    return made


@pytest.fixture(scope="module")
def expected():
    """The same by the layers one by one: columns by name, crosses behind them."""
    layers, column = pw.layers, {name: np.array(values)[:, None] for name, values in TABLE.items()}
    city = layers.StringLookup(vocabulary=["bonn", "rome", "oslo"])  # ties go to the later letter, as in Keras
    code = layers.IntegerLookup(vocabulary=[5, 7, 6], num_oov_indices=2)
    crossed = layers.HashedCrossing(5)([city(column["city"]), code(column["code"])])
    age = column["age"]
    parts = [
        (age - age.mean()) / age.std(),
        np.eye(4)[np.asarray(city(column["city"]))[:, 0]],
        np.eye(5)[np.asarray(code(column["code"]))[:, 0]],
        np.eye(3)[[0, 1, 1, 2]],
        2 * column["plain"] + 1,
        np.eye(3)[np.asarray(layers.Hashing(3)(column["tag"]))[:, 0]],
        np.eye(5)[np.asarray(crossed)[:, 0]],
    ]
    return np.concatenate(parts, 1)


def test_a_table_of_lists_becomes_a_matrix(space, expected):
    found = space(TABLE)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_one_row_becomes_a_vector(space, expected):
    found = space({name: values[1] for name, values in TABLE.items()})
    np.testing.assert_allclose(found, expected[1], rtol=1e-5)


def test_it_maps_plans_of_rows_and_of_batches(space, expected):
    plan = pw.Dataset.from_tensor_slices((TABLE, np.arange(ROWS)))
    rows = [x for x, _ in plan.map(lambda x, y: (space(x), y))]
    np.testing.assert_allclose(np.stack(rows), expected, rtol=1e-5)
    (batch,) = plan.batch(ROWS).map(lambda x, y: space(x))
    np.testing.assert_allclose(batch, expected, rtol=1e-5)


@pytest.mark.parametrize("size", [None, 3])
def test_it_learns_from_plans_what_it_learns_from_arrays(space, size):
    again = FeatureSpace.from_config(json.loads(json.dumps(space.get_config())))
    plan = pw.Dataset.from_tensor_slices(TABLE)
    again.adapt(plan if size is None else plan.batch(size))
    np.testing.assert_allclose(again(TABLE), space(TABLE), rtol=1e-5)


def test_it_is_the_first_part_of_a_model(space, expected):
    encoded = space.get_encoded_features()
    assert encoded.shape == (None, expected.shape[1])
    model = pw.Model(space.get_inputs(), pw.layers.Dense(1, kernel_initializer="ones")(encoded))
    data = {name: np.array(values) for name, values in TABLE.items()}
    np.testing.assert_allclose(model.predict(data, verbose=0)[:, 0], expected.sum(1), rtol=1e-4)
    model.compile("sgd", "mse")
    assert np.isfinite(model.fit(data, np.arange(ROWS), verbose=0).history["loss"][0])


def test_what_its_layers_return_can_be_had_before_it_is_encoded(space):
    features = space.get_preprocessed_features()
    assert {name: tensor.dtype for name, tensor in features.items()}["city"].startswith("int")
    assert features.keys() == TABLE.keys()


def test_a_model_of_it_is_saved_and_opened(space, expected, tmp_path):
    pw.Model(space.get_inputs(), space.get_encoded_features()).save(tmp_path / "space.keras")
    opened = pw.saving.load_model(tmp_path / "space.keras")
    columns = {name: np.array(values)[:, None] for name, values in TABLE.items()}
    np.testing.assert_allclose(opened.predict(columns, verbose=0), expected, rtol=1e-5)


def test_it_is_pickled_with_what_it_has_learnt(space):
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(space))(TABLE), space(TABLE))


def test_a_dict_of_integers_can_be_had_instead():
    space = FeatureSpace(
        {
            "city": FeatureSpace.string_categorical(output_mode="int"),
            "code": FeatureSpace.integer_hashed(4, output_mode="int"),
            "age": "float",
        },
        output_mode="dict",
        crosses=[FeatureSpace.cross(("city", "code"), 8, "int")],
    )
    space.adapt(TABLE)
    found = space(TABLE)
    assert list(found) == ["age", "city", "code", "city_X_code"]
    assert {name: each.shape for name, each in found.items()} == dict.fromkeys(found, (ROWS, 1))
    assert np.asarray(found["city"])[:, 0].tolist() == [1, 2, 1, 3]
    assert {name: each.shape for name, each in space({n: v[0] for n, v in TABLE.items()}).items()} == dict.fromkeys(
        found, (1,)
    )


def test_bins_that_were_asked_for_have_their_places_even_where_equal_numbers_leave_some_empty():
    space = FeatureSpace({"cut": FeatureSpace.float_discretized(6)})
    space.adapt({"cut": [1.0, 1.0, 1.0, 2.0]})
    assert space({"cut": [1.0, 2.0]}).shape == (2, 6)


def test_a_layer_of_ones_own_makes_a_feature():
    words = pw.layers.TextVectorization(output_mode="count")
    space = FeatureSpace({"text": FeatureSpace.feature("string", words, "float")})
    texts = {"text": ["a b", "b b c"]}
    space.adapt(texts)
    assert np.asarray(space(texts)).sum(1).tolist() == [2, 3]


@pytest.mark.parametrize("name", ["cross", "feature", *pw.utils.features.KINDS])
def test_the_arguments_of_each_kind_are_those_of_keras(name):
    def parameters(library):
        kind = getattr(library.utils.FeatureSpace, name)
        return [(p.name, p.default) for p in inspect.signature(kind).parameters.values()]

    assert parameters(pw) == parameters(keras)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: FeatureSpace({}), "needs features"),
        (lambda: FeatureSpace({"a": "float_normalised"}), "Did you mean 'float_normalized'"),
        (lambda: FeatureSpace({"a": "float"}, output_mode="list"), "output_mode is one of 'concat', 'dict'"),
        (lambda: FeatureSpace({"ab": "float", "c": "float"}, crosses=[("ba", "c")]), "'ba', which is none of the features"),
        (lambda: FeatureSpace({"ab": "float"}, crosses=["ab"]), "at least two names of features; got 'ab'"),
        (lambda: FeatureSpace({"a": "float_normalized"})(TABLE), "The features a learn from data: call adapt"),
        (lambda: FeatureSpace({"a": "float"})({"b": [1]}), "needs the columns 'a'; got b"),
        (lambda: FeatureSpace({"a": "float"})([1]), "called on a dict of columns; got list"),
        (lambda: FeatureSpace({"a": "float_normalized"}).adapt([1]), "a Dataset of dicts or to a dict of arrays"),
        (lambda: FeatureSpace({"a": "float_normalized"}).adapt(TABLE), "lack the column 'a'; they have age"),
        (
            lambda: FeatureSpace({"age": "float_normalized"}).adapt(pw.Dataset.from_tensor_slices((TABLE, [1] * 4))),
            "their elements are no dicts",
        ),
        (
            lambda: FeatureSpace({"code": FeatureSpace.integer_hashed(3, "int")})(TABLE),
            "'code' is int.* and no vector of numbers",
        ),
        (
            lambda: FeatureSpace({"age": FeatureSpace.feature("float32", pw.layers.Identity(), "one_hot")})(TABLE),
            "'age' cannot be encoded as 'one_hot': Identity does not say how many",
        ),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


# -- what of `Dataset.map` it needs


def test_a_map_may_return_a_string():
    plan = pw.Dataset.from_tensor_slices({"a": ["x", "yy"]}).map(lambda row: row["a"])
    assert list(plan) == ["x", "yy"]
    assert [batch.tolist() for batch in plan.batch(2)] == [["x", "yy"]]


def test_a_map_may_return_bytes():
    plan = pw.Dataset.from_tensor_slices(np.array([b"x", b"yy"])).map(lambda text: text)
    assert list(plan) == [b"x", b"yy"]
