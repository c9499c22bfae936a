"""Where a symbolic tensor comes from."""

from typing import Any

from phasewise.graph.symbolic import SymbolicTensor, is_symbolic


def is_keras_tensor(x: Any) -> bool:
    """Whether `x` is a symbolic tensor: one that `Input` made, or a layer or function of such a one."""
    return is_symbolic(x)


def get_source_inputs(tensor: SymbolicTensor) -> list[SymbolicTensor]:
    """The inputs that `tensor` was computed from, each once, in the order in which they are met.

    Raises:
        ValueError: it is no symbolic tensor.
    """
    if not is_symbolic(tensor):
        raise ValueError(
            f"get_source_inputs takes a symbolic tensor, as Input and layers return; got {type(tensor).__name__}."
        )
    found, seen, ahead = [], set(), [tensor]
    while ahead:
        each = ahead.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        if each.node is None:
            found.append(each)
        else:
            ahead.extend(reversed(each.node.parents))
    return found
