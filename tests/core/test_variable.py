"""A variable keeps its value to itself; another stands in for it inside a scope and outside of one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from phasewise.core.variable import Variable, autocast, scope, standing_in


def test_a_value_stands_in_until_the_block_ends():
    v = Variable(np.float32([1, 2]))
    with standing_in(v, np.float32([3, 4])):
        np.testing.assert_array_equal(v.value, [3, 4])
        np.testing.assert_array_equal(v.raw, [3, 4])
        np.testing.assert_array_equal(jnp.asarray(v) + 1, [4, 5])
    np.testing.assert_array_equal(v.value, [1, 2])


def test_a_value_stands_in_inside_a_scope_and_can_be_traced():
    v, other = Variable(np.float32(2), name="v"), Variable(np.float32(5), name="other")

    @jax.jit
    def run(x):
        with scope([v, other], [x, x + 1]) as held:
            with standing_in(v, 10 * x):
                other.assign(v.value + other.value)
            return v.value, held.collect([v, other])

    inside, after = run(jnp.float32(3))
    assert (float(inside), float(after[0]), float(after[1])) == (3, 3, 34)
    assert float(v) == 2


def test_the_innermost_value_counts_and_an_error_restores():
    v = Variable(np.float32(1))
    with pytest.raises(RuntimeError), standing_in(v, np.float32(2)), standing_in(v, np.float32(3)):
        assert float(v.value) == 3
        raise RuntimeError
    assert float(v.value) == 1


def test_autocast_holds_for_what_stands_in():
    v = Variable(np.float32(1))
    with standing_in(v, jnp.float32(2)), autocast("bfloat16"):
        assert (v.value.dtype, v.raw.dtype) == ("bfloat16", "float32")


def test_no_assignment_while_another_value_stands_in():
    v = Variable(np.float32(1), name="kernel")
    with standing_in(v, np.float32(2)), pytest.raises(ValueError, match="'kernel' was assigned while another value"):
        v.assign(np.float32(3))
    assert float(v.value) == 1


@pytest.mark.parametrize("hold", [np.asarray, jnp.asarray])
def test_nothing_that_is_read_of_it_can_change_it_behind_its_back(hold):
    variable = Variable(np.ones(3, np.float32))
    variable.assign(hold(np.full(3, 2, np.float32)))
    for mine in (variable.numpy(), np.array(variable)):
        mine[:] = 5
    for shared in (np.asarray(variable), variable.value):
        with pytest.raises((ValueError, TypeError), match=r"read-only|immutable"):
            shared[:] = 5
    np.testing.assert_array_equal(variable, [2, 2, 2])
