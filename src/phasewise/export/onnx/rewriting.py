"""A traced program in the operations that the converter knows: what it does not, or converts wrongly, in terms of others.

Calls of traced functions and rules for gradients are written out, so that only the operations inside are left.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.extend.core import ClosedJaxpr, Literal

from phasewise.kernels.native.operation import PLAIN

_INLINED = {  # and the parameter that holds what they call
    "jit": "jaxpr",
    "closed_call": "call_jaxpr",
    "core_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr",
    "custom_vjp_call": "call_jaxpr",
    "checkpoint": "jaxpr",
}


def rewritten(closed: ClosedJaxpr) -> Callable[..., list[Any]]:
    """The program as a function of its flat inputs, which gives its flat outputs.

    An input that is an output, and an output that is there twice, are copied: names in ONNX belong to one value.
    """

    def function(*inputs):
        outputs, seen = [], {id(value) for value in inputs}
        for output in _run(closed, inputs):
            output = jnp.array(output, copy=True) if id(output) in seen else output
            seen.add(id(output))
            outputs.append(output)
        return outputs

    return function


def _run(closed, inputs):
    jaxpr = closed.jaxpr
    values = dict(zip([*jaxpr.constvars, *jaxpr.invars], [*closed.consts, *inputs], strict=True))

    def value(variable):
        return variable.val if isinstance(variable, Literal) else values[variable]

    for equation in jaxpr.eqns:
        outputs = _computed(equation.primitive, equation.params, [value(each) for each in equation.invars])
        values.update(zip(equation.outvars, outputs, strict=True))
    return [value(each) for each in jaxpr.outvars]


def _computed(primitive, params, inputs):
    """The outputs of one operation, as a list."""
    name = primitive.name
    if name in _INLINED:
        return _run(_closed(params[_INLINED[name]]), inputs)
    if name in PLAIN:
        return _run(jax.make_jaxpr(functools.partial(PLAIN[name], **params))(*inputs), inputs)
    if name in _RULES:
        outputs = _RULES[name](params, *inputs)
    else:
        outputs = primitive.bind(*inputs, **primitive.get_bind_params(params))
    return list(outputs) if isinstance(outputs, list | tuple) else [outputs]


def _closed(jaxpr):
    return jaxpr if isinstance(jaxpr, ClosedJaxpr) else ClosedJaxpr(jaxpr, ())


def _scan(params, *inputs):
    """A loop, what is in it rewritten as well; one of a length that is left open stays as it is."""
    if not isinstance(params["length"], int):
        return jax.lax.scan_p.bind(*inputs, **params)
    first = params["num_consts"]
    constants, carried, arrays = (
        inputs[:first],
        inputs[first : first + params["num_carry"]],
        inputs[first + params["num_carry"] :],
    )

    def body(carried, slices):
        outputs = _run(params["jaxpr"], [*constants, *carried, *slices])
        return outputs[: len(carried)], outputs[len(carried) :]

    carried, outputs = jax.lax.scan(
        body, list(carried), list(arrays), length=params["length"], reverse=params["reverse"]
    )
    return [*carried, *outputs]


def _pad(params, x, value):
    """Padding as joining and cutting: the converter's own takes no size that is left open."""
    for axis, (before, behind, between) in enumerate(params["padding_config"]):
        if between:
            x = _spread(x, value, axis, between)
        parts = [_filled(x, value, axis, before), x, _filled(x, value, axis, behind)]
        x = jax.lax.concatenate([part for part in parts if part is not None], axis)
        cut = [-n if isinstance(n, int) and n < 0 else 0 for n in (before, behind)]
        if any(cut):
            x = jax.lax.slice_in_dim(x, cut[0], x.shape[axis] - cut[1], axis=axis)
    return x


def _filled(x, value, axis, size):
    if isinstance(size, int) and size <= 0:
        return None
    return jax.lax.broadcast(value, (*x.shape[:axis], size, *x.shape[axis + 1 :]))


def _spread(x, value, axis, between):
    """Entries with `between` values after each but the last."""
    size = x.shape[axis]
    apart = jnp.expand_dims(x, axis + 1)
    filling = _filled(apart, value, axis + 1, between)
    joined = jax.lax.concatenate([apart, filling], axis + 1)
    x = joined.reshape(*x.shape[:axis], size * (between + 1), *x.shape[axis + 1 :])
    return jax.lax.slice_in_dim(x, 0, size * (between + 1) - between, axis=axis)


def _reshape(params, x):
    """Axes are exchanged first, where that is part of it: the converter leaves it out."""
    if params["dimensions"] is not None:
        x = jax.lax.transpose(x, params["dimensions"])
    return jax.lax.reshape(x, params["new_sizes"])


def _convolution(params, x, kernel):
    """Zeros between the entries of the input, or more of them than none taken away, are put there before."""
    numbers, pairs = params["dimension_numbers"], params["padding"]
    spread = params["lhs_dilation"]
    if any(n != 1 for n in spread) or not all(isinstance(n, int) and n >= 0 for pair in pairs for n in pair):
        config = [(0, 0, 0)] * x.ndim
        for axis, pair, gap in zip(numbers.lhs_spec[2:], pairs, spread):
            config[axis] = (*pair, gap - 1)
        x = _pad({"padding_config": config}, x, jnp.zeros((), x.dtype))
        pairs, spread = ((0, 0),) * len(pairs), (1,) * len(pairs)
    return jax.lax.conv_general_dilated(
        x,
        kernel,
        params["window_strides"],
        pairs,
        spread,
        params["rhs_dilation"],
        numbers,
        params["feature_group_count"],
        params["batch_group_count"],
        params["precision"],
        params["preferred_element_type"],
    )


_RULES = {
    "conv_general_dilated": _convolution,
    "le_to": lambda params, a, b: jax.lax.le(a, b),
    "lt_to": lambda params, a, b: jax.lax.lt(a, b),
    "pad": _pad,
    "reshape": _reshape,
    "scan": _scan,
    "stack": lambda params, *arrays: jnp.concatenate(
        [jnp.expand_dims(a, params["axis"]) for a in arrays], params["axis"]
    ),
}
