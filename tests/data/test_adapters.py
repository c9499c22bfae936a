"""Whatever a user holds, fit, evaluate and predict read it alike; what they cannot read is named before any work."""

import builtins
import sys
import threading
import types
import warnings

import jax.numpy as jnp
import keras
import numpy as np
import pandas as pd
import pytest
from phasewise.warning import NonFiniteWarning

import phasewise as pw
from phasewise.data import Dataset, checks

ROWS, SIZE, RATE = 70, 32, 0.1
X = np.random.default_rng(0).normal(size=(ROWS, 3))
Y = X @ [[1.0], [-2.0], [0.5]] + 0.3
WEIGHT = np.linspace(0.5, 2, ROWS)
KERNEL, BIAS = np.array([[0.2], [0.1], [-0.3]]), np.array([0.1])
BATCHES = [(X[i : i + SIZE], Y[i : i + SIZE]) for i in range(0, ROWS, SIZE)]


@pytest.fixture(scope="module")
def linear():
    model = pw.Sequential([pw.Input((3,)), pw.layers.Dense(1)])
    model.compile(pw.optimizers.SGD(RATE), "mse")
    return model


def descend(batches, epochs=1):
    """Kernel and bias after gradient descent on the squared error, in float64."""
    kernel, bias = KERNEL.copy(), BIAS.copy()
    for _ in range(epochs):
        for x, y in batches:
            slope = 2 * (x @ kernel + bias - y) / len(x)
            kernel, bias = kernel - RATE * x.T @ slope, bias - RATE * slope.sum(0)
    return kernel, bias


# -- stand-ins for libraries that tests do not need: they can do what the real ones can, and nothing more


class FakeTensor:
    """A torch.Tensor on a device, with a gradient: NumPy cannot read it as it is."""

    def __init__(self, array, dtype=None, state="device"):
        self._array, self.shape, self.ndim, self._state = array, array.shape, array.ndim, state
        self.dtype = dtype or f"torch.{array.dtype}"

    def detach(self):
        return FakeTensor(self._array, self.dtype, "detached")

    def cpu(self):
        return FakeTensor(self._array, self.dtype, "cpu" if self._state == "detached" else "grad")

    def float(self):
        return FakeTensor(self._array.astype("float32"), state=self._state)

    def numpy(self):
        if self._state != "cpu" or self.dtype == "torch.bfloat16":
            raise TypeError("can't convert")
        return self._array

    def __len__(self):
        return len(self._array)

    def __array__(self, *args, **kwargs):
        raise TypeError("can't convert")


class FakeTorchDataset:
    def __len__(self):
        return ROWS

    def __getitem__(self, i):
        return X[i], Y[i]


class FakeLoader:
    """A DataLoader: iterates over lists of tensors."""

    def __len__(self):
        return len(BATCHES)

    def __iter__(self):
        return ([FakeTensor(x), FakeTensor(y)] for x, y in BATCHES)


@pytest.fixture
def torch(monkeypatch):
    module = types.ModuleType("torch")
    module.Tensor, module.bfloat16 = FakeTensor, "torch.bfloat16"
    module.utils = types.SimpleNamespace(data=types.SimpleNamespace(DataLoader=FakeLoader, Dataset=FakeTorchDataset))
    monkeypatch.setitem(sys.modules, "torch", module)
    return module


class FakeTensorflowDataset:
    def __init__(self, count=3):
        self.count = count

    def cardinality(self):
        return np.asarray(self.count)

    def as_numpy_iterator(self):
        return iter(BATCHES)

    def __iter__(self):
        raise AssertionError("gives tensors, which only TensorFlow reads")


class FakeColumn:
    """datasets.Column: a sequence that knows its table."""

    def __init__(self, source, column_name):
        self.source, self.column_name = source, column_name

    def __len__(self):
        return ROWS

    def __getitem__(self, rows):
        return self.source.columns[self.column_name][rows] if self.source.formatted else [[0.0]]


class FakeHuggingFace:
    features = None

    def __init__(self, columns, formatted=False):
        self.columns, self.column_names, self.formatted = columns, list(columns), formatted

    def with_format(self, kind):
        assert kind == "numpy"
        return FakeHuggingFace(self.columns, formatted=True)

    def __len__(self):
        return ROWS

    def __getitem__(self, name):
        return FakeColumn(self, name)


