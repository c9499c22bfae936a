"""Which statistics normalize in inference: a choice at the call, not a rebuilt model.

The policy reaches every batch normalization layer inside the scope. It never updates anything, and it is not the
training phase: dropout does not notice it.
"""

import contextlib
from contextvars import ContextVar

from phasewise import registry

POLICIES = ("moving", "batch")

_policy = ContextVar("phasewise_statistics", default=None)


def validate(policy):
    """`policy` itself when it is one of "moving", "batch" or None.

    Raises:
        ValueError: anything else; the nearest policy is named.
    """
    if policy is None or (isinstance(policy, str) and policy in POLICIES):
        return policy
    near = registry.nearest(policy, POLICIES) if isinstance(policy, str) else None
    hint = f" Did you mean {near!r}?" if near else ""
    raise ValueError(
        f"Unknown statistics policy {policy!r}.{hint} Give 'moving' (the moving mean and variance) or 'batch' "
        "(the mean and variance of the rows that are predicted together)."
    )


@contextlib.contextmanager
def statistics(policy):
    """Inside the block, normalization layers in inference use the statistics that `policy` names.

    Args:
        policy: "moving", "batch", or None to leave the policy around it in force.

    Example:
        >>> with phasewise.statistics("batch"):
        ...     predictions = model.predict(x)
    """
    token = _policy.set(validate(policy) or _policy.get())
    try:
        yield
    finally:
        _policy.reset(token)


def current():
    """The policy in force: "moving" unless a scope says otherwise."""
    return _policy.get() or "moving"
