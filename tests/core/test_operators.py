import operator

import jax.numpy as jnp
import numpy as np
import pytest

import phasewise as pw
from phasewise import ops
from phasewise.core.variable import Variable, scope

VALUES = np.float32([1, 2, 3])


@pytest.fixture
def v():
    return Variable(VALUES, name="v")


@pytest.mark.parametrize(
    "name", ["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "lt", "le", "gt", "ge", "eq", "ne"]
)
def test_an_operator_computes_on_entries_with_numbers_arrays_and_variables(v, name):
    function = getattr(operator, name)
    for other in (2.0, np.float32([3, 2, 1]), jnp.float32([3, 2, 1]), Variable([3.0, 2.0, 1.0])):
        plain = np.float32(np.asarray(other))
        np.testing.assert_array_equal(function(v, other), function(VALUES, plain))
        np.testing.assert_array_equal(function(other, v), function(plain, VALUES))


@pytest.mark.parametrize("name", ["and_", "or_", "xor", "lshift", "rshift"])
def test_integers_are_combined_bit_by_bit(name):
    function, values = getattr(operator, name), np.int32([6, 3])
    for other in (1, np.int32([1, 2]), Variable(np.int32([1, 2]))):
        np.testing.assert_array_equal(function(Variable(values), other), function(values, np.asarray(other)))
        np.testing.assert_array_equal(function(other, Variable(values)), function(np.asarray(other), values))


def test_truth_values_are_combined_and_inverted():
    v = Variable(np.array([True, False]))
    np.testing.assert_array_equal(~v, [False, True])
    np.testing.assert_array_equal(v & np.array([True, True]), [True, False])
    np.testing.assert_array_equal(v | v, [True, False])


def test_signs_absolute_values_and_rounding():
    v = Variable(np.float32([-1.26, 2.5]))
    np.testing.assert_array_equal(+v, v.numpy())
    np.testing.assert_array_equal(-v, -v.numpy())
    np.testing.assert_array_equal(abs(v), abs(v.numpy()))
    np.testing.assert_array_equal(round(v), [-1, 2])
    np.testing.assert_allclose(round(v, 1), [-1.3, 2.5], rtol=1e-6)


def test_divmod_gives_quotient_and_remainder_from_both_sides(v):
    for pair, wanted in ((divmod(v, 2.0), divmod(VALUES, 2)), (divmod(7.0, v), divmod(7, VALUES))):
        np.testing.assert_array_equal(pair, wanted)


def test_equality_compares_values_and_hashing_tells_objects():
    zero, other = Variable(0), Variable(0)
    assert zero == 0
    assert bool(zero != 1)
    assert zero == other
    assert (zero == None) is False  # noqa: E711
    assert {zero: "zero", other: "other"}[other] == "other"
    assert len({zero, other, zero}) == 2


def test_iterating_ends_after_the_last_entry(v):
    assert [float(entry) for entry in v] == [1, 2, 3]
    assert len(v) == 3
    assert 2.0 in v
    assert 5.0 not in v


def test_a_single_number_has_no_length_and_cannot_be_iterated_over():
    with pytest.raises(TypeError, match="has no length: it is a single number"):
        len(Variable(1.0))
    with pytest.raises(TypeError, match="Cannot iterate over a variable of shape"):
        list(Variable(1.0))


def test_a_single_number_counts_and_is_formatted_as_one():
    assert list(range(Variable(2))) == [0, 1]
    assert f"{Variable(0.5):.3f}" == "0.500"


def test_an_array_on_the_left_reads_the_value_of_the_scope(v):
    with scope([v], [jnp.zeros(3)]):
        np.testing.assert_array_equal(VALUES * v, [0, 0, 0])


@pytest.mark.parametrize(
    "call",
    [
        lambda o, v: o.matmul(np.ones((2, 3), np.float32), v),
        lambda o, v: o.add(v, 1),
        lambda o, v: o.sum(v),
        lambda o, v: o.sum(v, axis=0),
        lambda o, v: o.exp(v),
        lambda o, v: o.where(v > 1, v, 0),
        lambda o, v: o.stack([v, v]),
        lambda o, v: o.concatenate([v, (1 * v)]),
        lambda o, v: o.einsum("i,i->", v, v),
        lambda o, v: o.take(v, 1),
    ],
)
def test_ops_take_variables_wherever_they_take_arrays(v, call):
    np.testing.assert_allclose(call(ops, v), call(jnp, jnp.asarray(VALUES)), rtol=1e-6)


def test_ops_of_other_libraries_of_jax_take_variables(v):
    np.testing.assert_array_equal(ops.relu(v), VALUES)
    np.testing.assert_array_equal(ops.stop_gradient(v), VALUES)
    np.testing.assert_array_equal(ops.cast(v, "int32"), [1, 2, 3])
    np.testing.assert_array_equal(ops.convert_to_numpy(v), VALUES)
    np.testing.assert_array_equal(ops.convert_to_tensor([v, v]), [VALUES, VALUES])


class Scaled(pw.Layer):
    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1], 1), initializer="ones", name="w")

    def call(self, inputs):
        return ops.matmul(inputs, self.w)