class FakeHuggingFaceStream:
    features = column_names = None

    def with_format(self, kind):
        assert kind == "numpy"
        return self

    def __getitem__(self, name):
        raise AssertionError("a stream has no columns")

    def __iter__(self):
        return ({"x": x} for x, _ in BATCHES)


class PyDataset(keras.utils.PyDataset):
    def __init__(self, batches=BATCHES):
        super().__init__()
        self.batches, self.calls = batches, []

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, i):
        self.calls.append(i)
        return self.batches[i]

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


HUGGING_FACE = FakeHuggingFace({"x": X, "y": Y})
SOURCES = {
    "NumPy arrays": lambda: (X, Y),
    "float32 arrays": lambda: (X.astype("f4"), Y.astype("f4")),
    "JAX arrays": lambda: (jnp.asarray(X), jnp.asarray(Y)),
    "lists of numbers": lambda: (X.tolist(), Y.tolist()),
    "a list of NumPy scalars": lambda: (X, [np.float64(v) for v in Y[:, 0]]),
    "pandas": lambda: (pd.DataFrame(X, columns=list("abc")), pd.Series(Y[:, 0])),
    "pandas with nullable columns": lambda: (pd.DataFrame(X).convert_dtypes(), pd.DataFrame(Y)),
    "PyTorch tensors": lambda: (FakeTensor(X), FakeTensor(Y)),
    "Hugging Face columns": lambda: (HUGGING_FACE["x"], HUGGING_FACE["y"]),
    "a plan": lambda: (Dataset.from_tensor_slices((X, Y)).batch(SIZE),),
    "a mapped plan": lambda: (Dataset.from_tensor_slices((X, Y)).map(lambda x, y: (x, y)).batch(SIZE),),
    "a generator": lambda: ((batch for batch in BATCHES),),
    "a generator of lists": lambda: ((list(batch) for batch in BATCHES),),
    "a generator of tuples of lists of numbers": lambda: (((x.tolist(), y.tolist()) for x, y in BATCHES),),
    "a generator of lists of lists of numbers": lambda: (([x.tolist(), y.tolist()] for x, y in BATCHES),),
    "a generator without weights": lambda: (((x, y, None) for x, y in BATCHES),),
    "an iterator": lambda: (iter(BATCHES),),
    "a PyDataset": lambda: (PyDataset(),),
    "tf.data": lambda: (FakeTensorflowDataset(),),
    "tf.data of unknown length": lambda: (FakeTensorflowDataset(-2),),
    "a DataLoader": lambda: (FakeLoader(),),
}


@pytest.mark.parametrize("name", SOURCES)
def test_any_source_trains_tests_and_predicts_as_arrays_do(linear, torch, name):
    linear.set_weights([KERNEL, BIAS])
    exact = X @ KERNEL + BIAS
    assert linear.evaluate(*SOURCES[name](), verbose=0) == pytest.approx(((exact - Y) ** 2).mean(), rel=1e-5)
    np.testing.assert_allclose(linear.predict(SOURCES[name]()[0], verbose=0), exact, rtol=1e-5, atol=1e-6)
    linear.fit(*SOURCES[name](), shuffle=False, verbose=0)
    for found, expected in zip(linear.get_weights(), descend(BATCHES)):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["NumPy arrays", "a mapped plan", "a PyDataset", "tf.data", "a DataLoader"])
def test_a_source_of_many_passes_gives_every_epoch_all_of_its_data(linear, torch, name):
    linear.set_weights([KERNEL, BIAS])
    linear.fit(*SOURCES[name](), epochs=3, shuffle=False, verbose=0)
    for found, expected in zip(linear.get_weights(), descend(BATCHES, epochs=3)):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_torch_bfloat16_is_read_as_float32(linear, torch):
    linear.set_weights([KERNEL, BIAS])
    half = FakeTensor(X.astype("f4"), dtype=torch.bfloat16)
    np.testing.assert_allclose(linear.predict(half, verbose=0), X @ KERNEL + BIAS, rtol=1e-5, atol=1e-6)


