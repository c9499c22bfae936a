"""Operations with two implementations: in XLA's operations, and native. One place decides which of them a program gets.

The decision falls where a program is lowered, since only there it is known where it will run: a program for one CPU may have native
calls, and operations of XLA's that suit a CPU; one for other devices or for several, one that is exported, one over arrays whose sizes
are left open, and whatever `jax.vmap` makes of an operation have XLA's plain ones.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
from jax._src.core import Primitive  # jax.extend has it too, and imports Pallas
from jax.interpreters import batching, mlir

from phasewise.kernels.native.library import Library, usable

PLAIN: dict[str, Callable[..., Any]] = {}
"""For each operation, by name, its implementation in XLA's operations."""


class Native(NamedTuple):
    """One native implementation of an operation.

    Attributes:
        library: where it is.
        target: its name there. It gets the arrays, row-major, and the attributes.
        attributes: `attributes(*avals, **parameters)` is what it gets beside the arrays (names to int, float, str, or NumPy arrays),
            or None where it does not apply to such shapes and types, or is not worth it.
    """

    library: Library
    target: str
    attributes: Callable[..., dict[str, Any] | None]


def operation(
    name: str,
    plain: Callable[..., Sequence[jax.Array]],
    library: Library,
    target: str,
    attributes: Callable[..., dict[str, Any] | None],
    *,
    preferred: Sequence[Native] = (),
    on_one_cpu: Callable[..., Sequence[jax.Array]] | None = None,
    **alias: Any,
) -> Primitive:
    """An operation for `bind(*arrays, **parameters)`, which returns a list of arrays. It has no rule for derivatives yet.

    Args:
        name: begins with "phasewise_".
        plain: the implementation in XLA's operations: takes what `bind` does, returns a list of arrays. Parameters are hashable.
        library, target, attributes: of the native one, as `Native` has them.
        preferred: further native ones, of which the first that applies is taken before it.
        on_one_cpu: what is taken in place of `plain` in a program for one CPU, where no native one applies.
        alias: further keywords of `jax.ffi.ffi_lowering`, such as `operand_output_aliases`.
    """
    primitive = Primitive(name)
    primitive.multiple_results = True
    natives = (*preferred, Native(library, target, attributes))
    in_xla = mlir.lower_fun(plain, multiple_results=True)
    alone = mlir.lower_fun(on_one_cpu or plain, multiple_results=True)

    @functools.lru_cache(256)
    def compiled(items):
        return jax.jit(functools.partial(primitive.bind, **dict(items)))

    @functools.lru_cache(1024)
    def shapes(items, *structs):
        outputs = jax.eval_shape(functools.partial(plain, **dict(items)), *structs)
        return [jax.core.ShapedArray(each.shape, each.dtype) for each in outputs]

    def abstract(*avals, **parameters):
        return shapes(tuple(parameters.items()), *(jax.ShapeDtypeStruct(each.shape, each.dtype) for each in avals))

    def lowered(context, *operands, **parameters):
        if not _is_for_one_cpu(context):
            return in_xla(context, *operands, **parameters)
        for native in natives:
            given = native.attributes(*context.avals_in, **parameters)
            if isinstance(given, dict) and usable(native.library):
                return jax.ffi.ffi_lowering(native.target, **alias)(context, *operands, **given)
        return alone(context, *operands, **parameters)

    def batched(arguments, axes, **parameters):
        outputs = jax.vmap(functools.partial(plain, **parameters), axes)(*arguments)
        return outputs, [0] * len(outputs)

    primitive.def_impl(lambda *arrays, **parameters: compiled(tuple(parameters.items()))(*arrays))
    primitive.def_abstract_eval(abstract)
    mlir.register_lowering(primitive, in_xla)
    mlir.register_lowering(primitive, lowered, platform="cpu")
    batching.primitive_batchers[primitive] = batched
    PLAIN[name] = plain
    return primitive


def _is_for_one_cpu(context):
    module = context.module_context
    if tuple(module.platforms) != ("cpu",) or module.lowering_parameters.for_export:
        return False
    if getattr(module.axis_context, "num_devices", None) != 1:
        return False
    return all(isinstance(size, int) for aval in (*context.avals_in, *context.avals_out) for size in aval.shape)
