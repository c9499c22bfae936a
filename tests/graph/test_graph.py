"""Symbolic tensors and the graph between them: Input, operators, any JAX function, unknown sizes, what connects."""

import operator

import jax
import jax.numpy as jnp
import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import phasewise as pw

X = np.random.default_rng(0).normal(size=(4, 5)).astype("float32")
BOTH = pytest.mark.parametrize("K", [pw, keras], ids=["phasewise", "keras"])

OPERATORS = {
    "x + 1": lambda x: x + 1,
    "1 - x": lambda x: 1 - x,
    "x - x": lambda x: x - x,
    "x * 2.5": lambda x: x * 2.5,
    "1 / x": lambda x: 1 / x,
    "x / 2": lambda x: x / 2,
    "x // 2": lambda x: x // 2,
    "x % 2": lambda x: x % 2,
    "x ** 2": lambda x: x**2,
    "2 ** x": lambda x: 2**x,
    "-x": operator.neg,
    "abs(x)": abs,
    "x @ ones": lambda x: x @ np.ones((5, 3), "float32"),
    "x > 0": lambda x: x > 0,
    "x <= 0": lambda x: x <= 0,
    "x != number": lambda x: x != X[0, 0],
    "x == number": lambda x: x == X[0, 0],
    "array == x": lambda x: X[0] == x,
    "(x > 0) & (x < 1)": lambda x: (x > 0) & (x < 1),
    "(x > 0) | (x < -1)": lambda x: (x > 0) | (x < -1),
    "(x > 0) ^ (x < 1)": lambda x: (x > 0) ^ (x < 1),
    "~(x > 0)": lambda x: ~(x > 0),
    "x[:, 1:3]": lambda x: x[:, 1:3],
    "x[..., 0]": lambda x: x[..., 0],
    "x[:, None]": lambda x: x[:, None],
    "x[:, ::-2]": lambda x: x[:, ::-2],
    "x.reshape(-1, 1, 5)": lambda x: x.reshape(-1, 1, 5),
    "array + x": lambda x: np.float32([1, 2, 3, 4, 5]) + x,
    "array * x": lambda x: np.float32([1, 2, 3, 4, 5]) * x,
}


@pytest.mark.few(14)
@pytest.mark.parametrize("name", OPERATORS)
def test_an_operator_on_a_symbolic_tensor_is_the_operator_on_arrays(name):
    inputs = pw.Input((5,))
    outputs = OPERATORS[name](inputs)
    wanted = OPERATORS[name](jnp.asarray(X))
    assert outputs.shape == (None, *wanted.shape[1:])
    assert outputs.dtype == str(wanted.dtype)
    np.testing.assert_allclose(pw.Model(inputs, outputs)(X), wanted, rtol=1e-6)


def test_every_function_of_jax_becomes_part_of_the_graph_by_ops_apply_or_lambda():
    inputs = pw.Input((5,))
    parts = [
        pw.ops.sin(inputs),
        pw.ops.gelu(inputs),
        pw.ops.rsqrt(pw.ops.exp(inputs)),
        pw.ops.apply(lambda x: jnp.sin(x) * 2, inputs),
        pw.layers.Lambda(jnp.cumsum, arguments={"axis": 1})(inputs),
        pw.ops.where(inputs > 0, inputs, 0.0),
        pw.ops.cast(inputs > 0, "float32"),
    ]
    outputs = pw.Model(inputs, pw.ops.stack(parts, axis=1))(X)
    wanted = [np.sin(X), jax.nn.gelu(X), np.exp(-X / 2), 2 * np.sin(X), X.cumsum(1), X * (X > 0), X > 0]
    np.testing.assert_allclose(outputs, np.stack(wanted, 1), rtol=1e-5, atol=1e-6)


