"""Dtype policies for several layers, by name."""

import re
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any, Self

from phasewise.core.precision import DTypePolicy, PolicyLike, dtype_policy, resolve
from phasewise.core.registry import register
from phasewise.core.types import Config


@register("dtype policy")
class DTypePolicyMap(DTypePolicy, MutableMapping):
    """A dict from names of layers, or regular expressions for them, to policies; as `dtype=` of a layer, it gives the layer the one
    for its name.

    Args:
        default_policy: for a name that is not there; None is the default policy.
        policy_map: dict of name or expression -> policy, its name or config.
    """

    def __init__(self, default_policy: PolicyLike = None, policy_map: Mapping[str, PolicyLike] | None = None):
        self._default = None if default_policy is None else resolve(default_policy)
        self._policies = {}
        for name, policy in (policy_map or {}).items():
            self[name] = policy

    @property
    def default_policy(self) -> DTypePolicy:
        """The policy for a name that is not there."""
        return self._default or dtype_policy()

    @property
    def name(self) -> str:
        """`map_` and the name of the default policy."""
        return f"map_{self.default_policy.name}"

    @property
    def variable_dtype(self) -> str:
        """That of the default policy."""
        return self.default_policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """That of the default policy."""
        return self.default_policy.compute_dtype

    def __getitem__(self, key: str) -> DTypePolicy:
        """The policy for a name: of that very name, else of the one expression that fits all of it, else the default.

        Raises:
            ValueError: several expressions fit.
        """
        if key in self._policies:
            return self._policies[key]
        fitting = [each for each in self._policies if re.fullmatch(each, key)]
        if len(fitting) > 1:
            raise ValueError(
                f"Several expressions of a DTypePolicyMap fit {key!r}: {', '.join(fitting)}. Make one of them fit alone."
            )
        return self._policies[fitting[0]] if fitting else self.default_policy

    def __setitem__(self, key: str, policy: PolicyLike) -> None:
        """
        Raises:
            ValueError: the name has a policy already.
        """
        if key in self._policies:
            raise ValueError(f"{key!r} has a policy in this DTypePolicyMap already. Delete it first.")
        self._policies[key] = resolve(policy)

    def __delitem__(self, key: str) -> None:
        del self._policies[key]

    def __contains__(self, key: Any) -> bool:
        return key in self._policies

    def __len__(self) -> int:
        return len(self._policies)

    def __iter__(self) -> Iterator[str]:
        return iter(self._policies)

    def get_config(self) -> Config:
        """Names of policies."""
        default = None if self._default is None else self._default.name
        return {"default_policy": default, "policy_map": {key: each.name for key, each in self._policies.items()}}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The map that `get_config` described."""
        return cls(**config)

    def __eq__(self, other):
        return isinstance(other, DTypePolicyMap) and other.get_config() == self.get_config()

    __hash__ = object.__hash__

    def __repr__(self):
        return f"<DTypePolicyMap {self.get_config()['policy_map']}, else {self.default_policy.name!r}>"
