"""Which optimizer updates which variable."""

import re
from collections.abc import Iterator, MutableMapping
from typing import Self

from phasewise.core import registry
from phasewise.core.keywords import Told
from phasewise.core.registry import register
from phasewise.core.types import Config
from phasewise.core.variable import Variable
from phasewise.optimizers.optimizer import KIND, Optimizer

MAP = "optimizer_map"


@register(MAP)
class OptimizerMap(MutableMapping, Told):
    """Optimizers by the paths of variables, for `MultiOptimizer`.

    A path is looked up as it is, then among the keys as regular expressions that must match all of it ("encoder/.*", not "encoder").

    Args:
        default_optimizer: updates what no key matches.
        optimizer_map: dict from paths or expressions to optimizers, or None.

    Raises:
        TypeError: `default_optimizer` is no optimizer, or `optimizer_map` no dict.
        ValueError: a key is no regular expression or is there already, a value is no optimizer or one that wraps others; at a look-up:
            several expressions match.
    """

    def __init__(self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None):
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(f"OptimizerMap's default_optimizer must be an optimizer; got {default_optimizer!r}.")
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(
                f"OptimizerMap's optimizer_map must be a dict from paths to optimizers; got {optimizer_map!r}."
            )
        self._default, self._optimizers = check_inner(default_optimizer, "the default of an OptimizerMap"), {}
        for key, optimizer in (optimizer_map or {}).items():
            self[key] = optimizer

    @property
    def default_optimizer(self) -> Optimizer:
        """Updates what no key matches."""
        return self._default

    def __getitem__(self, key: str) -> Optimizer:
        """The optimizer for a path."""
        if key in self._optimizers:
            return self._optimizers[key]
        found = [pattern for pattern in self._optimizers if re.fullmatch(pattern, key)]
        if len(found) > 1:
            raise ValueError(
                f"Several keys of the OptimizerMap match variable {key!r}: {', '.join(map(repr, found))}. Make them such that one does."
            )
        return self._optimizers[found[0]] if found else self._default

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if not isinstance(key, str):
            raise ValueError(f"A key of an OptimizerMap is a path or a regular expression, a str; got {key!r}.")
        if key in self._optimizers:
            raise ValueError(f"The OptimizerMap has {key!r} already, with {self._optimizers[key]!r}. Delete it first.")
        try:
            re.compile(key)
        except re.error as error:
            raise ValueError(
                f"A key of an OptimizerMap is a path or a regular expression; {key!r} is none: {error}."
            ) from None
        self._optimizers[key] = check_inner(optimizer, f"{key!r} of an OptimizerMap")

    def __delitem__(self, key: str) -> None:
        del self._optimizers[key]

    def __len__(self) -> int:
        return len(self._optimizers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizers)

    def __call__(self, variable: Variable) -> Optimizer:
        """The optimizer for a variable."""
        return self[variable.path]

    def get_config(self) -> Config:
        """Both arguments."""
        described = {key: registry.serialize(optimizer) for key, optimizer in self._optimizers.items()}
        return {"default_optimizer": registry.serialize(self._default), "optimizer_map": described}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """A new one, with new optimizers."""
        made = {key: registry.deserialize(KIND, each) for key, each in (config["optimizer_map"] or {}).items()}
        return cls(registry.deserialize(KIND, config["default_optimizer"]), made)


def check_inner(optimizer, place):
    """`optimizer`, which is one that updates by itself.

    Raises:
        ValueError: it is no optimizer, or wraps others.
    """
    if not isinstance(optimizer, Optimizer):
        raise ValueError(f"The optimizer for {place} must be an object of phasewise.optimizers; got {optimizer!r}.")
    if optimizer.wraps_others:
        raise ValueError(
            f"The optimizer for {place} is a {type(optimizer).__name__}, which wraps others itself: give one that updates. A "
            "LossScaleOptimizer goes around the MultiOptimizer."
        )
    return optimizer
