"""Arrays whose sharding is part of their type: those on a mesh with explicit axes, which is what `jax.make_mesh` makes.

JAX asks for the sharding of each result there. Functions that it cannot tell that of are computed with the axes left to the compiler.
"""

from collections.abc import Callable

import jax
from jax.sharding import NamedSharding, PartitionSpec


def mesh_of(*arrays: jax.Array) -> jax.sharding.AbstractMesh | None:
    """The mesh with explicit axes that one of `arrays` lies on; None where none does."""
    meshes = (jax.typeof(array).sharding.mesh for array in arrays)
    return next((mesh for mesh in meshes if mesh.explicit_axes), None)


def left_to_the_compiler(
    function: Callable[..., jax.Array], *arrays: jax.Array, rows_of: jax.Array | None = None
) -> jax.Array:
    """`function` of `arrays`, where axes are explicit with what goes on inside left to the compiler.

    Args:
        function: of arrays, to one array.
        arrays: what it is called on.
        rows_of: one of `arrays`, whose first axis is the result's first: it is spread as that one's. Else each device has the whole.
    """
    mesh = mesh_of(*arrays)
    if mesh is None:
        return function(*arrays)
    rows = () if rows_of is None else jax.typeof(rows_of).sharding.spec[:1]
    result = NamedSharding(mesh, PartitionSpec(*rows))
    return jax.sharding.auto_axes(function, axes=mesh.explicit_axes, out_sharding=result)(*arrays)
