"""Names and classes: how a string, a config or an object in a user's hand becomes the thing it names.

The tables stand in `entries`, configs in `describing` and `restoring`; this is what the families import.
"""

import inspect
import sys
from collections.abc import Callable, Collection, Mapping
from typing import Any, Self, TypeVar

from phasewise.core import constructors, former
from phasewise.core.custom_objects import register_serializable as register_serializable
from phasewise.core.describing import serialize as serialize
from phasewise.core.entries import canonical_name as canonical_name
from phasewise.core.entries import did_you_mean as did_you_mean
from phasewise.core.entries import find as find
from phasewise.core.entries import has as has
from phasewise.core.entries import kind_of as kind_of
from phasewise.core.entries import kinds as kinds
from phasewise.core.entries import members as members
from phasewise.core.entries import nearest as nearest
from phasewise.core.entries import register as register
from phasewise.core.entries import snake_case as snake_case
from phasewise.core.keywords import Told
from phasewise.core.restoring import deserialize as deserialize
from phasewise.core.types import Config

T = TypeVar("T")


def one_of(owner: str, argument: str, value: T, known: Collection[T]) -> T:
    """`value` when it is one of the `known` words.

    Raises:
        ValueError: it is not; the message names the nearest.
    """
    if value in known:
        return value
    hint = did_you_mean(value, [word for word in known if word])
    raise ValueError(f"{owner}'s {argument} is one of {', '.join(map(repr, known))}; got {value!r}.{hint}")


def near_names(module_name: str) -> Callable[[str], Any]:
    """The `__getattr__` of a public module: a name that it does not have is refused with the nearest that it has.

    The names are `__all__`, or what `dir` lists and is no module, at the time of the miss. A name that begins with an
    underscore has no near one: importing, copying and pickling ask for many such.

    Args:
        module_name: the name under which people import the module.
    """

    def __getattr__(name):
        if name.startswith("_"):
            raise AttributeError(f"module {module_name!r} has no attribute {name!r}", name=name)
        module = sys.modules.get(module_name)
        names = getattr(module, "__all__", None) or [
            each for each in dir(module) if each[0] != "_" and not inspect.ismodule(vars(module).get(each))
        ]
        # With `name` set, Python adds no suggestion of its own to the message.
        hint = former.instead(name) or did_you_mean(name, names)
        raise AttributeError(f"{module_name} has no {name!r}.{hint}", name=name)

    return __getattr__


def resolve(kind: str, identifier: Any, **defaults: Any) -> Any:
    """What the user passed for an argument of this `kind`, as an object.

    None stays None; a string is looked up (a class is instantiated with `defaults`, a function returned); a
    `{"class_name", "config"}` dict is rebuilt; a class is instantiated; any other callable is returned as it is.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        found = find(kind, identifier)
        return found(**defaults) if inspect.isclass(found) else found
    if isinstance(identifier, Mapping):
        return deserialize(kind, identifier)
    if inspect.isclass(identifier):
        return identifier(**defaults)
    if callable(identifier) or hasattr(identifier, "get_config"):
        return getattr(identifier, "__stands_for__", identifier)  # as tf.nn.relu stands for our own, in a script
    raise ValueError(
        f"Could not interpret {identifier!r} as {kind}: give a name, a config dict, an object or a function."
    )


class Configurable(Told):
    """Described by the arguments of its constructor, each of which it keeps under the argument's name."""

    def get_config(self) -> Config:
        """The constructor's arguments; a class that keeps one under another name adds it."""
        return {name: getattr(self, name) for name in constructors.names(type(self)) if hasattr(self, name)}

    @classmethod
    def from_config(cls, config: Config) -> Self:
        """The object that `get_config` described."""
        return cls(**config)