def test_reading_data_imports_no_library_that_the_user_has_not(monkeypatch):
    asked, original = set(), builtins.__import__

    def watched(name, *arguments, **options):
        asked.add(name.split(".")[0])
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", watched)
    for name in ("NumPy arrays", "pandas", "a generator", "a PyDataset", "tf.data", "Hugging Face columns"):
        assert sum(len(x) for x, *_ in pw.data.adapters.as_plan(*SOURCES[name]())) == ROWS
    assert not asked & {"torch", "tensorflow", "datasets"}


@pytest.fixture(scope="module")
def two_inputs():
    a, b = pw.Input((3,), name="a"), pw.Input((1,), name="b")
    model = pw.Model({"a": a, "b": b}, pw.layers.Add()([pw.layers.Dense(1, kernel_initializer="ones")(a), b]))
    model.compile("sgd", "mse")
    return model


@pytest.mark.parametrize(
    "x",
    [
        {"a": X, "b": Y},
        {"b": Y, "a": jnp.asarray(X)},
        {"a": pd.DataFrame(X), "b": pd.Series(Y[:, 0])},
        FakeHuggingFace({"a": X, "b": Y}),
        Dataset.from_tensor_slices({"a": X, "b": Y}).batch(9),
        Dataset.from_tensor_slices({"a": X, "b": Y}).map(lambda row: row).batch(9),
    ],
    ids=["dict", "dict in another order", "dict of pandas", "Hugging Face", "plan", "mapped plan"],
)
def test_dicts_go_to_inputs_by_name(two_inputs, x):
    np.testing.assert_allclose(two_inputs.predict(x, verbose=0), X.sum(1, keepdims=True) + Y, rtol=1e-5, atol=1e-5)


