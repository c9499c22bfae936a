"""Names and classes: how a string, a config or an object in a user's hand becomes the thing it names.

Every family that Keras lets people name by a string ("relu", "adam", "mse") registers here under a `kind`. A lookup
that fails names the nearest match. Nothing is ever imported or executed because a file says so: a config can only
name what was registered by code that already ran.
"""

import difflib
import inspect
import re

_ENTRIES = {}
_CANONICAL = {}


def snake_case(name):
    """`BinaryCrossentropy` -> `binary_crossentropy`, `ReLU` -> `re_lu`."""
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower()


def register(kind, *aliases):
    """Decorator: the class or function is found in `kind` by its own name, the aliases and its snake_case form, which
    yields to a function of that very name (`binary_crossentropy` is the function, not the class)."""

    def enter(item):
        table = _ENTRIES.setdefault(kind, {})
        for name in (item.__name__, *aliases):
            table[name] = item
        table.setdefault(snake_case(item.__name__), item)
        _CANONICAL[item] = (kind, item.__name__)
        return item

    return enter


def register_serializable(package="Custom", name=None):
    """Decorator for a user's own class or function, found in files as `package>name` (Keras's
    `saving.register_keras_serializable`)."""

    def enter(item):
        registered = f"{package}>{name or item.__name__}"
        _ENTRIES.setdefault("custom", {})[registered] = item
        _ENTRIES["custom"][name or item.__name__] = item
        _CANONICAL[item] = ("custom", registered)
        return item

    return enter


def members(kind):
    """The distinct classes and functions registered under `kind`, in order of registration."""
    return list(dict.fromkeys(_ENTRIES.get(kind, {}).values()))


def canonical_name(item):
    """The name that `find` takes back to `item`; None when it was never registered."""
    return _CANONICAL.get(item, (None, None))[1]


def find(kind, name):
    """The class or function called `name` in `kind`, or a user's registered one.

    Raises:
        ValueError: nothing has that name; the message gives the nearest names.
    """
    for table in (_ENTRIES.get(kind, {}), _ENTRIES.get("custom", {})):
        if name in table:
            return table[name]
    names = _ENTRIES.get(kind, {})
    lower_first = str(name) == str(name).lower()
    near = nearest(name, sorted(names, key=lambda n: (n == n.lower()) != lower_first))
    known = sorted({n for n in names if n == n.lower()} or names)
    hint = f"Did you mean {near!r}?" if near else f"Known: {', '.join(known)}; or pass an object or a function."
    raise ValueError(f"Unknown {kind} {name!r}. {hint}")


def nearest(name, candidates):
    """The candidate closest in spelling to `name`, or None when nothing is close."""
    lowered = {}
    for candidate in candidates:
        lowered.setdefault(str(candidate).lower(), candidate)
    close = difflib.get_close_matches(str(name).lower(), list(lowered), n=1, cutoff=0.6)
    return lowered[close[0]] if close else None


def resolve(kind, identifier, **defaults):
    """What the user passed for an argument of this `kind`, as an object.

    None stays None; a string is looked up (a class is instantiated with `defaults`, a function returned); a
    `{"class_name", "config"}` dict is rebuilt; a class is instantiated; any other callable is returned as it is.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str):
        found = find(kind, identifier)
        return found(**defaults) if inspect.isclass(found) else found
    if isinstance(identifier, dict):
        return deserialize(kind, identifier)
    if inspect.isclass(identifier):
        return identifier(**defaults)
    if callable(identifier) or hasattr(identifier, "get_config"):
        return identifier
    raise ValueError(
        f"Could not interpret {identifier!r} as {kind}: give a name, a config dict, an object or a function."
    )


def serialize(item):
    """A JSON-ready description: None, a name for a registered function, or `{"class_name", "config"}`."""
    if item is None or isinstance(item, str | int | float | bool):
        return item
    if isinstance(item, dict):
        return item
    if hasattr(item, "get_config"):
        name = canonical_name(type(item)) or type(item).__name__
        return {"class_name": name, "config": item.get_config()}
    name = canonical_name(item)
    if name is not None:
        return name
    return getattr(item, "__name__", repr(item))


def deserialize(kind, spec):
    """The inverse of `serialize`.

    Raises:
        ValueError: the dict has no `class_name`, or nothing registered bears that name.
    """
    if not isinstance(spec, dict):
        return resolve(kind, spec)
    if "class_name" not in spec:
        raise ValueError(f"A {kind} config needs 'class_name' and 'config'; got the keys {sorted(map(str, spec))}.")
    if spec["class_name"] == "function":
        return find(kind, spec["config"])
    cls = find(kind, spec.get("registered_name") or spec["class_name"]) if spec.get("registered_name") else None
    cls = cls or find(kind, spec["class_name"])
    config = spec.get("config") or {}
    return cls.from_config(config) if hasattr(cls, "from_config") else cls(**config)