def test_whether_a_tensor_is_among_others_is_asked_of_the_tensors_themselves():
    first, second = pw.Input((5,)), pw.Input((5,))
    assert first in [second, first] and first not in [second] and first != "first" and first is not None
    different = pw.Model([first, second], first != second)
    np.testing.assert_array_equal(different([X, X.round()]), X.round() != X)


def test_ops_of_arrays_are_arrays():
    np.testing.assert_array_equal(pw.ops.maximum(X, 0), np.maximum(X, 0))
    assert pw.ops.shape(X) == (4, 5)
    assert isinstance(pw.ops.convert_to_numpy(pw.ops.convert_to_tensor(X)), np.ndarray)


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        (lambda x: pw.layers.Dense(2)(x), (None, None, 2)),
        (lambda x: pw.layers.Flatten()(x), (None, None)),
        (lambda x: pw.layers.Reshape((-1, 3))(x), (None, None, 3)),
        (lambda x: pw.ops.mean(x, axis=1), (None, 6)),
        (lambda x: pw.ops.concatenate([x, x], axis=1), (None, None, 6)),
        (lambda x: pw.ops.concatenate([x, x], axis=2), (None, None, 12)),
        (lambda x: x[:, 20:], (None, None, 6)),
        (lambda x: x[:, ::2], (None, None, 6)),
        (lambda x: x[:, -1], (None, 6)),
        (lambda x: pw.ops.matmul(x, pw.ops.swapaxes(x, 1, 2)), (None, None, None)),
        (lambda x: pw.layers.Lambda(lambda x: x.reshape(x.shape[0], x.shape[1] // 2, 12))(x), (None, None, 12)),
        (lambda x: pw.layers.Lambda(lambda x: x.reshape(x.shape[0] * x.shape[1], 6))(x), (None, 6)),
    ],
)
def test_what_depends_on_an_unknown_size_is_unknown_and_nothing_else(function, shape):
    inputs = pw.Input((None, 6))
    outputs = function(inputs)
    assert outputs.shape == shape
    for length in (24, 30):
        result = pw.Model(inputs, outputs)(np.ones((3, length, 6), "float32"))
        assert len(result.shape) == len(shape)
        assert all(b in (None, a) for a, b in zip(result.shape, shape))


@given(st.lists(st.one_of(st.none(), st.integers(1, 4)), min_size=1, max_size=3), st.integers(1, 3))
@settings(max_examples=15, deadline=None)
def test_the_symbolic_shape_agrees_with_the_shape_that_comes_out(sizes, rows):
    inputs = pw.Input(tuple(sizes))
    outputs = pw.ops.concatenate([pw.ops.sum(inputs, axis=-1, keepdims=True), inputs], axis=-1)[..., None, 1:]
    x = np.ones((rows, *(2 if n is None else n for n in sizes)), "float32")
    result = pw.Model(inputs, outputs)(x)
    assert len(outputs.shape) == result.ndim
    assert all(b in (None, a) for a, b in zip(result.shape, outputs.shape))


@BOTH
def test_an_array_beside_a_symbolic_tensor_is_a_constant_of_the_graph(K):
    inputs = K.Input((5,), batch_size=4)
    model = K.Model(inputs, K.layers.Add()([inputs, X]))
    np.testing.assert_allclose(model(X), 2 * X)


@BOTH
def test_a_shared_layer_has_one_set_of_weights_and_its_gradients_add_up(K):
    inputs = K.Input((5,))
    dense = K.layers.Dense(1, use_bias=False, kernel_initializer="ones")
    model = K.Model(inputs, dense(inputs) + dense(inputs * 2.0))
    assert len(model.weights) == 1
    model.compile(K.optimizers.SGD(0.1), lambda y, p: p)  # the mean of p = 3 x w: its gradient is 3 mean(x)
    model.train_on_batch(X, X[:, :1])
    np.testing.assert_allclose(dense.get_weights()[0][:, 0], 1 - 0.3 * X.mean(0), rtol=1e-5)


@pytest.mark.parametrize("form", [list, tuple, dict])
def test_several_inputs_and_outputs_keep_their_structure(form):
    def make(values):
        return dict(zip("ab", values)) if form is dict else form(values)

    a, b = pw.Input((5,), name="a"), pw.Input((5,), name="b")
    model = pw.Model(make([a, b]), make([a + b, a - b]))
    for data in (make([X, 2 * X]), {"a": X, "b": 2 * X}):
        for outputs in (model(data), model.predict(data, verbose=0)):
            assert type(outputs) is form
            np.testing.assert_allclose(jax.tree.leaves(outputs), [3 * X, -X], rtol=1e-6)
    assert model.input_shape == make([(None, 5), (None, 5)])
    assert model.output_shape == make([(None, 5), (None, 5)])


def test_a_nest_of_inputs_is_taken_as_it_was_given():
    a, b, c = (pw.Input((5,), name=n) for n in "abc")
    model = pw.Model([a, {"inner": (b, c)}], {"sum": a + b, "rest": [c]})
    outputs = model([X, {"inner": (2 * X, 3 * X)}])
    np.testing.assert_allclose(outputs["sum"], 3 * X, rtol=1e-6)
    np.testing.assert_allclose(outputs["rest"][0], 3 * X, rtol=1e-6)


@BOTH
def test_a_list_of_one_input_takes_an_array(K):
    inputs = K.Input((5,))
    np.testing.assert_allclose(K.Model([inputs], inputs * 2.0)(X), 2 * X)


@BOTH
def test_a_model_inside_a_model_runs_with_its_own_weights(K):
    inner_input = K.Input((5,))
    dense = K.layers.Dense(2)
    inner = K.Model(inner_input, dense(inner_input), name="inner")
    outer_input = K.Input((5,))
    outer = K.Model(outer_input, inner(outer_input * 2.0) + inner(outer_input))
    kernel, bias = dense.get_weights()
    np.testing.assert_allclose(outer(X), 3 * X @ kernel + 2 * bias, rtol=1e-4, atol=1e-5)
    assert [w.path for w in outer.weights] == [w.path for w in inner.weights]
    assert len(outer.weights) == 2


def test_an_output_may_be_an_input_and_a_part_may_become_a_model():
    inputs = pw.Input((5,))
    hidden = pw.layers.Dense(3, name="hidden")(inputs)
    whole = pw.Model(inputs, [inputs, pw.layers.Dense(1)(hidden)])
    part = pw.Model(whole.inputs, whole.get_layer("hidden").output)
    np.testing.assert_array_equal(whole(X)[0], X)
    np.testing.assert_allclose(part(X), X @ whole.get_layer("hidden").kernel.numpy(), rtol=1e-5, atol=1e-6)


@BOTH
def test_a_batch_size_is_a_hint_and_other_batches_are_taken(K):
    inputs = K.Input((5,), batch_size=4)
    model = K.Model(inputs, inputs * 2.0)
    assert inputs.shape == (4, 5)
    assert model.predict(X[:3], verbose=0).shape == (3, 5)


@BOTH
def test_data_with_a_missing_or_extra_axis_of_one_fit(K):
    flat, column = K.Input((1,)), K.Input((5,))
    assert K.Model(flat, flat * 2.0)(X[:, 0]).shape == (4, 1)
    assert K.Model(column, column * 2.0)(X[..., None]).shape == (4, 5)


@BOTH
def test_the_dtype_of_an_input_is_that_of_the_data_inside(K):
    inputs = K.Input((5,), dtype="int32")
    assert inputs.dtype == "int32"
    assert str(K.Model(inputs, inputs + 1)(np.ones((2, 5), "int64")).dtype) == "int32"


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: bool(x), TypeError, "'x' has no truth value.*phasewise.ops.where"),
        (lambda x: list(x), TypeError, "Cannot iterate over the symbolic tensor 'x': its first axis is unknown"),
        (lambda x: len(x), TypeError, "'x' has no length"),
        (
            lambda x: np.sin(x),
            TypeError,
            r"NumPy was given the symbolic tensor 'x' of shape \(None, 5\).*phasewise.ops",
        ),
        (lambda x: np.asarray(x), TypeError, "NumPy was given the symbolic tensor 'x'"),
        (lambda x: jnp.sin(x), ValueError, r"'x' of shape \(None, 5\).*phasewise.ops.sin.*Lambda"),
        (lambda x: jnp.stack([x, x]), ValueError, "JAX function or operator was given the symbolic tensor 'x'"),
        (lambda x: jnp.ones(5) + x, ValueError, "JAX function or operator was given the symbolic tensor 'x'"),
        (lambda x: jax.nn.relu(x), TypeError, "phasewise.graph.symbolic.SymbolicTensor"),
        (lambda x: x + pw.Input((3,)), TypeError, r"In add of symbolic tensors of shapes \(None, 5\), \(None, 3\)"),
        (lambda x: pw.ops.sine(x), AttributeError, "phasewise.ops has no 'sine'. Did you mean 'sin'"),
    ],
)
def test_a_mistake_with_a_symbolic_tensor_is_explained(call, error, message):
    with pytest.raises(error, match=message):
        call(pw.Input((5,), name="x"))


