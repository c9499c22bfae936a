"""Linear algebra over the last two axes; those before are a batch."""

from phasewise.core import public
from phasewise.ops.linalg.decompositions import (
    cholesky,
    cholesky_inverse,
    eig,
    eigh,
    lu_factor,
    qr,
    svd,
)
from phasewise.ops.linalg.solving import (
    det,
    inv,
    jvp,
    lstsq,
    matrix_rank,
    norm,
    pinv,
    solve,
    solve_triangular,
)

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "det",
    "eig",
    "eigh",
    "inv",
    "jvp",
    "lstsq",
    "lu_factor",
    "matrix_rank",
    "norm",
    "pinv",
    "qr",
    "solve",
    "solve_triangular",
    "svd",
]

public.finish(__name__)
