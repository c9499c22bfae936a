"""Branches and loops that a compiled program runs, and functions with a gradient of their own."""

import functools

import jax

from phasewise.core.operators import resolved
from phasewise.ops.op import op


@op
def cond(pred, true_fn, false_fn):
    """What `true_fn()` returns where `pred` holds, else what `false_fn()` does.

    Args:
        pred: boolean scalar.
        true_fn, false_fn: functions without arguments that return alike structures. They cannot use symbolic tensors from
            outside: put the whole in a `Lambda` layer.
    """
    return jax.lax.cond(pred, lambda: resolved(true_fn()), lambda: resolved(false_fn()))


@op
def switch(index, branches, *operands):
    """What the function number `index` of `branches` returns for the operands; a number beyond the ends is the nearest."""
    return jax.lax.switch(index, branches, *operands)


@op
def map(f, xs):
    """What `f` returns for each entry of `xs` along axis 0, stacked; one after the other."""
    return jax.lax.map(f, xs)


@op
def vectorized_map(function, elements):
    """What `function` returns for each entry of `elements` along axis 0, stacked; all at once."""
    return jax.vmap(function)(elements)


@op
def scan(f, init, xs=None, length=None, reverse=False, unroll=1):
    """A loop that carries something: `carry, y = f(carry, x)` for each x of `xs` along axis 0.

    Args:
        init: the first carry.
        xs: structure of arrays, or None with a `length`.
        length: how many steps, where `xs` does not tell.
        reverse: whether to begin with the last.
        unroll: how many steps are written out in one, or a boolean: all of them.

    Returns:
        (last carry, the ys stacked).

    Raises:
        ValueError: `unroll` is neither a positive int nor a boolean.
    """
    if not isinstance(unroll, bool) and (not isinstance(unroll, int) or unroll < 1):
        raise ValueError(f"scan's unroll is a positive integer or a boolean; got {unroll!r}.")
    return jax.lax.scan(f, init, xs, length=length, reverse=reverse, unroll=unroll)


@op
def associative_scan(f, elems, reverse=False, axis=0):
    """What an associative function of two makes of the entries up to each one, in a logarithmic number of steps.

    Args:
        f: takes and returns structures like `elems`.
        elems: structure of arrays.
        reverse: whether to begin at the end.
        axis: along which.
    """
    return jax.lax.associative_scan(f, elems, reverse, axis)


@op
def while_loop(cond, body, loop_vars, maximum_iterations=None):
    """`loop_vars = body(*loop_vars)` while `cond(*loop_vars)` holds.

    Args:
        loop_vars: a tuple or list, or one value.
        maximum_iterations: the most times; None for no limit.

    Returns:
        The last `loop_vars`, a tuple where it was several.
    """
    is_several = isinstance(loop_vars, tuple | list)
    start = tuple(loop_vars) if is_several else (loop_vars,)

    def goes_on(state):
        count, held = state
        holds = cond(*held)
        return holds if maximum_iterations is None else holds & (count < maximum_iterations)

    def step(state):
        count, held = state
        result = body(*held)
        return count + 1, tuple(result) if is_several else (result,)

    _, found = jax.lax.while_loop(goes_on, step, (0, start))
    return found if is_several else found[0]


@op
def fori_loop(lower, upper, body_fun, init_val):
    """`value = body_fun(i, value)` for i from `lower` up to, and without, `upper`."""
    return jax.lax.fori_loop(lower, upper, body_fun, init_val)


def custom_gradient(f):
    """Decorator: a function that gives its own gradient.

    Args:
        f: returns (result, gradient function), the latter of the gradient by the result: `grad(upstream)` returns the gradient by
            each argument.
    """
    inner = jax.custom_gradient(f)

    @op
    @functools.wraps(f)
    def with_gradient(*args, **kwargs):
        return inner(*args, **kwargs)

    return with_gradient
