"""What is said of a keyword that a function or a class does not take: what came, what it is called now or which is near, what is taken;
and of an argument that is missing."""

import functools
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any, Self, TypeVar

from phasewise.core import constructors, former, missing_arguments
from phasewise.core.entries import nearest

F = TypeVar("F", bound=Callable[..., Any])


def message(owner: str, strangers: Sequence[str], known: Collection[str]) -> str:
    """What is said where `owner` is given `strangers`, which are not among the `known` names of its arguments."""
    came = f"argument {strangers[0]!r}" if len(strangers) == 1 else f"arguments {', '.join(map(repr, strangers))}"
    hints = "".join(_hint(owner, name, known, "It" if len(strangers) == 1 else name) for name in strangers)
    takes = f"It takes: {', '.join(dict.fromkeys(known))}." if known else "It takes none."
    return f"{owner} has no {came}.{hints} {takes}"


def told(function: F) -> F:
    """Decorator: a keyword that the function does not take, or an argument that is missing, is a TypeError with the message about it."""

    @functools.wraps(function)
    def called(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except TypeError:
            error = refusal(function, kwargs) or _refusal_of_missing(function, args, kwargs)
            if error is None:
                raise
        raise error

    called.tells_keywords = True
    return called


def refusal(function: Callable[..., Any], kwargs: Mapping[str, Any]) -> TypeError | None:
    """The error that tells of those of `kwargs` that a function does not take; None where it takes them all."""
    takes_all = any(p.kind is p.VAR_KEYWORD for p in inspect.signature(function).parameters.values())
    strangers = [name for name in kwargs if name not in _taken(function)]
    if takes_all or not strangers:
        return None
    return TypeError(message(function.__name__, strangers, _taken(function)))


def _refusal_of_missing(function, args, kwargs):
    missed = missing_arguments.lacking(inspect.signature(function).parameters.values(), args, kwargs)
    return TypeError(missing_arguments.message(function.__name__, missed, _taken(function))) if missed else None


def refuse_left_over(function: Callable[..., Any], strangers: Iterable[str]) -> None:
    """Nothing, where there are none.

    Raises:
        TypeError: there are keywords left of which `function`, which takes any, knows nothing.
    """
    strangers = list(strangers)
    if strangers:
        raise TypeError(message(function.__name__, strangers, _taken(function)))


def tell_in(module: ModuleType, owner: str) -> None:
    """Puts what is `told` into the place of each public function of a module from which people import.

    Args:
        module: where the function stands beside others of phasewise's own, which keep calling the one that does not tell.
        owner: the name under which people import the module.
    """
    for name in getattr(module, "__all__", None) or [name for name in dir(module) if name[0] != "_"]:
        function = vars(module).get(name)
        if not inspect.isfunction(function) or not function.__module__.startswith("phasewise."):
            continue
        if not hasattr(function, "tells_keywords"):
            setattr(module, name, _telling(function, owner))


class Told:
    """A class whose constructor says what `message` says of a keyword that it does not take, and which argument is missing.

    `unlisted` are names that it takes, and that nobody is advised to use.
    """

    unlisted: frozenset[str] = frozenset()

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls) and cls.__module__.startswith("phasewise."):
            cls.__init__ = missing_arguments.told_of(cls.__init__)

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        if kwargs:
            _check_constructor(cls, args, kwargs)
        if args and cls.__init__ is object.__init__:
            raise TypeError(f"{cls.__name__} takes no arguments; got {args[0]!r}.")
        new = super().__new__
        return new(cls) if new is object.__new__ else new(cls, *args, **kwargs)

    # What `inspect` and `help` say of a class without an `__init__`.
    __new__.__signature__ = inspect.Signature([inspect.Parameter("cls", inspect.Parameter.POSITIONAL_ONLY)])


def _check_constructor(cls, args, kwargs):
    parameters = {} if cls.__init__ is object.__init__ else constructors.parameters(cls)
    strangers = [name for name in kwargs if name not in parameters]
    if not strangers:
        return
    passes_on = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    comes_to_an_end = not cls.__module__.startswith("phasewise.") or not missing_arguments.lacking(
        list(parameters.values())[1:], args, kwargs
    )
    if passes_on and comes_to_an_end:  # where it is told what is left over; Python misses nothing before
        return
    known = constructors.names(cls)
    strangers = [name for name in strangers if name not in known and name not in cls.unlisted]
    if strangers:
        raise TypeError(message(cls.__name__, strangers, known))


def _taken(function):
    parameters = inspect.signature(function).parameters.values()
    return [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY) and p.name != "self"]


def _hint(owner, name, known, subject):
    now, beside = former.argument(owner, name, known)
    if now:
        return f" {subject} is called {now}." + (f" {beside}" if beside else "")
    if beside:
        return f" {beside}" if subject == "It" else f" {name}: {beside}"
    near = nearest(name, known)
    if not near:
        return ""
    return f" Did you mean {near!r}?" if subject == "It" else f" For {name!r}, did you mean {near!r}?"


_AT_DOORS = {}


def _telling(function, owner):
    """The one function that stands for `function` at every door that has it; pickle finds it at the first of them."""
    if function not in _AT_DOORS:
        _AT_DOORS[function] = told(function)
        _AT_DOORS[function].__module__ = owner
    return _AT_DOORS[function]
