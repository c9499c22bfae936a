"""What a program in StableHLO asks of the machine beside computing: custom calls, which run native code by name."""

from typing import Any

# Names that JAX vouches for in exported programs are numerics: LU, QR, eigenvalues, random bits. The other one it writes by itself.
_ALSO = {"shape_assertion"}
_DIALECTS = ("stablehlo.", "mhlo.", "chlo.")


def foreign_calls(exported: Any) -> list[str]:
    """The names of the custom calls in a `jax.export.Exported` that are none of JAX's own numerics, such as calls back into Python."""
    from jax._src.export._export import _CUSTOM_CALL_TARGETS_GUARANTEED_STABLE  # nothing public has the names
    from jax._src.interpreters.mlir import make_ir_context
    from jax.extend.mlir import ir
    from jax.extend.mlir.dialects import stablehlo

    known, found = _ALSO | set(_CUSTOM_CALL_TARGETS_GUARANTEED_STABLE), set()

    def look(operation):
        if operation.name.endswith("custom_call"):
            found.add(ir.StringAttr(operation.attributes["call_target_name"]).value)
        return ir.WalkResult.ADVANCE

    context = make_ir_context()  # knows the dialects that JAX writes
    stablehlo.deserialize_portable_artifact(context, exported.mlir_module_serialized).operation.walk(look)
    return sorted(name for name in found - known if not name.startswith(_DIALECTS))