def two_layers_of_one_name():
    x = pw.Input((5,))
    return pw.Model(x, pw.layers.Flatten(name="d")(pw.layers.Dense(2, name="d")(x)))


def unconnected():
    a, b = pw.Input((5,), name="a"), pw.Input((5,), name="b")
    return pw.Model(a, a + b)


def two_inputs():
    a, b = pw.Input((5,), name="a"), pw.Input((5,), name="b")
    return pw.Model([a, b], a + b)


def one_input():
    x = pw.Input((5,), name="x")
    return pw.Model(x, x * 2.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pw.Input(shape=5), r"Input's shape is a tuple; got 5. Did you mean \(5,\)"),
        (lambda: pw.Input((-1,)), r"made of positive integers and None; got \(-1,\)"),
        (lambda: pw.Input((2.0,)), r"made of positive integers and None; got \(2.0,\)"),
        (lambda: pw.Input(), "takes `shape` or `batch_shape`, one of the two"),
        (lambda: pw.Input((2,), batch_shape=(1, 2)), "takes `shape` or `batch_shape`, one of the two"),
        (lambda: pw.Input((2,), dtype="flot32"), "Unknown dtype 'flot32'. Did you mean 'float32'"),
        (two_layers_of_one_name, "Two layers of the model are called 'd': a Dense and a Flatten"),
        (unconnected, r"does not connect: an output depends on Input 'b', which is not among.*\['a'\]"),
        (lambda: pw.Model(pw.Input((5,)), X), "from tensors that Input made to what layers return"),
        (lambda: pw.Model(pw.Input((5,))), "takes both `inputs` and `outputs`; one of them is missing"),
        (lambda: two_inputs()(X), r"has 2 inputs, \['a', 'b'\]; it was given 1 arrays"),
        (lambda: two_inputs()({"a": X, "c": X}), r"keys \['a', 'c'\]: 'b' is missing"),
        (lambda: one_input()(X[:, :3]), r"Input 'x' expects shape \(None, 5\).*given data of shape \(None, 3\)"),
        (lambda: one_input()(X[0]), r"Input 'x' expects shape \(None, 5\).*given data of shape \(None,\)"),
    ],
)
def test_a_mistake_with_a_graph_is_explained(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_layer_called_twice_has_no_single_output():
    dense, x = pw.layers.Dense(2, name="twice"), pw.Input((5,))
    dense(x), dense(x)
    with pytest.raises(AttributeError, match="'twice' has been called 2 times in a graph"):
        dense.output  # noqa: B018