def test_a_hugging_face_stream_of_batches_is_read(torch):
    x = pw.Input((3,), name="x")
    model = pw.Model({"x": x}, pw.layers.Dense(1, kernel_initializer="ones")(x))
    found = model.predict(FakeHuggingFaceStream(), verbose=0)
    np.testing.assert_allclose(found, X.sum(1, keepdims=True), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("nest", [list, tuple])
def test_lists_and_tuples_of_arrays_are_several_inputs(nest):
    a, b = pw.Input((3,)), pw.Input((1,))
    model = pw.Model([a, b], pw.layers.Add()([pw.layers.Dense(1, kernel_initializer="ones")(a), b]))
    expected = X.sum(1, keepdims=True) + Y
    np.testing.assert_allclose(model.predict(nest([X, Y]), verbose=0), expected, rtol=1e-5, atol=1e-5)
    batches = (([x, y], y) for x, y in BATCHES)  # a generator's inner list is several inputs too
    np.testing.assert_allclose(model.predict(batches, verbose=0), expected, rtol=1e-5, atol=1e-5)


def test_mixed_columns_of_a_frame_are_numbers_and_a_missing_one_is_nan():
    frame = pd.DataFrame({"a": [1, 2], "b": [True, False], "c": pd.array([1, None], dtype="Int64")})
    model = pw.Sequential([pw.Input((3,)), pw.layers.Activation("linear")])
    with pytest.warns(NonFiniteWarning, match=r"x holds nan in row 1, position 2"):
        found = model.predict(frame, verbose=0)
    np.testing.assert_array_equal(found, [[1, 1, 1], [2, 0, np.nan]])


@pytest.mark.parametrize("task", ["fit", "evaluate"])
def test_a_list_of_tuples_of_arrays_is_a_list_of_batches(linear, task):
    linear.set_weights([KERNEL, BIAS])
    if task == "evaluate":
        assert linear.evaluate(BATCHES, verbose=0) == pytest.approx(((X @ KERNEL + BIAS - Y) ** 2).mean(), rel=1e-5)
        return
    linear.fit(BATCHES, epochs=2, validation_data=BATCHES, verbose=0)
    for found, expected in zip(linear.get_weights(), descend(BATCHES, epochs=2)):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_in_predict_tuples_of_one_are_batches_and_tuples_of_several_are_inputs(linear):
    linear.set_weights([KERNEL, BIAS])
    found = linear.predict([(x,) for x, _ in BATCHES], verbose=0)
    np.testing.assert_allclose(found, X @ KERNEL + BIAS, rtol=1e-5, atol=1e-6)
    assert pw.data.adapters.is_arrays([(X, Y), (X, Y)], role="predict")
    assert pw.data.adapters.is_arrays([(1.0, 2.0), (3.0, 4.0)])


@pytest.mark.parametrize("source", ["generator", "plan", "plan of arrays"])
def test_labels_that_are_none_are_no_labels(linear, source):
    linear.set_weights([KERNEL, BIAS])

    def make():
        plan = Dataset.from_tensor_slices((X, None)).batch(SIZE)
        batches = ((x, None) for x, _ in BATCHES)
        return {"generator": batches, "plan": plan.map(lambda x, y: (x, y)), "plan of arrays": plan}[source]

    np.testing.assert_allclose(linear.predict(make(), verbose=0), X @ KERNEL + BIAS, rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="the data have no labels: `y` is missing"):
        linear.evaluate(make(), verbose=0)


def test_a_batch_of_other_numbers_than_the_one_before_keeps_its_own():
    model = pw.Sequential([pw.Input((1,)), pw.layers.Activation("linear")])
    model.compile("sgd", "mse")
    batches = [np.ones((2, 1), np.int64), np.full((2, 1), 0.5), np.ones((2, 1), np.int64), np.full((2, 1), True)]
    assert model.predict(iter(batches), verbose=0)[:, 0].tolist() == [1, 1, 0.5, 0.5, 1, 1, 1, 1]
    assert model.evaluate(((x, 0.0 * x) for x in batches), verbose=0) == pytest.approx((1 + 0.25 + 1 + 1) / 4)


def test_batches_of_changing_structure_go_to_inputs_by_their_own(two_inputs):
    batches = [{"a": X[:4], "b": Y[:4]}, {"b": Y[4:8], "a": X[4:8]}, {"a": X[8:10], "b": Y[8:10]}]
    found = two_inputs.predict(iter(batches), verbose=0)
    np.testing.assert_allclose(found, (X.sum(1, keepdims=True) + Y)[:10], rtol=1e-5, atol=1e-5)


# -- sequences of batches


def test_a_sequence_is_told_when_a_pass_begins_and_ends(linear):
    data = PyDataset()
    linear.fit(data, epochs=2, shuffle=False, verbose=0)
    assert data.calls == ["begin", 0, 1, 2, "end"] * 2


def test_fit_shuffles_the_batches_of_a_sequence_as_keras_does(linear):
    data = PyDataset([(X[i : i + 2], Y[i : i + 2]) for i in range(0, 60, 2)])
    linear.fit(data, epochs=2, verbose=0)
    orders = data.calls[1:31], data.calls[33:63]
    assert sorted(orders[0]) == sorted(orders[1]) == list(range(30))
    assert orders[0] != orders[1]
    data.calls.clear()
    linear.evaluate(data, verbose=0)
    assert data.calls == ["begin", *range(30), "end"]


def test_a_sequence_without_end_needs_steps(linear):
    class Endless(PyDataset):
        num_batches = None

        def __getitem__(self, i):
            return BATCHES[i % 2]

    with pytest.raises(ValueError, match=r"never end.*`steps_per_epoch` must say"):
        linear.fit(Endless(), verbose=0)
    assert linear.predict(Endless(), steps=5, verbose=0).shape == (5 * SIZE, 1)


def test_a_generator_of_one_pass_goes_on_from_one_validation_to_the_next():
    asked = []

    model = pw.Sequential([pw.Input((1,)), pw.layers.Dense(1, kernel_initializer="zeros", trainable=False)])
    model.compile(pw.optimizers.SGD(0.0), "mse")

    def numbered():
        for i in range(1, 7):
            asked.append(i)
            yield np.zeros((1, 1)), np.full((1, 1), float(i))

    history = model.fit(X[:2, :1], Y[:2], epochs=3, validation_data=numbered(), validation_steps=2, verbose=0)
    assert history.history["val_loss"] == pytest.approx([(1 + 4) / 2, (9 + 16) / 2, (25 + 36) / 2])
    assert asked == [1, 2, 3, 4, 5, 6]


def test_an_error_in_a_generator_arrives_in_fit_and_the_model_keeps_what_it_learnt(linear):
    class Damaged(Exception):
        pass

    def batches():
        yield BATCHES[0]
        raise Damaged("file 7")

    before = set(threading.enumerate())
    with pytest.raises(Damaged, match="file 7"):
        linear.fit(batches(), verbose=0)
    assert np.isfinite(linear.get_weights()[0]).all()
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=2)
        assert not thread.is_alive()


