"""Type hints: everything public says what it takes and returns, so that editors and checkers know."""

import importlib
import importlib.resources
import inspect

import pytest

import phasewise as pw

MODULES = [
    "activations",
    "backend",
    "callbacks",
    "config",
    "constraints",
    "data",
    "dtype_policies",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "optimizers",
    "optimizers.schedules",
    "random",
    "regularizers",
    "tree",
    "warning",
]


def functions_of(item):
    """The public functions that an item is or holds, by name."""
    if inspect.isclass(item):
        for name, member in vars(item).items():
            if name.startswith("_") and name not in ("__init__", "__call__"):
                continue
            member = getattr(member, "fget", None) or getattr(member, "__func__", member)
            if inspect.isfunction(member):
                yield f"{item.__name__}.{name}", member
    elif inspect.isfunction(item):
        yield item.__name__, item


def unannotated(function):
    """The parameters of a function without a type, and "return"."""
    signature = inspect.signature(function)
    bare = [p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name not in ("self", "cls")]
    silent = signature.return_annotation is signature.empty and function.__name__ != "__init__"
    return bare + ["return"] * silent


def public(module):
    """The classes and functions of phasewise that a public module offers."""
    found = {name: getattr(module, name) for name in dir(module) if not name.startswith("_")}
    return {n: item for n, item in found.items() if getattr(item, "__module__", "").startswith("phasewise.")}


@pytest.mark.parametrize("name", ["", *MODULES])
def test_every_public_signature_is_annotated(name):
    module = importlib.import_module(f"phasewise.{name}") if name else pw
    missing = {
        where: bare
        for item in public(module).values()
        for where, function in functions_of(item)
        if function.__module__.startswith("phasewise.") and (bare := unannotated(function))
    }
    assert missing == {}


def test_the_package_says_that_it_is_typed():
    assert importlib.resources.files("phasewise").joinpath("py.typed").is_file()
