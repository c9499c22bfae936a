"""Dtype policies: which dtype a layer stores its weights in and which it computes in."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from typing import Self, TypeAlias

from phasewise.core import defaults
from phasewise.core.keywords import Told
from phasewise.core.registry import deserialize, nearest, register
from phasewise.core.types import Config, DTypeLike

POLICIES = {
    "float32": ("float32", "float32"),
    "bfloat16": ("bfloat16", "bfloat16"),
    "float16": ("float16", "float16"),
    "float64": ("float64", "float64"),
    "mixed_bfloat16": ("float32", "bfloat16"),
    "mixed_float16": ("float32", "float16"),
}

_scoped = ContextVar("phasewise_dtype_policy", default=None)
_global = {"policy": None}


@register("dtype policy")
class DTypePolicy(Told):
    """A pair of dtypes by name.

    Args:
        name: "float32" or "bfloat16" (weights and computation), or "mixed_bfloat16" (float32 weights, bfloat16
            computation); float16 and mixed_float16 likewise. None is the name of the default policy.

    Attributes:
        quantization_mode: None: nothing is quantized.

    Raises:
        ValueError: the name is no policy.
    """

    quantization_mode = None

    def __init__(self, name: str | None = None):
        name = dtype_policy().name if name is None else name
        if name not in POLICIES:
            near = nearest(name, list(POLICIES))
            hint = f" Did you mean {near!r}?" if near else ""
            raise ValueError(f"Unknown dtype policy {name!r}.{hint} Known: {', '.join(POLICIES)}.")
        self.name = name
        self.variable_dtype, self.compute_dtype = POLICIES[name]

    def get_config(self) -> Config:
        """`{"name": ...}`."""
        return {"name": self.name}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The policy that `get_config` described."""
        return cls(**config)

    def __eq__(self, other):
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self):
        return hash(self.name)

    def __repr__(self):
        return f"<DTypePolicy {self.name!r}>"


PolicyLike: TypeAlias = DTypePolicy | DTypeLike | Config | None
"""A policy, its name or its config; None for the default policy."""


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are made without one of their own."""
    return _scoped.get() or _global["policy"] or DTypePolicy(defaults.floatx())


def set_dtype_policy(policy: PolicyLike) -> None:
    """Set the policy of layers made from now on, by name or object (Keras: `config.set_dtype_policy`)."""
    _global["policy"] = resolve(policy)


def resolve(policy: PolicyLike) -> DTypePolicy:
    """A policy from a name, a config, an object or None (the default policy)."""
    if policy is None:
        return dtype_policy()
    if isinstance(policy, DTypePolicy):
        return policy
    if isinstance(policy, Mapping):
        _refuse_quantized(policy.get("class_name"))
        return deserialize("dtype policy", policy) if "class_name" in policy else DTypePolicy.from_config(policy)
    _refuse_quantized(policy)
    return DTypePolicy(str(policy) if isinstance(policy, str) else getattr(policy, "name", str(policy)))


def _refuse_quantized(name):
    """Raises ValueError for a policy of Keras's whose weights are whole numbers."""
    if isinstance(name, str) and (
        "quantized" in name.lower() or re.match(r"(int\d+|float8|gptq|awq)\b.*_from_|(int\d+|float8)_from_", name)
    ):
        raise ValueError(
            f"The dtype policy {name!r} is one of quantized weights, which phasewise does not compute with: the layer would lose what they "
            "mean. Save the model in Keras before it is quantized."
        )


def of_layer(policy: PolicyLike, name: str) -> DTypePolicy:
    """As `resolve`; of several policies by name, the one for a layer of this name."""
    found = resolve(policy)
    return found[name] if isinstance(found, Mapping) else found


@contextlib.contextmanager
def dtype_policy_scope(policy: PolicyLike) -> Iterator[None]:
    """Layers made inside the block take `policy`."""
    token = _scoped.set(resolve(policy))
    try:
        yield
    finally:
        _scoped.reset(token)
