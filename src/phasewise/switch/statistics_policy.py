"""Which statistics normalize in inference: a choice at the call, not a rebuilt model.

The policy reaches every batch normalization layer inside the scope. It never updates anything, and it is not the
training phase: dropout does not notice it.
"""

import contextlib
import dataclasses
import re
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any, TypeAlias

from phasewise.core import registry

POLICIES = ("moving", "batch")

_policy = ContextVar("phasewise_statistics", default=None)


@dataclasses.dataclass(frozen=True)
class Blend:
    """The policy that `blend` makes."""

    n: float

    def __str__(self) -> str:
        return f"blend({self.n:g})"


@dataclasses.dataclass(frozen=True)
class InstanceAware:
    """Moving statistics, each row's own where these differ by more than `k` standard errors: `phasewise.kernels.instance_aware`.

    With `of_batch` those of the batch, with the unbiased variance, stand in the place of the moving ones.
    """

    k: float
    of_batch: bool = False

    def __str__(self) -> str:
        return f"instance-aware({self.k:g}{', of the batch' if self.of_batch else ''})"


Policy: TypeAlias = str | Blend | InstanceAware
"""What one layer normalizes with: "moving", "batch", a blend, or moving with what a row's own differ by."""


@dataclasses.dataclass(frozen=True)
class ByLayer:
    """A policy for each named layer; the others keep the policy around the call."""

    policies: tuple[tuple[str, Policy | None], ...]

    def names(self) -> list[str]:
        """The names of the layers."""
        return [name for name, _ in self.policies]

    def __str__(self) -> str:
        return "{" + ", ".join(f"{name!r}: {policy}" for name, policy in self.policies) + "}"


def blend(n: float) -> Blend:
    """Moving and batch statistics mixed, the moving ones counting as much as `n` examples.

    With b rows in the batch: mean = n / (n + b) * moving mean + b / (n + b) * batch mean, and likewise the variance
    (Schneider et al. 2020, "Improving robustness against common corruptions by covariate shift adaptation", section 3, the
    equations of the mixed statistics; their N is this n, their n is b). `blend(0)` is "batch".

    Args:
        n: number of at least 0. Schneider et al. find 8 to 512 good, more where batches are small.

    Raises:
        ValueError: `n` is no such number.
    """
    valid = isinstance(n, int | float) and not isinstance(n, bool) and 0 <= n < float("inf")
    if not valid:
        raise ValueError(f"blend(n): n is how many examples the moving statistics weigh, at least 0; got {n!r}.")
    return Blend(float(n))


def resolve(policy: Policy | ByLayer | dict[str, Any] | None) -> Policy | ByLayer | None:
    """The policy that a user's argument names; None stays.

    Args:
        policy: "moving", "batch", `blend(n)` or "blend(n)", a dict from a layer's name to one of these, or None.

    Raises:
        ValueError: anything else; the nearest policy is named.
    """
    if (
        policy is None
        or isinstance(policy, Blend | InstanceAware | ByLayer)
        or (isinstance(policy, str) and policy in POLICIES)
    ):
        return policy
    if isinstance(policy, dict):
        return ByLayer(tuple((str(name), resolve(item)) for name, item in policy.items()))
    written = re.fullmatch(r"blend\(\s*([0-9.eE+-]+)\s*\)", policy) if isinstance(policy, str) else None
    if written:
        return blend(float(written[1]))
    near = registry.nearest(policy, (*POLICIES, "blend")) if isinstance(policy, str) else None
    hint = f" Did you mean {near!r}?" if near else ""
    raise ValueError(
        f"Unknown statistics policy {policy!r}.{hint} Give 'moving' (the moving mean and variance), 'batch' (the mean and "
        "variance of the rows that are predicted together), phasewise.blend(n) (both, the moving ones weighing as n rows), or a "
        "dict of these by the layer's name."
    )


@contextlib.contextmanager
def statistics(policy: Policy | ByLayer | dict[str, Any] | None) -> Iterator[None]:
    """Inside the block, normalization layers in inference use the statistics that `policy` names.

    Args:
        policy: "moving", "batch", `phasewise.blend(n)`, a dict of these by layer name (the others keep the policy around the
            block), or None to leave the policy around it in force.

    Example:
        >>> with phasewise.statistics("batch"):
        ...     predictions = model.predict(x)
    """
    given = resolve(policy)
    outer = _policy.get() or ()
    if given is None:
        stack = outer
    else:
        stack = (*outer, given) if isinstance(given, ByLayer) else (given,)
    token = _policy.set(stack)
    try:
        yield
    finally:
        _policy.reset(token)


def current() -> tuple[Policy | ByLayer, ...]:
    """The policies in force, the innermost last: what a compiled program depends on."""
    return _policy.get() or ()


def policy_for(name: str) -> Policy:
    """The policy for the layer called `name`: "moving" unless a scope says otherwise."""
    for policy in reversed(current()):
        if not isinstance(policy, ByLayer):
            return policy
        for layer, own in policy.policies:
            if layer == name and own is not None:
                return own
    return "moving"