# -- order and weights


def test_fit_shuffles_arrays_by_the_global_seed(linear):
    def weights(seed, **options):
        pw.set_random_seed(seed)
        linear.set_weights([KERNEL, BIAS])
        linear.fit(X, Y, epochs=2, verbose=0, **options)
        return linear.get_weights()[0]

    np.testing.assert_array_equal(weights(1), weights(1))
    assert (weights(1) != weights(2)).any()
    np.testing.assert_array_equal(weights(1, shuffle=False), weights(2, shuffle=False))


@pytest.mark.parametrize("labels", [np.arange(6) % 3, (np.arange(6) % 3)[:, None], np.eye(3)[np.arange(6) % 3]])
def test_class_weights_multiply_sample_weights_for_each_form_of_labels(labels):
    sample = np.arange(1.0, 7)
    found = pw.data.adapters.class_weights(labels, {0: 2.0, 2: 0.5}, sample)
    np.testing.assert_allclose(found, sample * [2, 1, 0.5, 2, 1, 0.5])


@pytest.mark.parametrize("route", ["arrays", "plan"])
def test_class_weight_trains_as_the_same_sample_weight_does(linear, route):
    labels = (Y > 0).astype(int)
    weights = np.where(labels[:, 0] == 1, 3.0, 1.0)
    linear.set_weights([KERNEL, BIAS])
    linear.fit(X, labels, sample_weight=weights, shuffle=False, verbose=0)
    expected = linear.get_weights()
    linear.set_weights([KERNEL, BIAS])
    source = (X, labels) if route == "arrays" else (Dataset.from_tensor_slices((X, labels)).batch(SIZE),)
    linear.fit(*source, class_weight={1: 3.0}, shuffle=False, verbose=0)
    for found, wanted in zip(linear.get_weights(), expected):
        np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_validation_split_holds_out_the_last_rows(linear):
    linear.set_weights([KERNEL, BIAS])
    history = linear.fit(X, Y, validation_split=0.25, shuffle=False, verbose=0).history
    kernel, bias = descend([(X[:32], Y[:32]), (X[32:52], Y[32:52])])
    expected = ((X[52:] @ kernel + bias - Y[52:]) ** 2).mean()
    assert history["val_loss"] == [pytest.approx(expected, rel=1e-5)]


# -- warnings and errors


@pytest.mark.parametrize("task", ["fit", "evaluate", "predict"])
def test_nan_is_warned_of_once_with_its_row_at_the_users_line(linear, task):
    bad = X.copy()
    bad[41, 2] = np.nan
    bad[50, 0] = np.inf
    linear.set_weights([KERNEL, BIAS])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        options = {"on_nonfinite": "ignore"} if task == "fit" else {}
        getattr(linear, task)(bad, *(() if task == "predict" else (Y,)), verbose=0, **options)
    caught = [w for w in caught if w.category is NonFiniteWarning]
    assert len(caught) == 1
    assert "x holds nan in row 41, position 2 (one of 2 such entries)" in str(caught[0].message)
    assert caught[0].filename == __file__


@pytest.mark.parametrize("huge", [np.full((3, 3), 1e308), np.full((3, 3), 3e38, "f4")], ids=["float64", "float32"])
def test_large_finite_numbers_are_not_taken_for_infinity(huge):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        checks.warn_nonfinite(huge, "x")


class Unknown:
    pass


class Iterated:
    """A source of batches that may be read again."""

    def __init__(self, batches):
        self._batches = batches

    def __iter__(self):
        return iter(self._batches)


PLAN = Dataset.from_tensor_slices((X, Y)).batch(SIZE)


def batches_of(*batches):
    """A generator of its own for each test that reads it."""
    return Dataset.from_generator(lambda: iter(batches))


def named_generator():
    yield from BATCHES


