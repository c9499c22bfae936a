"""Dtype policies as Keras names them: made, looked up, written down and made again."""

from collections.abc import Mapping

from phasewise.core.policy_map import DTypePolicyMap
from phasewise.core.precision import DTypePolicy, PolicyLike, resolve
from phasewise.core.registry import did_you_mean
from phasewise.core.types import Config

__all__ = ["DTypePolicy", "DTypePolicyMap", "FloatDTypePolicy", "deserialize", "get", "serialize"]

FloatDTypePolicy = DTypePolicy

_CLASSES = {"DTypePolicy": DTypePolicy, "FloatDTypePolicy": DTypePolicy, "DTypePolicyMap": DTypePolicyMap}


def serialize(dtype_policy: DTypePolicy) -> Config:
    """A JSON-ready description, which Keras reads too."""
    described = {"class_name": type(dtype_policy).__name__, "config": dtype_policy.get_config()}
    return {"module": "keras", "registered_name": None, **described}


def deserialize(config: Config, custom_objects: Mapping[str, type] | None = None) -> DTypePolicy:
    """The policy that `serialize` described.

    Args:
        custom_objects: classes by name that may be meant.

    Raises:
        ValueError: the config names none that is known.
    """
    known = {**_CLASSES, **(custom_objects or {})}
    name = config.get("class_name") if isinstance(config, Mapping) else None
    if name not in known:
        raise ValueError(
            f"dtype_policies.deserialize takes a dict whose 'class_name' is one of {', '.join(known)}; got {config!r}."
            f"{did_you_mean(name, known)}"
        )
    return known[name].from_config(config["config"])


def get(identifier: PolicyLike) -> DTypePolicy:
    """A policy from its name, a dtype, a config or an object; None is the default policy.

    Raises:
        ValueError: it names none.
    """
    return (
        deserialize(identifier)
        if isinstance(identifier, Mapping) and "class_name" in identifier
        else resolve(identifier)
    )
