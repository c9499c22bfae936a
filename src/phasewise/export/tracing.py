"""Traces with sizes that are left open: what to try where a layer asks something of such a size."""

from collections.abc import Callable
from typing import Any, TypeVar

import jax

from phasewise.core.types import Nest
from phasewise.export.signature import Signature

T = TypeVar("T")

LEASTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)  # tried for open sizes that some layer wants to be of at least so much


def with_open_sizes(signature: Signature, trace: Callable[[Nest, list[str]], T]) -> T:
    """`trace(specs, bounds)` with a symbol of its own for each open size; else with one symbol for an axis, or with a least size.

    Raises:
        Exception: what a try raised, where none succeeds; one that tells more than that a size is not known.
    """
    trouble = unknown = None
    for are_shared in (False, True) if signature.has_open_axes and len(signature.slots) > 1 else (False,):
        for least in LEASTS if signature.has_open_axes else (1,):
            try:
                return trace(*signature.specs(least, are_shared))
            except jax.errors.InconclusiveDimensionOperation as error:
                unknown = unknown or error
            except Exception as error:
                trouble = trouble or error
                break
    raise trouble or unknown


def told(trouble: BaseException) -> str:
    """An error's first line, and the notes that say in which layer it came up; JAX's remarks on tracebacks aside."""
    lines: list[Any] = [str(trouble).strip().split("\n")[0], *getattr(trouble, "__notes__", ())]
    return " ".join(line.rstrip(".") + "." for line in lines if not line.startswith("----"))