ERRORS = {
    "empty x": ((X[:0], Y[:0]), {}, ValueError, r"x is empty: it has shape \(0, 3\)"),
    "an empty list": (([], []), {}, ValueError, r"x is empty: it has shape \(0,\)"),
    "an empty plan": ((PLAN.take(0),), {}, ValueError, "not a single batch came"),
    "an empty generator": ((iter(()),), {}, ValueError, "not a single batch came"),
    "different lengths": (
        (X, Y[:5]),
        {},
        ValueError,
        r"x has 70 rows \(shape \(70, 3\)\) and y has 5 \(shape \(5, 1\)\); they must agree",
    ),
    "different lengths in a dict": (
        ({"a": X, "b": X[:4]}, Y),
        {},
        ValueError,
        r"x\['a'\] has 70 rows \(shape \(70, 3\)\) and x\['b'\] has 4",
    ),
    "weights of another length": ((X, Y), {"sample_weight": WEIGHT[:3]}, ValueError, "sample_weight has 3"),
    "weights of another length beside class weights": (
        (X, Y),
        {"sample_weight": WEIGHT[:3], "class_weight": {0: 1.0}},
        ValueError,
        "y has 70 rows and sample_weight has 3",
    ),
    "strings": ((np.array([["a"], ["b"]]), Y[:2]), {}, TypeError, "x has dtype <U1, but a model takes numbers"),
    "objects": ((X, np.array([None] * ROWS)), {}, TypeError, "y has dtype object, but a model takes numbers"),
    "a column of words": (
        (pd.DataFrame({"a": [1.0, 2.0], "city": ["Rome", "Oslo"]}), Y[:2]),
        {},
        TypeError,
        "x has dtype object, but a model takes numbers",
    ),
    "dates": ((pd.Series(pd.date_range("2020", periods=2)), Y[:2]), {}, TypeError, "x has dtype datetime64"),
    "a single number": ((np.float32(3), Y), {}, ValueError, "x is a single number"),
    "no x": ((None,), {}, ValueError, "fit needs data: `x` is None"),
    "an unknown object": ((Unknown(),), {}, TypeError, "fit cannot read data of type Unknown"),
    "a path": (("data.csv",), {}, TypeError, "fit cannot read data of type str"),
    "bytes": ((b"data",), {}, TypeError, "fit cannot read data of type bytes"),
    "a dict of data sets": (({"train": PLAN},), {}, TypeError, "fit cannot read data of type dict"),
    "a torch data set of rows": ((FakeTorchDataset(),), {}, TypeError, "yields single rows. Put it in a DataLoader"),
    "scalar elements": ((Dataset.range(4),), {}, ValueError, r"single elements, not batches.*Call \.batch\(n\)"),
    "no batch but a number of parts": (
        (batches_of((X, Y, WEIGHT, WEIGHT)),),
        {},
        ValueError,
        r"A batch is x, \(x, y\) or \(x, y, sample_weight\); batch 0 of the data is a tuple of 4",
    ),
    "a batch that is None": (
        (Iterated([None]),),
        {},
        ValueError,
        "Batch 0 of the data is None: there is no array in it",
    ),
    "an empty batch": (
        (batches_of(BATCHES[0], (X[:0], Y[:0])),),
        {},
        ValueError,
        r"Batch 1 of the data \(counted from 0\) holds no rows: data\[0\] has shape \(0, 3\), .* Leave empty batches out",
    ),
    "an empty batch that comes first": (
        (batches_of((X[:0], Y[:0]), BATCHES[0]),),
        {},
        ValueError,
        r"Batch 0 of the data \(counted from 0\) holds no rows",
    ),
    "weights of batches without labels": (
        (Iterated([(X, None, WEIGHT)]),),
        {},
        ValueError,
        "`sample_weight` was given without `y`",
    ),
    "lists of different lengths": (
        ([[1.0, 2.0, 3.0], [4.0]], Y[:2]),
        {},
        ValueError,
        "Lists of different lengths make no array. Fill them up to one length",
    ),
    "lists of different lengths in a batch": (
        (Iterated([([[1.0, 2.0, 3.0], [4.0]], Y[:2])]),),
        {},
        ValueError,
        r"differ in their number of rows; their shapes are \[\(3,\), \(1,\), \(2, 1\)\]",
    ),
    "words in a batch": (
        (Iterated([(["a", "b"], Y[:2])]),),
        {},
        TypeError,
        r"data\[0\] has dtype <U1, but a model takes",
    ),
    "a generator that was not called": (
        (named_generator,),
        {},
        TypeError,
        r"cannot read data of type function.*Call the function: fit\(named_generator\(\), \.\.\.\)",
    ),
    "no validation steps": (
        (X, Y),
        {"validation_data": (X, Y), "validation_steps": 0},
        ValueError,
        "validation_steps must be a positive integer; got 0",
    ),
    "a validation batch of no rows": (
        (X, Y),
        {"validation_data": (X, Y), "validation_batch_size": 0},
        ValueError,
        "batch_size must be a positive integer; got 0",
    ),
    "validation after no epoch": (
        (X, Y),
        {"validation_data": (X, Y), "validation_freq": 0},
        ValueError,
        "validation_freq must be a positive integer.* or a list of epoch numbers from 1; got 0",
    ),
    "validation after words": (
        (X, Y),
        {"validation_data": (X, Y), "validation_freq": "often"},
        ValueError,
        "validation_freq must be a positive integer.*; got 'often'",
    ),
    "validation after epoch 0": (
        (X, Y),
        {"validation_data": (X, Y), "validation_freq": [0, 2]},
        ValueError,
        r"a list of epoch numbers from 1; got \[0, 2\]",
    ),
    "a first epoch below 0": (
        (X, Y),
        {"initial_epoch": -1},
        ValueError,
        "initial_epoch must be an integer of at least 0",
    ),
    "an endless plan": ((PLAN.repeat(),), {}, ValueError, "never end.*`steps_per_epoch` must say"),
    "endless tf.data": ((FakeTensorflowDataset(-1),), {}, ValueError, "never end.*`steps_per_epoch` must say"),
    "endless validation": ((X, Y), {"validation_data": PLAN.repeat()}, ValueError, "never end.*`validation_steps`"),
    "batch_size with a plan": (
        (PLAN,),
        {"batch_size": 8},
        ValueError,
        "`batch_size` cannot be given when `x` is a Dataset",
    ),
    "y with a generator": ((iter(BATCHES), Y), {}, ValueError, "`y` cannot be given when `x` is a list_iterator"),
    "weights with a plan": ((PLAN,), {"sample_weight": WEIGHT}, ValueError, "`sample_weight` cannot be given"),
    "weights without labels": ((X,), {"sample_weight": WEIGHT}, ValueError, "`sample_weight` was given without `y`"),
    "class weights without labels": (
        (X,),
        {"class_weight": {0: 2.0}},
        ValueError,
        "class_weight needs one array of labels",
    ),
    "class weights of a plan without labels": (
        (PLAN.map(lambda x, y: x),),
        {"class_weight": {0: 2.0}},
        ValueError,
        "class_weight needs one array of labels; `y` is None",
    ),
    "a batch of no rows": ((X, Y), {"batch_size": 0}, ValueError, "batch_size must be a positive integer; got 0"),
    "validation split of a plan": (
        (PLAN,),
        {"validation_split": 0.2},
        ValueError,
        "validation_split cuts arrays; `x` is a Dataset. Pass validation_data, made with take and skip",
    ),
    "validation split of a generator": (
        (iter(BATCHES),),
        {"validation_split": 0.2},
        ValueError,
        "validation_split cuts arrays; `x` is a list_iterator",
    ),
    "validation split of different lengths": (
        (X, Y[:60]),
        {"validation_split": 0.2},
        ValueError,
        r"x has 70 rows \(shape \(70, 3\)\) and y has 60",
    ),
    "validation split of all": ((X, Y), {"validation_split": 1.0}, ValueError, "a fraction between 0 and 1; got 1.0"),
    "validation split of one row": (
        (X[:1], Y[:1]),
        {"validation_split": 0.5},
        ValueError,
        "validation_split=0.5 of 1 rows leaves nothing to train on",
    ),
    "an integer of 64 bits": (
        (np.full((2, 3), 2**40), Y[:2]),
        {},
        ValueError,
        f"hold the integer {2**40}, which 32 bits",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_data_that_cannot_be_read_are_named_with_what_to_do(linear, torch, name):
    arguments, options, kind, message = ERRORS[name]
    with pytest.raises(kind, match=message):
        linear.fit(*arguments, verbose=0, **options)


@pytest.mark.parametrize("steps", [0, -1, 1.5, True, "all"])
@pytest.mark.parametrize("task", ["evaluate", "predict"])
def test_a_number_of_steps_is_a_positive_integer(linear, task, steps):
    with pytest.raises(ValueError, match=rf"steps must be a positive integer; got {steps!r}"):
        getattr(linear, task)(X, *(() if task == "predict" else (Y,)), steps=steps, verbose=0)