def test_a_gradient_flows_through_ops_to_the_variable():
    x, y = np.float32([[1, 2], [3, 4]]), np.float32([[0], [0]])
    model = pw.Sequential([pw.Input((2,)), Scaled()])
    model.compile(pw.optimizers.SGD(0.1), "mse")
    model.train_on_batch(x, y)
    w = np.ones((2, 1))
    np.testing.assert_allclose(model.layers[0].w, w - 0.1 * (2 / 2) * x.T @ (x @ w - y), rtol=1e-6)


def test_a_variable_in_a_graph_is_read_whenever_the_graph_runs(v):
    x = pw.Input((3,))
    model = pw.Model(x, ops.sum(ops.multiply(x, v) + x * v + v * x, -1))
    data = np.float32([[1, 1, 1]])
    np.testing.assert_array_equal(model(data), [18])
    np.testing.assert_array_equal(pw.Model(x, -(+abs(round(x * v))))(data), [[-1, -2, -3]])


def test_constraints_take_variables(v):
    np.testing.assert_array_equal(pw.constraints.NonNeg()(v), VALUES)
    np.testing.assert_allclose(np.linalg.norm(pw.constraints.UnitNorm()(v)), 1, rtol=1e-6)


def test_a_variable_takes_the_name_of_an_initializer():
    np.testing.assert_array_equal(Variable("ones", shape=(2,)), [1, 1])
    np.testing.assert_array_equal(Variable(pw.initializers.Ones, shape=(2,)), [1, 1])
    np.testing.assert_array_equal(Variable({"class_name": "Zeros", "config": {}}, shape=(1,)), [0])


def test_a_variable_without_a_value_or_a_shape_is_refused():
    with pytest.raises(ValueError, match="needs `shape`: its initializer 'ones'"):
        Variable("ones")
    with pytest.raises(ValueError, match=r"Unknown initializer 'onnes'.*Did you mean 'ones'"):
        Variable("onnes", shape=(2,))
    with pytest.raises(ValueError, match="needs a value"):
        Variable(None)
    with pytest.raises(ValueError, match=r"shape=\(2,\) and a value of shape \(3,\)"):
        Variable(VALUES, shape=(2,))
    with pytest.raises(ValueError, match="trainable is True or False; got 'no'"):
        Variable(VALUES, trainable="no")


def test_in_a_call_under_mixed_precision_the_dtype_of_a_weight_is_that_which_is_read():
    seen = []

    class Looks(Scaled):
        def call(self, inputs):
            seen.append((self.w.dtype, str(self.w.value.dtype), str(inputs.dtype)))
            return super().call(inputs)

    layer = Looks(dtype="mixed_bfloat16")
    layer(np.ones((1, 2), np.float32))
    assert seen == [("bfloat16",) * 3]
    assert layer.w.dtype == "float32"
