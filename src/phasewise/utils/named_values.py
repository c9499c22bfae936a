"""Config: values under names, as attributes."""

import json
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any

from phasewise.core.registry import did_you_mean


class Config:
    """A dict whose entries are attributes too, and which can be frozen.

    Args:
        kwargs: the first entries.

    Names of its own methods (`keys`, `freeze` …) are refused as names of entries, which Keras takes for attributes that no `as_dict` tells.

    Raises:
        ValueError: an entry is set, changed or removed while it is frozen, or has the name of a method.
        AttributeError: there is no entry of that name; the message gives the nearest.
    """

    def __init__(self, **kwargs: Any):
        object.__setattr__(self, "_config", {})
        object.__setattr__(self, "_frozen", False)
        self.update(kwargs)

    @property
    def frozen(self) -> bool:
        """Whether it is."""
        return self._frozen

    def freeze(self) -> None:
        """Nothing can be changed from now on."""
        object.__setattr__(self, "_frozen", True)

    def unfreeze(self) -> None:
        """It can again."""
        object.__setattr__(self, "_frozen", False)

    def as_dict(self) -> dict[str, Any]:
        """A dict of its own with the entries."""
        return dict(self._config)

    def to_json(self) -> str:
        """The entries as JSON."""
        return json.dumps(self._config)

    def keys(self) -> KeysView[str]:
        """The names."""
        return self._config.keys()

    def values(self) -> ValuesView[Any]:
        """The values."""
        return self._config.values()

    def items(self) -> ItemsView[str, Any]:
        """Names and values."""
        return self._config.items()

    def get(self, keyname: str, value: Any = None) -> Any:
        """The entry of that name, or `value` where there is none."""
        return self._config.get(keyname, value)

    def pop(self, *args: Any) -> Any:
        """Remove an entry and return it, or the default that is given behind the name where there is none."""
        self._changing()
        return self._config.pop(*args)

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several entries, as `dict.update` does."""
        for name, value in dict(*args, **kwargs).items():
            self[name] = value

    def __setattr__(self, name, value):
        self[name] = value

    def __getattr__(self, name):
        held = vars(self).get("_config", {})  # not there yet while it is copied
        if name in held:
            return held[name]
        raise AttributeError(f"The config has no entry {name!r}.{did_you_mean(name, held)}", name=name)

    def __delattr__(self, name):
        if name not in self._config:
            getattr(self, name)
        del self[name]

    def __setitem__(self, key, item):
        self._changing()
        if isinstance(key, str) and (hasattr(type(self), key) or key.startswith("_")):
            raise ValueError(f"A config's own methods and what begins with '_' cannot be entries; got {key!r}.")
        self._config[key] = item

    def __getitem__(self, key):
        return self._config[key]

    def __delitem__(self, key):
        self._changing()
        del self._config[key]

    def __contains__(self, item):
        return item in self._config

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._config))

    def __len__(self):
        return len(self._config)

    def __eq__(self, other):
        return isinstance(other, Config) and self._config == other._config

    __hash__ = None

    def __getstate__(self):
        return {"_config": self._config, "_frozen": self._frozen}

    def __setstate__(self, state):
        vars(self).update(state)

    def __repr__(self):
        return f"<Config {self._config}>"

    def _changing(self):
        if self._frozen:
            raise ValueError("The config is frozen: nothing in it can be changed. Call unfreeze() first.")
